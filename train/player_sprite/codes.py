"""Codes of what persists: many short fits, of which the best is kept."""

import math

import numpy as np
import torch
from torch import Tensor

from corpus.progress import track
from lam.player_sprite.encoder import SpriteEncoder
from lam.player_sprite.persistence import temporal_mutual_information
from train.player_sprite.method import SpriteMethod
from train.player_sprite.pairs import draw_pairs


def fit_best_codes(
    encoder: SpriteEncoder,
    features: Tensor,
    spans: np.ndarray,
    rng: np.random.Generator,
    method: SpriteMethod,
) -> float:
    """Fit `to_code` several times, and leave the fit whose codes persist most in the encoder.

    Args:
        encoder: changed in place.
        features: float32 (S, 96), of every transition.
        spans: int64 (E, 2), the episodes to learn from.
        rng: of the draws.
        method: how many fits, and how long.

    Returns:
        How much the codes persist, in nats.
    """
    best, kept = -math.inf, {}
    for _ in track(range(method.code_starts), "codes", unit="starts"):
        reached = _fit_codes(encoder, features, spans, rng, method)
        if reached > best:
            best, kept = reached, {k: v.clone() for k, v in encoder.state_dict().items()}
    encoder.load_state_dict(kept)
    return best


@torch.enable_grad()
def _fit_codes(
    encoder: SpriteEncoder,
    features: Tensor,
    spans: np.ndarray,
    rng: np.random.Generator,
    method: SpriteMethod,
) -> float:
    """Fit a new `to_code` to codes that persist; return how much they do, in nats."""
    head = encoder.to_code.requires_grad_(True)
    for layer in head:
        if isinstance(layer, torch.nn.Linear):
            layer.reset_parameters()
    optimizer = torch.optim.AdamW(
        head.parameters(), lr=method.code_lr, weight_decay=method.code_weight_decay
    )
    size = (method.code_pairs // method.code_pairs_each, method.code_pairs_each)
    late = []
    for step in range(method.code_steps):
        rate = min(1, 2 * (1 - step / method.code_steps) + 0.01)
        optimizer.param_groups[0]["lr"] = method.code_lr * rate
        triples = draw_pairs(spans, rng, size, method.later, any_other=True)
        scores = encoder.scores(features[triples.flatten().to(features.device)])
        anchors, positives, other = scores.softmax(dim=1).unflatten(0, (-1, 3)).unbind(dim=1)
        information = temporal_mutual_information(anchors, positives, other)
        optimizer.zero_grad()
        (-information).backward()
        optimizer.step()
        if step >= method.code_steps * 3 // 4:
            late.append(information.detach())
    head.requires_grad_(False)
    return float(torch.stack(late).mean())
