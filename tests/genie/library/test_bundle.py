"""A world on disk: what it says of itself, and what is refused."""

import json
import lzma
import resource
import shutil
import time
from base64 import b64encode

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from genie.drift import TokenLayout, build_statistics
from genie.library.bundle import load_bundle, world_fingerprint
from genie.library.card import read_card
from spacetime.weights import model_fingerprint


def refused(folder, kind=ValueError):
    """The one line that loading ends with."""
    with pytest.raises(kind) as caught:
        load_bundle(folder)
    line = str(caught.value)
    assert line and "\n" not in line
    return line


def edit(file, change):
    """Load a json file, let `change` spoil it, write it."""
    record = json.loads(file.read_text())
    file.write_text(json.dumps(change(record) or record))


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
def test_a_missing_file_is_named(folder, file):
    (folder / file).unlink()
    assert file in refused(folder, FileNotFoundError)


def test_a_missing_folder_or_no_prompt_is_one_line(folder, tmp_path):
    assert "no world at" in refused(tmp_path / "nowhere", FileNotFoundError)
    shutil.rmtree(folder / "prompts")
    assert "no prompt" in refused(folder, FileNotFoundError)


@pytest.mark.parametrize("name", ["tokenizer", "lam", "dynamics"])
def test_a_flipped_byte_is_refused(folder, name):
    file = folder / f"{name}.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    assert "fingerprint" in refused(folder)


@pytest.mark.parametrize("name", ["tokenizer", "lam", "dynamics"])
def test_a_file_that_is_cut_is_refused(folder, name):
    file = folder / f"{name}.safetensors"
    file.write_bytes(file.read_bytes()[:200])
    assert "damaged" in refused(folder)


def test_the_dynamics_of_another_world_is_refused(folder, small, tmp_path):
    other = small.write_world(tmp_path / "other", small.make_models(seed=1))
    shutil.copy(other / "dynamics.safetensors", folder)
    assert "fingerprint" in refused(folder)


def test_a_changed_configuration_is_refused(folder):
    def change(record):
        record["models"]["dynamics"]["config"]["band"] = 4

    edit(folder / "world.json", change)
    assert "fingerprint" in refused(folder)


def test_a_model_swapped_with_its_record_is_refused(folder, small, tmp_path):
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
def test_models_that_were_not_made_for_each_other_are_refused(small, tmp_path, changed, words):
    models = small.make_models(**changed)
    line = refused(small.write_world(tmp_path / "w", models))
    assert words in line and "not made for each other" in line


def test_a_newer_format_says_what_to_do(folder):
    edit(folder / "world.json", lambda world: world.update(format=2))
    line = refused(folder)
    assert "format 2" in line and "update" in line


@pytest.mark.parametrize(
    "key",
    ["format", "name", "title", "fps", "settings", "models", "fingerprint", "demo_keys"],
)
def test_a_missing_key_of_the_record_is_named(folder, key):
    edit(folder / "world.json", lambda world: world.pop(key) and None)
    assert key in refused(folder)


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (("models", "lam"), None),
        (("models", "lam", "config"), None),
        (("models", "lam", "fingerprint"), None),
        (("models",), []),
        (("models",), "all"),
        (("models", "tokenizer"), "small"),
        (("models", "tokenizer", "config"), []),
        (("settings",), []),
        (("settings",), {"steps": 0, "order": "random", "temperature": 1.0}),
        (("settings",), {"steps": "two", "order": "random", "temperature": 1.0}),
        (("settings", "steps"), None),
        (("settings", "speed"), 3),
    ],
)
def test_a_misspelt_record_is_one_line(folder, way, value):
    def change(record):
        *where, last = way
        for word in where:
            record = record[word]
        record[last] = value
        if value is None:
            del record[last]

    edit(folder / "world.json", change)
    refused(folder)


@pytest.mark.parametrize("file", ["world.json", "keymap.json", "statistics.json"])
@pytest.mark.parametrize("text", ["", "{", "\xff", '{"format": 1'])
def test_damaged_json_names_the_file(folder, file, text):
    (folder / file).write_bytes(text.encode("latin-1"))
    assert file in refused(folder)


@pytest.mark.parametrize("text", ["[]", "3", "{}", '{"format": "1"}', "null"])
def test_json_that_is_no_record_is_one_line(folder, text):
    (folder / "world.json").write_text(text)
    assert "world.json" in refused(folder)


def test_weights_that_do_not_fit_the_configuration_are_one_line(folder):
    file = folder / "dynamics.safetensors"
    weights = load_file(file)
    weights.pop("head.bias")
    save_file(weights, file)

    def change(record):
        part = record["models"]["dynamics"]
        part["fingerprint"] = model_fingerprint(file, part["config"])

    edit(folder / "world.json", change)
    assert "does not fit its configuration" in refused(folder)


@pytest.mark.parametrize("shape", [(24, 16, 3), (8, 12, 3), (16, 24)])
def test_a_prompt_of_another_size_is_named(folder, shape):
    iio.imwrite(folder / "prompts" / "05.png", np.zeros(shape, np.uint8))
    assert "05.png" in refused(folder)


