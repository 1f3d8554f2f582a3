"""A file of labels out of a corpus: the true actions of a few transitions, for `genie train`."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from corpus.store import NO_ACTION, Corpus
from corpus.whole_file import write_whole

EACH = 2
"""Labels of each action at least: training refuses fewer."""


def write_labels(
    path: str | Path,
    out: str | Path,
    count: int | None = None,
    seed: int = 0,
    groups: Mapping[str, Sequence[int]] | None = None,
) -> int:
    """Write the true actions of a few transitions, drawn at random but two of each action.

    Args:
        path: a corpus with true actions; -1 among them is unknown.
        out: the .npy file: int64 (N,), -1 where there is no label. With groups, a .json file beside
            it lists their names.
        count: how many labels; None: all that are known.
        seed: of the draw.
        groups: names of what the labels tell apart, and the true actions of each; others have no
            label. None: each true action by itself.

    Returns:
        How many labels there are.

    Raises:
        ValueError: the corpus has no true actions, or too few of an action.
        FileExistsError: a file to write exists.
    """
    out = Path(out)
    if out.suffix != ".npy":
        raise ValueError(f"labels are a .npy file, not {out.name}")
    names = out.with_suffix(".json")
    for file in (out,) if groups is None else (out, names):
        if file.exists():
            raise FileExistsError(f"{file} exists: choose another --out")
    actions = Corpus.open(path).true_actions()
    if groups is not None:
        actions = _grouped(actions, groups)
    chosen = draw_labels(actions, count, seed)
    labels = np.full(len(actions), NO_ACTION, np.int64)
    labels[chosen] = actions[chosen]
    if groups is not None:
        write_whole(names, json.dumps(list(groups)).encode())
    data = io.BytesIO()
    np.save(data, labels)
    write_whole(out, data.getvalue())
    return len(chosen)


def read_action_groups(path: Path) -> dict[str, list[int]]:
    """Read which true actions do the same, from json {"name": [true action, …], …}.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not json: {error}") from error
    shape = 'allowed is {"name": [true action, ...], ...} with at least two groups'
    if not isinstance(groups, dict) or len(groups) < 2:
        raise ValueError(f"{path} holds no action groups; {shape}")
    members = []
    for name, actions in groups.items():
        if not isinstance(actions, list) or not actions:
            raise ValueError(f"group {name!r} in {path} is not a list of actions; {shape}")
        if not all(type(action) is int and action >= 0 for action in actions):
            raise ValueError(f"group {name!r} in {path} holds {actions}; actions are 0, 1, 2, ...")
        members += actions
    twice = sorted({action for action in members if members.count(action) > 1})
    if twice:
        raise ValueError(f"{path} puts action {twice[0]} in two groups; each belongs to one")
    return groups


def _grouped(actions: np.ndarray, groups: Mapping[str, Sequence[int]]) -> np.ndarray:
    grouped = np.full_like(actions, NO_ACTION)
    for number, (name, members) in enumerate(groups.items()):
        of_group = np.isin(actions, members)
        if of_group.sum() < EACH:
            raise ValueError(f"the corpus has {of_group.sum()} transitions of {name}, not {EACH}")
        grouped[of_group] = number
    return grouped


def draw_labels(actions: np.ndarray, count: int | None, seed: int = 0) -> np.ndarray:
    """Choose transitions at random, but two of each action.

    Args:
        actions: integers (N,); -1 where one is not known.
        count: how many; None: all that are known.
        seed: of the draw.

    Returns:
        int64 (count,), their numbers.

    Raises:
        ValueError: an action is taken only once, or the count is out of range.
    """
    order = np.random.default_rng(seed).permutation(np.flatnonzero(actions != NO_ACTION))
    kinds, taken = np.unique(actions[order], return_counts=True)
    if len(kinds) and taken.min() < EACH:
        raise ValueError(
            f"the corpus has {taken.min()} transition of action {kinds[taken.argmin()]}, not "
            f"{EACH}: name the actions to tell apart with --action-groups"
        )
    if count is None:
        return order
    if not EACH * len(kinds) <= count <= len(order):
        raise ValueError(
            f"--count must be {EACH * len(kinds)} to {len(order)}: {EACH} of each of "
            f"{len(kinds)} actions at least, and no more than there are"
        )
    first = np.concatenate([order[actions[order] == kind][:EACH] for kind in kinds])
    rest = order[~np.isin(order, first)]
    return np.concatenate((first, rest[: count - len(first)]))
