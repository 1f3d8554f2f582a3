import errno
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from spacetime.weights import (
    model_fingerprint,
    read_json,
    read_weights,
    write_atomic,
    write_json,
    write_weights,
)


@pytest.fixture
def weights() -> dict[str, Tensor]:
    return {
        "matrix": torch.randn(5, 3, generator=torch.Generator().manual_seed(0)),
        "turned": torch.arange(6.0).view(2, 3).T,  # not contiguous
        "flag": torch.tensor(True),
        "count": torch.tensor([3, 4]),
    }


def full_disk(*args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_weights_come_back_bit_for_bit(tmp_path, weights):
    path = tmp_path / "model.safetensors"
    write_weights(path, weights)
    again = read_weights(path)
    assert again.keys() == weights.keys()
    for name, tensor in weights.items():
        assert again[name].dtype == tensor.dtype
        assert torch.equal(again[name], tensor)
    assert names(tmp_path) == ["model.safetensors"]


def test_stored_in_bfloat16_weights_are_half_the_size_and_come_back_as_float32(tmp_path, weights):
    weights["matrix"] = torch.randn(100, 100)
    write_weights(tmp_path / "full", weights)
    write_weights(tmp_path / "half", weights, torch.bfloat16)
    assert (tmp_path / "half").stat().st_size < 0.6 * (tmp_path / "full").stat().st_size
    again = read_weights(tmp_path / "half")
    assert again["matrix"].dtype == torch.float32
    assert torch.equal(again["matrix"], weights["matrix"].bfloat16().float())
    assert not torch.equal(again["matrix"], weights["matrix"])
    # Only floating-point numbers are rounded.
    assert again["flag"].dtype == torch.bool and again["count"].tolist() == [3, 4]


def test_parameters_that_learn_can_be_written(tmp_path):
    layer = torch.nn.Linear(3, 2)
    write_weights(tmp_path / "layer", dict(layer.named_parameters()))
    assert torch.equal(read_weights(tmp_path / "layer")["weight"], layer.weight)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    path = tmp_path / "world.json"
    write_json(path, {"format": 1})
    monkeypatch.setattr(os, call, full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        write_json(path, {"format": 2})
    assert read_json(path) == {"format": 1}
    assert names(tmp_path) == ["world.json"]


def test_a_full_disk_leaves_no_half_of_a_new_file(tmp_path, monkeypatch, weights):
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        write_weights(tmp_path / "model.safetensors", weights)
    assert names(tmp_path) == []


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", b"half")
    assert names(tmp_path) == []


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")
    seen = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (seen.append(path.read_bytes()), fsync(file)))
    write_atomic(path, b"new")
    assert seen == [b"old"]
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("read", [read_weights, read_json])
def test_a_missing_file_is_one_clear_line(tmp_path, read):
    with pytest.raises(FileNotFoundError) as error:
        read(tmp_path / "absent")
    assert "absent is missing" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("damage", ["cut", "emptied", "scrambled head", "not at all weights"])
def test_damaged_weights_are_one_clear_line(tmp_path, weights, damage):
    path = tmp_path / "model.safetensors"
    write_weights(path, weights)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[:-7],
            "emptied": b"",
            "scrambled head": whole[:8] + b"\xff" * 40 + whole[48:],
            "not at all weights": b"<html>not found</html>" * 20,
        }[damage]
    )
    with pytest.raises(ValueError, match="is damaged") as error:
        read_weights(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b'{"format": 1', b"\xff\xfe\x00", b"nonsense"])
def test_damaged_json_is_one_clear_line(tmp_path, content):
    path = tmp_path / "world.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not valid json") as error:
        read_json(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_json_comes_back_and_is_readable(tmp_path):
    record = {"name": "Höhle", "sizes": [1, 2.5, None], "nested": {"yes": True}}
    write_json(tmp_path / "a.json", record)
    assert read_json(tmp_path / "a.json") == record
    assert (tmp_path / "a.json").read_text().count("\n") > 4


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_know_are_refused_before_anything_is_written(tmp_path, number):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"figure": number})
    assert names(tmp_path) == []


def test_the_fingerprint_changes_with_a_weight_or_a_config_value(tmp_path, weights):
    path, config = tmp_path / "model.safetensors", {"dim": 16, "levels": [8, 5]}
    write_weights(path, weights)
    first = model_fingerprint(path, config)
    assert len(first) == 64 and int(first, 16) >= 0
    assert model_fingerprint(path, dict(reversed(config.items()))) == first
    assert model_fingerprint(path, config | {"dim": 32}) != first
    assert model_fingerprint(path, config | {"levels": [5, 8]}) != first
    weights["matrix"][0, 0] += 1e-6
    write_weights(path, weights)
    assert model_fingerprint(path, config) != first


def test_the_fingerprint_of_the_same_model_written_twice_is_the_same(tmp_path, weights):
    write_weights(tmp_path / "a", weights)
    write_weights(tmp_path / "b", dict(reversed(weights.items())))
    assert model_fingerprint(tmp_path / "a", {}) == model_fingerprint(tmp_path / "b", {})
