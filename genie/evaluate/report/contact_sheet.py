"""The contact sheet: what a held key does after 1, 10, 100, 300 and 1,000 frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from corpus.progress import Tick, no_tick
from genie.evaluate.clips import batches, choose_clips
from genie.evaluate.context import STRETCH, EvalConfig, EvalContext
from genie.evaluate.workers import at_once
from genie.frames import to_models
from genie.media.charts import save_png
from genie.rollouts.batched_rollouts import RolloutLike, as_numpy, start_rollout
from spacetime.partial import write_atomic

SHOWN_FRAMES = (1, 10, 100, 300, 1000)
SEEDS = 4
KEYS = 4
KEYS_A_BATCH = 2
GIF_FRAMES = 60
CELL = 96  # least width of a picture of the sheet: its label above it must fit
FONT_SIZE, INK, PAPER = 13, (40, 40, 40), (255, 255, 255)
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
    """Choose action ids to show: the usual names first, then by id."""
    wanted = [names.index(name) for name in WANTED_KEYS if name in names]
    rest = [i for i in range(len(names)) if i not in wanted]
    return (wanted + rest)[:count]


def shown_frames(config: EvalConfig) -> list[int]:
    """List the frames to show: all of them, or with few clips the earlier ones."""
    last = config.shorten(SHOWN_FRAMES[-1], STRETCH)
    return [frame for frame in SHOWN_FRAMES if frame <= last]


def draw_sheet(context: EvalContext, names: list[str], folder: Path) -> list[Path]:
    """Hold four keys from the world's prompts (or true frames), and write sheet and GIFs.

    Args:
        context: what is evaluated.
        names: of the actions, in the order of their ids.
        folder: written into; made if it does not exist.

    Returns:
        The files written: held_keys.png, and a GIF per key with the four seeds side by side.
    """
    prompts = list(context.bundle.prompts)
    if not prompts:
        choice = choose_clips(context.corpus.episode_ends, SEEDS, context.config.seed)
        prompts = [context.corpus.read(int(s), int(s) + 1)[0] for s in choice.starts]
    total = min(KEYS, len(names)) * SEEDS * shown_frames(context.config)[-1]
    with context.progress.part("held keys", total, "frames") as tick:
        play = play_held_keys(context, prompts, names, tick)
    return write_sheet(play, folder, context.bundle.fps)


def play_held_keys(
    context: EvalContext, prompts: list[np.ndarray], names: list[str], tick: Tick = no_tick
) -> HeldPlay:
    """Hold four keys with four seeds from prompts uint8 (H, W, 3), taken in turn."""
    keys, bundle = choose_keys(names), context.bundle
    starts = np.stack([prompts[seed % len(prompts)] for seed in range(SEEDS)])[:, None]
    starts = to_models(starts, bundle.device)

    def play(part: slice, tick: Tick) -> tuple[np.ndarray, np.ndarray]:
        held = torch.tensor(keys[part])
        ids = bundle.tokenizer.encode(starts).cpu().long().repeat(len(held), 1, 1)
        seeds = list(range(SEEDS)) * len(held)  # keys * seeds
        rollout, _ = start_rollout(context.make_rollout, seeds, ids, bundle.device)
        actions = held.repeat_interleave(SEEDS).to(bundle.device)
        return _watch(rollout, actions, shown_frames(context.config), tick)

    played = at_once(play, batches(len(keys), KEYS_A_BATCH), bundle.device, tick)
    shown, begin = (np.concatenate(frames, axis=1) for frames in zip(*played, strict=True))
    fold = "t (k s) h w c -> k s t h w c"
    return HeldPlay(
        keys=tuple(names[key] for key in keys),
        shown=rearrange(shown, fold, s=SEEDS),
        begin=rearrange(begin, fold, s=SEEDS),
    )


def _watch(
    rollout: RolloutLike, actions: Tensor, frames: list[int], tick: Tick
) -> tuple[np.ndarray, np.ndarray]:
    """Hold actions (B,): the frames to show and the first sixty, each uint8 (t, B, H, W, 3)."""
    shown, begin = [], []
    for frame in range(1, frames[-1] + 1):
        sampled = as_numpy(rollout.step(actions)[1])
        if frame in frames:
            shown.append(sampled)
        if frame <= GIF_FRAMES:
            begin.append(sampled)
        tick(len(sampled))
    return np.stack(shown), np.stack(begin)


def write_sheet(play: HeldPlay, folder: Path, fps: float) -> list[Path]:
    """Write held_keys.png, and one GIF per key with the four seeds side by side."""
    rows, pictures = [], []
    for k, key in enumerate(play.keys):
        for seed in range(SEEDS):
            rows.append(f"{key}, seed {seed}")
            pictures.append(list(play.shown[k, seed]))
    scale = -(-CELL // play.shown.shape[3])
    columns = [f"frame {frame:,}" for frame in SHOWN_FRAMES[: play.shown.shape[2]]]
    sheet = folder / "held_keys.png"
    save_png(_picture_table(pictures, rows, columns, scale), sheet)
    gifs = [
        _write_gif(play.begin[k], folder / f"held_{_file_name(key)}.gif", fps)
        for k, key in enumerate(play.keys)
    ]
    return [sheet, *gifs]


def _picture_table(
    pictures: list[list[np.ndarray]], rows: list[str], columns: list[str], scale: int
) -> Image.Image:
    """Set enlarged pictures, uint8 (H, W, 3) of one size, out in labelled rows and columns."""
    font = ImageFont.load_default(FONT_SIZE)
    height, width = (side * scale for side in pictures[0][0].shape[:2])
    label = 12 + max(int(font.getlength(name)) for name in rows)
    size = (label + len(columns) * (width + 4), 24 + len(rows) * (height + 4))
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for j, name in enumerate(columns):
        draw.text((label + j * (width + 4) + width // 2, 5), name, fill=INK, font=font, anchor="ma")
    for i, (name, line) in enumerate(zip(rows, pictures, strict=True)):
        y = 24 + i * (height + 4)
        draw.text((6, y + height // 2), name, fill=INK, font=font, anchor="lm")
        for j, picture in enumerate(line):
            cell = Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(cell, (label + j * (width + 4), y))
    return sheet


def _file_name(key: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in key)


def _write_gif(frames: np.ndarray, path: Path, fps: float) -> Path:
    """Write uint8 (seeds, t, H, W, 3) side by side, doubled where frames are small."""
    import imageio.v3 as imageio

    scale = max(1, 128 // frames.shape[2])
    doubled = frames.repeat(scale, axis=2).repeat(scale, axis=3)
    strip = rearrange(doubled, "s t h w c -> t h (s w) c")
    options = {"extension": ".gif", "duration": 1000 / fps, "loop": 0}
    write_atomic(path, imageio.imwrite("<bytes>", strip, **options))
    return path
