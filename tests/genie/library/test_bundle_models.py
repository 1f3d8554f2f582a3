"""The models of a world on disk: refused when damaged, another world's, too large or not finite."""

import json
import resource
import shutil
import time

import pytest
from safetensors.torch import load_file, save_file

from genie.library.bundle import world_fingerprint
from spacetime.weights import model_fingerprint


@pytest.mark.parametrize("name", ["tokenizer", "lam", "dynamics"])
def test_a_flipped_byte_is_refused(folder, refused, name):
    file = folder / f"{name}.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    assert "fingerprint" in refused(folder)


@pytest.mark.parametrize("name", ["tokenizer", "lam", "dynamics"])
def test_a_file_that_is_cut_is_refused(folder, refused, name):
    file = folder / f"{name}.safetensors"
    file.write_bytes(file.read_bytes()[:200])
    assert "damaged" in refused(folder)


def test_the_dynamics_of_another_world_is_refused(folder, small, tmp_path, refused):
    other = small.write_world(tmp_path / "other", small.make_models(seed=1))
    shutil.copy(other / "dynamics.safetensors", folder)
    assert "fingerprint" in refused(folder)


def test_a_changed_configuration_is_refused(folder, refused, edit):
    def change(record):
        record["models"]["dynamics"]["config"]["band"] = 4

    edit(folder / "world.json", change)
    assert "fingerprint" in refused(folder)


def test_a_model_swapped_with_its_record_is_refused(folder, small, tmp_path, refused, edit):
    other = small.write_world(tmp_path / "other", small.make_models(seed=1))
    shutil.copy(other / "dynamics.safetensors", folder)
    record = json.loads((other / "world.json").read_text())["models"]["dynamics"]
    edit(folder / "world.json", lambda world: world["models"].update(dynamics=record))
    assert "another world" in refused(folder)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"num_tokens": 4}, "tokens 6 and 4"),
        ({"num_codes": 12}, "codes 16 and 12"),
        ({"num_actions": 3}, "actions 4 and 3"),
    ],
)
def test_models_that_were_not_made_for_each_other_are_refused(
    small, tmp_path, refused, changed, words
):
    models = small.make_models(**changed)
    line = refused(small.write_world(tmp_path / "w", models))
    assert words in line and "not made for each other" in line


def test_weights_that_do_not_fit_the_configuration_are_one_line(folder, refused, edit):
    file = folder / "dynamics.safetensors"
    weights = load_file(file)
    weights.pop("head.bias")
    save_file(weights, file)

    def change(record):
        part = record["models"]["dynamics"]
        part["fingerprint"] = model_fingerprint(file, part["config"])

    edit(folder / "world.json", change)
    assert "does not fit its configuration" in refused(folder)


@pytest.fixture
def forge(edit):
    """Change a model's configuration or weights and every fingerprint with it."""

    def change_model(folder, role, weights=None, **config):
        file = folder / f"{role}.safetensors"
        if weights is not None:
            file.write_bytes(weights)

        def change(world):
            part = world["models"][role]
            part["config"].update(config)
            part["fingerprint"] = model_fingerprint(file, part["config"])
            world["fingerprint"] = world_fingerprint(world["models"])

        edit(folder / "world.json", change)

    return change_model


@pytest.mark.parametrize(
    ("role", "config"),
    [
        ("dynamics", {"layers": 1_000_000_000}),
        ("dynamics", {"layers": 64}),
        ("dynamics", {"layers": 2.5}),
        ("dynamics", {"layers": True}),
        ("dynamics", {"band": 10**9}),
        ("dynamics", {"band": 3.0}),
        ("dynamics", {"num_codes": 1 << 60}),
        ("dynamics", {"dim": 8192, "heads": 2, "layers": 60}),
        ("dynamics", {"num_tokens": 10**6, "grid": [1000, 1000]}),
        ("tokenizer", {"levels": [4] * 40}),
        ("tokenizer", {"levels": [8000] * 12}),
        ("tokenizer", {"height": float("inf")}),
        ("tokenizer", {"dim": "large"}),
        ("lam", {"channels": 1 << 40}),
        ("lam", {"noise": float("nan")}),
    ],
)
def test_a_model_that_claims_other_sizes_is_refused_before_memory_is_filled(
    folder, refused, forge, role, config
):
    forge(folder, role, **config)
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(folder)
    assert time.monotonic() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_a_table_of_too_many_tensors_is_refused_before_it_is_read(folder, refused, forge):
    empty = {f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(30_000)}
    table = json.dumps(empty).encode()
    forge(folder, "lam", weights=len(table).to_bytes(8, "little") + table)
    assert "table of contents" in refused(folder)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(folder, refused, forge, value):
    weights = load_file(folder / "dynamics.safetensors")
    weights["head.bias"][1] = value
    save_file(weights, folder / "dynamics.safetensors")
    forge(folder, "dynamics")
    assert "not finite" in refused(folder)
