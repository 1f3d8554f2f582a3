"""Worlds that ship play in a page, in node on onnxruntime-web, as in PyTorch."""

import importlib.util

import pytest

from genie.library.catalog import find_world
from genie.play.scripted_keys import parse_keys
from genie.web.export import export_page
from genie.world import World

SEED, FRAMES, SURE = 1, 12, 4
NAMES = ("coinrun", "crafter", "miner")


@pytest.mark.parametrize("name", NAMES)
def test_the_first_frame_that_differs_is_late(name, tmp_path, node, runtime, small):
    small.need("onnx", importlib.util.find_spec("onnxscript"))
    export_page(find_world(name), tmp_path / "page", runtime)
    world = World.load(find_world(name), device="cpu")
    world.reset(world.bundle.prompts[0], SEED)
    keys = parse_keys(world.bundle.info["demo_keys"], world.bundle.keymap)[:FRAMES]
    expected = []
    for key in keys:
        world.step(key)
        expected.append(world.session[world.head].ids.tolist())
    deeds = [{"action": key} for key in keys]
    found = node("play.mjs", tmp_path / "page", given={"seed": SEED, "deeds": deeds})
    same = [one["ids"] == ids for one, ids in zip(found, expected, strict=True)]
    first = same.index(False) if False in same else None
    print(f"first frame of {name} that differs, of {FRAMES}: {first}")
    # Where two codes are within rounding of each other another processor may draw the other one,
    # and all that follows differs; that is rarer than one token in ten thousand.
    assert first is None or first >= SURE, f"frame {first} differs"
