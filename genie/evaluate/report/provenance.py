"""Where the figures of a report come from."""

from __future__ import annotations

import datetime
import platform
from pathlib import Path

import torch

from genie.evaluate.clips import ClipChoice
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.long_play import LONG_FRAMES
from genie.provenance import commit_of


def describe_run(
    context: EvalContext, config: EvalConfig, choice: ClipChoice, notes: dict[str, str]
) -> dict:
    """Say what was measured, on what, with which command, where.

    Args:
        context: what is evaluated.
        config: how.
        choice: the clips.
        notes: gains a reason for each absent value.

    Returns:
        The "meta" part of the report; its date is the only part that a second run changes.
    """
    bundle, corpus = context.bundle, context.corpus
    card = getattr(corpus, "card", None)
    path = getattr(corpus, "path", None)
    name = str(bundle.name)
    levels = None if card is None else card.options.get("levels")
    commit = commit_of(Path(__file__).parent)
    if levels is None:
        notes["meta.levels"] = "the corpus does not say which levels it shows"
    if commit is None:
        notes["meta.commit"] = "this program does not run from a checkout"
    folder = "CORPUS" if path is None else Path(path).name
    return {
        "world": name,
        "corpus": folder,
        "fingerprints": {
            "world": bundle.fingerprint,
            "corpus": None if card is None else card.fingerprint,
        },
        "levels": levels,
        "commit": commit,
        "command": _command(name, folder, config),
        "seed": config.seed,
        "clips": len(choice),
        "episodes": len(set(choice.episodes.tolist())),
        **machine_and_date(),
    }


def machine_and_date() -> dict[str, str]:
    """Say when and on what the figures were taken."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
    }


def _command(world: str, corpus: str, config: EvalConfig) -> str:
    words = [f"genie evaluate {world} {corpus}"]
    words.append(f"--clips {config.clips} --seed {config.seed}")
    if config.long_frames >= LONG_FRAMES:
        words.append("--long")
    if config.action_groups is not None:
        words.append("--action-groups FILE")
    return " ".join(words)
