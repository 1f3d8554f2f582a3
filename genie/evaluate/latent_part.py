"""The report's figures of the latent action model: health, agreement, round trip."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from genie.evaluate.clips import (
    ClipChoice,
    CorpusLike,
    EncodedClips,
    bundle_device,
    read_clips,
    to_models,
)
from genie.evaluate.errors import FROZEN, INFERRED, random_arm
from genie.evaluate.latent_actions import Transitions, infer_episodes, predict_transitions
from genie.evaluate.progress import NoProgress
from genie.evaluate.subject import Request, Subject
from lam.agreement import Agreement, agreement_with_true_actions
from lam.displacement import measure_displacement
from lam.health import (
    OneStep,
    code_consistency,
    code_use,
    one_step_from_errors,
)
from lam.verdict import judge

CONSISTENCY_PROMPTS = 64
AGREEMENT_FRAMES = 30_000


def latent_part(
    subject: Subject,
    request: Request,
    choice: ClipChoice,
    encoded: EncodedClips,
    notes: dict[str, str],
    progress: NoProgress,
) -> dict:
    """Measure the latent action model on true frames.

    Args:
        subject: what is evaluated.
        request: how.
        choice: the clips.
        encoded: what the models read in them.
        notes: gains a reason for each absent value.
        progress: who is told.

    Returns:
        The "lam" part of the report, all but its round trip.

    Source: metrics.md; consistency and verdict as in lam.health.
    """
    bundle, codes = subject.bundle, subject.bundle.num_actions
    with progress.part("latent actions", len(choice)) as tick:
        seen = predict_transitions(bundle, subject.corpus, choice, encoded, request.seed, tick)
    use = code_use(encoded.codes.flatten(), codes)
    step = one_step_scores(seen)
    each = consistency_of_codes(bundle, subject.corpus, choice)
    verdict = judge(use, step, each)
    return {
        "code_share": list(use.shares),
        "perplexity": use.perplexity,
        "psnr_1": step.inferred_psnr,
        "random_psnr_1": step.random_psnr,
        "frozen_psnr_1": step.frozen_psnr,
        "delta_psnr_1": step.delta_psnr,
        "delta_psnr_1_ci": _delta_interval(seen, request.seed),
        "nearer_next": step.nearer_next,
        "consistency": float(np.mean([share for share in each if share is not None])),
        "consistency_by_code": list(each),
        "verdict": verdict.state,
        "reasons": list(verdict.reasons),
        "remedies": list(verdict.remedies),
        "agreement": _agreement_part(subject, request, notes, progress),
    }


def one_step_scores(seen: Transitions) -> OneStep:
    """Pool the squared errors of all transitions into one-step scores."""
    column = {
        arm: torch.from_numpy(seen.errors.of(arm)).flatten()
        for arm in (INFERRED, random_arm(0), FROZEN)
    }
    return one_step_from_errors(
        inferred=column[INFERRED],
        random=column[random_arm(0)],
        frozen=column[FROZEN],
        inferred_to_current=torch.from_numpy(seen.to_current).flatten(),
    )


def _delta_interval(seen: Transitions, seed: int) -> list[float]:
    errors = seen.errors
    pooled = type(errors)(squared=errors.squared.mean(axis=2, keepdims=True), arms=errors.arms)
    return pooled.delta_interval(seed)[0].tolist()


@torch.inference_mode()
def consistency_of_codes(
    bundle: object, corpus: CorpusLike, choice: ClipChoice
) -> tuple[float | None, ...]:
    """Predict every code from the same 64 true frames and see whether each means one thing.

    Args:
        bundle: the world's parts.
        corpus: the corpus.
        choice: clips whose first frames are the prompts.

    Returns:
        Per code a share in [0, 1].
    """
    device = bundle_device(bundle)
    starts = choice.starts[:CONSISTENCY_PROMPTS]
    before = to_models(read_clips(corpus, starts, 1), device)[:, 0]  # (P, 3, H, W)
    shifts, codes = [], []
    for code in range(bundle.num_actions):
        action = torch.full((len(before),), code, device=device)
        after = bundle.lam.predict(before, action)
        shifts.append(measure_displacement(before.cpu(), after.cpu()).shift)
        codes.append(action.cpu())
    return code_consistency(torch.cat(shifts), torch.cat(codes), bundle.num_actions)


def _agreement_part(
    subject: Subject, request: Request, notes: dict[str, str], progress: NoProgress
) -> dict:
    """Compare codes with true actions; absent values with a note."""
    absent = {
        "groups": None,
        "balanced_accuracy": None,
        "chance": None,
        "ceiling": None,
        "share_of_ceiling": None,
        "nmi": None,
        "weak_ceiling": None,
    }
    if request.action_groups is None:
        notes["lam.agreement"] = "no --action-groups was given"
        return absent
    try:
        actions = np.asarray(subject.corpus.true_actions())
    except ValueError as error:
        notes["lam.agreement"] = str(error)
        return absent
    try:
        found = agreement(subject, actions, request, progress)
    except ValueError as error:
        notes["lam.agreement"] = str(error)
        return absent
    names = list(request.action_groups)
    notes["lam.agreement.ceiling"] = "later: the supervised probe is not built yet"
    return {
        **absent,
        "groups": dict(zip(names, found.recalls, strict=True)),
        "group_of_code": [names[group] for group in found.group_of_code],
        "balanced_accuracy": found.balanced_accuracy,
        "chance": found.chance,
        "nmi": found.mutual_information,
    }


def agreement(
    subject: Subject, actions: np.ndarray, request: Request, progress: NoProgress
) -> Agreement:
    """Infer the codes of whole episodes and compare them with groups of true actions.

    Args:
        subject: what is evaluated.
        actions: int (N,), true action at each frame of the corpus; -1 ends an episode.
        request: seed and groups.
        progress: who is told.

    Returns:
        The agreement over at most 30,000 frames.

    Raises:
        ValueError: a group does not occur often enough.
    """
    ends = np.asarray(subject.corpus.episode_ends, dtype=np.int64)
    firsts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    order = np.random.default_rng([request.seed, 4]).permutation(len(ends))
    within = np.cumsum((ends - firsts)[order]) <= AGREEMENT_FRAMES
    episodes = order[: max(2, int(within.sum()))]
    with progress.part("agreement", len(episodes)) as tick:
        codes = infer_episodes(subject.bundle, subject.corpus, episodes, tick)
    group_of_action = group_table(request.action_groups, int(actions.max()))
    true = [group_of_action[actions[firsts[e] : ends[e] - 1]] for e in episodes]
    names = [np.full(len(group), e) for group, e in zip(true, episodes, strict=True)]
    return agreement_with_true_actions(
        *(_joined(columns) for columns in (codes, true, names)), seed=request.seed
    )


def group_table(groups: dict[str, list[int]], largest: int) -> np.ndarray:
    """List the group of every true action.

    Args:
        groups: name of each group and its members.
        largest: largest true action of the corpus.

    Returns:
        int64 (actions + 1,): the group's number, -1 for an action in none; the last entry
        serves the "no action" mark -1.
    """
    size = 1 + max([largest, *[max(members) for members in groups.values()]])
    table = np.full(size + 1, -1, dtype=np.int64)
    for number, members in enumerate(groups.values()):
        table[members] = number
    return table


def _joined(columns: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(columns).astype(np.int64))
