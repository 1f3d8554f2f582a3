"""What a run leaves for the player: names found in its corpus."""

from dataclasses import replace

import numpy as np

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from train.data.encode import NO_ACTION
from train.export import find_keymap, held_for

STEP, SIDE, MARGIN = 3, 32, 24


def test_frames_of_a_key_are_counted_anew_in_every_episode():
    actions = np.array([1, 1, 2, 2, 2, NO_ACTION, 2, 2, 1])
    assert held_for(actions).tolist() == [0, 1, 0, 1, 2, 0, 0, 1, 0]


def jumping_corpus(path, episodes):
    """Idle for 8 frames (code 0), a jump of 12 (code 1): six up, as many down; to the end."""
    ups = [0] * 8 + [1] * 6 + [-1] * 6
    codes = np.array([0] * 8 + [1] * 12)
    rng = np.random.default_rng(0)
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (SIDE, SIDE), card, False)
    for episode in range(episodes):
        wide = rng.integers(0, 256, (SIDE + 2 * MARGIN, SIDE, 3), np.uint8)
        height = np.concatenate(([0], np.cumsum(np.array(ups * 3) * STEP)))
        tops = MARGIN - height
        writer.add(np.stack([wide[top : top + SIDE] for top in tops]))
        writer.end_episode({"file": str(episode)}, None)
    writer.finish()
    actions = np.tile(np.concatenate((np.tile(codes, 3), [NO_ACTION])), episodes)
    return Corpus.open(path), actions


def test_a_jump_is_named_by_its_way_up(tiny, tmp_path):
    corpus, actions = jumping_corpus(tmp_path / "c", episodes=3)
    encoded = replace(tiny.make_encoded(), actions=actions, num_actions=2)
    keymap = find_keymap(corpus, encoded, 0)
    assert keymap.names == ("none", "up")
    assert keymap.actions[1].effect["dy"] < -0.8 * STEP
