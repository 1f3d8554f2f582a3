"""Speed of play: from key to decoded frame, one frame at a time."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from corpus.progress import Tick, no_tick

WARM_UP = 10
EARLY, LATE, AROUND = 100, 2000, 50
# As many frames show the speed at frame 100, and at frame 2,000.
EARLY_FRAMES, LATE_FRAMES = EARLY + AROUND, LATE + AROUND
BUDGET_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class StepSeconds:
    """Duration of a step; a GPU's unfinished work counts to what waits for it.

    Attributes:
        model: sampling the tokens and, once it is done, committing them.
        decode: from tokens to pixels.
    """

    model: float
    decode: float


class WorldLike(Protocol):
    """What is used of genie.world.World."""

    def reset(self, prompt: np.ndarray, seed: int) -> np.ndarray:
        """Start from a uint8 (H, W, 3) frame."""

    def step(self, action: int) -> np.ndarray:
        """Return the next uint8 (H, W, 3) frame."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Milliseconds from key to decoded frame, on this machine.

    Attributes:
        fps: frames per second over all timed frames.
        p50_ms: median.
        p95_ms: 95th percentile.
        fps_at_100: over frames 50-150, or None where time ran out before.
        fps_at_2000: over frames 1,950-2,050, or None.
        peak_mb: largest resident memory of the process so far, or None.
        frames: how many frames were timed.
    """

    fps: float
    p50_ms: float
    p95_ms: float
    fps_at_100: float | None
    fps_at_2000: float | None
    peak_mb: float | None
    frames: int


def measure_speed(
    world: WorldLike,
    prompt: np.ndarray,
    num_actions: int,
    *,
    frames: int = LATE_FRAMES,
    budget_seconds: float = BUDGET_SECONDS,
    tick: Tick = no_tick,
) -> Speed:
    """Step a world and time every frame but the first ten.

    Frames follow each other without a pause, so the time from a key to its frame includes
    committing the frame before.

    Args:
        world: at the settings to be measured.
        prompt: uint8 (H, W, 3), the frame to start from.
        num_actions: A; keys are held for 30 frames in turn.
        frames: how many to play.
        budget_seconds: no frame begins after this time, so that a slow world ends too.
        tick: called with the number of frames played.

    Source: metrics.md, "Speed".
    """
    world.reset(prompt, 0)
    taken: list[float] = []
    begin = time.perf_counter()
    for frame in range(frames):
        before = time.perf_counter()
        if before - begin > budget_seconds and len(taken) > WARM_UP:
            break
        world.step((frame // 30) % num_actions)
        taken.append(time.perf_counter() - before)
        tick(1)
    seconds = np.array(taken)
    counted = seconds[min(WARM_UP, len(seconds) - 1) :]
    return Speed(
        fps=float(1 / counted.mean()),
        p50_ms=float(np.percentile(counted, 50) * 1000),
        p95_ms=float(np.percentile(counted, 95) * 1000),
        fps_at_100=_fps_around(seconds, EARLY),
        fps_at_2000=_fps_around(seconds, LATE),
        peak_mb=peak_megabytes(),
        frames=len(counted),
    )


def _fps_around(seconds: np.ndarray, frame: int) -> float | None:
    if len(seconds) < frame + AROUND:
        return None
    return float(1 / seconds[frame - AROUND : frame + AROUND].mean())


def peak_megabytes() -> float | None:
    """Return the largest resident memory of this process in MB; None on Windows."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
