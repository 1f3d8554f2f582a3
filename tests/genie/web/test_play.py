"""A page's engine, in node on onnxruntime-web, plays what PyTorch plays."""

import numpy as np
import pytest

from genie.library.catalog import find_world
from genie.settings import Settings
from genie.web.export import export_page
from genie.world import World

FRAMES = 20
SEED = 7


@pytest.fixture(scope="module", params=["coinrun", "crafter", "miner"])
def shipped(request, tmp_path_factory, runtime):
    """A world that ships, and its page."""
    pytest.importorskip("onnxscript", reason="optional extra web: onnx is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    return World.load(find_world(request.param)), export_page(
        find_world(request.param), folder / "page", runtime
    )


def keys_of(world, count):
    return np.random.default_rng(3).integers(0, world.bundle.num_actions, count).tolist()


def tokens(world):
    return world.session[world.head].ids.tolist()


def test_worlds_that_ship_play_the_same_tokens_and_are_small(shipped, node, capsys):
    world, page = shipped
    world.reset(world.bundle.prompts[0], SEED)
    played, deeds = [], [{"action": key} for key in keys_of(world, FRAMES)]
    for deed in deeds:
        world.step(deed["action"])
        played.append(tokens(world))
        deed["truth"] = played[-1]
    forced = [frame["ids"] for frame in node("play.mjs", page, given=dict(seed=SEED, deeds=deeds))]
    assert np.mean(np.array(forced) == np.array(played)) >= 0.9999
    for deed in deeds:
        del deed["truth"]
    free = [frame["ids"] for frame in node("play.mjs", page, given=dict(seed=SEED, deeds=deeds))]
    first = next((n for n in range(FRAMES) if free[n] != played[n]), None)
    with capsys.disabled():
        print(f"\n{world.bundle.name}: first frame that differs of {FRAMES}: {first}")
    assert sum(file.stat().st_size for file in (page / "world").iterdir()) < 15_000_000


def test_settings_edits_and_branches_play_the_same(page, mapped_world, small, node, runtime):
    world = World.load(mapped_world)
    world.reset(world.bundle.prompts[0], SEED)
    change = np.full(6, -1)
    change[1:3] = 5
    deeds, expected = [], []

    def do(deed, frame):
        deeds.append(deed)
        expected.append((tokens(world), frame))

    for key in small.actions_of(small.LONG):
        do({"action": key}, world.step(key))
    world.settings = Settings(steps=3, unmask_order="random", temperature=0.5)
    settings = {"steps": 3, "order": "random", "temperature": 0.5}
    for key in small.actions_of(3, seed=1):
        do({"action": key, "settings": settings}, world.step(key))
    frame = world.edit(change)
    do({"edit": tokens(world)}, frame)
    for key in small.actions_of(3, seed=2):
        do({"action": key}, world.step(key))
    line = world.session.line(world.head)
    do({"back": 6}, world.go_to(world.session, int(line[-7])))
    for key in small.actions_of(4, seed=3):
        do({"action": key}, world.step(key))
    found = node("play.mjs", page, given={"seed": SEED, "deeds": deeds})
    assert [frame["ids"] for frame in found] == [ids for ids, _ in expected]
    for got, (_, picture) in zip(found, expected, strict=True):
        # A level of 255 may round the other way.
        assert np.abs(np.array(got["picture"]) - picture.reshape(-1).astype(int)).max() <= 1
