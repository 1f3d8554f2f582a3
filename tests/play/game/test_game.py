"""Everything the keys do, without a screen."""

import pytest
from PIL import Image

from genie.play.game.action_keys import Bindings
from genie.play.game.game import Game
from genie.play.game.view import view_of
from genie.play.game.window_keys import COMMANDS
from genie.play.player import Player
from genie.session.log import Session


def red(game):
    """The action that the shown frame was drawn under, or the shade of a prompt."""
    return int(game.player.frame[0, 0, 0])


def test_single_steps_go_on_and_back_and_pause(game, world):
    game.press("right")
    game.ticks(3)
    game.tap(".")
    game.ticks(3)
    assert game.state.paused
    assert world.actions == [2, 2, 2, 2]
    game.tap(",", ",")
    assert game.player.frame_number == 2
    game.tap(".")  # what lies ahead is shown again, not drawn again
    game.ticks()
    assert game.player.frame_number == 3
    assert len(game.player.session) == 5


def test_branches_are_visited_in_turn(game):
    game.press("right")
    game.ticks(3)
    game.release("right")
    game.tap(",", ",", "p")
    game.press("left")
    game.ticks(4)
    assert game.player.session.ends() == [3, 7]
    game.tap("p", "b")
    assert (red(game), game.player.frame_number) == (120, 3)
    assert game.message == "branch 1 of 2"
    game.tap("b")
    assert (red(game), game.player.frame_number) == (60, 5)


def test_a_state_is_saved_with_its_picture_and_loaded_again(game, world):
    game.press("right")
    game.ticks(2)
    saved = game.player.frame.copy()
    game.tap("f5", "right", "return")
    assert game.message == "saved to slot 2"
    game.press("left")
    game.ticks(3)
    length = len(game.player.session)
    game.tap("f9")
    assert (game.panel.slots[1].thumbnail == saved).all()
    assert game.panel.slots[0].thumbnail is None
    game.tap("2")
    assert (game.player.frame == saved).all()
    assert len(game.player.session) == length  # it is still in the session: a branch
    game.ticks()
    assert world.actions == [2, 2, 1]


def test_a_state_of_an_earlier_session_is_loaded_with_all_that_led_to_it(game, card, world):
    game.press("right")
    game.ticks(3)
    game.tap("f5", "f5")
    later = type(game)(Game(card, Player(world, world.bundle.prompts, seed=9), game.options))
    later.tap("f9", "f9")
    assert later.player.frame_number == 3
    later.ticks()
    assert world.actions == [2, 2, 2, 0]


def test_a_state_of_another_seed_goes_on_in_a_session_and_a_log_of_its_own(
    game, card, world, workplace
):
    game.press("right")
    game.ticks(3)
    game.tap("f5", "f5")
    later = type(game)(Game(card, Player(world, world.bundle.prompts, seed=9), game.options))
    later.player.session.log_to(workplace / "x.session")
    later.ticks(2)
    later.tap("g", "f9", "f9")
    assert later.message == "loaded slot 1 in a session of its own, as its seed is another"
    later.ticks()
    later.tap("g")
    later.game.close()
    first, own = (Session.read(workplace / f"{name}.session") for name in ("x", "x-2"))
    assert (first.header.seed, own.header.seed) == (9, 5)
    assert (len(first), len(own)) == (3, 5)
    assert own.ids(range(5))[:, 3].tolist() == [5] * 5  # drawn under the seed of the header
    with Image.open(workplace / "toy.gif") as film:
        assert film.n_frames == 4


def test_a_state_of_another_precision_is_told_with_the_way_to_go_on_with_it(game, card, world):
    game.ticks(3)
    game.tap("f5", "f5")
    world.bundle.precision = "bfloat16"
    later = type(game)(Game(card, Player(world, world.bundle.prompts, seed=5), game.options))
    later.ticks(2)
    session = later.player.session
    later.tap("f9", "f9")
    assert "start play with --precision float32" in later.message
    later.ticks()
    assert later.player.session is session and len(session) == 4


def test_an_empty_or_damaged_slot_is_told_and_play_goes_on(game, world):
    game.tap("f9", "3")
    assert game.message == "slot 3 is empty: F5 saves"
    game.tap("f5", "4")
    path = game.slots.all()[3].path
    path.write_bytes(b"nothing")
    game.tap("f9", "4")
    assert "not a session log" in game.message
    game.ticks()
    assert world.actions == [0]


