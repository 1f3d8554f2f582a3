"""Footage with planted events, and where they are."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmarks.curation.scenes import SIDE, encoded, menu, test_card

FPS = 15
EVENTS = ("hard", "other", "dissolve", "fade", "pause", "menu", "black")
CHANCES = (0.42, 0.14, 0.09, 0.11, 0.09, 0.09, 0.06)


@dataclasses.dataclass
class Planted:
    """A stream and its truth.

    Attributes:
        name: the game.
        frames: uint8 (N, 64, 64, 3).
        cuts: frames at which another scene begins.
        gradual: (start, stop, kind) of dissolves and fades.
        static: (start, stop, kind) of what is to be dropped.
        harmless: (start, stop, kind) of flashes and shakes.
        same: runs of equal frames of at least two seconds, planted or the game's own.
    """

    name: str
    frames: np.ndarray
    cuts: list[int]
    gradual: list[tuple[int, int, str]]
    static: list[tuple[int, int, str]]
    harmless: list[tuple[int, int, str]]
    same: list[tuple[int, int]]


def plant(
    name: str,
    games: dict[str, list[np.ndarray]],
    length: int,
    rng: np.random.Generator,
    quality: int | None,
    pace: float = 1,
) -> Planted:
    """Join pieces of one game, with events between them.

    Args:
        name: the game; "other" events take a piece of another one.
        games: episodes of each game.
        length: frames at least.
        rng: draws everything.
        quality: of the encoder, crf; None leaves the frames as they are.
        pace: 2 skips every second frame, 0.5 shows each twice.
    """
    stream = _Stream(games, rng, pace)
    stream.append(stream.piece(name))
    while stream.length < length:
        event = EVENTS[rng.choice(len(EVENTS), p=CHANCES)]
        other = name if event != "other" else str(rng.choice([g for g in games if g != name]))
        stream.event(event, stream.piece(other), name)
    frames = np.concatenate(stream.parts)
    same = equal_runs(frames, 2 * FPS)
    if quality is not None:
        frames = encoded(frames, quality)
    return Planted(name, frames, stream.cuts, stream.gradual, stream.static, stream.harmless, same)


def equal_runs(frames: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """List (start, stop) where each frame equals the one before."""
    still = np.array([np.array_equal(a, b) for a, b in zip(frames[1:], frames[:-1], strict=True)])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still, [0]]))).reshape(-1, 2)
    return [(int(a), int(b) + 1) for a, b in edges if b + 1 - a >= shortest]


class _Stream:
    def __init__(
        self, games: dict[str, list[np.ndarray]], rng: np.random.Generator, pace: float
    ) -> None:
        self.games, self.rng, self.pace = games, rng, pace
        self.parts: list[np.ndarray] = []
        self.length = 0
        self.cuts, self.gradual, self.static, self.harmless = [], [], [], []

    def piece(self, game: str) -> np.ndarray:
        """Cut a piece of an episode, not its first frames, which games fade in or repeat."""
        rng = self.rng
        episode = self.games[game][rng.integers(len(self.games[game]))]
        length = int(min(rng.integers(30, 120) * self.pace, len(episode) - 6))
        start = int(rng.integers(5, len(episode) - length))
        taken = episode[start : start + length]
        return taken.repeat(2, 0) if self.pace < 1 else taken[:: int(self.pace)].copy()

    def append(self, frames: np.ndarray, disturb: bool = True) -> None:
        """Add frames, some of them with a flash or a shake, which are no cuts."""
        rng = self.rng
        if disturb and len(frames) > 25 and rng.random() < 0.5:
            start, count = int(rng.integers(8, len(frames) - 10)), int(rng.integers(1, 3))
            kind = "flash" if rng.random() < 0.5 else "shake"
            part = slice(start, start + count)
            if kind == "flash":
                frames[part] = _flash(rng, frames[part])
            else:
                frames[part] = np.roll(frames[part], rng.integers(-5, 6, 2), (1, 2))
            self.harmless.append((self.length + start, self.length + start + count, kind))
        self.parts.append(frames)
        self.length += len(frames)

    def event(self, event: str, after: np.ndarray, name: str) -> None:
        """Let something happen, then go on with another piece."""
        if event == "dissolve":
            after = self._dissolve(after)
        elif event == "fade":
            after = self._fade(after, 255 if self.rng.random() < 0.3 else 0)
        elif event == "pause":
            half = len(after) // 2
            self.cuts.append(self.length)
            self.append(after[:half])
            self._still(event, np.repeat(after[half - 1 : half], self.rng.integers(40, 90), 0))
            after = after[half:]
        else:
            self.cuts.append(self.length)
            if event in ("menu", "black"):
                self._still(event, self._static(event, self.parts[-1][-1]))
                self.cuts.append(self.length)
        self.append(after)

    def _still(self, kind: str, frames: np.ndarray) -> None:
        self.static.append((self.length, self.length + len(frames), kind))
        self.append(frames, disturb=False)

    def _overlap(self, after: np.ndarray, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        """Take frames off the end of the stream and weights for a transition over them."""
        last = self.parts[-1]
        n = min(int(self.rng.integers(low, high)), len(last) - 1, len(after) - 1)
        self.parts[-1] = last[:-n]
        self.length -= n
        return last[-n:], ((np.arange(n) + 1) / (n + 1))[:, None, None, None]

    def _dissolve(self, after: np.ndarray) -> np.ndarray:
        old, weight = self._overlap(after, 4, 20)
        start, n = self.length, len(old)
        self.append(_mix(old, after[:n], weight), disturb=False)
        self.gradual.append((start, self.length, "dissolve"))
        return after[n:]

    def _fade(self, after: np.ndarray, level: int) -> np.ndarray:
        old, weight = self._overlap(after, 3, 12)
        start, n = self.length, len(old)
        flat = np.full((1, SIDE, SIDE, 3), level, np.uint8)
        self.append(_mix(old, flat, weight), disturb=False)
        self.append(np.repeat(flat, self.rng.integers(0, 8), 0), disturb=False)
        self.append(_mix(flat, after[:n], weight), disturb=False)
        self.gradual.append((start, self.length, "fade"))
        return after[n:]

    def _static(self, event: str, before: np.ndarray) -> np.ndarray:
        rng = self.rng
        if event == "black":
            colour = rng.integers(0, 256, 3) if rng.random() < 0.3 else np.zeros(3)
            shape = (int(rng.integers(8, 60)), SIDE, SIDE, 3)
            return np.broadcast_to(colour, shape).astype(np.uint8)
        length = int(rng.integers(80, 160))
        if rng.random() < 0.2:
            return test_card(rng, length)
        return menu(rng, length, before if rng.random() < 0.5 else None)


def _flash(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Whiten the picture, or a disc of it."""
    weight = float(rng.uniform(0.5, 1))
    y, x = np.mgrid[:SIDE, :SIDE]
    radius = rng.uniform(15, 30) if rng.random() < 0.5 else 200
    disc = np.hypot(y - rng.integers(10, 54), x - rng.integers(10, 54)) < radius
    return _mix(frames, np.full_like(frames, 255), weight * disc[None, ..., None])


def _mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray | float) -> np.ndarray:
    return np.rint(first * (1 - weight) + second * weight).astype(np.uint8)
