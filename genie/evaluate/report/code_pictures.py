"""What each code does, as a picture: before, after and the change, from several true frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from corpus.clips import read_clips
from genie.evaluate.clips import choose_clips
from genie.evaluate.context import EvalContext
from genie.frames import to_models
from genie.media.charts import save_png
from lam.health.pictures import code_grid

PROMPTS = 4
LEGEND = "before, after, change"
FONT_SIZE = 13
INK, GREY, PAPER = (40, 40, 40), (120, 120, 120), (255, 255, 255)


@torch.inference_mode()
def draw_codes(context: EvalContext, names: list[str], folder: Path) -> Path:
    """Let the latent action model predict every code from the same true frames.

    Args:
        context: what is evaluated.
        names: of the actions, in the order of their ids.
        folder: written into; made if it does not exist.

    Returns:
        codes.png: a row per code; for each frame the frame, the prediction, and the change on grey.
    """
    bundle, device = context.bundle, context.bundle.device
    starts = choose_clips(context.corpus.episode_ends, PROMPTS, context.config.seed).starts
    before = to_models(read_clips(context.corpus, starts, 1), device)[:, 0]  # (P, 3, H, W)
    after = [
        bundle.lam.predict(before, torch.full((len(before),), code, device=device))
        for code in range(bundle.num_actions)
    ]
    rows = [f"{code}  {name}" for code, name in enumerate(names)]
    path = folder / "codes.png"
    grid = code_grid(before, torch.stack(after)).numpy()
    save_png(_label_rows(grid, rows), path)
    return path


def _label_rows(grid: np.ndarray, names: list[str]) -> Image.Image:
    """Write names to the left of the equally high rows of a picture, uint8 (H, W, 3)."""
    font = ImageFont.load_default(FONT_SIZE)
    label = 12 + max(int(font.getlength(text)) for text in (*names, LEGEND))
    height, width = grid.shape[:2]
    sheet = Image.new("RGB", (label + width, height), PAPER)
    sheet.paste(Image.fromarray(grid), (label, 0))
    draw = ImageDraw.Draw(sheet)
    for i, name in enumerate(names):
        y = (i + 0.5) * height / len(names)
        draw.text((6, y - 1), name, fill=INK, font=font, anchor="ls")
        draw.text((6, y + 3), LEGEND, fill=GREY, font=font, anchor="la")
    return sheet
