"""The fit of a policy: what it sees, and that it learns."""

import numpy as np
import pytest
import torch

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from train.data.frames import Frames
from train.loop.clock import Clock
from train.loop.trainer import fit
from train.policy.run import new_module, without_idle

EPISODES, LENGTH = 12, 24


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Noise of two brightnesses; the action says which of two frames was the brighter one."""
    rng = np.random.default_rng(0)
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(tmp_path_factory.mktemp("shown") / "c", (16, 16), card, False)
    bright = rng.integers(0, 2, (EPISODES, LENGTH))
    for row in bright:
        noise = rng.integers(0, 100, (LENGTH, 16, 16, 3))
        writer.add((noise + 120 * row[:, None, None, None]).astype(np.uint8))
        writer.end_episode({}, None)
    writer.finish()
    before = np.concatenate([bright[:, :1], bright[:, :-1]], axis=1)
    actions = (2 * before + bright).reshape(-1)
    actions[LENGTH - 1 :: LENGTH] = -1
    return Frames(Corpus.open(writer.out)), actions


def test_a_policy_learns_from_the_last_two_frames(shown, tmp_path):
    module = new_module(*shown, 4, Clock(total_steps=60), 0)
    before = module.check()[0]
    module.extra.clear()
    fit(module, tmp_path, precision="32-true")
    after = module.check()[0]
    assert before["accuracy"] < 0.6 and after["accuracy"] > 0.95
    assert after["loss"] < 0.3 < before["loss"]


def test_the_best_of_all_checks_is_exported_not_the_last(shown):
    module = new_module(*shown, 4, Clock(total_steps=9), 0)
    assert module.chosen is module.average
    module.check()
    kept = {name: weight.clone() for name, weight in module.chosen.state_dict().items()}
    module.extra["best"] = 0.0
    for weight in module.average.parameters():
        weight.add_(1.0)
    module.check()
    assert all(torch.equal(kept[name], now) for name, now in module.chosen.state_dict().items())


def test_the_first_frame_of_an_episode_is_seen_twice_and_no_pair_crosses_an_end(shown):
    frames, actions = shown
    module = new_module(frames, actions, 4, Clock(total_steps=9), 0)
    clips, chosen = module._see(np.array([LENGTH, LENGTH + 1]))
    corpus = frames.corpus
    assert np.array_equal(clips[0], corpus.read(LENGTH, LENGTH + 1).repeat(2, axis=0))
    assert np.array_equal(clips[1], corpus.read(LENGTH, LENGTH + 2))
    assert chosen.tolist() == actions[LENGTH : LENGTH + 2].tolist()
    assert not np.isin(module.starts, corpus.episode_ends - 1).any()


def test_transitions_read_as_idle_teach_nothing(shown):
    frames, actions = shown
    module = new_module(frames, without_idle(actions, 2), 4, Clock(total_steps=9), 0)
    assert not (actions[module.starts] == 2).any() and len(module.starts)
    with pytest.raises(ValueError, match="no action but the idle one"):
        new_module(frames, np.full_like(actions, -1), 4, Clock(total_steps=9), 0)
