import numpy as np

from genie.library.card import NamedAction, WorldCard
from genie.session.transfer import fit_picture, match_actions


def card(*actions, idle=0):
    return WorldCard(
        path=None,
        name="w",
        title="W",
        fps=15,
        height=8,
        width=8,
        idle=idle,
        actions=tuple(NamedAction(name=name, keys=keys) for name, keys in actions),
    )


def test_actions_of_two_worlds_meet_by_key_then_by_name_and_idle_by_idle():
    ours = card(("none", ()), ("left", ("left", "a")), ("hop", ("space",)), ("up-2", ()))
    theirs = card(
        ("west", ("left",)), ("jump", ("up", "space")), ("still", ()), ("up-2", ()), idle=2
    )
    assert match_actions(ours, theirs) == (2, 0, 1, 3)


def test_an_action_that_the_other_world_lacks_is_idle():
    ours = card(("none", ()), ("duck", ("c",)))
    assert match_actions(ours, card(("left", ("left",)), ("none", ()), idle=1)) == (1, 1)


def test_a_picture_is_cut_to_its_middle_and_averaged():
    picture = np.zeros((8, 20, 3), np.uint8)
    picture[:, 6:14] = 100
    picture[0, 6] = 200
    fitted = fit_picture(picture, 4, 4)
    assert fitted.shape == (4, 4, 3)
    assert fitted[0, 0, 0] == 125
    assert (fitted[1:] == 100).all()


def test_a_picture_of_the_size_is_not_touched():
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert fit_picture(picture, 8, 8) is picture
