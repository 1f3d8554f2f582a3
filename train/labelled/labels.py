"""A file of labels: the true actions of a few transitions, given by the user."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.store import Corpus
from lam.keymap.keymap import KeyAction
from spacetime.weights import read_json

UNKNOWN = -1
LEAST_EACH = 2
"""Labels that each action needs where it is to be told apart from the others."""
MOST_ACTIONS = 64


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The true actions of a few transitions.

    Attributes:
        transitions: int64 (n,), the frames that they begin at.
        actions: int64 (n,), 0 … A−1.
        num_actions: A.
        names: of the actions; empty: the file has no names beside it.
    """

    transitions: np.ndarray
    actions: np.ndarray
    num_actions: int
    names: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return what run.json says of them."""
        said = json.dumps([self.transitions.tolist(), self.actions.tolist()])
        digest = hashlib.sha256(said.encode()).hexdigest()
        return {"count": len(self.actions), "names": list(self.names), "digest": digest}


def read_labels(path: Path, corpus: Corpus, least_each: int = LEAST_EACH) -> Labels:
    """Read a file of labels, and names from a file beside it.

    Args:
        path: a .npy file: integers (N,), one for each frame of the corpus; entry t is the action
            that leads from frame t to t+1, −1 where it is unknown. A .json file of the same name
            holds a list of names: entry n is what action n is called.
        corpus: whose transitions these are.
        least_each: labels that each action needs.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it does not fit the corpus, or tells too little of an action.
    """
    values = _read_array(path)
    if values.shape != (corpus.num_frames,) or values.dtype.kind not in "iu":
        raise ValueError(
            f"{path} holds {values.dtype} {values.shape}: give an integer for each of the "
            f"{corpus.num_frames} frames of {corpus.path}, {UNKNOWN} where the action is unknown"
        )
    (transitions,) = np.nonzero(values != UNKNOWN)
    actions = values[transitions].astype(np.int64)
    if last := np.intersect1d(transitions, corpus.episode_ends - 1).tolist():
        raise ValueError(
            f"{path} has an action at frame {last[0]}, the last one of an episode: no action "
            f"leads on from there"
        )
    names = _read_names(path.with_suffix(".json"))
    highest = int(actions.max(initial=UNKNOWN))
    if actions.min(initial=0) < 0 or highest >= (len(names) or MOST_ACTIONS):
        raise ValueError(
            f"{path} holds actions {actions.min()} to {highest}: allowed are 0 to "
            f"{(len(names) or MOST_ACTIONS) - 1}, and {UNKNOWN} where the action is unknown"
        )
    count = max(len(names) or highest + 1, 2)
    each = np.bincount(actions, minlength=count)
    if few := np.flatnonzero(each < least_each).tolist():
        name = f" ({names[few[0]]})" if names else ""
        raise ValueError(
            f"{path} has {each[few[0]]} labels of action {few[0]}{name}: label {least_each} "
            f"transitions of each action or more"
        )
    return Labels(transitions=transitions, actions=actions, num_actions=count, names=names)


def _read_array(path: Path) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(
            f"no labels at {path}: make them with genie corpus labels, or by hand (docs/guide.md)"
        )
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is not a numpy file: {error}") from None


def _read_names(path: Path) -> tuple[str, ...]:
    """Return the names of the actions; none if there is no such file."""
    if not path.exists():
        return ()
    names = read_json(path)
    if not isinstance(names, list) or not 2 <= len(set(map(str, names))) == len(names):
        raise ValueError(f"{path} must hold a list of two different names or more")
    if len(names) > MOST_ACTIONS:
        raise ValueError(f"{path} names {len(names)} actions, allowed are {MOST_ACTIONS}")
    for number, name in enumerate(names):
        KeyAction(id=number, name=name, effect={})  # refuses what scripted keys could not spell
    return tuple(names)
