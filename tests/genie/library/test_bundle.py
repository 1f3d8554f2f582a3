"""A world on disk: what was written is loaded, and what is missing is named."""

import shutil

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from genie.library.bundle import load_bundle


def test_what_was_written_is_loaded(small, bundle):
    models = small.make_models()
    for name in ("tokenizer", "lam"):
        loaded = getattr(bundle, name).state_dict()
        assert all(torch.equal(loaded[key], w) for key, w in models[name].state_dict().items())
    for key, weight in models["dynamics"].state_dict().items():
        assert torch.equal(bundle.dynamics.state_dict()[key], weight.bfloat16().float())
    assert bundle.dynamics.config == models["dynamics"].config
    assert bundle.settings == small.SETTINGS and bundle.keymap == small.KEYMAP
    assert bundle.statistics == {"format": 1}
    assert all(map(np.array_equal, bundle.prompts, small.draw_prompts()))
    assert (bundle.name, bundle.title, bundle.fps) == ("small", "Small", 15.0)
    assert (bundle.height, bundle.width, bundle.num_actions) == (16, 24, 4)
    assert bundle.demo_keys == "right*6"


def test_models_are_loaded_for_play_only(bundle):
    for model in (bundle.tokenizer, bundle.lam, bundle.dynamics):
        assert not model.training
        assert not any(weight.requires_grad for weight in model.parameters())


def test_only_safetensors_json_and_png_lie_in_a_world(world_folder):
    files = {path.relative_to(world_folder).as_posix() for path in world_folder.rglob("*.*")}
    assert files == {
        "world.json",
        "keymap.json",
        "statistics.json",
        "tokenizer.safetensors",
        "lam.safetensors",
        "dynamics.safetensors",
        "prompts/00.png",
        "prompts/01.png",
    }


def test_weights_have_the_types_of_the_house(world_folder):
    types = {
        name: {w.dtype for w in load_file(world_folder / f"{name}.safetensors").values()}
        for name in ("tokenizer", "lam", "dynamics")
    }
    floats = {name: {t for t in found if t.is_floating_point} for name, found in types.items()}
    assert floats["tokenizer"] == floats["lam"] == {torch.float32}
    assert floats["dynamics"] == {torch.bfloat16}


def test_the_same_world_has_the_same_fingerprint_and_another_one_does_not(small, bundle, tmp_path):
    again = load_bundle(small.write_world(tmp_path / "a"))
    other = load_bundle(small.write_world(tmp_path / "b", small.make_models(seed=1)))
    assert again.fingerprint == bundle.fingerprint != other.fingerprint
    assert len(bundle.fingerprint) == 64


@pytest.mark.parametrize(
    "file",
    [
        "world.json",
        "keymap.json",
        "statistics.json",
        "tokenizer.safetensors",
        "lam.safetensors",
        "dynamics.safetensors",
    ],
)
def test_a_missing_file_is_named(folder, refused, file):
    (folder / file).unlink()
    assert file in refused(folder, FileNotFoundError)


def test_a_missing_folder_or_no_prompt_is_one_line(folder, tmp_path, refused):
    assert "no world at" in refused(tmp_path / "nowhere", FileNotFoundError)
    shutil.rmtree(folder / "prompts")
    assert "no prompt" in refused(folder, FileNotFoundError)


@pytest.mark.parametrize("shape", [(24, 16, 3), (8, 12, 3), (16, 24)])
def test_a_prompt_of_another_size_is_named(folder, refused, shape):
    iio.imwrite(folder / "prompts" / "05.png", np.zeros(shape, np.uint8))
    assert "05.png" in refused(folder)


def test_a_prompt_that_is_no_picture_is_one_line(folder, refused):
    (folder / "prompts" / "05.png").write_bytes(b"no picture")
    refused(folder, (ValueError, OSError))
