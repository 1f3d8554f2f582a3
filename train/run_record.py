"""What a run folder says it is made of, and what may be done with one that exists."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from corpus.store import Corpus
from genie.library.bundle import Bundle
from genie.provenance import commit_of
from spacetime.weights import read_json, write_json
from train.auto.chosen import Choice
from train.labelled.labels import Labels
from train.options import TrainOptions

SAME = ("corpus", "seed", "recipe", "from")
"""What a resumed run must share with its beginning."""
ACTIONS = ("lam", "lam-seeds", "lam-unlabelled", "lam-unlabelled-seeds")
"""Folders of the stage lam: that of the action model, and what it is chosen from or refined of."""
STAGE_FOLDERS = ("tokenizer", *ACTIONS, "encoded.zarr", "dynamics")
FITTED_FIRST = ("tokenizer", "lam")
"""Stages that a run may have fitted by itself before its dynamics begins from a world."""


def open_out(out: Path, stage: str, resume: bool) -> None:
    """Make a run folder, or go on with it.

    Args:
        out: RUN.
        stage: all, tokenizer, lam, encode or dynamics.
        resume: whether what exists may be gone on with.

    Raises:
        FileExistsError: the stage has been begun, and `resume` is not given.
    """
    parts = {"all": ("",), "encode": ("encoded.zarr",), "lam": ACTIONS}.get(stage, (stage,))
    for begun in (out / part for part in parts):
        if begun.exists() and not resume:
            raise FileExistsError(
                f"{begun} exists: give --resume to go on with it, or choose another --out"
            )
    out.mkdir(parents=True, exist_ok=True)


def write_run_record(
    out: Path, corpus: Corpus, recipe: str, options: TrainOptions, start: Bundle | None,
    stage: str, choice: Choice | None = None, labels: Labels | None = None,
) -> None:  # fmt: skip
    """Write RUN/run.json, or check the one that is there.

    Args:
        out: RUN.
        corpus: what is learnt from.
        recipe: a name, or a path whose stem is one.
        options: name the seed, and whether the dynamics is a new one.
        start: the world that the run begins from.
        stage: what is to be fitted; latent actions begin from nothing unless a world is named.
        choice: the method that the recipe `auto` chose.
        labels: that name the actions.

    Raises:
        ValueError: the run was begun with another corpus, recipe, seed, world or labels, or its
            record is missing or damaged.
    """
    record = {
        "format": 1,
        "recipe": Path(recipe).stem,
        "seed": options.seed,
        "corpus": corpus.fingerprint,
        "from": None if start is None else start.fingerprint,
        **({"fresh": True} if options.fresh else {}),
        **({"auto": choice.record()} if choice is not None else {}),
        **({"labels": labels.record()} if labels is not None else {}),
        "commit": commit_of(Path(__file__).parent),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning": version("lightning"),
    }
    path = out / "run.json"
    if not path.exists():
        begun = [name for name in STAGE_FOLDERS if (out / name).exists()]
        if begun:
            raise ValueError(
                f"{path} is missing, so nothing tells what corpus and seed {begun[0]} was fitted "
                f"with: put it back, or choose another --out"
            )
        write_json(path, record)
        return
    known = read_json(path)
    if not isinstance(known, dict):
        raise ValueError(f"{path} must hold an object: put it back, or choose another --out")
    fitted = all((out / name).exists() for name in FITTED_FIRST)
    begins = known.get("from") is None and fitted and not (out / "dynamics").exists()
    if begins:
        known["from"] = record["from"]
    for key in SAME:
        if key == "from" and stage == "lam" and start is None:
            continue
        if known.get(key) != record[key]:
            raise ValueError(
                f"{out} was begun with {key} {known.get(key)}, not {record[key]}: resume it "
                f"with the same one, or choose another --out"
            )
    if stage == "lam" or (stage == "all" and start is None):
        begins |= _add_labels(out, known, record.get("labels"))
    if stage in ("all", "dynamics") and (out / "dynamics").exists():
        if known.get("fresh", False) != options.fresh:
            raise ValueError(f"{out} has a dynamics that was begun otherwise: give or drop --fresh")
    elif options.fresh:
        known["fresh"] = begins = True
    if begins:
        write_json(path, known)


def _add_labels(out: Path, known: dict[str, Any], given: dict[str, Any] | None) -> bool:
    """Add labels to the record of a run whose actions are not fitted yet; return whether it did.

    Raises:
        ValueError: its actions were begun with others, or with labels where none are given.
    """
    if known.get("labels") == given:
        return False
    if "labels" in known or any((out / folder).exists() for folder in ACTIONS):
        raise ValueError(
            f"{out} has actions that were begun with other --labels, or without: give the same "
            f"ones, or choose another --out"
        )
    known["labels"] = given
    return True
