"""The figures of one entry on one game."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.latent_actions.common_decoder import (
    DECODER_FRAMES,
    STEPS,
    additivity,
    draw_frames,
    fit_decoder,
    score_one_step,
)
from benchmarks.latent_actions.games import Game
from benchmarks.latent_actions.reading import ceiling_of, label, read_codes, true_groups
from benchmarks.latent_actions.record import corpus_path
from corpus.store import Corpus
from genie.evaluate.metrics.agreement import (
    agreement_with_true_actions,
    fitting_half,
    share_of_ceiling,
)
from genie.evaluate.metrics.probe import PROBE, Labelled
from genie.frames import moving_share
from genie.interfaces import ActionModel
from lam.health.assessment import assess_health
from lam.health.measures import code_use

HELD = 30
BLOCKED_FRACTION = 0.001
"""Of the pixels: a frame of which no more change stands still."""
LEAST_BLOCKED = 20
"""Blocked transitions that a group needs to be scored."""
READ_AT_ONCE = 512


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """Agreement on transitions in which a key moves nothing.

    Attributes:
        recall: mean over the groups with 20 such transitions or more; None: no group has.
        transitions: how many there are, of all moving groups.
    """

    recall: float | None
    transitions: int


def measure(
    lam: ActionModel, game: Game, data: Path, split: str = "test", decoder_steps: int = STEPS,
    progress: bool = True,
) -> dict:  # fmt: skip
    """Measure a trained action model on a game.

    Args:
        lam: in evaluation mode.
        game: what it was trained on.
        data: folder of the recorded splits.
        split: "dev" or "test"; keys held are read back on test only.
        decoder_steps: of the common decoder's fit.
        progress: whether to show bars.

    Returns:
        Figures by name, None where there is nothing to measure; `docs/metrics.md` defines them.
    """
    corpus, count = Corpus.open(corpus_path(data, game, split)), lam.config.num_actions
    codes, true = read_codes(lam, corpus, progress), label(corpus, game)
    fitting = fitting_half(true.episodes, 0)
    found = agreement_with_true_actions(codes[true.frames], true.groups, true.episodes)
    ceiling = ceiling_of(corpus, game, true, progress)
    group_of_code = groups_of_codes(found.group_of_code, codes[true.frames][fitting], count)
    blocked = score_blocked(corpus, game, true.select(~fitting), codes, group_of_code)
    training = Corpus.open(corpus_path(data, game, "train"))
    shown = read_codes(lam, training, progress, DECODER_FRAMES)
    predict = fit_decoder(training, shown, count, decoder_steps, progress)
    step = score_one_step(predict, corpus, codes, count)
    use = code_use(codes[codes >= 0], count)
    names = list(game.groups)
    members = {name: codes_of(group_of_code, names.index(name)) for name in names}
    opposite = [(members[one], members[other]) for one, other in game.opposites]
    return {
        "share_of_ceiling": share_of_ceiling(
            found.balanced_accuracy, ceiling.balanced_accuracy, found.chance
        ),
        "balanced_accuracy": found.balanced_accuracy,
        "ceiling": ceiling.balanced_accuracy,
        "weak_ceiling": ceiling.weak,
        "probe": PROBE,
        "nmi": found.mutual_information,
        "recalls": dict(zip(names, found.recalls, strict=True)),
        "delta_psnr": step.delta_psnr,
        "inferred_psnr": step.inferred_psnr,
        "frozen_psnr": step.frozen_psnr,
        "nearer_next": step.nearer_next,
        "read_back": _read_back_of(lam, game, data, group_of_code, progress, split),
        "additivity": additivity(predict, draw_frames(corpus), opposite),
        "blocked": blocked.recall,
        "blocked_transitions": blocked.transitions,
        "code_shares": list(use.shares),
        "perplexity": use.perplexity,
        "decided": asdict(step.decided),
        "own": _own_prediction(lam, corpus, codes),
        "health": assess_health(use, step).state,
    }


def _own_prediction(lam: ActionModel, corpus: Corpus, codes: Tensor) -> dict[str, float] | None:
    """Score the model's own predictions, as a run's verdict does; None if it draws no frames."""
    try:
        step = score_one_step(lam.predict, corpus, codes, lam.config.num_actions)
    except NotImplementedError:
        return None
    figures = {"delta_psnr": step.delta_psnr, "nearer_next": step.nearer_next}
    return figures | asdict(step.decided)


def groups_of_codes(fitted: tuple[int, ...], seen: Tensor, num_codes: int) -> Tensor:
    """Return the group of each of A codes, int64 (A,); −1: a code that the map never saw.

    Args:
        fitted: the groups that agreement fitted, up to its largest code.
        seen: int64 (P,), the codes that it was fitted on.
        num_codes: A.
    """
    groups = torch.full((num_codes,), -1)
    groups[: len(fitted)] = torch.tensor(fitted)
    groups[seen.bincount(minlength=num_codes) == 0] = -1
    return groups


def codes_of(group_of_code: Tensor, group: int) -> list[int]:
    """List the codes that go to a group."""
    return torch.nonzero(group_of_code == group)[:, 0].tolist()


def held_runs(actions: Tensor, length: int = HELD) -> Tensor:
    """Return where true actions (N,) begin to be the same `length` times or more, int64 (R,)."""
    new = torch.ones(len(actions), dtype=torch.bool)
    new[1:] = actions[1:] != actions[:-1]
    starts = torch.nonzero(new)[:, 0]
    stops = torch.cat((starts[1:], torch.tensor([len(actions)])))
    return starts[(stops - starts >= length) & (actions[starts] >= 0)]


def read_back(
    codes: Tensor, actions: Tensor, groups: Tensor, group_of_code: Tensor
) -> float | None:
    """Measure how well keys are read while they are held.

    Args:
        codes: int64 (N,), inferred; −1 at an episode's last frame.
        actions: int64 (N,), true; likewise.
        groups: int64 (N,), of the true actions; −1: none.
        group_of_code: int64 (A,).

    Returns:
        The mean over groups of the share of transitions, in the first 30 of each hold, whose code
        goes to the group; None if no key is held so long.

    Source: metrics.md, "Held keys read back".
    """
    starts = held_runs(actions)
    starts = starts[groups[starts] >= 0]
    if not len(starts):
        return None
    read = group_of_code[codes[starts[:, None] + torch.arange(HELD)]]  # (R, HELD)
    hits, group = (read == groups[starts][:, None]).double().mean(dim=1), groups[starts]
    return float(torch.stack([hits[group == one].mean() for one in group.unique()]).mean())


def _read_back_of(
    lam: ActionModel, game: Game, data: Path, group_of_code: Tensor, progress: bool, split: str
) -> float | None:
    # Held keys are recorded in the test levels, which no choice may see.
    if split != "test":
        return None
    held = Corpus.open(corpus_path(data, game, "held"))
    actions = torch.from_numpy(held.true_actions())
    return read_back(
        read_codes(lam, held, progress), actions, true_groups(held, game), group_of_code
    )


def score_blocked(
    corpus: Corpus, game: Game, true: Labelled, codes: Tensor, group_of_code: Tensor
) -> Blocked:
    """Score agreement where the key would move something and the frame stands still.

    Args:
        corpus: the frames.
        game: its groups.
        true: labelled transitions that the map of codes was not fitted on.
        codes: int64 (N,), of the corpus.
        group_of_code: int64 (A,).

    Source: metrics.md, "Agreement on blocked transitions".
    """
    moving = [n for n, name in enumerate(game.groups) if name not in game.resting]
    still = ~frame_changes(corpus)[true.frames]
    blocked = true.select(still & torch.isin(true.groups, torch.tensor(moving)))
    hits = (group_of_code[codes[blocked.frames]] == blocked.groups).double()
    each = [hits[blocked.groups == group] for group in moving]
    recalls = [float(part.mean()) for part in each if len(part) >= LEAST_BLOCKED]
    recall = sum(recalls) / len(recalls) if recalls else None
    return Blocked(recall=recall, transitions=len(hits))


def frame_changes(corpus: Corpus) -> Tensor:
    """Mark the frames after which more than a thousandth of the pixels changes: bool (N,)."""
    changes = torch.zeros(corpus.num_frames, dtype=torch.bool)
    for first in range(0, corpus.num_frames - 1, READ_AT_ONCE):
        last = min(first + READ_AT_ONCE, corpus.num_frames - 1)
        moving = moving_share(corpus.read(first, last + 1))
        changes[first:last] = torch.from_numpy(moving > BLOCKED_FRACTION)
    return changes
