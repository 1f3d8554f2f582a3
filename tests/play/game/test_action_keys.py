"""The player's own keys, a world that has changed since they were saved, and commands."""

from dataclasses import replace

from genie.library.card import NamedAction
from genie.play.game.action_keys import Bindings
from genie.play.game.controls import Controls
from genie.play.game.game import Game
from genie.play.game.hand import HandPanel
from genie.play.game.view import view_of
from genie.play.game.window_keys import COMMANDS
from lam.keymap.naming import KEYS


def test_actions_that_saved_keys_do_not_name_keep_the_worlds_keys_as_far_as_they_are_free(card):
    mine = Bindings(card)
    mine.bind("q", 1)
    mine.bind("x", 2)
    mine.clear(3)
    mine.save()
    added = (NamedAction(name="fly", keys=("q", "f")), NamedAction(name="down", keys=("down",)))
    bindings = Bindings(replace(card, actions=(*card.actions, *added)))
    assert bindings.load()
    assert [bindings.action(key) for key in ("q", "x", "left")] == [1, 2, 1]
    assert [bindings.action(key) for key in ("f", "down", "s")] == [4, 5, 5]
    assert bindings.keys_of(3) == ()  # taken away by the player, and named in the file
    assert "q" not in bindings.keys_of(4)


def test_keys_of_commands_are_neither_shown_nor_taken_for_actions_of_a_world(card, player):
    older = NamedAction(name="up-right", keys=("e", "y"))  # as keymaps had it
    card = replace(card, actions=(*card.actions[:3], older))
    Bindings(card).save()  # by a version that bound it
    game = Game(card, player)
    controls = Controls(game)
    for load in (lambda: None, game.bindings.load, game.bindings.reset):
        load()
        assert view_of(game, 0.0).hud.actions[3].keys == ("y", "3")
    controls.press("e", 0.0)
    assert isinstance(game.panel, HandPanel)


def test_no_key_of_a_new_world_is_a_command():
    assert not COMMANDS.keys() & {key for keys in KEYS.values() for key in keys}
