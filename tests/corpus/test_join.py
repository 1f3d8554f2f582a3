"""Several corpora to one."""

import numpy as np
import pytest

from corpus.join import join_corpora
from corpus.store import Corpus
from corpus.writing.writer import CorpusWriter

LENGTHS = ((5, 40, 3), (64, 29), (7,))


def _parts(tmp_path, drawn, with_actions=(True, True, True), **options):
    """Three corpora; return their folders."""
    for number, lengths in enumerate(LENGTHS):
        actions = [np.arange(n - 1) + number for n in lengths] if with_actions[number] else None
        drawn.make_corpus(tmp_path / f"{number}", lengths, actions=actions, seed=10 * number)
    return [tmp_path / f"{number}" for number in range(len(LENGTHS))]


def _join(parts, out, **options):
    return join_corpora(parts, out, **{"progress": False, **options})


def test_a_joined_corpus_holds_every_episode_with_its_line_and_actions(tmp_path, drawn):
    parts = [Corpus.open(path) for path in _parts(tmp_path, drawn)]
    corpus = Corpus.open(_join([part.path for part in parts], tmp_path / "out"))
    assert np.diff(corpus.episode_ends, prepend=0).tolist() == [n for part in LENGTHS for n in part]
    assert (corpus.read(0, corpus.num_frames) == np.concatenate([p.frames[:] for p in parts])).all()
    expected = np.concatenate([part.true_actions() for part in parts])
    assert (corpus.true_actions() == expected).all()
    lines = [record for part in parts for record in part.provenance]
    assert corpus.provenance == [{**line, "episode": i} for i, line in enumerate(lines)]
    assert (corpus.fps, corpus.source, corpus.licence) == (15.0, "test", "none")
    assert corpus.card.options["corpora"] == [part.fingerprint for part in parts]


def test_a_joined_corpus_has_the_fingerprint_of_one_written_at_once(tmp_path, drawn):
    parts = _parts(tmp_path, drawn)
    joined = Corpus.open(_join(parts, tmp_path / "out"))
    writer = CorpusWriter.create(tmp_path / "once", (8, 12), drawn.make_card(), False)
    for index in range(joined.num_episodes):
        writer.add(joined.read(*joined.episode(index)))
        writer.end_episode({})
    assert Corpus.open(writer.finish()).fingerprint == joined.fingerprint


@pytest.mark.parametrize("stop_after", [1, 3, 4, 5])
def test_a_resumed_join_equals_an_uninterrupted_one(tmp_path, drawn, monkeypatch, stop_after):
    parts = _parts(tmp_path, drawn)
    whole = drawn.tree(_join(parts, tmp_path / "whole"))
    commit = CorpusWriter.end_episode

    def interrupted(self, *arguments):
        if len(self.records) == stop_after:
            raise KeyboardInterrupt
        commit(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt, match="--resume"):
        patch.setattr(CorpusWriter, "end_episode", interrupted)
        _join(parts, tmp_path / "out")
    with pytest.raises(FileExistsError, match="--resume"):
        _join(parts, tmp_path / "out")
    with pytest.raises(ValueError, match="begun with corpora"):
        _join(parts[::-1], tmp_path / "out", resume=True)
    assert drawn.tree(_join(parts, tmp_path / "out", resume=True)) == whole


def test_actions_of_some_corpora_only_are_refused_unless_dropped(tmp_path, drawn):
    parts = _parts(tmp_path, drawn, with_actions=(True, False, True))
    with pytest.raises(ValueError, match=r"2 of 3 corpora .*1 has none: .*--drop-actions"):
        _join(parts, tmp_path / "out")
    assert not Corpus.open(_join(parts, tmp_path / "out", drop_actions=True)).has_true_actions


def test_corpora_that_do_not_fit_are_refused_with_what_to_do(tmp_path, drawn):
    first = _parts(tmp_path, drawn, with_actions=(False, False, False))[0]
    drawn.make_corpus(tmp_path / "wide", [4], width=16)
    fast = CorpusWriter.create(tmp_path / "fast", (8, 12), drawn.make_card(fps=30.0), False)
    fast.add(drawn.noise(4, 8, 12))
    fast.end_episode({})
    fast.finish()
    drawn.make_corpus(tmp_path / "same", LENGTHS[0])
    for other, word in (
        ("wide", r"wide has frames of 8x16, .*0 of 8x12: .* again with --size 8x12"),
        ("fast", r"fast has 30 frames per second, .*0 has 15: .* again with --fps 15"),
        ("same", "same holds the same episodes as .*0: name it once"),
    ):
        with pytest.raises(ValueError, match=word):
            _join([first, tmp_path / other], tmp_path / "out")
    with pytest.raises(ValueError, match="two corpora or more"):
        _join([first], tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="no corpus at"):
        _join([first, tmp_path / "none"], tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


def test_a_damaged_corpus_is_not_joined(tmp_path, drawn):
    parts = _parts(tmp_path, drawn)
    (parts[1] / "frames" / "c.1.0.0.0").unlink()
    with pytest.raises(ValueError, match="1 is damaged: .* in episode 0"):
        _join(parts, tmp_path / "out")
