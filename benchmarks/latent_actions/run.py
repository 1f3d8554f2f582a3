"""One entry on one game with one seed: trained, measured, and written as a line."""

import time
from pathlib import Path
from typing import Any

from benchmarks.latent_actions.common_decoder import STEPS
from benchmarks.latent_actions.entries import find_entry
from benchmarks.latent_actions.fit import count_parameters, fit_entry
from benchmarks.latent_actions.games import find_game
from benchmarks.latent_actions.measure import measure
from benchmarks.latent_actions.record import corpus_path
from benchmarks.lines import add_line, read_lines
from genie.evaluate.report.provenance import machine_and_date
from genie.provenance import commit_of

NAMED = ("game", "entry", "seed", "split", "minutes", "steps")
"""What tells runs apart; one that is in the file is skipped."""
FOUND, NONE_FOUND = "found", "none found"


def run_entry(
    game_name: str, entry_name: str, data: Path, file: Path, *, seed: int = 0,
    minutes: float | None = None, steps: int | None = None, split: str = "test",
    decoder_steps: int = STEPS, progress: bool = True,
) -> dict[str, Any] | None:  # fmt: skip
    """Train and measure an entry, and append a line to a file.

    Args:
        game_name: of the game.
        entry_name: of the entry.
        data: folder of the recorded splits.
        file: gains a line; the trained models stay in a folder beside it.
        seed: of the training.
        minutes: length of the training; None: the steps.
        steps: its length in steps; None: the entry's.
        split: "test", or "dev" for choices.
        decoder_steps: of the common decoder's fit.
        progress: whether to show bars while measuring.

    Returns:
        What the line holds; None: the file has this run.
    """
    game, entry = find_game(game_name), find_entry(entry_name)
    named = dict(zip(NAMED, (game.name, entry.name, seed, split, minutes, steps), strict=True))
    if any(all(run[key] == named[key] for key in NAMED) for run in read_lines(file)):
        return None
    length = f"{minutes:g}m" if minutes is not None else f"{steps or 'full'}"
    out = file.with_suffix("") / f"{game.name}-{entry.name}-{seed}-{length}"
    record: dict[str, Any] = named | {"outcome": FOUND}
    begun = time.monotonic()
    try:
        lam = fit_entry(entry, corpus_path(data, game, "train"), out, seed, minutes, steps)
    except ValueError as error:
        if entry.refusal is None or entry.refusal not in str(error):
            raise
        record |= {"outcome": NONE_FOUND, "reason": str(error)}
    else:
        trained = time.monotonic()
        record |= {"parameters": count_parameters(lam), "train_seconds": trained - begun}
        record["figures"] = measure(lam, game, data, split, decoder_steps, progress)
        record["measure_seconds"] = time.monotonic() - trained
    record |= {"commit": commit_of(Path(__file__).parent), **machine_and_date()}
    add_line(file, record)
    return record