def test_steps_temperature_and_pace_follow_their_keys(game, world):
    game.tap("]", "]", "[", "page up", "page down", "page down", "=")
    assert world.settings.steps == 3
    assert world.settings.temperature == pytest.approx(0.9)
    assert game.state.fps_wanted == 20
    game.ticks()
    record = game.player.session[game.player.head]
    assert (record.steps, record.temperature) == (3, 0.9)
    game.tap(*["["] * 9)
    assert world.settings.steps == 1


def test_a_slow_machine_gets_fewer_steps_and_the_view_says_so(game, world):
    world.seconds.model = 0.06  # three units of 20 ms: two steps take longer than 1/15 s
    for _ in range(30):
        game.ticks()
        game.note_times(0.005)
        world.seconds.model = 0.02 * (world.settings.steps + 1)
    assert world.settings.steps == 1
    hud = view_of(game.game, game.now).hud
    assert (hud.steps, hud.adaptive, hud.too_slow) == ((1, 2), True, False)
    assert set(world.drawn_with) == {2, 1}


def test_a_press_for_more_or_fewer_steps_acts_at_once_and_stays(game, world):
    world.seconds.model = 1.0  # far too slow
    game.tap("]", "]")
    game.tap("\\")
    for _ in range(30):
        game.ticks()
        game.note_times(0.0)
    assert (world.settings.steps, game.adaptive_steps.active) == (1, True)
    for key, steps, words in (
        ("]", 2, "2 refinement steps, auto is off: \\ turns it on"),
        ("]", 3, "3 refinement steps"),
        ("[", 2, "2 refinement steps"),
        ("[", 1, "1 refinement step, the fewest"),
        ("[", 1, "1 refinement step, the fewest"),
        ("]", 2, "2 refinement steps"),
    ):
        game.tap(key)
        assert world.settings.steps == steps and game.message == words
        for _ in range(30):
            game.ticks()
            game.note_times(0.0)
        assert world.settings.steps == steps
        hud = view_of(game.game, game.now).hud
        assert (hud.steps, hud.adaptive, hud.too_slow) == ((steps, steps), False, True)
    for _ in range(20):
        game.tap("]")
    assert game.message == "16 refinement steps, the most"
    game.tap("\\")
    assert game.message == "auto: up to 2 refinement steps, fewer where play is slow"
    assert game.adaptive_steps.active


def test_keys_are_changed_in_the_window_and_kept_for_the_world(game, card, world):
    game.tap("f2", "down", "return", "q")  # the second action is left
    assert game.panel.note == "q is left now"
    game.tap("return", "p")
    assert "taken" in game.panel.note
    game.tap("escape", "q")
    game.ticks()
    assert world.actions == [1]
    again = Bindings(card)
    assert again.load()
    assert again.action("q") == 1
    game.tap("f2", "down", "delete", "escape")
    assert game.bindings.keys_of(1) == ()
    game.tap("f2", "backspace", "escape")
    assert game.bindings.action("left") == 1


def test_damaged_keys_are_told_and_the_worlds_own_are_used(game, card, home):
    path = game.bindings.save()
    path.write_text('{"format": 1, "keys": {"left": "a"}}')
    again = Game(card, game.player, game.options)
    assert "damaged" in again.state.message(5000.0)  # the window's clock does not begin at 0
    assert again.bindings.action("left") == 1


def test_a_session_is_logged_as_it_is_played_and_a_full_disk_is_told(game, home, monkeypatch):
    log = home / "log.session"
    game.player.session.log_to(log)
    game.ticks(3)
    assert len(Session.read(log)) == 4

    class Full:
        def write(self, data):
            raise OSError("No space left on device")

        def close(self):
            pass

    game.player.session._file.close()
    game.player.session._file = Full()
    game.ticks(2)
    assert "No space left" in game.message
    assert game.state.total == 5
    assert len(Session.read(log)) == 4


def test_a_damaged_log_that_is_continued_is_named_with_its_copy(card, player, world, home):
    log = home / "log.session"
    player.session.log_to(log)
    player.advance(1)
    player.session.close()
    data = bytearray(log.read_bytes())
    data[-6] ^= 1
    log.write_bytes(data)
    again = Player(world, world.bundle.prompts)
    again.continue_session(Session.resume(log))
    message = Game(card, again).state.message(5000.0)
    assert f"see {log}.damaged: record 1 repaired" in message
    again.session.close()


def test_every_command_has_its_key_on_the_help(game):
    assert {command.caps for command in COMMANDS.values()} >= {"P", "F5", "F9", "H", "Esc"}
    assert all(command.about for command in COMMANDS.values())
    assert len({command.caps for command in COMMANDS.values()}) == len(COMMANDS)
