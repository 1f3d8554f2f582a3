"""Damage to a corpus is found before anything learns from it."""

import json

import numpy as np
import pytest
import zarr

import corpus.verify
from corpus.store import Corpus
from corpus.verify import quick_check, verify
from corpus.writing.writer import CorpusWriter
from genie.cli import main

LENGTHS = (40, 64, 30, 50)


@pytest.fixture
def path(tmp_path, drawn):
    """A sound corpus of four episodes in six chunks."""
    drawn.make_corpus(tmp_path / "c", LENGTHS, actions=[np.zeros(n - 1) for n in LENGTHS])
    return tmp_path / "c"


def _chunk(path, number):
    return path / "frames" / f"c.{number}.0.0.0"


def _swap(path):
    one, other = _chunk(path, 2).read_bytes(), _chunk(path, 1).read_bytes()
    _chunk(path, 1).write_bytes(one)
    _chunk(path, 2).write_bytes(other)


def _flip(path):
    data = bytearray(_chunk(path, 5).read_bytes())
    data[len(data) // 2] ^= 1
    _chunk(path, 5).write_bytes(data)


def _mark(path):
    zarr.open_group(path, mode="r+")["actions"][3] = -1


def _edit(path, change):
    file = path / "episodes.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    change(records)
    file.write_text("".join(json.dumps(record) + "\n" for record in records))


DAMAGES = {
    "missing": (lambda path: _chunk(path, 1).unlink(), "2 episodes: 0, 1"),
    "empty": (lambda path: _chunk(path, 4).write_bytes(b""), "2 episodes: 2, 3"),
    "swapped": (_swap, "2 episodes: 0, 1"),
    "flipped": (_flip, "episode 3"),
    "line lost": (lambda path: _edit(path, lambda records: records.pop()), "names other episodes"),
    "line changed": (
        lambda path: _edit(path, lambda records: records[2].update(digest="0" * 64)),
        "do not give its fingerprint",
    ),
    "no json": (lambda path: (path / "episodes.jsonl").write_text("["), "unreadable"),
    "deep json": (lambda path: (path / "episodes.jsonl").write_text("[" * 10**5), "unreadable"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_named(path, damage):
    verify(path, progress=False)
    quick_check(Corpus.open(path))
    spoil, word = DAMAGES[damage]
    spoil(path)
    with pytest.raises(ValueError, match=word) as caught:
        verify(path, progress=False)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=word):
        quick_check(Corpus.open(path))


def test_actions_that_do_not_fit_the_episodes_are_found(path):
    _mark(path)
    with pytest.raises(ValueError, match="true actions do not fit"):
        verify(path, progress=False)


def test_the_report_verifies_on_demand(path, capsys):
    assert main(["corpus", "report", str(path), "--verify"]) == 0
    assert "every episode is as it was written" in capsys.readouterr().out
    _flip(path)
    assert main(["corpus", "report", str(path)]) == 0
    assert main(["corpus", "report", str(path), "--verify"]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].endswith("build it again")


def test_black_frames_are_no_damage(tmp_path, drawn):
    writer = CorpusWriter.create(tmp_path / "c", (8, 12), drawn.make_card(), False)
    for number in range(3):
        writer.add(np.full((64, 8, 12, 3), number, np.uint8))
        writer.end_episode({})
    writer.finish()
    assert not _chunk(tmp_path / "c", 0).exists()  # zarr writes no chunk of zeros
    verify(tmp_path / "c", progress=False)
    quick_check(Corpus.open(tmp_path / "c"))


def test_a_quick_check_samples_episodes_and_misses_no_absent_chunk(path, monkeypatch):
    monkeypatch.setattr(corpus.verify, "SAMPLE_FRAMES", 64)
    read = []
    sound = corpus.verify._is_sound
    monkeypatch.setattr(
        corpus.verify, "_is_sound", lambda *given: read.append(given[1]) or sound(*given)
    )
    samples = set()
    for seed in range(20):
        quick_check(Corpus.open(path), seed)
        assert sum(LENGTHS[index] for index in read) <= 64
        samples.add(tuple(read))
        read.clear()
    assert len(samples) > 2
    _chunk(path, 0).unlink()
    for seed in range(5):
        with pytest.raises(ValueError, match="episode 0"):
            quick_check(Corpus.open(path), seed)


def test_a_quick_check_never_opens_true_actions(path, monkeypatch):
    monkeypatch.setattr(Corpus, "true_actions", None)
    for file in (path / "actions").iterdir():
        file.write_text("closed")
    quick_check(Corpus.open(path))
