import numpy as np
import pytest
import torch

from genie.evaluate.metrics import probe
from genie.evaluate.metrics.agreement import fitting_half
from genie.evaluate.metrics.probe import NETS, Labelled, PairReader, fit_ceiling, shrink


def labelled(corpus, groups=None):
    frames = np.flatnonzero(corpus.actions >= 0)
    return Labelled(
        frames=torch.from_numpy(frames),
        groups=torch.from_numpy(corpus.actions[frames] if groups is None else groups[frames]),
        episodes=torch.from_numpy(np.searchsorted(corpus.episode_ends, frames, side="right")),
    )


@pytest.fixture(scope="module")
def few(toy):
    return toy.make_corpus(episodes=20, length=80)


def measure(true, corpus, seed=0):
    return fit_ceiling(corpus, true, fitting_half(true.episodes, seed), 4, seed)


@pytest.fixture(scope="module")
def ceiling(few):
    return measure(labelled(few), few)


def test_actions_that_show_are_read_nearly_always(ceiling):
    assert ceiling.balanced_accuracy > 0.95
    assert ceiling.weak and ceiling.labelled == 9 * 79


def test_actions_that_do_not_show_are_guessed(few, monkeypatch):
    monkeypatch.setattr(probe, "MOST_LOOKS", 2)
    groups = np.random.default_rng(0).integers(0, 4, len(few.actions))
    ceiling = measure(labelled(few, groups), few)
    assert ceiling.balanced_accuracy == pytest.approx(0.25, abs=0.08)


def test_the_same_seed_gives_the_same_ceiling_and_leaves_the_global_draw_alone(few, ceiling):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    assert measure(labelled(few), few) == ceiling
    assert torch.equal(torch.rand(3), expected)


def test_20_000_transitions_make_it_strong(few, monkeypatch):
    monkeypatch.setattr(probe, "LABELLED_WANTED", 9 * 79)
    monkeypatch.setattr(probe, "MOST_LOOKS", 1)
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


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("size", [(16, 16), (15, 21), (64, 36)])
def test_any_frame_size_goes_in(net, size):
    frames = torch.zeros(2, 3, *size, dtype=torch.uint8)
    assert net(*size, 5)(frames, frames).shape == (2, 5)


class Scenery:
    """Episodes of a speck that goes about at random before a picture of their own."""

    steps = ((0, 1), (0, -1), (1, 0), (-1, 0))

    def __init__(self, episodes: int, length: int, side: int = 16) -> None:
        rng, frames, actions = np.random.default_rng(0), [], []
        for _ in range(episodes):
            picture, place = rng.integers(0, 90, (side, side, 3)), rng.integers(0, side, 2)
            for t in range(length):
                frame = picture.copy()
                frame[tuple(place)] = 255
                frames.append(frame)
                action = int(rng.integers(4))
                actions.append(action if t < length - 1 else -1)
                place = (place + 2 * np.array(self.steps[action])) % side
        self.frames, self.actions = np.array(frames, np.uint8), np.array(actions)
        self.episode_ends = np.arange(1, episodes + 1) * length

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.frames[start:stop]


def test_a_small_player_is_found_anywhere_in_the_frame(monkeypatch):
    corpus, found = Scenery(episodes=80, length=30), {}
    monkeypatch.setattr(probe, "MOST_LOOKS", 10)
    for count in (1, 2):
        monkeypatch.setattr(probe, "NETS", NETS[:count])
        found[count] = measure(labelled(corpus), corpus).balanced_accuracy
    assert found[1] < 0.4 and found[2] > 0.7
