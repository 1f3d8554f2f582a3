"""The command, from its words to a file, with a small world that has real models."""

import json

import numpy as np
import pytest
from PIL import Image

from dynamics.model import Dynamics, DynamicsConfig
from genie.bundle import write_bundle
from genie.cli import main
from genie.settings import Settings
from lam.model import LatentActionConfig, LatentActionModel
from tokenizer.model import Tokenizer, TokenizerConfig

SIZE = {"height": 16, "width": 24}


@pytest.fixture
def run_folder(tmp_path, keymap):
    """A run that has just exported its world."""
    small = {"dim": 16, "heads": 2}
    tokenizer = Tokenizer(TokenizerConfig(**SIZE, **small, encoder_layers=1, decoder_layers=1))
    codes = {"num_tokens": tokenizer.num_tokens, "num_codes": tokenizer.num_codes}
    models = {
        "tokenizer": tokenizer,
        "lam": LatentActionModel(LatentActionConfig(**SIZE, num_actions=4, channels=8)),
        "dynamics": Dynamics(DynamicsConfig(**codes, **small, num_actions=4, layers=1, band=4)),
    }
    prompts = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), np.uint8)
    write_bundle(
        tmp_path / "run" / "world",
        models,
        settings=Settings(steps=2, order="confidence", temperature=1.0),
        keymap=keymap,
        statistics={},
        prompts=list(prompts),
        info={"name": "tiny", "title": "Tiny", "fps": 15.0, "demo_keys": "right*6"},
    )
    return str(tmp_path / "run")


def play(run_folder, record, *more):
    assert main(["play", run_folder, "--headless", "--record", record, *more]) == 0
    with Image.open(record) as image:
        return image.n_frames


def test_a_run_is_played_into_a_gif_and_the_same_seed_gives_the_same_bytes(run_folder, workplace):
    keys = ("--keys", "right*3 jump*2", "--json", "t.json", "--steps", "3")
    assert play(run_folder, "one.gif", *keys, "--seed", "1") == 5
    assert play(run_folder, "two.gif", *keys, "--seed", "1") == 5
    play(run_folder, "three.gif", *keys, "--seed", "2")
    one, two, three = ((workplace / f"{name}.gif").read_bytes() for name in ("one", "two", "three"))
    assert one == two
    assert one != three
    timings = json.loads((workplace / "t.json").read_text())
    assert (timings["frames"], timings["steps"], timings["world"]) == (5, 3, "tiny")


def test_neither_keys_nor_frames_is_the_demo_of_the_world(run_folder, workplace):
    assert play(run_folder, "demo.gif") == 6


def test_the_window_plays_a_real_world(run_folder, workplace, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert main(["play", run_folder, "--frames", "3", "--record", "w.gif", "--seed", "1"]) == 0
    assert play(run_folder, "h.gif", "--frames", "3", "--seed", "1") == 3
    assert (workplace / "w.gif").read_bytes() == (workplace / "h.gif").read_bytes()


def test_a_world_with_damaged_weights_is_one_line(run_folder, workplace, capsys, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    weights = workplace.parent / "run" / "world" / "dynamics.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    for more in (["--headless"], ["--frames", "2"]):
        assert main(["play", run_folder, *more]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "flags", [["--temperature", "-1"], ["--steps", "0"], ["--keys", "fly*3"], ["--prompt", "x.png"]]
)
def test_a_flag_that_the_world_refuses_is_one_line(run_folder, workplace, capsys, flags):
    assert main(["play", run_folder, "--headless", "--record", "out.gif", *flags]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(workplace.iterdir()) == []


def test_bench_prints_the_times_of_a_world(run_folder, capsys):
    assert main(["bench", run_folder, "--frames", "5"]) == 0
    said = capsys.readouterr().out
    assert "key to frame   p50" in said
    assert "frames per second over 5 frames" in said
