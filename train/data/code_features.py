"""What the codes of a tokenizer have in common, so that a rare one is learned with the others."""

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from corpus.clips import draw_clips
from genie.device import device_of
from train.data.clips import split_starts, to_float
from train.data.encode import Encoded
from train.data.frames import Frames

CLIPS = 512
"""Of the fit's length, from episodes to train on."""
READ = 8
"""Clips at once."""
SIDE = 8
"""Pixels that a patch is shrunk to, if it is larger."""
NUMBERS = 48
"""Of a look: the directions in which looks differ most."""
LENGTH = 2.0
"""Of a usual look; that of four digits, one-hot."""
PARTS = ("tokens", "head", "recalled")
"""Of a dynamics, what has a row for each code."""


def code_features(
    frames: Frames, encoded: Encoded, tokenizer: nn.Module, clip: int, seed: int
) -> Tensor | None:
    """Return what codes may have in common, float32 (K, F); None if a tokenizer has no patches.

    Their looks, and their digits where a tokenizer counts by scalar quantization; arguments as
    `code_looks`.
    """
    if (grid := getattr(tokenizer, "grid", None)) is None:
        return None
    looks = code_looks(frames, encoded.ids, grid, encoded.num_codes, clip, seed)
    if (levels := getattr(getattr(tokenizer, "quantizer", None), "levels", None)) is None:
        return looks
    return torch.cat((looks, code_digits(levels.cpu())), dim=1)


@torch.no_grad()
def code_looks(
    frames: Frames, ids: np.ndarray, grid: tuple[int, int], num_codes: int, clip: int, seed: int
) -> Tensor:
    """Describe each code by the mean of the patches that it stands for.

    Args:
        frames: of the corpus.
        ids: integers (frames, N), its tokens.
        grid: rows and columns of tokens.
        num_codes: K.
        clip: frames of a clip that is read.
        seed: of the clips.

    Returns:
        float32 (K, F) on the CPU, F at most 48: principal components over the codes that occur, of
        one spread. 0 for codes that are not seen; F is 0 where all look alike.
    """
    starts = draw_clips(split_starts(frames.corpus.episode_ends, clip, seed)[0], CLIPS, seed, 0)
    sums, counts = 0, torch.zeros(num_codes)
    for part in np.array_split(starts, CLIPS // READ):
        patches = rearrange(
            to_float(frames.clips(part, clip)).cpu(),
            "b t c (r p) (q s) -> (b t r q) c p s", r=grid[0], q=grid[1],
        )  # fmt: skip
        patches = F.adaptive_avg_pool2d(patches, [min(SIDE, side) for side in patches.shape[-2:]])
        codes = torch.from_numpy(ids[part[:, None] + np.arange(clip)].astype(np.int64)).flatten()
        looks = torch.zeros(num_codes, patches[0].numel())
        sums = sums + looks.index_add_(0, codes, patches.flatten(1))
        counts += torch.bincount(codes, minlength=num_codes)
    seen = counts > 0
    mean = sums[seen] / counts[seen, None]
    apart, spread, _ = torch.linalg.svd(mean - mean.mean(dim=0), full_matrices=False)
    kept = int((spread[:NUMBERS] > 1e-4 * spread[0].clamp_min(1e-6)).sum())
    looks = torch.zeros(num_codes, kept)
    if kept:
        looks[seen] = apart[:, :kept] * (len(mean) ** 0.5 * LENGTH / kept**0.5)
    return looks


def code_digits(levels: Tensor) -> Tensor:
    """Return the digits of scalar quantization's codes, one-hot: float32 (K, sum of levels).

    Args:
        levels: int64 (channels,), of each channel; see `spacetime.quantize`.
    """
    number, digits = torch.arange(int(levels.prod())), []
    for count in levels.tolist():
        digits.append(F.one_hot(number % count, count).float())
        number = number // count
    return torch.cat(digits, dim=1)


class ByFeatures(nn.Module):
    """Adds to the rows of a table, one a code, what codes with the same features have in common."""

    def __init__(self, features: Tensor, dim: int) -> None:
        """Build it for features (K, F) and rows of `dim` numbers; it adds nothing at first."""
        super().__init__()
        # Saved with a fit: another sign of a component would undo what was learned of it.
        self.register_buffer("features", features.clone())
        self.shared = nn.Parameter(torch.zeros(features.shape[1], dim))

    def forward(self, table: Tensor) -> Tensor:
        """Return the rows, (K, D) or with more behind them, such as that of the masked code."""
        shared = self.features @ self.shared
        return table + F.pad(shared, (0, 0, 0, len(table) - len(shared)))


def share_by_features(model: nn.Module, features: Tensor) -> None:
    """Let a dynamics learn what codes with the same features have in common, in place.

    A code that occurs a hundred times is else learned from these hundred tokens alone.
    """
    for part in _tables(model).values():
        shared = ByFeatures(features, part.weight.shape[1])
        parametrize.register_parametrization(part, "weight", shared)


def without_features(model: nn.Module) -> nn.Module:
    """Return a copy whose rows are plain weights again, as play and files have them."""
    # Not by `remove_parametrizations` on a copy: it takes `weight` from the class, which copies
    # have in common, and so from the model that is still fitted.
    weights = {n: w for n, w in model.state_dict().items() if ".parametrizations." not in n}
    for name, part in _tables(model).items():
        weights[f"{name}.weight"] = part.weight.detach()
    with torch.random.fork_rng(devices=[]):
        plain = type(model)(model.config).to(device_of(model))
    plain.load_state_dict(weights)
    return plain.eval()


def _tables(model: nn.Module) -> dict[str, nn.Module]:
    return {name: getattr(model, name) for name in PARTS if hasattr(model, name)}
