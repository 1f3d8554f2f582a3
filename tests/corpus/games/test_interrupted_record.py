"""A recording that is interrupted: what it leaves, and how it goes on."""

import errno
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

import corpus.games.write_behind
from corpus.store import Corpus
from genie.cli import main


def _fail_at_step(monkeypatch, count, error):
    """Let the game raise at its step number `count`, all copies together."""
    game = sys.modules["gymnasium"].Game  # of the stand-in
    step, left = game.step, itertools.count(count - 1, -1)

    def failing(self, action):
        if next(left) == 0:
            raise error
        return step(self, action)

    monkeypatch.setattr(game, "step", failing)


def _fail_at_chunk(monkeypatch, name, error):
    """Let the disk raise when a chunk is written."""
    write = Path.write_bytes

    def failing(path, data):
        if path.name.startswith(name):
            raise error
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", failing)


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("fail", "where", "error", "word"),
    [
        (_fail_at_chunk, "c.0.0.0.0", FULL, "the disk is full"),
        (_fail_at_step, 1, KeyboardInterrupt("now"), "now"),
        (_fail_at_step, 3, RuntimeError("the game is broken"), "broken"),
    ],
)
def test_an_interrupted_recording_without_an_episode_leaves_nothing(
    tmp_path, gymnasium, monkeypatch, counting, fail, where, error, word
):
    fail(monkeypatch, where, error)
    with pytest.raises(type(error), match=word) as caught:
        counting.record(tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("fail", "where", "error", "word"),
    [
        (_fail_at_chunk, "c.1.0.0.0", FULL, "the disk is full: [1-4] episodes.*--resume"),
        (_fail_at_step, 30, KeyboardInterrupt(), r"[1-4] episodes .*out\.partial.*--resume"),
        (_fail_at_step, 100, KeyboardInterrupt(), "--resume"),
        (_fail_at_step, 61, RuntimeError("the game is broken"), "broken"),
    ],
)
def test_a_resumed_recording_equals_an_uninterrupted_one(
    tmp_path, gymnasium, monkeypatch, drawn, counting, fail, where, error, word
):
    monkeypatch.setattr(corpus.games.write_behind, "MOST_WAITING", 0)
    whole = drawn.tree(counting.record(tmp_path / "whole", 120, num_games=3))
    with monkeypatch.context() as patch, pytest.raises(type(error), match=word):
        fail(patch, where, error)
        counting.record(tmp_path / "out", 120, num_games=3)
    assert (tmp_path / "out.partial" / "episodes.jsonl").read_text()
    with pytest.raises(FileExistsError, match="--resume"):
        counting.record(tmp_path / "out", 120, num_games=3)
    out = counting.record(tmp_path / "out", 120, num_games=3, resume=True)
    assert drawn.tree(out) == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def test_a_recording_goes_on_only_with_the_game_that_was_begun(
    tmp_path, gymnasium, monkeypatch, counting
):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        _fail_at_step(patch, 100, KeyboardInterrupt())
        counting.record(tmp_path / "out", 120, num_games=3)
    with pytest.raises(ValueError, match="seed 0, now it is 1"):
        counting.record(tmp_path / "out", 120, num_games=3, seed=1, resume=True)
    kept = len((tmp_path / "out.partial" / "episodes.jsonl").read_text().splitlines())
    with monkeypatch.context() as patch:
        patch.setattr(gymnasium.Game, "render", lambda _: np.zeros((10, 14, 3), np.uint8))
        with pytest.raises(ValueError, match="episode 0 .* is not what the game shows") as caught:
            counting.record(tmp_path / "out", 120, num_games=3, resume=True)
    frames = int(str(caught.value).split()[-1])
    out = counting.record(tmp_path / "out", frames, num_games=3, resume=True)
    assert (Corpus.open(out).num_frames, Corpus.open(out).num_episodes) == (frames, kept)


def test_ctrl_c_names_the_way_to_go_on(tmp_path, gymnasium, monkeypatch, capsys):
    _fail_at_step(monkeypatch, 100, KeyboardInterrupt())
    words = ["corpus", "record", "Count-v0", "--frames", "120", "--out", str(tmp_path / "out")]
    assert main(words) == 130
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("genie: stopped") and lines[-1].endswith("go on with --resume")
