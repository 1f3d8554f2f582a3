"""The page's keys, which count as those of the window do."""

import pytest

from genie.web.record import PAGE

NAMES = ("none", "left", "right", "up", "up-right")
WORLD = {
    "name": "toy",
    "idle": 0,
    "actions": [
        {"id": id, "name": name, "keys": [name] if 0 < id < 4 else []}
        for id, name in enumerate(NAMES)
    ],
}
FRAME = ("frame", "")


def press(source):
    return ("press", source)


def release(source):
    return ("release", source)


def tap(source):
    return press(source), release(source)


@pytest.mark.parametrize(
    ("deeds", "taken"),
    [
        ([*tap("left"), FRAME, FRAME], [1, 0]),
        ([*tap("action:2"), FRAME, FRAME], [2, 0]),  # a button on the screen
        ([press("left"), *tap("up"), FRAME, FRAME], [3, 1]),
        ([press("right"), *tap("up"), FRAME, FRAME], [4, 2]),  # as both
        ([*tap("left"), *tap("right"), FRAME, FRAME], [2, 0]),
        ([press("left"), FRAME, FRAME, release("left"), FRAME], [1, 1, 0]),
        ([press("left"), press("right"), ("releaseAll", ""), FRAME], [0]),
        ([FRAME], [0]),
        # An arrow that was given to another action spells nothing, nor does one without an action.
        ([("bind", "right", 1), press("right"), press("up"), FRAME], [3]),
        ([("bind", "d", 4), press("d"), press("up"), FRAME], [4]),
        ([press("down"), press("right"), FRAME], [2]),
    ],
)
def test_a_short_press_between_two_frames_counts_for_one_frame(node, deeds, taken):
    assert node("keys.mjs", PAGE, given={"world": WORLD, "deeds": deeds}) == taken


def test_a_key_of_a_command_stands_for_an_action_only_where_the_player_wants_it(node):
    older = {"id": 4, "name": "up-right", "keys": ["e", "y"]}
    given = {"world": {**WORLD, "actions": [*WORLD["actions"][:4], older]}, "commands": ["e", "r"]}
    deeds = [("keysOf", 4), ("bind", "r", 4), ("keysOf", 4), ("reset",), ("keysOf", 4)]
    assert node("keys.mjs", PAGE, given={**given, "deeds": deeds}) == [["y"], ["y", "r"], ["y"]]
