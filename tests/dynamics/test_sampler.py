import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from dynamics.sampler import UNMASK_ORDERS, draw_noise, sample_codes, sample_frame
from spacetime.cache import TimeCache

TOKENS, CODES, STEPS = 16, 11, 5
EMPTY = TimeCache.empty((1, 1, 1, 1, 1, 2), "cpu")
ACTION = torch.zeros(3, dtype=torch.long)


@dataclass
class FakeDynamics:
    """Gives fixed logits, or what `answer` makes of the tokens it is shown, and keeps those."""

    logits: Tensor | None = None
    answer: object = None
    shown: list[Tensor] = field(default_factory=list)
    actions: list[Tensor] = field(default_factory=list)
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(num_codes=CODES))

    def draft(self, ids: Tensor, action: Tensor, cache: TimeCache) -> Tensor:
        self.shown.append(ids.clone())
        self.actions.append(action.clone())
        return self.logits if self.answer is None else self.answer(ids)


def random_logits(seed: int = 0, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(3, TOKENS, CODES, generator=generator)


def draw(model: FakeDynamics, *, order="confidence", temperature=1.0, steps=STEPS, seeds=(0, 1, 2)):
    noise = draw_noise(list(seeds), 0, steps, TOKENS)
    return sample_frame(
        model, ACTION, EMPTY, noise=noise, unmask_order=order, temperature=temperature
    )


# Codes --------------------------------------------------------------------------------------------


def grid(count: int) -> Tensor:
    """Evenly spread numbers in [0, 1), one row a draw."""
    return ((torch.arange(count) + 0.5) / count)[:, None]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_codes_are_drawn_from_the_softmax_at_the_temperature(temperature):
    logits, count = random_logits()[0, 0], 20_000
    codes, _ = sample_codes(logits.expand(count, 1, CODES), temperature, grid(count))
    fraction = torch.bincount(codes.flatten(), minlength=CODES).double() / count
    expected = (logits / temperature).softmax(dim=0).double()
    # On an even grid every count is right to one draw on either side.
    assert (fraction - expected).abs().max() < 2.5 / count


def test_temperature_matters():
    logits, count = random_logits()[0, 0], 2_000

    def entropy(temperature: float) -> float:
        codes, _ = sample_codes(logits.expand(count, 1, CODES), temperature, grid(count))
        fraction = torch.bincount(codes.flatten(), minlength=CODES).double() / count
        return float(torch.special.entr(fraction).sum())

    assert entropy(0) == 0
    assert entropy(0.1) + 0.1 < entropy(0.5) < entropy(1) - 0.1 < entropy(10) - 0.2
    assert entropy(10) == pytest.approx(math.log(CODES), abs=0.05)


@pytest.mark.parametrize("temperature", [0.0, 1e-9, 1e-39])  # by the last, logits overflow
def test_temperature_0_takes_the_likeliest_code_whatever_the_noise(temperature):
    logits = random_logits()
    for uniform in (torch.zeros(3, TOKENS), torch.rand(3, TOKENS)):
        codes, probability = sample_codes(logits, temperature, uniform)
        assert torch.equal(codes, logits.argmax(dim=-1))
        torch.testing.assert_close(probability, logits.softmax(dim=-1).amax(dim=-1))


def test_the_probability_is_that_of_the_drawn_code():
    logits = random_logits()
    codes, probability = sample_codes(logits, 1.0, torch.rand(3, TOKENS))
    expected = logits.softmax(dim=-1).gather(-1, codes[..., None]).squeeze(-1)
    torch.testing.assert_close(probability, expected)


def test_impossible_codes_are_never_drawn():
    """Neither by a number of exactly 0, nor by the largest number below 1."""
    logits = torch.zeros(1, 2, CODES)
    logits[..., [0, 1, 9, 10]] = -torch.inf
    edges = torch.tensor([[0.0, 1 - 2**-24]])
    codes, probability = sample_codes(logits, 1.0, edges)
    assert codes.tolist() == [[2, 8]]
    assert (probability > 0).all()


def test_impossible_codes_are_never_drawn_where_probabilities_sum_to_less_than_1():
    logits = 2 * torch.randn(1, 1000, CODES, generator=torch.Generator().manual_seed(0))
    logits[..., -1] = -torch.inf
    most = 1 - 2**-24
    assert (logits.softmax(dim=-1).cumsum(dim=-1)[..., -1] < most).any()
    codes, _ = sample_codes(logits, 1.0, torch.full((1, 1000), most))
    assert codes.max() < CODES - 1


# Frames -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", UNMASK_ORDERS)
@pytest.mark.parametrize("steps", [1, 2, 5, 3 * TOKENS])
def test_the_sampler_fills_every_place(order, steps):
    ids = draw(FakeDynamics(random_logits()), order=order, steps=steps)
    assert ids.dtype == torch.long and ids.shape == (3, TOKENS)
    assert ids.min() >= 0 and ids.max() < CODES


@pytest.mark.parametrize("order", UNMASK_ORDERS)
def test_the_number_of_masked_tokens_follows_the_cosine(order):
    model = FakeDynamics(random_logits())
    draw(model, order=order)
    masked = [(ids == CODES).sum(dim=1).tolist() for ids in model.shown]
    expected = [math.floor(TOKENS * math.cos(math.pi / 2 * k / STEPS)) for k in range(STEPS)]
    assert masked == [[count] * 3 for count in expected]
    assert expected[0] == TOKENS


@pytest.mark.parametrize("order", UNMASK_ORDERS)
def test_kept_tokens_are_never_changed(order):
    model = FakeDynamics(answer=lambda ids: random_logits(seed=int((ids == CODES).sum())))
    drawn = draw(model, order=order, steps=TOKENS)
    frames = [*model.shown, drawn]
    for before, after in zip(frames, frames[1:], strict=False):
        kept = before != CODES
        assert torch.equal(before[kept], after[kept])
        assert ((after != CODES) | ~kept).all()


@pytest.mark.parametrize("order", UNMASK_ORDERS)
def test_later_steps_see_and_use_what_was_kept(order):
    """A model that repeats any token it sees fills the frame with the first one kept."""

    def repeat(ids: Tensor) -> Tensor:
        seen = torch.where(ids == CODES, -1, ids).amax(dim=1)  # (B,)
        likely = torch.nn.functional.one_hot(seen.clamp_min(0), CODES).float() * 100
        return torch.where(
            (seen < 0)[:, None, None], torch.zeros(3, TOKENS, CODES), likely[:, None]
        ).expand(3, TOKENS, CODES)

    steps = 2 * TOKENS  # the first step keeps one token
    drawn = draw(FakeDynamics(answer=repeat), order=order, steps=steps)
    assert (drawn == drawn[:, :1]).all()
    alone = draw(FakeDynamics(answer=repeat), order=order, steps=1)
    assert not (alone == alone[:, :1]).all()


@pytest.mark.parametrize("order", UNMASK_ORDERS)
def test_each_step_draws_with_numbers_of_its_own(order):
    """Under even logits a code is the number that its step had for its place."""
    model = FakeDynamics(torch.zeros(3, TOKENS, CODES))
    noise = draw_noise([0, 1, 2], 0, STEPS, TOKENS)
    drawn = sample_frame(model, ACTION, EMPTY, noise=noise, unmask_order=order, temperature=1.0)
    step = torch.stack([ids == CODES for ids in model.shown]).sum(dim=0) - 1  # of each place
    number = noise[:, :, 0].gather(1, step[:, None]).squeeze(1)
    assert torch.equal(drawn, (number * CODES).long())


def test_every_draft_gets_the_action_as_it_is():
    model = FakeDynamics(random_logits())
    action = torch.tensor([2, 0, 1])
    noise = draw_noise([0, 1, 2], 0, STEPS, TOKENS)
    sample_frame(model, action, EMPTY, noise=noise, unmask_order="random", temperature=1.0)
    assert len(model.actions) == STEPS
    assert all(torch.equal(seen, action) for seen in model.actions)


@pytest.mark.parametrize("order", UNMASK_ORDERS)
def test_temperature_0_takes_the_likeliest_codes_in_any_order(order):
    logits = random_logits()
    drawn = draw(FakeDynamics(logits), order=order, temperature=0.0)
    assert torch.equal(drawn, logits.argmax(dim=-1))


def test_temperature_changes_the_frame():
    logits = random_logits(scale=3.0)
    sharp = draw(FakeDynamics(logits), temperature=0.05)
    flat = draw(FakeDynamics(logits), temperature=20.0)
    likeliest = logits.argmax(dim=-1)
    assert (sharp == likeliest).float().mean() > 0.9
    assert (flat == likeliest).float().mean() < 0.4


def surer_half() -> Tensor:
    """Logits by which the second half of the positions is sure and the first half knows nothing."""
    logits = torch.zeros(3, TOKENS, CODES)
    logits[:, TOKENS // 2 :, 0] = 60.0
    return logits


def kept_in_the_surer_half(order: str) -> float:
    """Share of the tokens kept before the last of many steps that lie in the surer half."""
    kept = torch.zeros(2)
    for seed in range(20):
        model = FakeDynamics(surer_half())
        draw(model, order=order, steps=3, seeds=(seed, seed + 100, seed + 200))
        early = model.shown[2] != CODES  # (3, N)
        kept += early.view(3, 2, -1).sum(dim=(0, 2))
    return float(kept[1] / kept.sum())


def test_confidence_order_keeps_the_surest_first_and_random_order_any():
    assert kept_in_the_surer_half("confidence") > 0.85
    assert kept_in_the_surer_half("random") == pytest.approx(0.5, abs=0.1)


def test_confidence_order_is_jittered_so_that_equals_take_turns():
    """A plain sort would keep the same positions of an evenly sure frame every time."""
    first = set()
    for seed in range(12):
        model = FakeDynamics(torch.zeros(3, TOKENS, CODES))
        draw(model, steps=2 * TOKENS, seeds=(seed, seed + 100, seed + 200))
        first |= {int(place) for place in (model.shown[1] != CODES).int().argmax(dim=1)}
    assert len(first) > TOKENS // 2


def surer_tokens_kept(step: int, steps: int = 8, tokens: int = 64) -> float:
    """Fraction of the tokens kept at a step that are of the surer half of those then masked."""

    def surer(ids: Tensor) -> Tensor:
        masked = ids == CODES
        return masked & (masked.cumsum(dim=1) % 2 == 1)

    def answer(ids: Tensor) -> Tensor:
        likely = torch.where(surer(ids), 0.9, 0.3)[..., None]
        others = ((1 - likely) / (CODES - 1)).expand(*ids.shape, CODES - 1)
        return torch.cat((likely, others), dim=-1).log()

    model, rollouts = FakeDynamics(answer=answer), 100
    noise = draw_noise(list(range(rollouts)), 0, steps, tokens)
    action = torch.zeros(rollouts, dtype=torch.long)
    sample_frame(model, action, EMPTY, noise=noise, unmask_order="confidence", temperature=0.0)
    before, after = model.shown[step : step + 2]
    kept = (before == CODES) & (after != CODES)
    return float((surer(before) & kept).sum() / kept.sum())


def test_jitter_of_the_confidence_order_fades_out_over_the_steps():
    """Early steps often keep an unsure token, late ones hardly ever: MaskGIT's annealing."""
    early, middle, late = (surer_tokens_kept(step) for step in (0, 3, 6))
    assert early < 0.85
    assert early + 0.05 < middle < late
    assert late > 0.97


def test_the_same_noise_draws_the_same_frame_and_each_seed_its_own():
    logits = random_logits()[:1].expand(3, -1, -1)
    drawn = draw(FakeDynamics(logits), seeds=(4, 4, 5))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(draw(FakeDynamics(logits), seeds=(4, 4, 5)), drawn)


@pytest.mark.parametrize("order", UNMASK_ORDERS)
@torch.inference_mode()
def test_sampling_leaves_the_cache_as_it_was(new_model, order):
    model = new_model()
    cache = model.new_cache(2)
    for frame in range(4):
        model.commit(torch.full((2, 6), frame), torch.tensor([0, 1]), cache)
    keys, values = cache.keys.clone(), cache.values.clone()
    noise = draw_noise([0, 1], 4, 3, 6)
    sample_frame(
        model, torch.tensor([0, 1]), cache, noise=noise, unmask_order=order, temperature=1.0
    )
    assert torch.equal(cache.keys, keys) and torch.equal(cache.values, values)
    assert cache.count == 4


@torch.inference_mode()
def test_a_rollout_of_a_batch_is_the_rollout_of_each(new_model):
    model = new_model()
    both, alone = model.new_cache(2), model.new_cache(1)
    actions = torch.tensor([0, 2])
    for frame in range(8):
        noise = draw_noise([3, 8], frame, 3, 6)
        drawn = sample_frame(
            model, actions, both, noise=noise, unmask_order="random", temperature=1.0
        )
        model.commit(drawn, actions, both)
        noise = draw_noise([8], frame, 3, 6)
        single = sample_frame(
            model, actions[1:], alone, noise=noise, unmask_order="random", temperature=1.0
        )
        model.commit(single, actions[1:], alone)
        assert torch.equal(drawn[1:], single)
