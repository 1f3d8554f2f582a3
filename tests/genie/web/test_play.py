"""A page's engine, in node on onnxruntime-web, plays what PyTorch plays."""

import numpy as np

from genie.edit import Fade
from genie.play.player import FADE_FRAMES
from genie.settings import Settings
from genie.world import World

SEED = 7


def tokens(world):
    return world.session[world.head].ids.tolist()


def test_settings_edits_fades_and_branches_play_the_same(page, mapped_world, small, node, runtime):
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
    scene = world.see(small.draw_prompts(1, seed=5)[0])[0]
    fade = Fade(scene, FADE_FRAMES)
    for number, key in enumerate(small.actions_of(FADE_FRAMES, seed=4)):
        world.step(key)
        begins = {} if number else {"fade": scene.tolist()}
        do({**begins, "action": key}, world.edit(fade.next()))
    for key in small.actions_of(2, seed=5):
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
