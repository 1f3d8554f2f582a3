import json

import numpy as np
import pytest
import zarr

from corpus.store import Corpus


def test_frames_come_back_bit_for_bit(tmp_path, drawn):
    frames = drawn.make_corpus(tmp_path / "c", [2, 31, 33, 70])
    corpus = Corpus.open(tmp_path / "c")
    assert (corpus.read(0, corpus.num_frames) == frames).all()
    assert (corpus.read(30, 40) == frames[30:40]).all()
    assert corpus.read(5, 5).shape == (0, 8, 12, 3)


def test_card_and_shape_are_read_back(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "c", [2, 3])
    corpus = Corpus.open(tmp_path / "c")
    assert (corpus.height, corpus.width, corpus.num_frames, corpus.num_episodes) == (8, 12, 5, 2)
    assert (corpus.fps, corpus.source, corpus.licence) == (15.0, "test", "none")
    assert corpus.episode(0) == (0, 2) and corpus.episode(1) == (2, 5)
    assert [record["frames"] for record in corpus.provenance] == [2, 3]
    assert len(corpus.fingerprint) == 64


def test_frames_are_stored_as_the_format_says(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "c", [40])
    group = zarr.open_group(tmp_path / "c", mode="r")
    assert group["frames"].chunks == (32, 8, 12, 3) and group["frames"].dtype == np.uint8
    (codec,) = group["frames"].compressors
    assert codec.to_dict()["name"] == "zstd" and codec.to_dict()["configuration"]["level"] == 9
    assert group["episode_ends"].dtype == np.int64
    assert group.attrs["format"] == 1


@pytest.mark.parametrize("index", [-1, 2])
def test_an_episode_that_does_not_exist_is_refused(tmp_path, drawn, index):
    drawn.make_corpus(tmp_path / "c", [2, 3])
    with pytest.raises(ValueError, match="give 0 to 1"):
        Corpus.open(tmp_path / "c").episode(index)


@pytest.mark.parametrize("span", [(-1, 2), (4, 6), (3, 2)])
def test_frames_outside_the_corpus_are_refused(tmp_path, drawn, span):
    drawn.make_corpus(tmp_path / "c", [2, 3])
    with pytest.raises(ValueError, match="5 frames"):
        Corpus.open(tmp_path / "c").read(*span)


def test_true_actions_end_each_episode_with_minus_one(tmp_path, drawn):
    actions = [np.array([3]), np.array([1, 2])]
    drawn.make_corpus(tmp_path / "c", [2, 3], actions=actions)
    read = Corpus.open(tmp_path / "c").true_actions()
    assert read.dtype == np.int64 and read.tolist() == [3, -1, 1, 2, -1]


def test_missing_true_actions_are_said(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "c", [2])
    with pytest.raises(ValueError, match="holds no true actions"):
        Corpus.open(tmp_path / "c").true_actions()


def test_reading_frames_never_touches_the_true_actions(tmp_path, drawn):
    frames = drawn.make_corpus(tmp_path / "c", [2, 3], actions=[np.zeros(1, int), np.zeros(2, int)])
    (tmp_path / "c" / "actions" / "zarr.json").write_text("not json")
    corpus = Corpus.open(tmp_path / "c")
    assert (corpus.read(0, 5) == frames).all()
    with pytest.raises(ValueError):
        corpus.true_actions()


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no corpus at"):
        Corpus.open(tmp_path / "none")


def _damage_nothing_there(path):
    (path / "zarr.json").unlink()


def _damage_json(path):
    (path / "zarr.json").write_text("{")


def _damage_frames(path):
    (path / "frames" / "zarr.json").unlink()


def _damage_ends(path):
    zarr.open_group(path, mode="r+")["episode_ends"][0] = 9


def _damage_fingerprint(path):
    zarr.open_group(path, mode="r+").attrs["fingerprint"] = ""


def _damage_format(path):
    zarr.open_group(path, mode="r+").attrs["format"] = 2


def _edit(name, *keys, value):
    """Damage that sets one value in a json file of the corpus."""

    def damage(path):
        content = json.loads((path / name).read_text())
        inner = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        (path / name).write_text(json.dumps(content))

    return damage


def _damage_attribute(path):
    card = json.loads((path / "zarr.json").read_text())
    del card["attributes"]["fps"]
    (path / "zarr.json").write_text(json.dumps(card))


def _damage_depth(path):
    (path / "zarr.json").write_text("[" * 100_000)


CHUNKS = ("frames/zarr.json", "chunk_grid", "configuration", "chunk_shape")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_damage_nothing_there, "not a corpus"),
        (_damage_json, "not a readable corpus"),
        (_damage_frames, "not a readable corpus"),
        (_damage_ends, "damaged"),
        (_damage_fingerprint, "unfinished"),
        (_damage_format, "format 2"),
        (_damage_attribute, "lack fps"),
        (_damage_depth, "not a readable corpus"),
        (_edit("zarr.json", "attributes", "fps", value="8"), "frame rate above 0, not 8"),
        (_edit("zarr.json", "attributes", "fps", value=True), "frame rate"),
        (_edit("zarr.json", "attributes", "fps", value=float("nan")), "frame rate"),
        (_edit("zarr.json", "attributes", "source", value=[1]), "source is"),
        (_edit("zarr.json", "attributes", "fingerprint", value=7), "fingerprint is 7"),
        (_edit("zarr.json", "attributes", "options", value="none"), "options are"),
        (_edit("episode_ends/zarr.json", "shape", value=[10**12]), "claims 10{12} episodes"),
        (_edit("frames/zarr.json", "shape", value=[5, 8, 10**9, 3]), "8x1000000000"),
        (_edit(*CHUNKS, value=[10**12, 8, 12, 3]), "chunks of"),
    ],
)
def test_a_broken_corpus_gives_one_clear_line(tmp_path, drawn, damage, message):
    drawn.make_corpus(tmp_path / "c", [2, 3])
    damage(tmp_path / "c")
    with pytest.raises(ValueError, match=message) as caught:
        Corpus.open(tmp_path / "c")
    assert "\n" not in str(caught.value)


def test_a_damaged_chunk_gives_one_clear_line(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "c", [40])
    (tmp_path / "c" / "frames" / "c.0.0.0.0").write_bytes(b"rubbish")
    with pytest.raises(ValueError, match="damaged") as caught:
        Corpus.open(tmp_path / "c").read(0, 2)
    assert "\n" not in str(caught.value)
