"""The corpus as integers."""

import errno
import shutil

import numpy as np
import pytest
import torch
import zarr

from lam.model import LatentActionModel
from train.data import encode
from train.data.clips import to_float
from train.data.encode import (
    EPISODES_AT_ONCE,
    MOST_ACTIONS,
    MOST_CODES,
    PADDED_TRANSITIONS,
    check_codes,
    encode_corpus,
    load_encoded,
    read_episodes,
    together,
)

STAMP = {"corpus": "c", "tokenizer": "t", "lam": "l"}
LENGTHS = (9, 7, 2, 12, 8)  # with batches of 8: an end inside, at, and beside a border
ENDS = np.cumsum(LENGTHS)


@pytest.fixture(scope="module")
def uneven(tiny, tmp_path_factory):
    return tiny.write_corpus(tmp_path_factory.mktemp("uneven") / "c", lengths=LENGTHS)


@pytest.fixture(scope="module")
def models(tiny):
    return tiny.make_readers()


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(encode, "frames_at_once", lambda device: 8)


@pytest.fixture
def encoded(uneven, models, tmp_path, small_batches):
    encode_corpus(uneven, *models, tmp_path / "e.zarr", STAMP)
    return load_encoded(tmp_path / "e.zarr", STAMP)


def floats(corpus, start, stop):
    return to_float(torch.from_numpy(corpus.read(start, stop))[None])


def test_ids_are_those_of_each_frame_alone(uneven, models, encoded):
    alone = [
        models[0].encode(floats(uneven, t, t + 1))[0, 0].numpy() for t in range(uneven.num_frames)
    ]
    assert np.array_equal(encoded.ids, np.stack(alone))
    assert len(np.unique(encoded.ids)) > 1
    assert (encoded.num_codes, encoded.ids.dtype) == (9, np.int64)


def test_actions_are_inferred_inside_episodes_and_absent_at_their_ends(uneven, models, encoded):
    expected = np.full(uneven.num_frames, -1)
    for t in set(range(uneven.num_frames)) - set((ENDS - 1).tolist()):
        expected[t] = models[1].infer(floats(uneven, t, t + 2))[0, 0]
    assert np.array_equal(encoded.actions, expected)
    assert len(np.unique(expected)) > 2  # absent, and more than one action
    assert np.array_equal(np.flatnonzero(encoded.actions == -1), ENDS - 1)
    assert encoded.num_actions == 8


def test_a_batch_border_makes_no_difference(uneven, models, encoded, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "frames_at_once", lambda device: 256)
    encode_corpus(uneven, *models, tmp_path / "whole.zarr", STAMP)
    whole = load_encoded(tmp_path / "whole.zarr", STAMP)
    assert np.array_equal(encoded.ids, whole.ids)
    assert np.array_equal(encoded.actions, whole.actions)
    assert np.array_equal(encoded.episode_ends, ENDS)


def test_the_corpus_is_not_touched(tiny, uneven, models, tmp_path):
    before = tiny.tree(uneven.path)
    encode_corpus(uneven, *models, tmp_path / "e.zarr", STAMP)
    assert tiny.tree(uneven.path) == before


def test_it_is_stored_small(uneven, models, encoded, tmp_path):
    group = zarr.open_group(tmp_path / "e.zarr", mode="r")
    assert (group["ids"].dtype, group["actions"].dtype) == (np.uint16, np.int8)


class Refusing:
    """Stands for models that must not be asked."""

    num_codes = 9

    def __getattr__(self, name):
        raise AssertionError(f"{name} was asked for")


def test_an_encoding_with_the_same_stamp_is_kept(tiny, uneven, encoded, tmp_path):
    before = tiny.tree(tmp_path / "e.zarr")
    encode_corpus(uneven, Refusing(), Refusing(), tmp_path / "e.zarr", STAMP)
    assert tiny.tree(tmp_path / "e.zarr") == before


def test_an_encoding_that_a_kill_left_half_removed_is_made_again(uneven, models, encoded, tmp_path):
    out = tmp_path / "encoded.zarr"
    encode_corpus(uneven, *models, out, {"of": "another corpus"})
    (out / "zarr.json").unlink()
    encode_corpus(uneven, *models, out, {})
    assert load_encoded(out, {}).ids.shape == encoded.ids.shape


