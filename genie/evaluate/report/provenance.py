"""Where the figures of a report come from."""

from __future__ import annotations

import datetime
import platform
from pathlib import Path

import torch

from genie.evaluate.context import LONG_FRAMES, EvalConfig, EvalContext
from genie.frames import CorpusLike
from genie.provenance import commit_of


def describe_run(context: EvalContext, missing: dict[str, str]) -> dict:
    """Say what was measured, on what, with which command, where.

    Args:
        context: what is evaluated.
        missing: gains a reason for each absent value.

    Returns:
        The "meta" part of the report; a second run changes only its date.
    """
    bundle, config, choice = context.bundle, context.config, context.choice
    folder, fingerprint, levels = corpus_record(context.corpus)
    name, commit = str(bundle.name), commit_of(Path(__file__).parent)
    if levels is None:
        missing["meta.levels"] = "the corpus does not say which levels it shows"
    if (trained_on := _known_corpus(context)) is not None:
        missing["meta.corpus"] = trained_on
    if commit is None:
        missing["meta.commit"] = "this program does not run from a checkout"
    return {
        "world": name,
        "corpus": folder,
        "fingerprints": {"world": bundle.fingerprint, "corpus": fingerprint},
        "levels": levels,
        "commit": commit,
        "command": _command(name, folder, config),
        "seed": config.seed,
        "clips": len(choice),
        "episodes": len(set(choice.episodes.tolist())),
        **machine_and_date(),
    }


def _known_corpus(context: EvalContext) -> str | None:
    """Say that the world was trained on this corpus, or on the one that it is a part of."""
    trained_on = context.bundle.info.get("corpus", {}).get("fingerprint")
    card = getattr(context.corpus, "card", None)
    if card is None or not trained_on:
        return None
    if card.fingerprint == trained_on:
        return "the world was trained on this corpus"
    whole = card.options.get("corpus") == trained_on
    return "the world was trained on the corpus that this one is a part of" if whole else None


def corpus_record(corpus: CorpusLike) -> tuple[str, str | None, list[int] | None]:
    """Return a corpus' folder, its fingerprint and its levels, where it has them."""
    card, path = getattr(corpus, "card", None), getattr(corpus, "path", None)
    folder = "CORPUS" if path is None else Path(path).name
    if card is None:
        return folder, None, None
    return folder, card.fingerprint, card.options.get("levels")


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
    if config.played_frames >= LONG_FRAMES:
        words.append("--long")
    if config.action_groups is not None:
        words.append("--action-groups FILE")
    return " ".join(words)
