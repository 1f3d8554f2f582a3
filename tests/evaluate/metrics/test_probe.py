import numpy as np
import pytest
import torch

from genie.evaluate.metrics import probe
from genie.evaluate.metrics.agreement import fitting_half
from genie.evaluate.metrics.probe import InverseDynamics, Labelled, PairReader, fit_ceiling, shrink


def labelled(corpus, groups=None):
    frames = np.flatnonzero(corpus.actions >= 0)
    return Labelled(
        frames=torch.from_numpy(frames),
        groups=torch.from_numpy(corpus.actions[frames] if groups is None else groups[frames]),
        episodes=torch.from_numpy(np.searchsorted(corpus.episode_ends, frames, side="right")),
    )


@pytest.fixture
def few(toy):
    return toy.make_corpus(episodes=20, length=80)


def measure(true, corpus, seed=0):
    return fit_ceiling(corpus, true, fitting_half(true.episodes, seed), 4, seed)


def test_actions_that_show_are_read_nearly_always(few):
    ceiling = measure(labelled(few), few)
    assert ceiling.balanced_accuracy > 0.95
    assert ceiling.weak and ceiling.labelled == 9 * 79


def test_actions_that_do_not_show_are_guessed(few, monkeypatch):
    monkeypatch.setattr(probe, "MOST_LOOKS", 3)
    groups = np.random.default_rng(0).integers(0, 4, len(few.actions))
    ceiling = measure(labelled(few, groups), few)
    assert ceiling.balanced_accuracy == pytest.approx(0.25, abs=0.08)


def test_the_same_seed_gives_the_same_ceiling_and_leaves_the_global_draw_alone(few):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one = measure(labelled(few), few)
    assert torch.equal(torch.rand(3), expected)
    assert measure(labelled(few), few) == one


def test_20_000_transitions_make_it_strong(few, monkeypatch):
    monkeypatch.setattr(probe, "LABELLED_WANTED", 9 * 79)
    assert not measure(labelled(few), few).weak


def test_a_rare_action_weighs_as_much_as_a_common_one(toy, few):
    true = labelled(few)
    rare = true.select((true.groups != 2) | (torch.arange(len(true.groups)) % 8 == 0))
    assert measure(rare, few).balanced_accuracy > 0.9


def test_pairs_are_two_neighbouring_frames_of_the_corpus(few):
    true = labelled(few).select(torch.tensor([5, 6, 200]))
    before, after = PairReader(few, true).pairs(true.frames.flip(0))
    for row, frame in enumerate(true.frames.flip(0).tolist()):
        assert (before[row].movedim(0, -1).numpy() == few.frames[frame]).all()
        assert (after[row].movedim(0, -1).numpy() == few.frames[frame + 1]).all()


@pytest.mark.parametrize(
    ("size", "seen"), [((16, 24), (16, 24)), ((64, 64), (64, 64)), ((96, 40), (64, 40))]
)
def test_only_sides_above_64_pixels_are_averaged_down(size, seen):
    frames = np.full((2, *size, 3), 7, np.uint8)
    shrunk = shrink(frames)
    assert shrunk.shape == (2, 3, *seen) and (shrunk == 7).all()


@pytest.mark.parametrize("size", [(16, 16), (15, 21), (64, 36)])
def test_any_frame_size_goes_in(size):
    frames = torch.zeros(2, 3, *size, dtype=torch.uint8)
    assert InverseDynamics(*size, 5)(frames, frames).shape == (2, 5)
