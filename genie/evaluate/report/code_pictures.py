"""What each code does, as a picture: before, after and the change, from several true frames."""

from __future__ import annotations

from pathlib import Path

import torch

from corpus.clips import read_clips
from genie.evaluate.clips import bundle_device, choose_clips, to_models
from genie.evaluate.context import EvalContext
from genie.media.charts import label_rows, save_png
from lam.health.pictures import code_grid

PROMPTS = 4
LEGEND = "before, after, change"


@torch.inference_mode()
def draw_codes(context: EvalContext, names: list[str], folder: Path, seed: int = 0) -> Path:
    """Let the latent action model predict every code from the same true frames.

    Args:
        context: what is evaluated.
        names: of the actions, in the order of their ids.
        folder: written into; made if it does not exist.
        seed: of the choice of frames.

    Returns:
        codes.png: a row per code; for each frame the frame, the prediction, and the change on grey.
    """
    bundle, device = context.bundle, bundle_device(context.bundle)
    starts = choose_clips(context.corpus.episode_ends, PROMPTS, seed).starts
    before = to_models(read_clips(context.corpus, starts, 1), device)[:, 0]  # (P, 3, H, W)
    after = [
        bundle.lam.predict(before, torch.full((len(before),), code, device=device))
        for code in range(bundle.num_actions)
    ]
    rows = [f"{code}  {name}" for code, name in enumerate(names)]
    path = folder / "codes.png"
    grid = code_grid(before, torch.stack(after)).numpy()
    save_png(label_rows(grid, rows, LEGEND), path)
    return path
