"""Agreement with true actions, which nothing under train/ may read."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from genie.evaluate.context import EvalContext
from genie.evaluate.metrics.agreement import (
    Agreement,
    agreement_with_true_actions,
    fitting_half,
    share_of_ceiling,
)
from genie.evaluate.metrics.latent_actions import infer_episodes
from genie.evaluate.metrics.probe import (
    LABELLED_WANTED,
    MOST_LOOKS,
    NETS,
    Ceiling,
    Labelled,
    fit_ceiling,
)

# Half of them, less those that decide when the probe stops, are more than the 20,000 it needs.
MOST_FRAMES = 60_000
ABSENT = {
    "groups": None,
    "group_of_code": None,
    "balanced_accuracy": None,
    "chance": None,
    "ceiling": None,
    "share_of_ceiling": None,
    "nmi": None,
    "weak_ceiling": None,
    "labelled": None,
}


def agreement_part(context: EvalContext, missing: dict[str, str]) -> dict:
    """Compare codes with groups of true actions, and with what a supervised probe reads.

    Args:
        context: what is evaluated.
        missing: gains a reason for each absent value.

    Returns:
        The "agreement" part of the report; all values None where there is nothing to compare.

    Source: metrics.md, "Agreement with true actions".
    """
    groups, seed = context.config.action_groups, context.config.seed
    if groups is None:
        missing["lam.agreement"] = "no --action-groups was given"
        return ABSENT
    try:
        actions = np.asarray(context.corpus.true_actions())
        codes, true = read_labelled(context, actions)
        found = agreement_with_true_actions(codes, true.groups, true.episodes, seed=seed)
    except ValueError as error:
        missing["lam.agreement"] = str(error)
        return ABSENT
    with context.progress.part("ceiling", len(NETS) * MOST_LOOKS, "looks") as tick:
        # On the same halves as the codes.
        half = fitting_half(true.episodes, seed)
        ceiling = fit_ceiling(context.corpus, true, half, len(groups), seed, tick)
    return _lay_out(found, ceiling, list(groups), missing)


def _lay_out(found: Agreement, ceiling: Ceiling, names: list[str], missing: dict[str, str]) -> dict:
    share = share_of_ceiling(found.balanced_accuracy, ceiling.balanced_accuracy, found.chance)
    if share is None:
        missing["lam.agreement.share_of_ceiling"] = "the supervised probe is no better than chance"
    if ceiling.weak:
        missing["lam.agreement.weak_ceiling"] = (
            f"the probe had {ceiling.labelled:,} labelled transitions; "
            f"{LABELLED_WANTED:,} make a strong one"
        )
    return {
        "groups": dict(zip(names, found.recalls, strict=True)),
        "group_of_code": [names[group] for group in found.group_of_code],
        "balanced_accuracy": found.balanced_accuracy,
        "chance": found.chance,
        "ceiling": ceiling.balanced_accuracy,
        "share_of_ceiling": share,
        "nmi": found.mutual_information,
        "weak_ceiling": ceiling.weak,
        "labelled": ceiling.labelled,
    }


def read_labelled(context: EvalContext, actions: np.ndarray) -> tuple[Tensor, Labelled]:
    """Infer the codes of whole episodes and find the groups of their true actions.

    Args:
        context: what is evaluated.
        actions: int (N,), true action at each frame of the corpus; -1 ends an episode.

    Returns:
        Codes int64 (P,) and the labelled transitions, over at most 60,000 frames (fewer
        with few clips); transitions whose action is in no group are left out.

    Raises:
        ValueError: a group does not occur.
    """
    config = context.config
    ends = np.asarray(context.corpus.episode_ends, dtype=np.int64)
    firsts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    order = np.random.default_rng([config.seed, 4]).permutation(len(ends))
    within = np.cumsum((ends - firsts)[order]) <= config.shorten(MOST_FRAMES)
    episodes = np.sort(order[: max(2, int(within.sum()))])
    with context.progress.part("agreement", len(episodes), "episodes") as tick:
        codes = infer_episodes(context, episodes, tick)
    frames = [np.arange(firsts[e], ends[e] - 1) for e in episodes]
    names = [np.full(len(part), e) for part, e in zip(frames, episodes, strict=True)]
    frame = _joined(frames)
    group_of_action = group_table(config.action_groups, int(actions.max()))
    true = Labelled(
        frames=frame,
        groups=torch.from_numpy(group_of_action[actions[frame.numpy()]]),
        episodes=_joined(names),
    )
    known = true.groups >= 0
    counts = true.groups[known].bincount(minlength=len(config.action_groups))
    for name, count in zip(config.action_groups, counts.tolist(), strict=True):
        if not count:
            raise ValueError(f"no transition of action group {name!r}: use more episodes")
    return _joined(codes)[known], true.select(known)


def group_table(groups: dict[str, list[int]], largest: int) -> np.ndarray:
    """List the group of each true action up to `largest`, int64 (actions + 1,); -1: in none.

    The last entry is for the action -1, "none".
    """
    size = 1 + max([largest, *[max(members) for members in groups.values()]])
    table = np.full(size + 1, -1, dtype=np.int64)
    for number, members in enumerate(groups.values()):
        table[members] = number
    return table


def _joined(columns: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(columns).astype(np.int64))
