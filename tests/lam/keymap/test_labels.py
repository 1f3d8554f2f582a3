"""Names that come with labels, and their keys."""

from lam.keymap.keymap import KeyAction, Keymap
from lam.keymap.labels import name_by_labels


def test_labels_name_the_actions_and_names_bind_keys():
    measured = (("up", ("up", "w", "space")), ("left", ("left", "a")), ("none", ()), ("none-2", ()))
    actions = (
        KeyAction(id=number, name=name, keys=keys, effect={})
        for number, (name, keys) in enumerate(measured)
    )
    keymap = Keymap(idle=3, actions=tuple(actions))
    named = name_by_labels(keymap, ("fire", "jump", "still", "left-jump"))
    assert named.names == ("fire", "jump", "still", "left-jump") and named.idle == 2
    keys = [action.keys for action in named.actions]
    assert keys == [(), ("up", "w", "space"), (), ("q",)]  # the jump's name took fire's keys
    assert name_by_labels(keymap, ("fire", "x", "b", "c")).idle == 3
    assert name_by_labels(keymap, ("fire", "x", "b", "c")).actions[0].keys == measured[0][1]
