"""The hand: what is picked, where it is put down, how that is undone; and scenes that fade in."""

import numpy as np
import pytest
from PIL import Image

from genie.edit import KEEP
from genie.play.game.hand import HandPanel, Spot
from genie.play.player import FADE_FRAMES


def at(row, column, scene=True):
    return Spot(scene=scene, row=row, column=column)


def pick(panel, first, last):
    panel.point(first)
    panel.grab()
    panel.point(last)
    panel.let_go()


def put(panel, spot):
    panel.point(spot)
    panel.grab()
    panel.let_go()


@pytest.fixture
def hand(game):
    """The open hand of a game that has played two frames."""
    game.press("right")
    game.ticks(2)
    game.release("right")
    game.tap("e")
    assert isinstance(game.panel, HandPanel)
    return game.panel


def tokens(game):
    return game.player.session[game.player.head].ids.tolist()


def test_a_click_picks_one_token_and_a_drag_a_rectangle(hand):
    pick(hand, at(1, 0), at(1, 0))
    assert hand.piece.ids.tolist() == [[50]] and hand.piece.frame.shape == (6, 8, 3)
    hand.empty()
    pick(hand, at(1, 1), at(0, 0))
    assert hand.piece.ids.tolist() == [[2, 2], [50, 5]]
    assert np.array_equal(hand.piece.frame, hand.scene.frame)


def test_a_piece_of_another_picture_is_put_down_and_play_goes_on_from_it(game, hand):
    game.tap("right")
    assert hand.shown == 1
    pick(hand, at(1, 0, scene=False), at(1, 0, scene=False))
    assert hand.piece.ids.tolist() == [[90]]
    number = game.player.frame_number
    painted = game.player.frame.copy()
    painted[6:, :8] = 90
    put(hand, at(1, 0))
    seen = int(painted.mean())  # a token of this world knows the grey level of the picture
    assert tokens(game) == [2, 2, seen, 5]
    assert (game.player.frame_number, game.player.session[game.player.head].edited) == (
        number,
        True,
    )
    game.tap("e")
    assert game.panel is None
    game.ticks(1)
    assert tokens(game) == [0, 3, seen, 5]


def test_time_stands_still_while_the_hand_is_open(game, hand, world):
    game.ticks(5)
    assert world.actions == [2, 2]


def test_a_piece_lies_with_its_middle_under_the_pointer_and_inside_the_frame(hand):
    pick(hand, at(0, 0, scene=False), at(0, 1, scene=False))
    hand.point(at(1, 1))
    assert (hand.outline.top, hand.outline.left) == (1, 0)
    assert (hand.outline.rows, hand.outline.columns) == (1, 2)
    hand.point(at(0, 0, scene=False))
    assert hand.outline is None


def test_a_held_button_paints_where_it_goes_and_each_piece_is_undone(game, hand):
    hand.show(1)
    pick(hand, at(0, 0, scene=False), at(0, 0, scene=False))
    before = game.player.head, tokens(game)
    hand.point(at(0, 0))
    hand.grab()
    hand.point(at(0, 0))
    hand.point(at(0, 1))
    hand.let_go()
    hand.point(at(1, 1))
    assert tokens(game) == [4, 0, 50, 5]
    assert hand.can_undo
    game.tap("z")
    assert tokens(game) == [4, 2, 50, 5]
    game.tap("z", "z")
    assert (game.player.head, tokens(game)) == before
    assert not hand.can_undo


def test_what_is_there_already_is_not_put_down_again(game, hand):
    length = len(game.player.session)
    pick(hand, at(0, 0), at(0, 0))
    put(hand, at(0, 0))
    assert len(game.player.session) == length


def test_a_rectangle_that_ends_outside_of_its_picture_picks_nothing(hand):
    pick(hand, at(0, 0), at(0, 0, scene=False))
    assert hand.piece is None
    pick(hand, at(0, 0), None)
    assert hand.piece is None


def test_escape_empties_the_hand_and_then_leaves_it(game, hand):
    pick(hand, at(0, 0), at(0, 0))
    game.tap("escape")
    assert hand.piece is None and game.panel is hand
    game.tap("escape")
    assert game.panel is None and not game.state.quit


def test_a_picture_that_is_dropped_on_the_hand_can_be_picked_from(game, hand, tmp_path):
    Image.fromarray(np.full((12, 16, 3), 120, np.uint8)).save(tmp_path / "p.png")
    game.drop(tmp_path / "p.png", 0.0)
    assert game.panel is hand and hand.shown == 2
    assert hand.palette.ids.tolist() == [[4, 0], [120, 0]]


def test_a_world_whose_tokens_form_no_grid_says_so(game, monkeypatch):
    def refuse(*args):
        raise ValueError("4 tokens do not form a grid")

    monkeypatch.setattr("genie.play.game.hand.token_grid", refuse)
    game.tap("e")
    assert game.panel is None and "do not form a grid" in game.message


def test_the_next_picture_fades_in_under_the_keys_that_are_held(game, world):
    game.press("right")
    game.ticks(1)
    game.tap("c")
    assert game.message == "picture 2 of 2 fades in"
    game.ticks(FADE_FRAMES)
    assert tokens(game) == [4, 0, 90, 0]
    assert game.player.frame_number == 1 + FADE_FRAMES
    line = game.player.session.line(game.player.head, FADE_FRAMES)
    assert all(game.player.session[int(r)].action == 2 for r in line)
    assert all(game.player.session[int(r)].edited for r in line)
    game.ticks(1)
    assert not game.player.session[game.player.head].edited


@pytest.mark.parametrize("key", ["r", "n", ","])
def test_going_elsewhere_ends_a_fade(game, key):
    game.ticks(2)
    game.tap("c")
    game.ticks(2)
    game.tap(key)
    if game.state.paused:
        game.tap("p")
    game.ticks(2)
    assert not game.player.session[game.player.head].edited


def test_a_dropped_picture_fades_in_with_shift_or_from_its_panel(game, tmp_path):
    Image.fromarray(np.full((12, 16, 3), 120, np.uint8)).save(tmp_path / "p.png")
    game.press("right")
    game.drop(tmp_path / "p.png", 0.0, fade=True)
    game.ticks(FADE_FRAMES)
    assert tokens(game) == [4, 0, 120, 0]
    assert game.state.action == 2  # the key is still held
    Image.fromarray(np.full((12, 16, 3), 130, np.uint8)).save(tmp_path / "p.png")
    game.drop(tmp_path / "p.png", 0.0)
    game.tap("c")
    game.ticks(FADE_FRAMES)
    assert tokens(game) == [4, 0, 130, 0]
    assert game.player.frame_number == 2 * FADE_FRAMES


def test_a_saved_frame_fades_in(game):
    game.tap("f5", "1")
    game.press("left")
    game.ticks(3)
    game.tap("f9", "c")
    game.ticks(FADE_FRAMES)
    assert tokens(game) == [4, 0, 50, 5]
    assert game.player.frame_number == 3 + FADE_FRAMES


def test_an_edit_of_the_player_begins_a_branch_where_time_was_turned_back(game, world):
    game.press("right")
    game.ticks(4)
    game.tap(",", ",")
    game.player.edit(np.array([KEEP, KEEP, 77, KEEP]))
    assert game.player.session.ends() == [4, 5]
    game.tap(".")
    game.ticks(1)
    assert tokens(game)[2] == 77 and game.player.frame_number == 3
