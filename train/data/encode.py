"""Token ids and inferred actions of a whole corpus, written once for the dynamics to learn from."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from corpus.progress import track
from corpus.store import Corpus
from genie.device import device_of
from genie.interfaces import ActionModel, EpisodeReader, FrameTokenizer
from train.data.blocked_keys import read_blocked_keys
from train.data.clips import to_float
from train.data.frames import Frames
from train.loop.hardware import frames_at_once

NO_ACTION = -1
MOST_CODES, MOST_ACTIONS = 2**16, 2**7
EPISODES_AT_ONCE, PADDED_TRANSITIONS = 256, 1 << 16
"""Episodes that are read at once, and their transitions with what pads them."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """The corpus as integers.

    Attributes:
        ids: int64 (frames, N), token ids.
        actions: int64 (frames,), entry t leads from frame t to t+1; −1 at an episode's last frame.
        episode_ends: int64 (episodes,), one past the last frame of each.
        num_codes: K.
        num_actions: A.
    """

    ids: np.ndarray
    actions: np.ndarray
    episode_ends: np.ndarray
    num_codes: int
    num_actions: int


def check_codes(num_codes: int, num_actions: int) -> None:
    """Raise ValueError if ids of K codes or of A actions do not fit the stored types.

    These are uint16 and int8.
    """
    if num_codes > MOST_CODES:
        raise ValueError(
            f"{num_codes} codes are more than the {MOST_CODES} that an encoding can hold: give the "
            f"tokenizer fewer or smaller levels"
        )
    if num_actions > MOST_ACTIONS:
        raise ValueError(
            f"{num_actions} actions are more than the {MOST_ACTIONS} that an encoding can hold"
        )


def encode_corpus(
    corpus: Corpus,
    tokenizer: FrameTokenizer,
    lam: ActionModel,
    out: Path,
    stamp: dict[str, str],
    source: Frames | None = None,
    blocked_below: float = 0.0,
    seed: int = 0,
) -> None:
    """Encode every frame and every transition, unless `out` has the same stamp.

    Args:
        corpus: what to encode.
        tokenizer: in evaluation mode.
        lam: in evaluation mode, with codes.
        out: the zarr group to write; it appears when it is whole.
        stamp: what it is made of: fingerprints of the corpus and both models.
        source: the frames of `corpus`, if other stages have read them already.
        blocked_below: of `LatentActionMethod`; 0 leaves actions as they are inferred.
        seed: of the draw of keys that may have been blocked.

    Raises:
        ValueError: if there are more codes or actions than the stored types can tell apart.
    """
    if _attributes(out).get("stamp") == stamp:
        return
    check_codes(tokenizer.num_codes, lam.config.num_actions)
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        group = zarr.open_group(partial, mode="w")
        source = source or Frames(corpus)
        ids, actions = _read_ids(source, tokenizer), read_actions(source, lam, vary=True)
        ends = corpus.episode_ends.astype(np.int64)
        if blocked_below:
            num_codes, grid = tokenizer.num_codes, getattr(tokenizer, "grid", None)
            actions = read_blocked_keys(ids, actions, ends, num_codes, blocked_below, seed, grid)
        group.create_array("ids", data=ids, chunks=(min(1024, len(ids)), tokenizer.num_tokens))
        group.create_array("actions", data=actions, chunks=(min(65536, len(actions)),))
        group.create_array("episode_ends", data=ends)
        group.attrs.update(
            {
                "format": 1,
                "stamp": stamp,
                "digest": _digest(ids, actions, ends),
                "num_codes": tokenizer.num_codes,
                "num_actions": lam.config.num_actions,
            }
        )
        shutil.rmtree(out, ignore_errors=True)
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load_encoded(path: Path, stamp: dict[str, str]) -> Encoded:
    """Read an encoding into memory.

    Args:
        path: the zarr group.
        stamp: the fingerprints that it must have.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it was made of another corpus or by other models, or is not whole.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run genie train encode first")
    attributes = _attributes(path)
    if attributes.get("stamp") != stamp:
        raise ValueError(
            f"{path} was made of another corpus or by other models: run genie train encode again"
        )
    group = zarr.open_group(path, mode="r")
    try:
        ids, actions, ends = (group[name][:] for name in ("ids", "actions", "episode_ends"))
        # In place of chunks that are missing zarr reads zeros. Earlier versions wrote no digest.
        whole = attributes.get("digest") in (None, _digest(ids, actions, ends))
    except (KeyError, ValueError, RuntimeError):  # zarr has no one error for damaged files
        whole = False
    if not whole:
        raise ValueError(
            f"{path} is damaged, or files of it are missing: delete it and run genie train encode "
            f"again"
        )
    return Encoded(
        ids=ids.astype(np.int64),
        actions=actions.astype(np.int64),
        episode_ends=ends,
        num_codes=attributes["num_codes"],
        num_actions=attributes["num_actions"],
    )


