"""What lasts some frames but not an episode: a held key, found without a label."""

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(
    anchors: Tensor, positives: Tensor, too_near: Tensor, temperature: float = 0.2
) -> Tensor:
    """Cross-entropy of telling the transition a few frames later from others of its episode.

    Args:
        anchors: float (E, M, C), unit latents of M transitions of each of E episodes.
        positives: the same shape: of transitions a few frames later.
        too_near: bool (E, M, M), which positives are too near to an anchor to be its negatives;
            false on the diagonal.
        temperature: of the softmax.

    Returns:
        A scalar; log M for latents that tell nothing.

    Source: InfoNCE (van den Oord et al. 2018).
    """
    # Negatives are from the same episode: what an episode never changes (its theme, the sprite's
    # colours) does not help there, and what changes each frame says nothing of a few frames later.
    # Above all, the held key is left.
    similarity = torch.einsum("emc, enc -> emn", anchors, positives) / temperature
    similarity = similarity.masked_fill(too_near, -torch.inf)
    shape, device = anchors.shape[:2], anchors.device
    target = torch.arange(shape[1], device=device).expand(shape).flatten()
    forward = functional.cross_entropy(similarity.flatten(0, 1), target)
    backward = functional.cross_entropy(similarity.transpose(1, 2).flatten(0, 1), target)
    return (forward + backward) / 2


def temporal_mutual_information(anchors: Tensor, positives: Tensor, other: Tensor) -> Tensor:
    """Measure how much more codes agree a few frames apart than anywhere in an episode, in nats.

    Args:
        anchors: float (P, A), probabilities of the codes in P transitions.
        positives: the same shape: a few frames after each.
        other: the same shape: anywhere in the same episode.

    Returns:
        A scalar, to be maximized: the divergence of the joint distribution of the codes (anchor,
        positive) from that of (either, other). 0 if codes tell an episode at most; log A at best,
        for codes that are used equally and always last.

    Source: mutual information of paired codes (Ji et al. 2019, Invariant Information Clustering),
        here relative to the same episode.
    """
    near = anchors.T @ positives / len(anchors)
    far = (anchors + positives).T @ other / (2 * len(anchors))
    near, far = (near + near.T) / 2, (far + far.T) / 2
    return (near * ((near + 1e-6) / (far + 1e-6)).log()).sum()
