"""The command, from its words to a file, with a small world that has real models."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dynamics.model import Dynamics, DynamicsConfig
from genie.cli import main
from genie.library.loading import load_world_on
from genie.library.writer import write_bundle
from genie.play.game.slots import Slots
from genie.play.player import Player
from genie.session.replay import verify
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
    models["lam"].start_codes(torch.randn(64, 8, generator=torch.Generator().manual_seed(0)))
    prompts = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), np.uint8)
    write_bundle(
        tmp_path / "run" / "world",
        models,
        settings=Settings(steps=2, unmask_order="confidence", temperature=1.0),
        keymap=keymap,
        statistics={},
        prompts=list(prompts),
        info={"name": "tiny", "title": "Tiny", "fps": 15.0, "demo_keys": "right*6"},
    )
    return str(tmp_path / "run")


def play(run_folder, record, *more):
    assert main(["play", run_folder, "--headless", "--record", record, *more]) == 0
    if record.endswith(".session"):
        return None
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


def test_rewinding_branches_and_slots_equal_an_uninterrupted_run(run_folder, tmp_path):
    world = load_world_on(Path(run_folder) / "world", "cpu")
    rng = np.random.default_rng(3)
    actions, steps = rng.integers(0, 4, 40).tolist(), rng.integers(1, 4, 40).tolist()

    def go(player, first, last):
        frames = []
        for action, count in zip(actions[first:last], steps[first:last], strict=True):
            player.set_steps(count)  # as the adaptive steps do
            frames.append(player.advance(action))
        return frames

    straight = go(Player(world, world.bundle.prompts, seed=4), 0, 40)
    player = Player(world, world.bundle.prompts, seed=4)
    go(player, 0, 25)
    player.back(10)
    for action in (3, 3, 0):  # another branch, which is left again
        player.advance(action)
    player.back(3)
    frames = go(player, 15, 25)
    slots = Slots(tmp_path / "slots")
    slots.save(1, player.session, player.head, player.frame)
    player.restart()
    player.advance(1)
    assert verify(player.session, world).difference is None
    saved = slots.load(1)
    later = Player(world, world.bundle.prompts, seed=4)
    shown = later.go_to(later.session.adopt(saved, len(saved) - 1))
    frames += go(later, 25, 40)
    assert np.array_equal(shown, straight[24])
    assert all(map(np.array_equal, frames, straight[15:]))
    assert verify(later.session, world).difference is None


def test_time_turned_back_shows_what_was_seen(run_folder):
    world = load_world_on(Path(run_folder) / "world", "cpu")
    player = Player(world, world.bundle.prompts, seed=4)
    frames = [player.frame, *(player.advance(action) for action in (1, 2, 3, 1))]
    for frame in reversed(frames[:-1]):
        player.back()
        assert np.array_equal(player.frame, frame)
    while player.forward():
        pass
    assert np.array_equal(player.frame, frames[-1])


def test_a_video_is_an_episode_whose_keys_are_inferred(run_folder, workplace):
    assert play(run_folder, "film.gif", "--frames", "6") == 6
    line = ["play", run_folder, "--versus", "film.gif", "--headless", "--record", "both.gif"]
    assert main(line) == 0
    with Image.open("both.gif") as image:
        assert image.n_frames >= 4


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
    assert "frames per second over 5 frames is what the models can make" in said
    times = [float(line.split()[2]) for line in re.findall(r"(?:ting|ling|ding) +p50.*ms", said)]
    assert len(times) == 3
    whole = float(re.search(r"key to frame +p50 +([\d.]+)", said)[1])
    assert sum(times) < 1.5 * whole and max(times) <= whole


@pytest.mark.parametrize("command", ["play", "replay", "bench"])
def test_a_wrong_word_is_refused_before_weights_are_read(
    run_folder, workplace, capsys, monkeypatch, command
):
    play(run_folder, "log.session", "--frames", "2") if command == "replay" else None
    lines = {
        "play": [["--device", "cuda"], ["--versus", "nosuch"], ["--keys", "fly"]],
        "replay": [["--device", "cuda", "--verify"], ["--world", "nosuch", "--record", "x.gif"]],
        "bench": [["--frames", "0"], ["--device", "cuda"], ["--threads", "0"]],
    }[command]
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("genie.world.load_bundle", lambda *_: pytest.fail("weights were read"))
    for line in lines:
        target = "log.session" if command == "replay" else run_folder
        assert main([command, target, *line]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_too_many_threads_are_bounded_and_it_is_said(run_folder, workplace, capsys, monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda threads: None)
    play(run_folder, "one.gif", "--frames", "1", "--threads", "999")
    said = capsys.readouterr().out
    assert re.search(r"--threads 999: \d+ processor cores can be used here, so it is \d+", said)
