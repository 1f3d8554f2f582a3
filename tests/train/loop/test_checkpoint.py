"""What is said of a checkpoint that cannot be read."""

import pytest
import torch

from spacetime.weights import write_json
from train.loop.checkpoint import CHECKPOINT, INDEX, read_checkpoint


@pytest.fixture
def stage(tiny, corpus, tmp_path):
    """A fit that has a checkpoint, begun again."""
    tiny.fit(tiny.interrupt_after(tiny.make_module("tokenizer", corpus), 1), tmp_path)
    return tiny.make_module("tokenizer", corpus)


def refused(folder, stage):
    with pytest.raises(ValueError, match="is damaged .* delete .* to begin this stage") as caught:
        read_checkpoint(folder, stage)
    assert "\n" not in str(caught.value)
    return str(caught.value).split(" is damaged")[0]


@pytest.mark.parametrize("spoil", [lambda data: data[:-400], lambda data: b"no checkpoint"])
def test_a_damaged_checkpoint_is_named(tmp_path, stage, spoil):
    path = tmp_path / CHECKPOINT
    path.write_bytes(spoil(path.read_bytes()))
    assert refused(tmp_path, stage) == str(path)


def test_a_checkpoint_without_its_parts_is_damaged(tmp_path, stage):
    torch.save({"state_dict": {}}, tmp_path / CHECKPOINT)
    assert refused(tmp_path, stage) == str(tmp_path / CHECKPOINT)


@pytest.mark.parametrize(
    "error", [PermissionError("not yours"), OSError(24, "Too many open files")]
)
def test_a_checkpoint_that_the_system_does_not_hand_out_is_not_called_damaged(
    tmp_path, stage, monkeypatch, error
):
    def load(*_, **__):
        raise error

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(type(error)) as caught:
        read_checkpoint(tmp_path, stage)
    assert caught.value is error


def test_the_missing_part_of_a_sharded_checkpoint_is_named(tmp_path, stage):
    write_json(tmp_path / INDEX, {"step": 9, "count": 2})
    assert refused(tmp_path, stage) == str(tmp_path / "checkpoint-9-0.ckpt")
    (tmp_path / INDEX).unlink()  # as the line says
    assert read_checkpoint(tmp_path, stage)["clock"]["step"] == 1


def test_parts_that_do_not_fit_together_are_damaged(tmp_path, stage):
    write_json(tmp_path / INDEX, {"step": 9, "count": 2})
    for number in range(2):
        torch.save({"state_dict": number}, tmp_path / f"checkpoint-9-{number}.ckpt")
    assert refused(tmp_path, stage) == str(tmp_path / INDEX)


def test_a_damaged_index_is_named(tmp_path, stage):
    (tmp_path / INDEX).write_text("{}")
    assert refused(tmp_path, stage) == str(tmp_path / INDEX)
