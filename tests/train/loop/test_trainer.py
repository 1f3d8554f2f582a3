"""When a fit is compiled, what it says when memory is short, and what it exports."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import lightning_utilities.core.rank_zero as rank_zero
import pytest
import torch

from train.data.frames import Frames
from train.export import load_model
from train.fit_tokenizer import TokenizerModule
from train.loop import trainer
from train.loop.clock import Clock
from train.options import TrainOptions
from train.pipeline import train
from train.processes.ranks import Ranks
from train.recipe import load_recipe
from train.run_directory import RunDirectory

ROOT = Path(__file__).resolve().parents[3]
PAYS = trainer.COMPILE_PAYS_AFTER_STEPS
SMOKE = [getattr(load_recipe("smoke"), name) for name in ("tokenizer", "lam", "dynamics")]


@pytest.mark.parametrize(
    ("clock", "pays"),
    [
        (Clock(total_steps=6000), True),
        (Clock(total_steps=6000, step=6000 - PAYS), True),
        (Clock(total_steps=6000, step=6001 - PAYS), False),
        (Clock(total_steps=6000, slice_seconds=3600.0), True),
        (Clock(total_steps=6000, slice_seconds=60.0), False),
        *((Clock(total_steps=part.fit.steps), False) for part in SMOKE),
        (Clock(total_steps=9, total_seconds=3600.0), True),
        (Clock(total_steps=9, total_seconds=3600.0, slice_seconds=60.0), False),
    ],
)
def test_long_fits_are_compiled_counted_in_steps_or_in_time(tiny, corpus, monkeypatch, clock, pays):
    stage, compiled = tiny.make_module("tokenizer", corpus, clock), []
    monkeypatch.setattr(trainer, "pick_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(stage, "compile_model", lambda: compiled.append(True))
    trainer.compile_if_it_pays(stage, "32-true", Ranks())
    assert bool(compiled) == pays


@pytest.mark.parametrize("chosen", ["", "/elsewhere"])
def test_compiled_code_is_kept_where_a_restart_leaves_it(tmp_path, chosen):
    """In a process of its own, since importing Lightning sets the variable."""
    program = (
        "import os; from train.loop.trainer import _keep_compiled_code; _keep_compiled_code();"
        "from torch._inductor.runtime.cache_dir_utils import cache_dir; print(cache_dir())"
    )
    outside = {k: v for k, v in os.environ.items() if k != "TORCHINDUCTOR_CACHE_DIR"}
    if chosen:
        chosen = str(tmp_path / "chosen")
        outside["TORCHINDUCTOR_CACHE_DIR"] = chosen
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=outside | {"GENIE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == (chosen or str(tmp_path / "cache" / "compiled"))


def too_much(*_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nOf the …")


@pytest.mark.parametrize("method", ["compile_model", "loss"])
def test_short_memory_is_one_line_that_says_what_to_lower(
    tiny, corpus, tmp_path, monkeypatch, method
):
    monkeypatch.setattr(trainer, "_compiling_pays", lambda *_: method == "compile_model")
    stage = tiny.make_module("dynamics", corpus, batch=6)
    setattr(stage, method, too_much)
    with pytest.raises(ValueError, match="memory is too small to fit the dynamics with 6") as said:
        tiny.fit(stage, tmp_path / "dynamics")
    for advice in ("lower batch", "--resume", "the model's sizes"):
        assert advice in str(said.value)
    assert "\n" not in str(said.value)


def test_with_a_lower_batch_a_fit_goes_on_where_memory_was_short(
    tiny, corpus, tmp_path, monkeypatch
):
    """What the line advises is possible: the last checkpoint takes another batch."""
    monkeypatch.setattr(trainer, "CHECKPOINT_EVERY", -1.0)  # saves at every step
    loss = TokenizerModule.loss

    def short(stage, frames):
        return too_much() if stage.clock.step >= 2 and len(frames) > 2 else loss(stage, frames)

    monkeypatch.setattr(TokenizerModule, "loss", short)
    recipe, out = tiny.write_recipe(tmp_path / "tiny.yaml"), tmp_path / "run"
    with pytest.raises(ValueError, match="fit the tokenizer with 4 clips"):
        train("tokenizer", corpus.path, recipe, out)
    assert tiny.checkpoint(out / "tokenizer")["clock"]["step"] == 2
    tiny.write_recipe(tmp_path / "tiny.yaml", tokenizer__fit__batch=2)
    train("tokenizer", corpus.path, recipe, out, resume=True)
    assert tiny.checkpoint(out / "tokenizer")["clock"]["step"] == 3


def test_what_is_exported_is_the_averaged_model(tiny, corpus, tmp_path):
    stage = tiny.make_module("tokenizer", corpus)
    sizes = load_recipe(tiny.write_recipe(tmp_path / "tiny.yaml"))
    run = RunDirectory(
        out=tmp_path, corpus=corpus, frames=Frames(corpus), recipe=sizes,
        options=TrainOptions(seed=3),
    )  # fmt: skip
    assert run.fit(stage, "tokenizer")
    exported = load_model(tmp_path / "tokenizer", "tokenizer").state_dict()
    assert not tiny.differences(exported, dict(stage.average.state_dict()))
    assert tiny.differences(exported, dict(stage.model.state_dict()))


@pytest.mark.parametrize("part", ["fabric", "pytorch"])
def test_lightning_does_not_announce_the_precision(part, tiny, corpus, tmp_path, monkeypatch):
    logger, said = logging.getLogger(f"lightning.{part}.utilities.rank_zero"), []
    monkeypatch.setattr(rank_zero, "log", logger)
    monkeypatch.setattr(logger, "handle", said.append)
    stage = tiny.make_module("tokenizer", corpus, Clock(total_steps=1))
    monkeypatch.setattr(trainer, "pick_device", lambda: torch.device("cpu"))
    trainer.fit(stage, tmp_path, precision="bf16-mixed")
    assert not said
