"""The contact sheet: what a held key does after 1, 10, 100, 300 and 1,000 frames."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from genie.evaluate.batched_rollouts import MakeRollout, RolloutLike, as_numpy, start_rollout
from genie.evaluate.clips import batches, bundle_device, to_models
from genie.evaluate.progress import Tick, no_tick
from genie.evaluate.workers import at_once
from genie.media.charts import picture_table, save_png

SHOWN_FRAMES = (1, 10, 100, 300, 1000)
SEEDS = 4
KEYS = 4
KEYS_A_BATCH = 2
GIF_FRAMES = 60
CELL = 96  # least width of a picture of the sheet: its label above it must fit
WANTED_KEYS = ("left", "right", "jump", "up", "none", "down")


@dataclass(frozen=True, kw_only=True)
class HeldPlay:
    """Play with keys held.

    Attributes:
        keys: names of the held keys.
        shown: uint8 (keys, seeds, frames shown, H, W, 3).
        begin: uint8 (keys, seeds, 60, H, W, 3), the first frames, for the GIFs.
    """

    keys: tuple[str, ...]
    shown: np.ndarray
    begin: np.ndarray


def choose_keys(names: list[str], count: int = KEYS) -> list[int]:
    """Choose action ids to show: the usual names first, then by id.

    Args:
        names: of the actions, in the order of their ids.
        count: how many; fewer where the world has fewer.

    Returns:
        Action ids.
    """
    wanted = [names.index(name) for name in WANTED_KEYS if name in names]
    rest = [i for i in range(len(names)) if i not in wanted]
    return (wanted + rest)[:count]


def play_held_keys(
    bundle: object,
    make_rollout: MakeRollout,
    prompts: list[np.ndarray],
    names: list[str],
    *,
    shown_frames: tuple[int, ...] = SHOWN_FRAMES,
    tick: Tick = no_tick,
) -> HeldPlay:
    """Hold four keys from four prompts with four seeds.

    Args:
        bundle: the world's parts.
        make_rollout: builds the batched engine.
        prompts: uint8 (H, W, 3) frames; taken in turn.
        names: of the actions, in the order of their ids.
        shown_frames: frame numbers of the sheet, rising; 1 is the first generated frame.
        tick: called with the number of generated frames.

    Returns:
        The frames to show.
    """
    keys = choose_keys(names)
    device = bundle_device(bundle)
    starts = to_models(
        np.stack([prompts[seed % len(prompts)] for seed in range(SEEDS)])[:, None], device
    )

    def play(part: slice, tick: Tick) -> tuple[np.ndarray, np.ndarray]:
        held = torch.tensor(keys[part])
        ids = bundle.tokenizer.encode(starts).cpu().long().repeat(len(held), 1, 1)
        seeds = list(range(SEEDS)) * len(held)  # keys * seeds
        rollout, _ = start_rollout(make_rollout, seeds, ids, ids.new_zeros(len(ids), 0), device)
        actions = held.repeat_interleave(SEEDS).to(device)
        return _watch(rollout, actions, shown_frames, tick)

    played = at_once(play, batches(len(keys), KEYS_A_BATCH), device, tick)
    shown, begin = (np.concatenate(frames, axis=1) for frames in zip(*played, strict=True))
    fold = "t (k s) h w c -> k s t h w c"
    return HeldPlay(
        keys=tuple(names[key] for key in keys),
        shown=rearrange(shown, fold, s=SEEDS),
        begin=rearrange(begin, fold, s=SEEDS),
    )


def _watch(
    rollout: RolloutLike, actions: Tensor, shown_frames: tuple[int, ...], tick: Tick
) -> tuple[np.ndarray, np.ndarray]:
    """Hold actions (B,): the frames to show and the first sixty, each uint8 (t, B, H, W, 3)."""
    shown, begin = [], []
    for frame in range(1, shown_frames[-1] + 1):
        drawn = as_numpy(rollout.step(actions)[1])
        if frame in shown_frames:
            shown.append(drawn)
        if frame <= GIF_FRAMES:
            begin.append(drawn)
        tick(len(drawn))
    return np.stack(shown), np.stack(begin)


def write_sheet(
    play: HeldPlay, folder: Path, fps: float, shown_frames: tuple[int, ...] = SHOWN_FRAMES
) -> list[Path]:
    """Write held_keys.png, and one GIF per key with the four seeds side by side.

    Args:
        play: the frames.
        folder: written into; made if it does not exist.
        fps: speed of the GIFs.
        shown_frames: labels of the sheet's columns.

    Returns:
        The files written.
    """
    rows, pictures = [], []
    for k, key in enumerate(play.keys):
        for seed in range(SEEDS):
            rows.append(f"{key}, seed {seed}")
            pictures.append(list(play.shown[k, seed]))
    scale = -(-CELL // play.shown.shape[3])
    columns = [f"frame {frame:,}" for frame in shown_frames]
    sheet = folder / "held_keys.png"
    save_png(picture_table(pictures, rows, columns, scale), sheet)
    gifs = [
        _write_gif(play.begin[k], folder / f"held_{_file_name(key)}.gif", fps)
        for k, key in enumerate(play.keys)
    ]
    return [sheet, *gifs]


def _file_name(key: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in key)


def _write_gif(frames: np.ndarray, path: Path, fps: float) -> Path:
    """Write uint8 (seeds, t, H, W, 3) side by side, doubled where frames are small."""
    import imageio.v3 as imageio

    scale = max(1, 128 // frames.shape[2])
    doubled = frames.repeat(scale, axis=2).repeat(scale, axis=3)
    strip = rearrange(doubled, "s t h w c -> t h (s w) c")
    partial = path.with_name(f".{path.name}.partial")
    imageio.imwrite(partial, strip, extension=".gif", duration=1000 / fps, loop=0)
    os.replace(partial, path)
    return path
