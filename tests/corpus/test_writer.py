import numpy as np
import pytest

from corpus.store import Corpus
from corpus.writing.chunks import ChunkWriter, MarkWriter
from corpus.writing.writer import CorpusWriter, partial_path

SIZE = (8, 12)
LENGTHS = (5, 40, 3, 64, 29)


def _episodes(drawn):
    return [drawn.noise(length, *SIZE, seed=i) for i, length in enumerate(LENGTHS)]


def _write(writer, episodes, first=0):
    for index, frames in enumerate(episodes[first:], first):
        writer.add(frames[:2])
        writer.add(frames[2:])
        writer.end_episode({"file": str(index)}, np.full(len(frames) - 1, index))


def _whole(out, drawn):
    writer = CorpusWriter.create(out, SIZE, drawn.make_card(), True)
    _write(writer, _episodes(drawn))
    return drawn.tree(writer.finish())


@pytest.mark.parametrize("committed", range(len(LENGTHS)))
def test_resumed_equals_uninterrupted_bit_for_bit(tmp_path, drawn, committed):
    whole = _whole(tmp_path / "whole", drawn)
    episodes, out = _episodes(drawn), tmp_path / "resumed"
    writer = CorpusWriter.create(out, SIZE, drawn.make_card(), True)
    _write(writer, episodes[:committed])
    writer.add(drawn.noise(50, *SIZE, seed=99))  # uncommitted frames, other ones than will follow
    writer = CorpusWriter.resume(out, SIZE, drawn.make_card(), True)
    assert len(writer.records) == committed
    _write(writer, episodes, committed)
    assert drawn.tree(writer.finish()) == whole


@pytest.mark.parametrize("broken_at", ["frames", "actions", "provenance", "mark"])
def test_an_interruption_inside_a_commit_leaves_no_trace(tmp_path, drawn, monkeypatch, broken_at):
    whole = _whole(tmp_path / "whole", drawn)
    episodes, out = _episodes(drawn), tmp_path / "resumed"
    writer = CorpusWriter.create(out, SIZE, drawn.make_card(), True)
    _write(writer, episodes[:2])
    writer.add(episodes[4])
    if broken_at != "frames":
        writer._store(np.stack(writer._tail))
    if broken_at in ("provenance", "mark"):
        writer._store_actions(np.zeros(28, int), 29)
        with (partial_path(out) / "episodes.jsonl").open("a") as file:
            file.write('{"episode": 2}\n' if broken_at == "mark" else '{"epi')
    if broken_at == "mark":
        writer._ends.resize((3,))  # the array has grown, its last mark was not written
    writer = CorpusWriter.resume(out, SIZE, drawn.make_card(), True)
    assert len(writer.records) == 2
    _write(writer, episodes, 2)
    assert drawn.tree(writer.finish()) == whole


def test_a_second_interruption_right_after_resuming_loses_nothing(tmp_path, drawn):
    whole = _whole(tmp_path / "whole", drawn)
    episodes, out = _episodes(drawn), tmp_path / "resumed"
    writer = CorpusWriter.create(out, SIZE, drawn.make_card(), True)
    _write(writer, episodes[:2])
    for _ in range(3):
        writer = CorpusWriter.resume(out, SIZE, drawn.make_card(), True)
        assert len(writer.records) == 2
    _write(writer, episodes, 2)
    assert drawn.tree(writer.finish()) == whole


def test_what_a_kill_leaves_of_a_chunk_is_removed(tmp_path, drawn):
    whole = _whole(tmp_path / "whole", drawn)
    writer = CorpusWriter.create(tmp_path / "out", SIZE, drawn.make_card(), True)
    _write(writer, _episodes(drawn)[:2])
    for name in ("frames/c.1.0.0.0123.partial", "zarr.json.456.partial"):
        (tmp_path / "out.partial" / name).write_bytes(b"half")  # as zarr calls them
    writer = CorpusWriter.resume(tmp_path / "out", SIZE, drawn.make_card(), True)
    _write(writer, _episodes(drawn), 2)
    assert drawn.tree(writer.finish()) == whole


def test_fingerprint_follows_frames_order_and_cuts_but_not_the_folder(tmp_path, drawn):
    def made(name, lengths, seed=0):
        drawn.make_corpus(tmp_path / name, lengths, seed=seed)
        return Corpus.open(tmp_path / name).fingerprint

    same = made("a", [4, 4])
    assert made("b", [4, 4]) == same
    assert made("c", [4, 4], seed=1) != same
    assert made("d", [4, 5]) != same
    one = drawn.noise(8, *SIZE)
    prints = set()
    for name, cuts in (("e", [8]), ("f", [4, 8]), ("g", [2, 8])):
        writer = CorpusWriter.create(tmp_path / name, SIZE, drawn.make_card(), False)
        for start, stop in zip([0, *cuts], cuts, strict=False):
            writer.add(one[start:stop])
            writer.end_episode({})
        prints.add(Corpus.open(writer.finish()).fingerprint)
    assert len(prints) == 3


