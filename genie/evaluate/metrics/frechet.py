"""Fréchet distance of sampled clips to true ones, in a small feature space of our own.

The features are plain averages of pixels, written down here and nowhere else: nothing is
downloaded, they know no world, and they never change under one name. So the distance compares
worlds of one corpus; its values mean nothing beside those of other feature spaces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

from corpus.clips import read_clips
from corpus.progress import Tick, no_tick
from genie.evaluate.clips import CLIP_FRAMES, LONGEST_PROMPT, batches
from genie.evaluate.context import EvalContext
from genie.evaluate.metrics.rollouts import RolloutScores, decode_clips, sampled_clips
from genie.evaluate.workers import at_once
from spacetime.pixels import CHANGED

FEATURE = "blocks-1"
DIMENSIONS = 64
FINE, COARSE = 4, 2
# Edges and changes are smaller than brightness; this brings their spread near to its.
EDGE_GAIN = 4.0
CLIPS_A_BATCH = 16
LEAST_PER_DIMENSION = 10


@dataclass(frozen=True, kw_only=True)
class Frechet:
    """How far sampled clips are from true ones as a set.

    Attributes:
        value: Fréchet distance of the frames sampled under inferred actions.
        ceiling: the same of the true frames sent through the tokenizer.
        frozen: the same of the last prompt frame repeated.
        feature: name and version of the feature space.
        n: frames in each set, each with the frame before it.
        d: features of a frame.
    """

    value: float
    ceiling: float
    frozen: float
    feature: str
    n: int
    d: int


def frame_features(frames: np.ndarray) -> np.ndarray:
    """Describe every frame after the first, with its change from the one before.

    Args:
        frames: uint8 (B, T, H, W, 3).

    Returns:
        float64 (B * (T - 1), 64). On a 4 x 4 grid brightness, edges and change; on a 2 x 2 grid two
        colour differences, contrast and the fraction of pixels that change.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).double() / 255
    red, green, blue = pixels.unbind(-1)  # (B, T, H, W)
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    change = (light[:, 1:] - light[:, :-1]).abs()
    colours = torch.stack((red - green, (red + green) / 2 - blue))[:, :, 1:]
    light = light[:, 1:]
    maps = [
        _cells(light, FINE),
        EDGE_GAIN * _cells(_edges(light), FINE),
        EDGE_GAIN * _cells(change, FINE),
        *(_cells(colour, COARSE) for colour in colours),
        (_cells(light.square(), COARSE) - _cells(light, COARSE).square()).clamp(min=0).sqrt(),
        _cells((change > CHANGED).double(), COARSE),
    ]
    return torch.cat(maps, dim=1).numpy()


def frechet_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Measure the Fréchet distance of the Gaussians fitted to two sets.

    Args:
        one: float (n, d).
        other: float (m, d).

    Source: Dowson and Landau, "The Fréchet distance between multivariate normal distributions",
        1982.
    """
    # |mean - mean'|^2 + trace(C + C' - 2 (C C')^(1/2))
    apart = one.mean(axis=0) - other.mean(axis=0)
    first, second = (
        np.cov(values, rowvar=False).reshape(len(apart), -1) for values in (one, other)
    )
    root = _root(first)
    # The eigenvalues of C C' are those of the symmetric root(C) C' root(C).
    shared = np.linalg.eigvalsh(root @ second @ root)
    cross = np.sqrt(np.maximum(shared, 0)).sum()
    return float(max(0.0, apart @ apart + np.trace(first) + np.trace(second) - 2 * cross))


def score_frechet(context: EvalContext, scores: RolloutScores, tick: Tick = no_tick) -> Frechet:
    """Compare rollouts from one frame with the true frames of the same clips; ticks count clips.

    Source: metrics.md, "Fréchet".
    """
    bundle, choice, encoded = context.bundle, context.choice, context.encoded
    sampled, first = sampled_clips(context, scores), LONGEST_PROMPT - 1

    def describe(part: slice, tick: Tick) -> list[np.ndarray]:
        true = read_clips(context.corpus, choice.starts[part], CLIP_FRAMES)[:, first:]
        rendered = decode_clips(bundle, encoded.ids[part, first:])
        still = np.broadcast_to(true[:, :1], true.shape)
        sets = (true, decode_clips(bundle, sampled[part]), rendered, still)
        features = [frame_features(frames) for frames in sets]
        tick(part.stop - part.start)
        return features

    parts = batches(len(choice), CLIPS_A_BATCH)
    rows = at_once(describe, parts, bundle.device, tick)
    true, played, ceiling, frozen = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Frechet(
        value=frechet_distance(played, true),
        ceiling=frechet_distance(ceiling, true),
        frozen=frechet_distance(frozen, true),
        feature=FEATURE,
        n=len(true),
        d=DIMENSIONS,
    )


def _cells(values: Tensor, grid: int) -> Tensor:
    """Average float (B, t, H, W) over a grid of cells: (B * t, grid * grid)."""
    return rearrange(F.adaptive_avg_pool2d(values, grid), "b t h w -> (b t) (h w)")


def _edges(light: Tensor) -> Tensor:
    """Return how steep the brightness is, of the shape of `light`."""
    across = F.pad((light[..., :, 1:] - light[..., :, :-1]).abs(), (0, 1))
    down = F.pad((light[..., 1:, :] - light[..., :-1, :]).abs(), (0, 0, 0, 1))
    return across + down


def _root(matrix: np.ndarray) -> np.ndarray:
    """Return the square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
