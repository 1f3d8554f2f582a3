"""Plant events and copies in recorded games, and print what of them curation finds.

    python -m benchmarks.curation CORPUS... --half unseen
    python -m benchmarks.curation CORPUS... --half unseen --copies
    python -m benchmarks.curation CORPUS... --fit corpus/curation/networks.json

Thresholds and networks were chosen on the first half of the episodes (even numbers); ``--half
unseen`` plants in the other half.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.curation.copies import KINDS, false_per_hour, find_copies, recordings
from benchmarks.curation.plant import FPS, Planted, plant
from benchmarks.curation.scenes import episodes
from benchmarks.curation.score import Count, score
from corpus.curation.decide import decide
from corpus.curation.measure import Measurements, Measurer
from corpus.curation.options import CurationOptions

HALVES = ("fit", "unseen")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--half", choices=HALVES, default="unseen")
    parser.add_argument("--streams", type=int, default=4, help="of each game")
    parser.add_argument("--length", type=int, default=1500, help="frames of a stream, at least")
    parser.add_argument("--fit", type=Path, help="fit the networks, and write them here")
    parser.add_argument("--copies", action="store_true", help="look for copies alone")
    arguments = parser.parse_args()
    parity = HALVES.index("fit" if arguments.fit else arguments.half)
    games = {path.name: episodes(path, parity, 6000) for path in arguments.corpora}
    planted = _streams(games, parity, arguments.streams, arguments.length)
    if arguments.fit:
        from benchmarks.curation.fit import fit

        fit(planted, arguments.fit)
        return
    print("| game | kind | planted | recall | found | precision |\n|---|---|---|---|---|---|")
    if not arguments.copies:
        _print(_count(planted))
    made = recordings(games, 600, 8, np.random.default_rng(parity))
    copies = find_copies(made, CurationOptions())
    copies["all"] = sum((copies[game] for game in copies if game not in KINDS), Count())
    _print({game: {"copy": count} for game, count in copies.items()})
    false = false_per_hour(games, CurationOptions())
    print(f"footage without copies: {false:.1f} false ones an hour")


def _streams(
    games: dict[str, list[np.ndarray]], parity: int, streams: int, length: int
) -> Iterator[tuple[Planted, Measurements]]:
    """Plant and measure; every second stream is encoded, and some are faster or slower."""
    for number, name in enumerate(games):
        for stream in range(streams):
            rng = np.random.default_rng([parity, number, stream])
            quality = int(rng.integers(23, 36)) if stream % 2 else None
            pace = {4: 2.0, 5: 0.5}.get(stream % 6, 1.0)
            planted = plant(name, games, length, rng, quality, pace)
            measurer = Measurer()
            measurer.add(planted.frames)
            yield planted, measurer.result()


def _count(planted: Iterator[tuple[Planted, Measurements]]) -> dict[str, dict[str, Count]]:
    total: dict[str, dict[str, Count]] = {}
    for stream, measured in planted:
        for kind, count in score(stream, decide(measured, FPS, CurationOptions())).items():
            for game in (stream.name, "all"):
                kinds = total.setdefault(game, {})
                kinds[kind] = kinds.get(kind, Count()) + count
    return total


def _print(total: dict[str, dict[str, Count]]) -> None:
    for game, kinds in total.items():
        for kind, c in kinds.items():
            found = f"{c.found} | {c.precision:.3f}" if c.found else "- | -"
            print(f"| {game} | {kind} | {c.planted} | {c.recall:.3f} | {found} |")


if __name__ == "__main__":
    main()
