"""Convert a trained dynamics: to other token and action ids, or to learned offsets."""

from dataclasses import replace

import torch
from torch import Tensor

from dynamics.model import Dynamics


def count_pairs(old: Tensor, new: Tensor, num_old: int, num_new: int) -> Tensor:
    """Count how often each new id stands where each old id stood: float32 (num_new, num_old).

    Args:
        old: int64, any shape, ids 0 … num_old − 1.
        new: int64, the same shape, ids 0 … num_new − 1 of the same tokens or actions.
        num_old: number of old ids.
        num_new: number of new ids.
    """
    if old.shape != new.shape:
        raise ValueError(
            f"old and new ids must be of the same tokens or actions, got shapes "
            f"{tuple(old.shape)} and {tuple(new.shape)}"
        )
    pairs = (new * num_old + old).flatten()
    return pairs.bincount(minlength=num_new * num_old).view(num_new, num_old).float()


@torch.no_grad()
def translate(dynamics: Dynamics, tokens: Tensor, actions: Tensor) -> Dynamics:
    """Return a copy of a dynamics for other token and action ids, to be trained further.

    The embedding of a new id is the mean over the old ids it replaces; its logit is their mean plus
    the logarithm of its fraction of them. This is exact if new ids rename old ones or split them at
    random, and a starting point otherwise.

    Args:
        dynamics: not changed.
        tokens: float (K′, K), from `count_pairs`.
        actions: float (A′, A), likewise.

    Source: for language models, mean embeddings of overlapping tokens (WECHSEL, Minixhofer et al.
    2022).
    """
    sizes = {"num_codes": len(tokens), "num_actions": len(actions)}
    if dynamics.config.moves is not None:
        # A new action moves the picture as the old one that it replaces most often.
        sizes["moves"] = tuple(dynamics.config.moves[old] for old in actions.argmax(dim=1).tolist())
    new = Dynamics(replace(dynamics.config, **sizes))
    weights = {name: weight.clone() for name, weight in dynamics.state_dict().items()}
    mix, old_counts = _normalised(tokens), tokens.sum(dim=0)
    weights["tokens.weight"] = _mix_rows(mix, weights["tokens.weight"])
    weights["actions.weight"] = _mix_rows(_normalised(actions), weights["actions.weight"])
    if "recalled.weight" in weights:
        weights["recalled.weight"] = _mix_rows(mix, weights["recalled.weight"])
    weights["head.weight"] = mix @ weights["head.weight"]
    # Half an observation for an id that did not occur: rare, not impossible.
    seen, expected = tokens.sum(dim=1).clamp_min(0.5), (mix @ old_counts).clamp_min(0.5)
    weights["head.bias"] = mix @ weights["head.bias"] + (seen / expected).log()
    new.load_state_dict(weights)
    return new


@torch.no_grad()
def with_offsets(dynamics: Dynamics, grid: tuple[int, int]) -> Dynamics:
    """Return a dynamics that can learn offsets (see SpaceAttention) and plays the same.

    It is `dynamics` itself if that has a grid, otherwise a copy whose biases are zero.
    """
    if dynamics.config.grid is not None:
        return dynamics
    new = Dynamics(replace(dynamics.config, grid=grid)).train(dynamics.training)
    zeros = {name: torch.zeros_like(weight) for name, weight in new.state_dict().items()}
    new.load_state_dict(zeros | dynamics.state_dict())
    return new


@torch.no_grad()
def with_map(
    dynamics: Dynamics, moves: tuple[tuple[int, int], ...], fixed: tuple[int, ...]
) -> Dynamics:
    """Return a copy of a dynamics with a map, see DynamicsConfig; one that had none plays the same.

    Args:
        dynamics: has a grid.
        moves: for each action, by how many rows and columns the picture moves.
        fixed: numbers of the tokens that do not move with it.
    """
    config = replace(dynamics.config, moves=moves, fixed=fixed)
    new = Dynamics(config).train(dynamics.training)
    new.load_state_dict(new.state_dict() | dynamics.state_dict())
    return new


def _normalised(counts: Tensor) -> Tensor:
    """Scale rows to sum to 1; an id that did not occur gets the average row."""
    counts = torch.where(counts.sum(dim=1, keepdim=True) > 0, counts, counts.sum(dim=0))
    return counts / counts.sum(dim=1, keepdim=True)


def _mix_rows(mix: Tensor, table: Tensor) -> Tensor:
    """Return an embedding table for new ids; its last row (masked, none given) stays."""
    return torch.cat((mix @ table[:-1], table[-1:]))