def _digest(*arrays: np.ndarray) -> str:
    """Return SHA-256 hex over the values of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _attributes(path: Path) -> dict[str, Any]:
    """Return what an encoding says about itself; nothing if it is not there or not whole."""
    try:
        return dict(zarr.open_group(path, mode="r").attrs)
    except (OSError, ValueError, KeyError):
        return {}


def together(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Group episodes of like length: padded to the longest, a group fills little memory.

    Args:
        lengths: int64 (episodes,), in transitions.

    Yields:
        int64 (n,), numbers of episodes that have a transition.
    """
    order, first = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)], 0
    while first < len(order):
        longest = int(lengths[order[first]])
        count = min(EPISODES_AT_ONCE, max(1, PADDED_TRANSITIONS // longest))
        yield order[first : first + count]
        first += count


def read_episodes(
    lam: EpisodeReader, observed: Tensor, ends: np.ndarray, vary: bool = False
) -> np.ndarray:
    """Read the actions of whole episodes off what an action model observed.

    Args:
        lam: the model.
        observed: float32 (frames − 1, F), of every transition, across episode ends too.
        ends: int64 (episodes,), one past the last frame of each.
        vary: whether episodes may be read differently where several readings are right.

    Returns:
        int8 (frames,); −1 at an episode's last frame.
    """
    actions = np.full(ends[-1], NO_ACTION, np.int8)
    begins, lasts = np.concatenate([np.zeros(1, np.int64), ends[:-1]]), ends - 1
    for part in together(lasts - begins):
        seen = pad_sequence([observed[begins[i] : lasts[i]] for i in part], batch_first=True)
        numbers = torch.from_numpy(part).to(seen.device) if vary else None
        for i, read in zip(part, lam.read(seen, numbers).cpu().numpy(), strict=True):
            actions[begins[i] : lasts[i]] = read[: lasts[i] - begins[i]]
    return actions


@torch.inference_mode()
def read_actions(source: Frames, lam: ActionModel, vary: bool = False) -> np.ndarray:
    """Read the action of every transition of a corpus.

    Args:
        source: its frames.
        lam: in evaluation mode, with codes.
        vary: of `read_episodes`.

    Returns:
        int8 (frames,); −1 at an episode's last frame.
    """
    frames, device = source.corpus.num_frames, device_of(lam)
    size, observed = frames_at_once(device), []
    whole = isinstance(lam, EpisodeReader)
    source.fetch()
    for first in track(range(0, frames - 1, size), "read actions"):
        # One frame more, for the last transition of the batch.
        last = min(first + size + 1, frames)
        batch = to_float(source.between(first, last)[None].to(device))
        observed.append(lam.observe(batch)[0] if whole else lam.infer(batch)[0])
    ends = source.corpus.episode_ends
    if whole:
        return read_episodes(lam, torch.cat(observed), ends, vary)
    actions = np.full(frames, NO_ACTION, np.int8)
    actions[: frames - 1] = torch.cat(observed).cpu().numpy()
    actions[ends - 1] = NO_ACTION
    return actions


@torch.inference_mode()
def _read_ids(source: Frames, tokenizer: FrameTokenizer) -> np.ndarray:
    """Return ids uint16 (frames, N)."""
    frames, device = source.corpus.num_frames, device_of(tokenizer)
    size = frames_at_once(device)
    ids = np.empty((frames, tokenizer.num_tokens), np.uint16)
    source.fetch()
    for first in track(range(0, frames, size), "encode"):
        last = min(first + size, frames)
        batch = to_float(source.between(first, last)[None].to(device))
        ids[first:last] = tokenizer.encode(batch)[0].cpu().numpy()
    return ids
