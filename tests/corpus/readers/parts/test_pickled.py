import pickle
import random

import numpy as np
import pytest

from corpus.readers.parts.pickled import read_pickle

PLAIN = {
    "a": [1, -2, 2**40, 1.5, True, None],
    "b": ("x", b"y", bytearray(b"z")),
    "c": {"d": {}, 3: [[]]},
    "long": "ä" * 300,
    "bytes": bytes(300),
}


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_plain_values_come_back(protocol):
    values = PLAIN if protocol == 5 else {key: PLAIN[key] for key in PLAIN if key != "b"}
    assert read_pickle(pickle.dumps(values, protocol)) == values


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.int64(7),
        np.zeros(0, np.uint8),
    ],
)
def test_integer_arrays_of_numpy_come_back(protocol, array):
    read = read_pickle(pickle.dumps({"x": array}, protocol))["x"]
    assert read.dtype == array.dtype and (read == array).all() and read.shape == array.shape


def test_other_arrays_are_none():
    assert read_pickle(pickle.dumps({"x": np.zeros(3)}))["x"] is None
    assert read_pickle(pickle.dumps({"x": np.array(["a"])}))["x"] is None
    assert read_pickle(pickle.dumps({"x": np.array([None, 1], object)}))["x"] is None


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        pickle.dumps(random.Random),
        pickle.dumps({1, 2}),
        pickle.dumps(10**100),
        pickle.dumps([1] * 200_000),
        pickle.dumps([1])[:-1],
        b"\x80\x04" + b"(" * 50 + b".",
        b"\x80\x04h\x05.",
        b"\x80\x04}]K\x01s.",
        b"",
    ],
)
def test_anything_else_is_refused(data):
    with pytest.raises(ValueError, match="pickle"):
        read_pickle(data)


def test_damage_is_refused_or_read_and_never_runs():
    rng = random.Random(0)
    whole = pickle.dumps({"raw_video": bytes(60), "sequence_length": 5, "actions": np.arange(5)})
    refused = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            read_pickle(bytes(data))
        except ValueError as error:
            refused += 1
            assert "\n" not in str(error)
    assert 0 < refused < 3000
