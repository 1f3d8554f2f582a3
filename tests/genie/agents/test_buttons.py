"""The map from latent actions to buttons."""

import numpy as np
import pytest

from genie.agents.buttons import map_codes


def test_a_code_stands_for_the_button_most_frequent_where_it_was_read():
    codes, buttons = np.array([0, 0, 0, 1, 1, 2]), np.array([7, 7, 1, 1, 1, 5])
    assert map_codes(codes, buttons, 3, 9).tolist() == [7, 1, 5]


def test_a_tie_goes_to_the_button_that_is_labelled_more_often_altogether():
    codes, buttons = np.array([0, 0, 1, 1]), np.array([2, 3, 3, 3])
    assert map_codes(codes, buttons, 2, 4).tolist() == [3, 3]


def test_a_large_total_never_outweighs_one_label_of_the_code():
    codes = np.array([0] * 99 + [1])
    assert map_codes(codes, np.array([2] * 99 + [0]), 2, 3).tolist() == [2, 0]


def test_a_code_without_a_label_gets_the_most_frequent_button():
    assert map_codes(np.array([1, 1, -1]), np.array([4, 4, 2]), 3, 5).tolist() == [4, 4, 4]


@pytest.mark.parametrize(
    ("codes", "buttons", "words"),
    [
        ([], [], "one label or more"),
        ([0, 1], [0], "a code for each"),
        ([3], [0], "codes 3 to 3: allowed are -1 to 2"),
        ([0], [4], "buttons 4 to 4: allowed are 0 to 3"),
        ([0], [-1], "buttons -1 to -1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(codes, buttons, words):
    with pytest.raises(ValueError, match=words):
        map_codes(np.array(codes, int), np.array(buttons, int), 3, 4)
