"""How well latent actions agree with true ones, which training never sees."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well codes agree with true actions.

    Attributes:
        balanced_accuracy: mean recall over the G groups, on the episodes the map was not fitted on.
        chance: 1 / G, what a constant code scores.
        mutual_information: normalised mutual information of code and group over the same episodes:
            2 I / (H_code + H_group), between 0 and 1.
        group_of_code: the group each code goes to.
        recalls: recall of each group.
    """

    balanced_accuracy: float
    chance: float
    mutual_information: float
    group_of_code: tuple[int, ...]
    recalls: tuple[float, ...]


def agreement_with_true_actions(
    codes: Tensor, groups: Tensor, episodes: Tensor, seed: int = 0
) -> Agreement:
    """Compare codes with groups of true actions.

    Each code is mapped to the group that has the largest fraction of its transitions under it.
    The map is fitted on a random half of the episodes and scored on the other half.

    Args:
        codes: int64 (P,), inferred codes from 0.
        groups: int64 (P,), group of the true action from 0; negative: unknown, left out. G is the
            largest + 1.
        episodes: int64 (P,), the episode each transition comes from.
        seed: decides which half is which.

    Raises:
        ValueError: if lengths differ, or a half has no transition of some group.

    Source: metrics.md, "Agreement with true actions".
    """
    codes, groups, episodes = (torch.as_tensor(x).cpu().long() for x in (codes, groups, episodes))
    if not codes.shape == groups.shape == episodes.shape or codes.ndim != 1:
        raise ValueError(
            f"codes, groups and episodes must have one shape (P,), got {tuple(codes.shape)}, "
            f"{tuple(groups.shape)} and {tuple(episodes.shape)}"
        )
    known = groups >= 0
    codes, groups, episodes = codes[known], groups[known], episodes[known]
    if not len(codes) or codes.min() < 0:
        raise ValueError("agreement needs transitions with a known action and a code from 0")
    fitted = fitting_half(episodes, seed)
    size = (int(codes.max()) + 1, int(groups.max()) + 1)
    fit = _recall_table(codes[fitted], groups[fitted], size)
    table = _recall_table(codes[~fitted], groups[~fitted], size)
    group_of_code = fit.argmax(dim=1)  # (A,)
    served = torch.nn.functional.one_hot(group_of_code, size[1]).double()
    recalls = (table * served).sum(dim=0)
    return Agreement(
        balanced_accuracy=recalls.mean().item(),
        chance=1 / size[1],
        mutual_information=_mutual_information(codes[~fitted], groups[~fitted], size),
        group_of_code=tuple(group_of_code.tolist()),
        recalls=tuple(recalls.tolist()),
    )


def share_of_ceiling(score: float, ceiling: float, chance: float) -> float | None:
    """Scale balanced accuracy: 0 at chance, 1 at the ceiling that a supervised probe sets.

    Returns:
        None where the probe itself is no better than chance.

    Source: metrics.md, "Agreement with true actions".
    """
    if ceiling <= chance:
        return None
    return (score - chance) / (ceiling - chance)


def fitting_half(episodes: Tensor, seed: int) -> Tensor:
    """Choose the half of the episodes to fit a map or a probe on.

    Args:
        episodes: int64 (P,), the episode each transition comes from.
        seed: of the choice.

    Returns:
        bool (P,), the transitions of that half; the others are for the score.

    Raises:
        ValueError: if there are fewer than two episodes.
    """
    names = episodes.unique()
    if len(names) < 2:
        raise ValueError("agreement is fitted on half of the episodes: give at least two")
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))
    return torch.isin(episodes, names[order[: len(names) // 2]])


def _recall_table(codes: Tensor, groups: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the fraction of each group's transitions that each code has, float64 (A, G)."""
    counts = (codes * size[1] + groups).bincount(minlength=size[0] * size[1]).reshape(size).double()
    totals = counts.sum(dim=0)
    if not totals.all():
        missing = (totals == 0).nonzero()[:, 0].tolist()
        raise ValueError(
            f"no transition of action group {missing[0]} in one half of the episodes: "
            "use more episodes, or join rare groups"
        )
    return counts / totals


def _mutual_information(codes: Tensor, groups: Tensor, size: tuple[int, int]) -> float:
    """Return 2 I / (H_code + H_group); 0 if either is constant."""
    joint = (codes * size[1] + groups).bincount(minlength=size[0] * size[1]).reshape(size).double()
    joint = joint / joint.sum()

    def entropy(fractions: Tensor) -> float:
        return -torch.special.xlogy(fractions, fractions).sum().item()

    of_code, of_group = entropy(joint.sum(dim=1)), entropy(joint.sum(dim=0))
    shared = of_code + of_group - entropy(joint)
    return max(0.0, 2 * shared / (of_code + of_group)) if of_code and of_group else 0.0
