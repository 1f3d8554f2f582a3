import pytest

from genie.play.scripted_keys import parse_keys, scripted_actions


def test_a_name_with_a_count_lasts_for_that_many_frames(keymap):
    assert parse_keys("right*3 jump*2 a0*1", keymap) == [2, 2, 2, 3, 3, 0]


def test_a_name_without_a_count_lasts_one_frame(keymap):
    assert parse_keys("left a3\n right", keymap) == [1, 3, 2]


def test_an_unknown_name_lists_the_known_ones(keymap):
    with pytest.raises(ValueError, match="'fly'.*none, left, right, jump.*a0 to a3"):
        parse_keys("right*3 fly*2", keymap)


@pytest.mark.parametrize("count", ["0", "000", "-1", "-20"])
def test_a_count_below_one_says_what_a_count_must_be(keymap, count):
    with pytest.raises(ValueError, match=f"'right\\*{count}'.*must be 1 or more"):
        parse_keys(f"left right*{count}", keymap)


def test_the_names_that_are_listed_are_all_that_work(keymap):
    with pytest.raises(ValueError) as error:
        parse_keys("fly", keymap)
    for word in ("up", "idle", "noop"):
        assert keymap.by_name(word) >= 0
        assert word in str(error.value)
    assert "down" not in str(error.value)


@pytest.mark.parametrize("word", ["right*0", "right*", "right*-1", "right*x", "*3", "right*2*3"])
def test_a_bad_count_is_shown(keymap, word):
    with pytest.raises(ValueError) as error:
        parse_keys(f"left {word}", keymap)
    assert repr(word) in str(error.value)
    assert "right*20" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "   "])
def test_no_word_at_all_is_refused(keymap, text):
    with pytest.raises(ValueError, match="empty"):
        parse_keys(text, keymap)


def test_a_typing_error_does_not_fill_the_memory(keymap):
    with pytest.raises(ValueError, match="10,000,000"):
        parse_keys("left*99999999999", keymap)
    with pytest.raises(ValueError, match="10,000,000"):
        parse_keys(f"left*{'9' * 5000}", keymap)


@pytest.mark.parametrize(
    ("keys", "frames", "expected"),
    [
        (None, None, [2, 2, 3]),
        ("left*2", None, [1, 1]),
        ("left*2", 4, [1, 1, 0, 0]),
        ("left*5", 2, [1, 1]),
        (None, 3, [0, 0, 0]),
    ],
)
def test_length_is_that_of_frames_then_of_keys_then_of_the_demo(keymap, keys, frames, expected):
    assert scripted_actions(keymap, keys, frames, "right*2 jump") == expected
