"""The page's end of a connection to a server."""

import pytest

from genie.web.record import PAGE


@pytest.mark.parametrize(
    ("answers", "asked"), [([None, 200], 2), ([502, None, 503, 200], 4), ([404], 1)]
)
def test_a_page_that_lost_its_server_is_loaded_again_once_that_itself_answers(node, answers, asked):
    assert node("server.mjs", PAGE, given=answers) == asked