def test_an_encoding_with_another_stamp_is_replaced(uneven, models, encoded, tmp_path):
    changed = {**STAMP, "lam": "newer"}
    encode_corpus(uneven, *models, tmp_path / "e.zarr", changed)
    assert np.array_equal(load_encoded(tmp_path / "e.zarr", changed).ids, encoded.ids)
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("part", sorted(STAMP))
def test_another_stamp_is_refused_when_loading(encoded, tmp_path, part):
    with pytest.raises(ValueError, match="another corpus or by other models") as caught:
        load_encoded(tmp_path / "e.zarr", {**STAMP, part: "other"})
    assert "\n" not in str(caught.value)


def test_a_missing_encoding_says_what_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="genie train encode"):
        load_encoded(tmp_path / "e.zarr", STAMP)


@pytest.mark.parametrize("part", ["ids/c/0/0", "actions/c/0", "episode_ends/c/0", "ids/zarr.json"])
@pytest.mark.parametrize("cut", [False, True])
def test_an_encoding_of_which_files_are_missing_or_cut_says_what_to_do(
    uneven, models, encoded, tmp_path, part, cut
):
    out = tmp_path / "e.zarr"
    data = (out / part).read_bytes()
    if cut:
        (out / part).write_bytes(data[: len(data) // 2])
    else:
        (out / part).unlink()
    with pytest.raises(ValueError, match="damaged.*delete it and run genie train enc") as caught:
        load_encoded(out, STAMP)
    assert "\n" not in str(caught.value) and str(out) in str(caught.value)
    shutil.rmtree(out)
    encode_corpus(uneven, *models, out, STAMP)
    assert np.array_equal(load_encoded(out, STAMP).ids, encoded.ids)


def test_an_encoding_of_an_earlier_version_is_read_without_a_digest(encoded, tmp_path):
    attributes = zarr.open_group(tmp_path / "e.zarr", mode="r+").attrs
    del attributes["digest"]
    assert np.array_equal(load_encoded(tmp_path / "e.zarr", STAMP).ids, encoded.ids)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "disk is full")])
@pytest.mark.parametrize("method", [(LatentActionModel, "observe"), (zarr.Group, "create_array")])
def test_an_encoding_that_breaks_off_leaves_the_one_before_and_nothing_else(
    uneven, models, encoded, tmp_path, monkeypatch, error, method
):
    def stop(*_, **__):
        raise error

    before = sorted(tmp_path.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(*method, stop)
        with pytest.raises(type(error)):
            encode_corpus(uneven, *models, tmp_path / "e.zarr", {**STAMP, "lam": "newer"})
    assert np.array_equal(load_encoded(tmp_path / "e.zarr", STAMP).ids, encoded.ids)
    assert sorted(tmp_path.iterdir()) == before


def test_a_model_without_codes_is_one_line(tiny, uneven, models, tmp_path):
    with pytest.raises(ValueError, match="no codes yet") as caught:
        encode_corpus(uneven, models[0], tiny.make_lam().eval(), tmp_path / "e.zarr", STAMP)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "e.zarr").exists()


def test_more_codes_than_the_stored_type_holds_are_refused():
    check_codes(MOST_CODES, MOST_ACTIONS)
    assert np.array(MOST_CODES - 1).astype(np.uint16) == MOST_CODES - 1
    with pytest.raises(ValueError, match="65537 codes"):
        check_codes(MOST_CODES + 1, 4)
    assert np.array(MOST_ACTIONS - 1).astype(np.int8) == MOST_ACTIONS - 1
    with pytest.raises(ValueError, match="129 actions"):
        check_codes(9, MOST_ACTIONS + 1)


def test_one_long_episode_among_short_ones_is_read_by_itself():
    lengths = np.array([20] * 300 + [0, 20_000, 1])
    groups = list(together(lengths))
    assert max(len(group) * lengths[group].max() for group in groups) <= PADDED_TRANSITIONS
    assert max(map(len, groups)) <= EPISODES_AT_ONCE
    numbers = sorted(np.concatenate(groups).tolist())
    assert numbers == [*range(300), 301, 302]  # all that have a transition
    assert [group.tolist() for group in together(np.array([10**6]))] == [[0]]


def test_groups_of_episodes_are_read_as_each_alone():
    class Reader:
        """Reads how far a transition is from the first, and which episode it is of."""

        def read(self, observed, episodes=None):
            times = torch.arange(observed.shape[1])[None] + 0 * observed[..., 0].long()
            return times + 10 * episodes[:, None]

    ends = np.array([3, 4, 9, 11])
    read = read_episodes(Reader(), torch.ones(10, 2), ends, vary=True)
    assert read.tolist() == [0, 1, -1, -1, 20, 21, 22, 23, -1, 30, -1]
