"""The player's own keys, and a world that has changed since they were saved."""

from dataclasses import replace

from genie.library.card import NamedAction
from genie.play.game.action_keys import Bindings


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
