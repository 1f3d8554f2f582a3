"""How fast a world is: from key to decoded frame, and what drawing its tokens takes of that."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from genie.play.run import PlayOptions, load_world

_DRAWS = 30


def bench(path: Path, frames: int, device: str, threads: int | None) -> None:
    """Measure a world and print the figures.

    Args:
        path: folder of a world.
        frames: how many to time after ten that are not counted, 1 or more.
        device: as in PlayOptions.
        threads: as in PlayOptions.

    Raises:
        ValueError: if an argument or the world is not as it must be.
        OSError: if a file is missing.

    Source: metrics.md, "Speed".
    """
    import torch

    from genie.speed import WARM_UP, measure_speed

    options = PlayOptions(frames=frames, device=device, threads=threads)
    world = load_world(path, options)
    bundle = world.bundle
    speed = measure_speed(world, bundle.prompts[0], bundle.num_actions, frames=frames + WARM_UP)
    drawing = _draw_milliseconds(world)
    place = next(bundle.dynamics.parameters()).device
    print(
        f"{bundle.title}, {world.settings.steps} steps, {place}, {torch.get_num_threads()} threads"
    )
    print(f"  key to frame   p50 {speed.p50_ms:7.1f} ms   p95 {speed.p95_ms:7.1f} ms")
    print(f"  drawing        p50 {drawing:7.1f} ms   the tokens, before commit and decoding")
    print(f"  {speed.fps:.1f} frames per second over {speed.frames} frames")


def _draw_milliseconds(world: Any) -> float:
    """Return the median time of drawing one frame's tokens, in milliseconds."""
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
    for _ in range(_DRAWS):
        before = time.perf_counter()
        rollout.draw(action).cpu()
        taken.append(time.perf_counter() - before)
        rollout.step(action)
    return float(np.median(taken) * 1000)