def test_a_prompt_that_is_no_picture_is_one_line(folder):
    (folder / "prompts" / "05.png").write_bytes(b"no picture")
    refused(folder, (ValueError, OSError))


BAD_GAPS = [(3, 0), (16 * 16,), (250, 10), (2**63, 2**63)]


def pack_gaps(*gaps):
    return b64encode(lzma.compress(np.array(gaps, "<u8").tobytes())).decode()


WRONG = {
    ("world.json", "fps"): ["8", None, 0, -1, float("nan"), float("inf"), True, 10**400],
    ("world.json", "title"): [None, 3, ["t"]],
    ("world.json", "name"): [None, {}],
    ("world.json", "demo_keys"): [None, 7],
    ("world.json", "settings", "steps"): [2.5, True, "2", 1 << 70],
    ("world.json", "settings", "temperature"): [True, "1", float("nan"), -1],
    ("world.json", "settings", "prompt_frames"): [0.5, 0, 10**18],
    ("keymap.json", "idle"): [True, 1.0, "0", 9],
    ("keymap.json", "actions", 0, "name"): ["a\x1b[2J", "", 3],
    ("keymap.json", "actions", 1, "keys"): [[3], ["\x07"], "left", None],
    ("statistics.json", "codes"): [[1] * 3, ["x"] * 16, [float("nan")] * 16, [-1] * 16, None, 5],
    ("statistics.json", "pairs"): [
        None,
        {"right": pack_gaps(), "below": None},
        *({"right": pack_gaps(*gaps), "below": pack_gaps()} for gaps in BAD_GAPS),
        {"right": "no base64!", "below": pack_gaps()},
        {"right": "AAAA", "below": pack_gaps()},
        {"right": pack_gaps(1, 1)[:-8], "below": pack_gaps()},
        {"right": pack_gaps(*[0] * 1_000_000), "below": pack_gaps()},
    ],
    ("statistics.json", "grid"): [[6], [2, 3, 1], [0, 6], "ab", [3, 3]],
    ("statistics.json", "motion"): [[0.5], [2.0] * 3, None],
    ("statistics.json", "window"): [0, 10**12, True, 64.5],
    ("statistics.json", "most"): [None, [1] * 3, [-1] * 16, [7] * 16, [0.5] * 16],
    ("statistics.json", "scales"): [
        None,
        {"strange": [1.0, 1.0]},
        *(
            {"strange": wrong, "crowded": [1.0, 1.0]}
            for wrong in (1.0, [1.0], [0.0, 1.0], "ab", None)
        ),
    ],
    ("statistics.json", "moving_tokens"): [None, -1.0],
    ("statistics.json", "threshold"): ["high", float("inf")],
}


@pytest.mark.parametrize("way", WRONG)
def test_a_value_of_the_wrong_kind_is_one_line_that_names_the_file(folder, small, way):
    ids, layout = (
        np.arange(1200).reshape(200, 6) % 16,
        TokenLayout(num_codes=16, num_actions=4, grid=(2, 3)),
    )
    statistics = build_statistics(ids, np.arange(200) % 4, np.array([100, 200]), layout)
    (folder / "statistics.json").write_text(json.dumps(statistics))
    load_bundle(folder)
    file, *where, last = way
    whole = (folder / file).read_text()
    for value in WRONG[way]:
        record = part = json.loads(whole)
        for word in where:
            part = part[word]
        part[last] = value
        (folder / file).write_text(json.dumps(record))
        refused(folder)


@pytest.mark.parametrize("version", [1, 2])
def test_statistics_of_an_earlier_version_are_left_out(folder, version):
    (folder / "statistics.json").write_text(f'{{"format": {version}, "window": 64, "codes": [1]}}')
    assert load_bundle(folder).statistics == {"format": version}


def test_a_title_is_printed_without_what_a_terminal_would_obey(folder):
    edit(folder / "world.json", lambda world: world.update(title="\x1b]0;evil\x07Höhle"))
    assert load_bundle(folder).title == read_card(folder).title == "?]0;evil?Höhle"


def forge(folder, role, weights=None, **config):
    """Change a model's configuration or weights and every fingerprint with it."""
    file = folder / f"{role}.safetensors"
    if weights is not None:
        file.write_bytes(weights)

    def change(world):
        part = world["models"][role]
        part["config"].update(config)
        part["fingerprint"] = model_fingerprint(file, part["config"])
        world["fingerprint"] = world_fingerprint(world["models"])

    edit(folder / "world.json", change)


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
def test_a_model_that_claims_other_sizes_is_refused_before_memory_is_filled(folder, role, config):
    forge(folder, role, **config)
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(folder)
    assert time.monotonic() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_a_table_of_too_many_tensors_is_refused_before_it_is_read(folder):
    empty = {f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(30_000)}
    table = json.dumps(empty).encode()
    forge(folder, "lam", weights=len(table).to_bytes(8, "little") + table)
    assert "table of contents" in refused(folder)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(folder, value):
    weights = load_file(folder / "dynamics.safetensors")
    weights["head.bias"][1] = value
    save_file(weights, folder / "dynamics.safetensors")
    forge(folder, "dynamics")
    assert "not finite" in refused(folder)
