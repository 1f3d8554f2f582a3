"""Token ids and inferred actions of a whole corpus, written once for the dynamics to learn from."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import zarr
from rich.progress import track

from corpus.store import Corpus
from lam.model import LatentActionModel
from tokenizer.model import Tokenizer
from train.data import to_float

FRAMES_PER_BATCH = 256
NO_ACTION = -1
MOST_CODES = 2**16


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


def check_codes(num_codes: int) -> None:
    """Raise ValueError if ids of K = `num_codes` codes do not fit the stored type, uint16."""
    if num_codes > MOST_CODES:
        raise ValueError(
            f"{num_codes} codes are more than the {MOST_CODES} that an encoding can hold: give the "
            f"tokenizer fewer or smaller levels"
        )


def encode_corpus(
    corpus: Corpus,
    tokenizer: Tokenizer,
    lam: LatentActionModel,
    out: Path,
    stamp: dict[str, str],
) -> None:
    """Encode every frame and every transition; an encoding with the same stamp is kept.

    Args:
        corpus: what to encode.
        tokenizer: in evaluation mode.
        lam: in evaluation mode, quantized.
        out: the zarr group to write; it appears when it is whole.
        stamp: fingerprints of the corpus and both models.

    Raises:
        ValueError: if the tokenizer has more codes than the stored type can tell apart.
    """
    check_codes(tokenizer.num_codes)
    if out.exists() and dict(zarr.open_group(out, mode="r").attrs).get("stamp") == stamp:
        return
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    group = zarr.open_group(partial, mode="w")
    frames, tokens = corpus.num_frames, tokenizer.num_tokens
    ids = group.create_array("ids", shape=(frames, tokens), dtype="uint16", chunks=(1024, tokens))
    actions = group.create_array("actions", shape=(frames,), dtype="int8", chunks=(65536,))
    inferred = np.full(frames, NO_ACTION, np.int8)
    for first in track(range(0, frames, FRAMES_PER_BATCH), description="encode"):
        last = min(first + FRAMES_PER_BATCH, frames)
        batch = _batch(corpus, first, min(last + 1, frames), tokenizer)
        with torch.inference_mode():
            ids[first:last] = tokenizer.encode(batch[:, : last - first])[0].cpu().numpy()
            if batch.shape[1] > 1:
                found = lam.infer(batch)[0].cpu().numpy()
                inferred[first : first + len(found)] = found
    inferred[corpus.episode_ends - 1] = NO_ACTION
    actions[:] = inferred
    group.create_array("episode_ends", data=corpus.episode_ends.astype(np.int64))
    group.attrs.update(
        {
            "format": 1,
            "stamp": stamp,
            "num_codes": tokenizer.num_codes,
            "num_actions": lam.config.num_actions,
        }
    )
    shutil.rmtree(out, ignore_errors=True)
    os.replace(partial, out)


def load_encoded(path: Path, stamp: dict[str, str]) -> Encoded:
    """Read an encoding into memory.

    Args:
        path: the zarr group.
        stamp: the fingerprints that it must bear.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it was made of another corpus or by other models.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run genie train encode first")
    group = zarr.open_group(path, mode="r")
    attributes = dict(group.attrs)
    if attributes.get("stamp") != stamp:
        raise ValueError(
            f"{path} was made of another corpus or by other models: run genie train encode again"
        )
    return Encoded(
        ids=group["ids"][:].astype(np.int64),
        actions=group["actions"][:].astype(np.int64),
        episode_ends=group["episode_ends"][:],
        num_codes=attributes["num_codes"],
        num_actions=attributes["num_actions"],
    )


def _batch(corpus: Corpus, first: int, last: int, tokenizer: Tokenizer) -> torch.Tensor:
    """Read frames as float32 (1, T, 3, H, W) on the tokenizer's device."""
    device = next(tokenizer.parameters()).device
    return to_float(torch.from_numpy(corpus.read(first, last))[None].to(device))
