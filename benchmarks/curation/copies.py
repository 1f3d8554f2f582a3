"""Copies planted in recordings of games, and how many of them are found."""

from __future__ import annotations

import numpy as np

from benchmarks.curation.plant import FPS
from benchmarks.curation.scenes import encoded
from benchmarks.curation.score import Count
from corpus.curation.decide import decide
from corpus.curation.duplicates import Duplicates
from corpus.curation.grids import COARSE, pooling
from corpus.curation.measure import Measurer
from corpus.curation.options import CurationOptions, Stretch

KINDS = ("same bytes", "encoded", "encoded small")
SAME = 6.0  # grey levels by which a cell of two equal pictures may differ


def recordings(
    games: dict[str, list[np.ndarray]], length: int, per_game: int, rng: np.random.Generator
) -> list[tuple[str, np.ndarray, list[tuple[int, int, str]]]]:
    """Make recordings of whole episodes; between those of the second half stand copies.

    Returns:
        (name, frames, [(start, stop, kind) of each copy]).
    """
    made = []
    for game, episodes in games.items():
        fresh, originals = [episodes[index] for index in rng.permutation(len(episodes))], []
        for number in range(per_game):
            parts, copies, total = [], [], 0
            while total < length and fresh:
                if number >= per_game // 2 and rng.random() < 0.5:
                    part, kind = _copy(originals[rng.integers(len(originals))], rng)
                    copies.append((total, total + len(part), kind))
                else:
                    part = fresh.pop()
                parts.append(part)
                total += len(part)
            if not parts:
                break
            frames = np.concatenate(parts)
            if number < per_game // 2:
                originals.append(frames)
            made.append((f"{game}-{number}", frames, copies))
    return made


def _copy(frames: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    length = int(min(rng.integers(4 * FPS, 20 * FPS), len(frames)))
    start = int(rng.integers(0, len(frames) - length + 1))
    part, kind = frames[start : start + length], KINDS[rng.integers(len(KINDS))]
    if kind == "encoded":
        part = encoded(part, int(rng.integers(23, 36)))
    elif kind == "encoded small":
        part = encoded(part, int(rng.integers(20, 30)), scale=2)
    return part, kind


def find_copies(
    made: list[tuple[str, np.ndarray, list[tuple[int, int, str]]]], options: CurationOptions
) -> dict[str, Count]:
    """Curate the recordings in order and compare what was dropped as a copy with what is one."""
    index, counts = Duplicates(FPS, options), {}
    frames_of = {name: frames for name, frames, _ in made}

    def at_hand(name: str, start: int, stop: int) -> np.ndarray | None:
        inside = start >= 0 and stop <= len(frames_of[name])
        return frames_of[name][start:stop] if inside else None

    for name, frames, copies in made:
        count = counts.setdefault(name.split("-")[0], Count())
        measurer = Measurer()
        measurer.add(frames)
        measured = measurer.result()
        stretches = index.split(name, measured, decide(measured, FPS, options), at_hand)
        dropped, still = np.zeros(len(frames), bool), np.zeros(len(frames), bool)
        for stretch in stretches:
            copied = stretch.reason.startswith("duplicate")
            dropped[stretch.start : stretch.stop] |= copied
            still[stretch.start : stretch.stop] |= stretch.decision == "drop" and not copied
        for start, stop, kind in copies:
            if still[start:stop].mean() > 0.3 or (~still[start:stop]).sum() < 4 * FPS:
                continue  # it holds too little that could be compared
            for counted in (count, counts.setdefault(kind, Count())):
                counted.planted += 1
                part = dropped[start:stop][~still[start:stop]]
                counted.recalled += bool(part.mean() >= 0.7)
        truth = np.zeros(len(frames), bool)
        for start, stop, _ in copies:
            truth[start:stop] = True
        for stretch in stretches:
            if stretch.reason.startswith("duplicate"):
                part = slice(stretch.start, stretch.stop)
                count.found += 1
                right = truth[part].mean() >= 0.5 or _equal(frames[part], stretch, frames_of)
                count.right += bool(right)
    return counts


def false_per_hour(games: dict[str, list[np.ndarray]], options: CurationOptions) -> float:
    """How often an hour footage without a copy is called one; what games repeat does not count."""
    made = []
    for game, episodes in games.items():
        made += [(f"{game}-{number}", frames, []) for number, frames in enumerate(episodes)]
    counts = find_copies(made, options).values()
    hours = sum(len(frames) for _, frames, _ in made) / FPS / 3600
    return sum(count.found - count.right for count in counts) / hours


def _equal(part: np.ndarray, stretch: Stretch, frames_of: dict[str, np.ndarray]) -> bool:
    """Whether what is called a copy shows what its original shows: games do repeat themselves."""
    name, second = stretch.reason.removeprefix("duplicate of ").removesuffix(" s").split(" at ")
    start = round(float(second) * FPS)
    across = pooling(part.shape[1], COARSE)
    best = 0.0
    for shift in (-1, 0, 1):
        other = frames_of[name][max(0, start + shift) :][: len(part)]
        difference = np.abs(part[: len(other)].astype(np.float32) - other).mean(3)
        cells = np.einsum("nhw,hy,wx->nyx", difference, across, across, optimize=True)
        best = max(best, float((cells.max((1, 2)) <= SAME).mean()))
    return best >= 0.9
