"""A world under the player's hands: prompts, restarts, and the time each frame takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

_WARM_UP_FRAMES = 2


class WorldLike(Protocol):
    """What play asks of genie.world.World."""

    bundle: Any

    def reset(self, prompt: np.ndarray, seed: int) -> np.ndarray:
        """Start from a uint8 (H, W, 3) frame."""

    def step(self, action: int) -> np.ndarray:
        """Draw the next uint8 (H, W, 3) frame."""


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Time from key to decoded frame.

    Attributes:
        frames: how many frames were drawn.
        fps: frames per second that the world draws: one over the mean time.
        p50_ms: median, milliseconds.
        p95_ms: 95th percentile, milliseconds.
    """

    frames: int
    fps: float
    p50_ms: float
    p95_ms: float

    def record(self) -> dict[str, float]:
        """Return plain values for json."""
        return asdict(self)


class Player:
    """Steps a world; the window and headless play share it.

    Attributes:
        frame: uint8 (H, W, 3), what the world shows now.
        prompt_index: which prompt play started from.
    """

    def __init__(self, world: WorldLike, prompts: Sequence[np.ndarray], seed: int = 0) -> None:
        """Start from the first prompt.

        The first frames after loading are slow, so two are drawn and thrown away: the first key
        must not wait for them. What follows is the same without them.

        Args:
            world: the world.
            prompts: uint8 (H, W, 3) each, at least one.
            seed: of every rollout that this player starts.
        """
        self.prompt_index = 0
        self._world, self._prompts, self._seed = world, list(prompts), seed
        self._seconds: list[float] = []
        self.restart()
        for _ in range(_WARM_UP_FRAMES):
            world.step(world.bundle.keymap.idle)
        self.frame = self.restart()

    def restart(self) -> np.ndarray:
        """Begin again from the same prompt; returns the first frame."""
        self.frame = self._world.reset(self._prompts[self.prompt_index], self._seed)
        return self.frame

    def next_prompt(self) -> np.ndarray:
        """Begin from the next prompt, after the last from the first; returns the first frame."""
        self.prompt_index = (self.prompt_index + 1) % len(self._prompts)
        return self.restart()

    def advance(self, action: int) -> np.ndarray:
        """Draw the next frame under an action id and take the time; returns the frame."""
        before = time.perf_counter()
        self.frame = self._world.step(action)
        self._seconds.append(time.perf_counter() - before)
        return self.frame

    def timings(self) -> Timings:
        """Return the times of all frames so far; zeros before the first."""
        if not self._seconds:
            return Timings(frames=0, fps=0.0, p50_ms=0.0, p95_ms=0.0)
        seconds = np.array(self._seconds)
        return Timings(
            frames=len(seconds),
            fps=round(float(1 / max(seconds.mean(), 1e-9)), 3),
            p50_ms=round(float(np.percentile(seconds, 50) * 1000), 3),
            p95_ms=round(float(np.percentile(seconds, 95) * 1000), 3),
        )


def read_prompt(path: Path | str, height: int, width: int) -> np.ndarray:
    """Read a picture to start from.

    Args:
        path: any picture that Pillow reads.
        height: of the world's frames, in pixels.
        width: of the world's frames, in pixels.

    Returns:
        uint8 (height, width, 3): the largest middle part of that shape, resized.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no picture.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no picture at {path}: give a png or jpeg file as --prompt")
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is not a picture that can be read ({error})") from None
    if picture.size != (width, height):
        # Box averages whole pixels, which keeps pixel art clean when the factor is whole.
        picture = ImageOps.fit(picture, (width, height), Image.Resampling.BOX)
    return np.asarray(picture)
