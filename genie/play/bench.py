"""How fast a world is: from key to decoded frame, and how much of that is sampling tokens."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from genie.play.options import PlayOptions
from genie.play.setup import load_with

_SAMPLES = 30


def bench(path: Path, frames: int, device: str, threads: int | None) -> None:
    """Measure the world in a folder over some frames, and print the figures.

    Source: metrics.md, "Speed".
    """
    import torch

    from genie.speed import WARM_UP, measure_speed

    options = PlayOptions(frames=frames, device=device, threads=threads)
    world = load_with(path, options)
    bundle = world.bundle
    speed = measure_speed(world, bundle.prompts[0], bundle.num_actions, frames=frames + WARM_UP)
    sampling = _sample_milliseconds(world)
    threads = torch.get_num_threads()
    print(f"{bundle.title}, {world.settings.steps} steps, {bundle.device}, {threads} threads")
    print(f"  key to frame   p50 {speed.p50_ms:7.1f} ms   p95 {speed.p95_ms:7.1f} ms")
    print(f"  sampling       p50 {sampling:7.1f} ms   the tokens, before commit and decoding")
    print(f"  {speed.fps:.1f} frames per second over {speed.frames} frames")


def _sample_milliseconds(world: Any) -> float:
    """Return the median time of sampling one frame's tokens, in milliseconds."""
    import torch

    from genie.rollout import Rollout

    bundle = world.bundle
    rollout = Rollout(bundle, [0], world.settings)
    prompt = torch.from_numpy(np.array(bundle.prompts[0])).to(rollout.device)
    with torch.inference_mode():
        ids = bundle.tokenizer.encode(prompt.movedim(-1, -3).float()[None, None] / 255)
    rollout.reset(ids, ids.new_empty((1, 0)))
    action = torch.tensor([bundle.keymap.idle])
    taken = []
    for _ in range(_SAMPLES):
        before = time.perf_counter()
        rollout.draw(action).cpu()
        taken.append(time.perf_counter() - before)
        rollout.step(action)
    return float(np.median(taken) * 1000)
