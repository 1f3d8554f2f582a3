"""Keys read along an episode: a key that is held into a wall shows no motion, and is still read."""

import itertools
import math

import pytest
import torch

from lam.held_keys import MISSING, HeldKeys, fit_held_keys

STILL, LEFT, RIGHT = 0, 1, 2
WIDTH = 12


def walk(seed: int, length: int = 200) -> tuple[list[int], list[int], list[int]]:
    """Keys held for some steps along a corridor with walls: keys, motions, positions."""
    generator = torch.Generator().manual_seed(seed)
    keys, motions, places, place = [], [], [], WIDTH // 2
    while len(keys) < length:
        key = int(torch.randint(3, (1,), generator=generator))
        for _ in range(int(torch.randint(4, 12, (1,), generator=generator))):
            step = {STILL: 0, LEFT: -1, RIGHT: 1}[key]
            there = min(max(place + step, 0), WIDTH - 1)
            keys.append(key)
            places.append(place)
            motions.append(STILL if there == place else key)
            place = there
    return keys[:length], motions[:length], places[:length]


def batch(seeds) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Keys, motions and situations, the place one-hot."""
    keys, motions, places = (torch.tensor(part) for part in zip(*map(walk, seeds), strict=True))
    return keys, motions, torch.nn.functional.one_hot(places, WIDTH).float()


@pytest.fixture(scope="module")
def fitted() -> HeldKeys:
    torch.manual_seed(0)
    model = HeldKeys(3, 3, WIDTH)
    _, motions, context = batch(range(24))
    inside = torch.ones_like(motions, dtype=torch.bool)
    fit_held_keys(model, motions, context, inside, motions, rounds=10, generator=torch.Generator())
    return model


def test_keys_into_walls_are_read_on_episodes_never_seen(fitted):
    keys, motions, context = batch(range(100, 110))
    read = fitted.read(motions, context)
    blocked = (keys != STILL) & (motions == STILL)
    assert blocked.float().mean() > 0.1, "the walk must meet walls"
    assert (read == keys)[blocked].float().mean() > 0.8
    # Standing still beside a wall looks like a key into it.
    assert (read == keys)[~blocked].float().mean() > 0.7


def test_holding_times_are_learnt(fitted):
    assert 0.8 < float(fitted.hold) < 0.95  # keys of 4 to 11 steps


def test_reading_is_the_most_likely_of_all_sequences():
    torch.manual_seed(1)
    model = HeldKeys(3, 4, 2)
    torch.nn.init.normal_(model.to_motions.weight, std=2.0)
    motions, context = torch.randint(0, 4, (1, 5)), torch.randn(1, 5, 2)
    scores = model.likelihood(motions[0], context[0]).detach()
    transition = model.log_transition()

    def log_probability(keys) -> float:
        moves = sum(float(transition.detach()[a, b]) for a, b in itertools.pairwise(keys))
        return moves + sum(float(scores[t, key]) for t, key in enumerate(keys))

    every = {keys: log_probability(keys) for keys in itertools.product(range(3), repeat=5)}
    assert tuple(model.read(motions, context)[0].tolist()) == max(every, key=every.get)

    probability, stays, mean = model.posterior(motions, context, torch.ones(1, 5).bool())
    weights = {keys: math.exp(value) for keys, value in every.items()}
    total = sum(weights.values())
    third = [sum(w for keys, w in weights.items() if keys[2] == k) / total for k in range(3)]
    assert torch.allclose(probability[0, 2], torch.tensor(third), atol=1e-5)
    same = sum(w * sum(a == b for a, b in itertools.pairwise(k)) for k, w in weights.items())
    assert stays == pytest.approx(same / total / 4, abs=1e-5)
    assert mean == pytest.approx((math.log(total) - math.log(3)) / 5, abs=1e-5)


def test_what_was_not_seen_says_nothing_and_padding_changes_nothing(fitted):
    keys, motions, context = batch([7])
    unseen = motions.clone()
    unseen[0, 50:53] = MISSING
    assert (fitted.likelihood(unseen[0, 50:53], context[0, 50:53]) == 0).all()
    assert (fitted.read(unseen, context) == fitted.read(motions, context)).float().mean() > 0.97
    short = fitted.read(motions[:, :60], context[:, :60])
    longer = torch.nn.functional.pad(motions[:, :60], (0, 9), value=MISSING)
    filler = torch.nn.functional.pad(context[:, :60], (0, 0, 0, 9))
    assert torch.equal(fitted.read(longer, filler)[:, :60], short)
