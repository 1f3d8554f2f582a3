"""The page's log of a play, which counts branches as genie/session/log.py does."""

import pytest

from genie.web.record import PAGE


def frame(parent, action, edited=False, steps=2, **made):
    settings = {"steps": steps, "temperature": 1}
    return {"parent": parent, "action": action, "edited": edited, "settings": settings, **made}


@pytest.mark.parametrize(
    ("edit", "ends"),
    [
        (frame(0, 1, edited=True), [2, 3, 4]),
        (frame(0, 2, edited=True), [1, 3, 4]),
        (frame(0, 2, edited=True, steps=4), [1, 2, 4]),
        (frame(0, 2, edited=True, of=1), [2, 3, 4]),
    ],
)
def test_an_edit_replaces_the_end_that_it_was_made_of(node, edit, ends):
    frames = [frame(None, 3), frame(0, 1), frame(0, 2), frame(0, 2, steps=4), edit]
    assert node("session.mjs", PAGE, given=frames) == ends