def test_nothing_has_its_name_before_it_is_complete(tmp_path, drawn):
    writer = CorpusWriter.create(tmp_path / "c", SIZE, drawn.make_card(), False)
    writer.add(drawn.noise(3, *SIZE))
    writer.end_episode({})
    assert not (tmp_path / "c").exists() and (tmp_path / "c.partial").is_dir()
    writer.finish()
    assert (tmp_path / "c").is_dir() and not (tmp_path / "c.partial").exists()


def test_an_existing_output_or_leftover_is_refused(tmp_path, drawn):
    (tmp_path / "done").mkdir()
    (tmp_path / "half.partial").mkdir()
    for make in (CorpusWriter.create, CorpusWriter.resume):
        with pytest.raises(FileExistsError, match="give another --out"):
            make(tmp_path / "done", SIZE, drawn.make_card(), False)
    with pytest.raises(FileExistsError, match="--resume"):
        CorpusWriter.create(tmp_path / "half", SIZE, drawn.make_card(), False)


@pytest.mark.parametrize(
    ("size", "card", "actions", "word"),
    [
        ((8, 16), {}, False, "8x12"),
        (SIZE, {}, True, "without actions"),
        (SIZE, {"fps": 30.0}, False, "fps"),
        (SIZE, {"options": {"fit": "pad"}}, False, "fit"),
    ],
)
def test_resuming_with_other_options_is_refused(tmp_path, drawn, size, card, actions, word):
    start = drawn.make_card(options={"fit": "crop"})
    writer = CorpusWriter.create(tmp_path / "c", SIZE, start, False)
    writer.add(drawn.noise(3, *SIZE))
    writer.end_episode({})
    changed = drawn.make_card(**{"options": {"fit": "crop"}, **card})
    with pytest.raises(ValueError, match=word):
        CorpusWriter.resume(tmp_path / "c", size, changed, actions)


def test_frames_of_another_size_or_type_are_refused(tmp_path, drawn):
    writer = CorpusWriter.create(tmp_path / "c", SIZE, drawn.make_card(), False)
    for frames in (drawn.noise(2, 8, 8), drawn.noise(2, *SIZE).astype(np.float32)):
        with pytest.raises(ValueError, match="given to a corpus"):
            writer.add(frames)


@pytest.mark.parametrize(
    ("actions", "word"),
    [(None, "not none"), ([1, 2, 3], "not 3"), ([1, -2], "0 to 32767"), ([1, 40000], "0 to 32767")],
)
def test_actions_that_do_not_fit_are_refused(tmp_path, drawn, actions, word):
    writer = CorpusWriter.create(tmp_path / "c", SIZE, drawn.make_card(), True)
    writer.add(drawn.noise(3, *SIZE))
    with pytest.raises(ValueError, match=word):
        writer.end_episode({}, None if actions is None else np.array(actions))


def test_a_single_frame_is_no_episode_and_no_episode_is_no_corpus(tmp_path, drawn):
    writer = CorpusWriter.create(tmp_path / "c", SIZE, drawn.make_card(), False)
    with pytest.raises(ValueError, match="no episode"):
        writer.finish()
    writer.add(drawn.noise(1, *SIZE))
    with pytest.raises(ValueError, match="at least 2"):
        writer.end_episode({})


def test_chunks_are_written_as_zarr_writes_them(tmp_path, drawn):
    frames = drawn.noise(96, *SIZE)
    frames[32:64] = 0  # such a chunk is left out
    trees = []
    for name in ("ours", "zarr"):
        writer = CorpusWriter.create(tmp_path / name, SIZE, drawn.make_card(), False)
        array = writer.committed_frames
        array.resize((len(frames), *SIZE, 3))
        if name == "zarr":
            array[:] = frames
        else:
            chunks = ChunkWriter(array, partial_path(tmp_path / name) / "frames")
            chunks.write(0, drawn.noise(64, *SIZE, seed=1))  # what an interruption left
            chunks.write(0, frames)
        trees.append(drawn.tree(partial_path(tmp_path / name)))
        assert (array[:] == frames).all()
    assert trees[0] == trees[1] and len(trees[0]) == 6


def test_marks_are_written_as_zarr_writes_them_and_each_at_once(tmp_path, drawn, monkeypatch):
    monkeypatch.setattr("corpus.writing.writer.MARKS_PER_CHUNK", 4)
    ends, trees = np.cumsum(np.arange(2, 13)), []
    for name in ("ours", "zarr"):
        writer = CorpusWriter.create(tmp_path / name, SIZE, drawn.make_card(), False)
        array, folder = writer._ends, partial_path(tmp_path / name) / "episode_ends"
        for count, end in enumerate(ends):
            if name == "zarr":
                array.resize((count + 1,))
                array[count] = end
                continue
            for mark in (99, end):  # the first is what an interruption left
                MarkWriter(array, folder).add(mark)
                assert array[: count + 1].tolist() == [*ends[:count], mark]
                array.resize((count + (mark == end),))
        trees.append(drawn.tree(folder))
    assert trees[0] == trees[1] and len(trees[0]) == 4
