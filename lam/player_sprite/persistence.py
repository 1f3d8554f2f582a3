"""What lasts some frames but not an episode: how a held key is told without a label."""

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(now: Tensor, soon: Tensor, too_near: Tensor, temperature: float = 0.2) -> Tensor:
    """Cross-entropy of telling the transition a few frames later from others of its episode.

    What an episode never changes (its theme, the avatar's colours) cannot tell its moments apart,
    and what changes from frame to frame tells nothing of a few frames later. What is left is,
    above all, the key that is held.

    Args:
        now: float (E, M, C), unit latents of M transitions of each of E episodes.
        soon: the same shape: of transitions a few frames later.
        too_near: bool (E, M, M), which `soon` are neither the right one nor far enough from `now`
            to be wrong ones; false on the diagonal.
        temperature: of the softmax.

    Returns:
        A scalar; log M for latents that tell nothing.

    Source: InfoNCE (van den Oord et al. 2018); wrong ones from one's own episode are our choice.
    """
    likeness = torch.einsum("emc, enc -> emn", now, soon) / temperature
    likeness = likeness.masked_fill(too_near, -torch.inf)
    target = torch.arange(now.shape[1], device=now.device).expand(now.shape[:2]).flatten()
    forward = functional.cross_entropy(likeness.flatten(0, 1), target)
    backward = functional.cross_entropy(likeness.transpose(1, 2).flatten(0, 1), target)
    return (forward + backward) / 2


def temporal_mutual_information(now: Tensor, soon: Tensor, other: Tensor) -> Tensor:
    """Say how much more codes agree a few frames apart than at any two moments of an episode.

    Args:
        now: float (P, A), probabilities of the codes at P moments.
        soon: the same shape: a few frames after each.
        other: the same shape: at any moment of the same episode.

    Returns:
        A scalar in nats, to be made large: the divergence of the joint distribution of the codes
        (now, soon) from that of (now or soon, other). 0 if codes tell an episode at most; at best
        log A, for codes that are all used alike and always last.

    Source: mutual information of paired codes (Ji et al. 2019, Invariant Information Clustering);
        the comparison with one's own episode is our choice.
    """
    near = now.T @ soon / len(now)
    far = (now + soon).T @ other / (2 * len(now))
    near, far = (near + near.T) / 2, (far + far.T) / 2
    return (near * ((near + 1e-6) / (far + 1e-6)).log()).sum()
