"""How fast a world is: from key to decoded frame, and what of that takes how long."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from genie.library.card import read_card
from genie.play.options import PlayOptions
from genie.play.setup import PlaySetup, load_with


def bench(path: Path, options: PlayOptions) -> None:
    """Measure the world in a folder over the frames of the options, and print the figures.

    Source: metrics.md, "Speed".
    """
    PlaySetup(read_card(path), options).check()
    import torch

    from genie.speed import WARM_UP, measure_speed

    world = _Parts(load_with(path, options))
    bundle = world.bundle
    frames = options.frames + WARM_UP
    speed = measure_speed(world, bundle.prompts[0], bundle.num_actions, frames=frames)
    committing, sampling, decoding = np.median(world.taken[WARM_UP:], axis=0) * 1000
    threads, rounded = torch.get_num_threads(), bundle.precision != "float32"
    machine = f"{bundle.device}, {threads} threads{f', {bundle.precision}' if rounded else ''}"
    print(f"{bundle.title}, {world.settings.steps} steps, {machine}")
    print(f"  key to frame   p50 {speed.p50_ms:7.1f} ms   p95 {speed.p95_ms:7.1f} ms, made up of:")
    print(f"  committing     p50 {committing:7.1f} ms   the frame before, into the history")
    print(f"  sampling       p50 {sampling:7.1f} ms   the tokens of the frame")
    print(f"  decoding       p50 {decoding:7.1f} ms   its tokens to pixels")
    print(
        f"  {speed.fps:.1f} frames per second over {speed.frames} frames is what the models can "
        f"make; the world plays at {bundle.fps:g}"
    )


class _Parts:
    """A world that notes for each step the seconds of committing, sampling and decoding."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.taken: list[tuple[float, float, float]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    def step(self, action: int) -> np.ndarray:
        before = time.perf_counter()
        frame = self._world.step(action)
        whole, parts = time.perf_counter() - before, self._world.seconds
        rest = max(0.0, whole - parts.model - parts.decode)
        self.taken.append((rest, parts.model, parts.decode))
        return frame
