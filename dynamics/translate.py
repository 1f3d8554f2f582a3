"""A dynamics goes on in another form: in other codes, or with offsets to learn."""

from dataclasses import replace

import torch
from torch import Tensor

from dynamics.model import Dynamics


def count_pairs(old: Tensor, new: Tensor, num_old: int, num_new: int) -> Tensor:
    """Count how often codes name the same thing.

    Args:
        old: int64, any shape, ids 0 … num_old − 1.
        new: int64, the same shape, ids 0 … num_new − 1 of the same places.
        num_old: codes of the old alphabet.
        num_new: codes of the new one.

    Returns:
        float32 (num_new, num_old).

    Raises:
        ValueError: the shapes differ.
    """
    if old.shape != new.shape:
        raise ValueError(
            f"old and new ids must name the same places, got {tuple(old.shape)} and "
            f"{tuple(new.shape)}"
        )
    pairs = (new * num_old + old).flatten()
    return pairs.bincount(minlength=num_new * num_old).view(num_new, num_old).float()


@torch.no_grad()
def translate(dynamics: Dynamics, tokens: Tensor, actions: Tensor) -> Dynamics:
    """Return a dynamics of other token and action ids that begins with what this one knows.

    A new id is embedded as the mean of the old ids that stand in its places, and its logit is the
    mean of theirs plus the logarithm of its share of them. Where the new alphabet renames the old
    ids or divides them at random, this is exact; where it says something else, a beginning.

    Args:
        dynamics: left as it is.
        tokens: float (K′, K), from `count_pairs`.
        actions: float (A′, A), likewise.

    Returns:
        A Dynamics of K′ codes and A′ actions, all other weights copied.

    Source: our choice; for language models, mean embeddings of overlapping tokens (WECHSEL,
    Minixhofer et al. 2022).
    """
    sizes = {"num_codes": len(tokens), "num_actions": len(actions)}
    new = Dynamics(replace(dynamics.config, **sizes))
    weights = {name: weight.clone() for name, weight in dynamics.state_dict().items()}
    share, spread = _shares(tokens), tokens.sum(dim=0)
    weights["tokens.weight"] = _with_last(share, weights["tokens.weight"])
    weights["actions.weight"] = _with_last(_shares(actions), weights["actions.weight"])
    weights["head.weight"] = share @ weights["head.weight"]
    # Half an observation for an id that was not met: rare, not impossible.
    seen, expected = tokens.sum(dim=1).clamp_min(0.5), (share @ spread).clamp_min(0.5)
    weights["head.bias"] = share @ weights["head.bias"] + (seen / expected).log()
    new.load_state_dict(weights)
    return new


@torch.no_grad()
def with_offsets(dynamics: Dynamics, grid: tuple[int, int]) -> Dynamics:
    """Return a dynamics that can learn offsets (see SpaceAttention) and plays as this one does.

    Args:
        dynamics: left as it is.
        grid: rows and columns of its tokens.

    Returns:
        `dynamics` itself if it has a grid; otherwise a new one, whose biases are zero.
    """
    if dynamics.config.grid is not None:
        return dynamics
    new = Dynamics(replace(dynamics.config, grid=grid)).train(dynamics.training)
    zeros = {name: torch.zeros_like(weight) for name, weight in new.state_dict().items()}
    new.load_state_dict(zeros | dynamics.state_dict())
    return new


def _shares(counts: Tensor) -> Tensor:
    """Return which old ids each new id stands for, rows that add to 1; unmet ones as all do."""
    counts = torch.where(counts.sum(dim=1, keepdim=True) > 0, counts, counts.sum(dim=0))
    return counts / counts.sum(dim=1, keepdim=True)


def _with_last(share: Tensor, table: Tensor) -> Tensor:
    """Return a table of new ids; the last row ("hidden", "none given") means the same in both."""
    return torch.cat((share @ table[:-1], table[-1:]))
