"""The dynamics learns one clip, and not when what it needs is taken away."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from dynamics import Dynamics, DynamicsConfig
from dynamics.history import corrupt_history
from dynamics.losses import masked_cross_entropy
from dynamics.masking import draw_mask
from dynamics.sampler import draw_noise, sample_frame
from train.loop.optim import MuonAdamW
from train.recipe import FitConfig

BATCH, FRAMES, TOKENS, CODES, ACTIONS = 4, 6, 4, 9, 3
STEPS = 120


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What is taken away from a fit."""

    rate: float = 1.0
    action_given: bool = True
    targets_shuffled: bool = False


def clips(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Clips in which the action alone decides all tokens of the frame that it leads to.

    Returns:
        Ids int64 (B, T, N) and actions int64 (B, T−1).
    """
    actions = torch.randint(ACTIONS, (BATCH, FRAMES - 1), generator=generator)
    first = torch.zeros(BATCH, 1, dtype=torch.long)
    looks = torch.randint(CODES, (ACTIONS, TOKENS), generator=torch.Generator().manual_seed(0))
    looks[:, 0] = torch.arange(ACTIONS)  # no two actions look alike
    return looks[torch.cat((first, actions), dim=1)], actions


def fit(variant: Variant) -> tuple[Dynamics, list[float]]:
    """Fit a small dynamics; return it and its loss before each step."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    config = DynamicsConfig(
        num_tokens=TOKENS, num_codes=CODES, num_actions=ACTIONS, dim=32, heads=2, layers=2, band=3
    )
    model = Dynamics(config)
    optimizer = MuonAdamW(model, FitConfig(share=1, steps=STEPS, batch=BATCH, frames=FRAMES))
    optimizer.scale_lr(variant.rate)
    losses = []
    for _ in range(STEPS):
        # New action sequences each step: what the fit may learn is what an action does.
        ids, actions = clips(generator)
        # First drafts only: with a few tokens shown, the rest would follow without the action.
        masked = draw_mask(tuple(ids.shape), 1.0, generator)
        history = corrupt_history(ids, CODES, 0.15, generator)
        given = actions if variant.action_given else torch.full_like(actions, ACTIONS)
        logits = model(ids, given, masked, history)
        targets = ids
        if variant.targets_shuffled:
            order = torch.randperm(ids.numel(), generator=generator)
            targets = ids.flatten()[order].view_as(ids)
        loss = masked_cross_entropy(logits, targets, masked)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model.eval(), losses


def last_over_first(losses: list[float]) -> float:
    return sum(losses[-5:]) / 5 / losses[0]


@pytest.fixture(scope="module")
def fitted() -> tuple[Dynamics, list[float]]:
    return fit(Variant())


def test_the_dynamics_falls_to_a_tenth_of_its_first_loss(fitted):
    assert last_over_first(fitted[1]) < 0.1


@pytest.mark.parametrize(
    "variant",
    [Variant(rate=0), Variant(action_given=False), Variant(targets_shuffled=True)],
    ids=["learning rate 0", "action withheld", "targets shuffled"],
)
def test_the_dynamics_learns_nothing_without_what_it_needs(variant):
    assert last_over_first(fit(variant)[1]) > 0.2


@torch.inference_mode()
def test_what_was_learnt_in_training_is_what_an_action_does_in_play(fitted):
    """An action one frame off between training and sampling would show another frame."""
    model = fitted[0]
    ids, actions = clips(torch.Generator().manual_seed(99))
    cache = model.new_cache(BATCH)
    model.commit(ids[:, 0], torch.full((BATCH,), ACTIONS), cache)
    for t in range(1, FRAMES):
        action = actions[:, t - 1]
        noise = draw_noise(list(range(BATCH)), t, 1, TOKENS)  # the fit saw first drafts only
        drawn = sample_frame(
            model, action, cache, noise=noise, unmask_order="random", temperature=0.0
        )
        model.commit(drawn, action, cache)
        assert torch.equal(drawn, ids[:, t])
