"""Parts of a corpus as corpora of their own."""

import shutil

import numpy as np
import pytest

from corpus.clips import TIME_BLOCKS, split_by_time
from corpus.select import sample_corpus, split_corpus
from corpus.store import Corpus
from corpus.verify import verify
from corpus.writing.writer import CorpusWriter

LENGTHS = [5, 40, 33, 7, 64, 3, 21, 9, 12, 30]


def _frames(corpus):
    return {frame.tobytes() for frame in corpus.read(0, corpus.num_frames)}


def test_a_split_has_every_episode_on_one_side(tmp_path, drawn):
    actions = [np.arange(length - 1) for length in LENGTHS]
    drawn.make_corpus(tmp_path / "all", LENGTHS, actions=actions)
    outs = split_corpus(tmp_path / "all", tmp_path / "a", tmp_path / "b", share=0.3, progress=False)
    parts = [Corpus.open(out) for out in outs]
    assert [part.num_episodes for part in parts] == [7, 3]
    assert _frames(parts[0]) | _frames(parts[1]) == _frames(Corpus.open(tmp_path / "all"))
    assert not _frames(parts[0]) & _frames(parts[1])
    for part, out in zip(parts, outs, strict=True):
        verify(out, progress=False)
        ends = set((part.episode_ends - 1).tolist())
        expected = [-1 if i in ends else a for i, a in enumerate(part.true_actions().tolist())]
        assert part.true_actions().tolist() == expected


def test_episodes_with_the_same_frames_stay_together(tmp_path, drawn):
    writer = CorpusWriter.create(tmp_path / "all", (8, 12), drawn.make_card(), False)
    for index in range(12):
        writer.add(drawn.noise(6, 8, 12, seed=index % 4))
        writer.end_episode({"file": f"{index}"})
    writer.finish()
    for seed in range(4):
        outs = (tmp_path / f"a{seed}", tmp_path / f"b{seed}")
        parts = split_corpus(tmp_path / "all", *outs, share=0.25, seed=seed, progress=False)
        first, second = map(Corpus.open, parts)
        assert (first.num_episodes, second.num_episodes) == (9, 3)
        assert not _frames(first) & _frames(second)


def test_a_lone_episode_is_split_by_time_with_gaps(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "all", [400], actions=[np.arange(399) % 5])
    outs = split_corpus(tmp_path / "all", tmp_path / "a", tmp_path / "b", progress=False)
    train, held_out = map(Corpus.open, outs)
    whole = Corpus.open(tmp_path / "all")
    assert held_out.num_frames == 40 and train.num_frames < 360
    assert not _frames(train) & _frames(held_out)
    begin, end = train.provenance[0]["part"]
    assert (train.read(0, end - begin) == whole.read(begin, end)).all()
    assert (train.true_actions()[: end - begin - 1] == whole.true_actions()[begin : end - 1]).all()


def test_a_split_goes_on_with_the_draw_that_it_was_begun_with(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "all", LENGTHS)
    outs = (tmp_path / "a", tmp_path / "b")
    split_corpus(tmp_path / "all", *outs, share=0.3, progress=False)
    written = {out: drawn.tree(out) for out in outs}
    for name, other in (("share", {"share": 0.2}), ("seed", {"share": 0.3, "seed": 1})):
        shutil.rmtree(outs[1])
        with pytest.raises(ValueError, match=f"a was begun with {name} .* give the same options"):
            split_corpus(tmp_path / "all", *outs, **other, resume=True, progress=False)
        assert not outs[1].exists()
        split_corpus(tmp_path / "all", *outs, share=0.3, resume=True, progress=False)
        assert {out: drawn.tree(out) for out in outs} == written


@pytest.mark.parametrize("seed", range(8))
def test_blocks_of_time_keep_their_distance(seed):
    train, held_out = split_by_time(100, 2100, seed, 0.1)
    sides = np.zeros(2200, int)
    for side, spans in ((1, train), (2, held_out)):
        for start, stop in spans.tolist():
            assert (sides[start:stop] == 0).all() and 100 <= start < stop <= 2100
            sides[start:stop] = side
    assert (sides == 2).sum() == 200
    for start, stop in held_out.tolist():
        near = sides[max(0, start - 2000 // TIME_BLOCKS // 4) : stop + 2000 // TIME_BLOCKS // 4]
        assert not (near == 1).any()


def test_a_sample_has_whole_episodes_and_about_as_many_frames_as_asked(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "all", LENGTHS)
    part = Corpus.open(sample_corpus(tmp_path / "all", tmp_path / "a", 60, progress=False))
    assert 60 <= part.num_frames < 60 + max(LENGTHS)
    whole = Corpus.open(tmp_path / "all")
    digests = {record["digest"] for record in whole.provenance}
    assert {record["digest"] for record in part.provenance} < digests
    with pytest.raises(ValueError, match="--frames"):
        sample_corpus(tmp_path / "all", tmp_path / "b", whole.num_frames + 1, progress=False)


def test_parts_know_what_their_actions_are_called(tmp_path, drawn):
    labels = {"w": 0, "": 1}
    card = drawn.make_card(options={"action_labels": labels})
    writer = CorpusWriter.create(tmp_path / "all", (8, 12), card, True)
    for seed in range(4):
        writer.add(drawn.noise(6, 8, 12, seed))
        writer.end_episode({"file": f"{seed}"}, np.zeros(5, np.int64))
    writer.finish()
    parts = split_corpus(tmp_path / "all", tmp_path / "a", tmp_path / "b", progress=False)
    parts += (sample_corpus(tmp_path / "all", tmp_path / "c", 6, progress=False),)
    assert [Corpus.open(part).action_labels for part in parts] == [labels] * 3


def test_what_cannot_be_split_is_refused(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "all", [20])
    for share, word in ((0, "--share"), (1, "--share"), (0.1, "too short")):
        with pytest.raises(ValueError, match=word):
            split_corpus(tmp_path / "all", tmp_path / "a", tmp_path / "b", share, progress=False)
    with pytest.raises(ValueError, match="twice"):
        split_corpus(tmp_path / "all", tmp_path / "a", tmp_path / "a", progress=False)
