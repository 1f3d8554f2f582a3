"""What is trained is what is played: `forward` against `draft` after commits, and its failures.

The tolerance is 1e-4 of the logits' standard deviation; every deliberately broken player must miss
it a hundredfold, or the tests would not see that mistake.
"""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dynamics import Dynamics
from spacetime import attention, blocks
from spacetime.cache import TimeCache

TOLERANCE = 1e-4
SEEN = 100 * TOLERANCE
FAR = 1_000_000
BATCH, LAYERS, BAND = 2, 2, 3
FRAMES = (LAYERS + 2) * BAND + 1  # t = 0 … (L+2)·W
TOKENS, CODES, ACTIONS = 6, 11, 3

Clip = tuple[Tensor, Tensor, Tensor]
Player = Callable[[Dynamics, Clip, int], Tensor]


@pytest.fixture
def clip() -> Clip:
    """Ids, actions and masked tokens; frames masked whole, partly and not at all."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(CODES, (BATCH, FRAMES, TOKENS), generator=generator)
    # Neighbouring actions differ, so that one read a frame late is another one.
    jumps = torch.randint(1, ACTIONS, (BATCH, FRAMES - 1), generator=generator)
    actions = jumps.cumsum(dim=1) % ACTIONS
    masked = torch.rand(BATCH, FRAMES, TOKENS, generator=generator) < 0.5
    masked[:, 3::4] = True
    masked[0, 5] = False
    return ids, actions, masked


def prev_actions(actions: Tensor) -> Tensor:
    """The action that prev to each frame, int64 (B, T)."""
    return torch.cat((torch.full((BATCH, 1), ACTIONS), actions), dim=1)


@torch.inference_mode()
def play(model: Dynamics, clip: Clip, start: int = 0) -> Tensor:
    """Logits of all frames, one draft and one commit at a time."""
    ids, actions, masked = clip
    prev = prev_actions(actions)
    cache = model.new_cache(BATCH, start=start)
    logits = []
    for t in range(FRAMES):
        logits.append(model.draft(ids[:, t].masked_fill(masked[:, t], CODES), prev[:, t], cache))
        model.commit(ids[:, t], prev[:, t], cache)
    return torch.stack(logits, dim=1)


@torch.inference_mode()
def errors(model: Dynamics, player: Player, clip: Clip, start: int = 0) -> Tensor:
    """Largest difference of each frame between training and play, in std of the logits: (T,)."""
    trained = model(*clip)
    played = player(copy.deepcopy(model), clip, start)
    return (trained - played).abs().amax(dim=(0, 2, 3)) / trained.std()


# Broken players -----------------------------------------------------------------------------------


def play_with_wide_band(model: Dynamics, clip: Clip, start: int) -> Tensor:
    model.stack.band += 1  # sizes the cache only: one frame too many is kept
    return play(model, clip, start)


def play_with_narrow_band(model: Dynamics, clip: Clip, start: int) -> Tensor:
    model.stack.band -= 1
    return play(model, clip, start)


def play_with_late_action(model: Dynamics, clip: Clip, start: int) -> Tensor:
    ids, actions, masked = clip
    return play(model, (ids, actions.roll(1, dims=1), masked), start)


def play_with_early_action(model: Dynamics, clip: Clip, start: int) -> Tensor:
    ids, actions, masked = clip
    return play(model, (ids, actions.roll(-1, dims=1), masked), start)


def play_with_late_action_in_commits(model: Dynamics, clip: Clip, start: int) -> Tensor:
    """Drafts are right, but the history holds the action of the frame before."""
    late = prev_actions(clip[1]).roll(1, dims=1)
    commit, frames = model.commit, iter(range(FRAMES))
    model.commit = lambda ids, _, cache: commit(ids, late[:, next(frames)], cache)
    return play(model, clip, start)


class StaleCache(TimeCache):
    """Keeps the last layer's key of a slot when its frame leaves the band."""

    def write(self, new: list[tuple[Tensor, Tensor]]) -> None:
        slot = self.position % self.slots
        old = self.keys[-1, ..., slot, :].clone()
        full = self.count >= self.slots
        super().write(new)
        if full:
            self.keys[-1, ..., slot, :] = old


class SkippingCache(TimeCache):
    """Never writes one frame, and counts it."""

    def write(self, new: list[tuple[Tensor, Tensor]]) -> None:
        if self.count == BAND + 1:
            self.count += 1
        else:
            super().write(new)


class GreedyCache(TimeCache):
    """Shows slots that no frame has filled yet."""

    def visible(self) -> Tensor:
        return torch.ones(self.slots + 1, dtype=torch.bool)


def play_on(kind: type[TimeCache]) -> Player:
    def player(model: Dynamics, clip: Clip, start: int) -> Tensor:
        new_cache = model.new_cache
        model.new_cache = lambda batch, start: kind(**vars(new_cache(batch, start)))
        return play(model, clip, start)

    return player


def play_with_drafts_committed(model: Dynamics, clip: Clip, start: int) -> Tensor:
    """The masked tokens enter the history in place of the finished frame."""
    ids, actions, masked = clip
    commit, frames = model.commit, iter(range(FRAMES))

    def wrong(ids: Tensor, action: Tensor, cache: TimeCache) -> None:
        commit(ids.masked_fill(masked[:, next(frames)], CODES), action, cache)

    model.commit = wrong
    return play(model, clip, start)


def leaky(model: Dynamics) -> Dynamics:
    """Make drafts enter the history, as a commit does."""
    draft = model.draft

    def wrong(ids: Tensor, action: Tensor, cache: TimeCache) -> Tensor:
        logits = draft(ids, action, cache)
        model.commit(ids, action, cache)
        return logits

    model.draft = wrong
    return model


def play_with_leaky_drafts(model: Dynamics, clip: Clip, start: int) -> Tensor:
    return play(leaky(model), clip, start)


BROKEN = {
    "band one too wide": play_with_wide_band,
    "band one too narrow": play_with_narrow_band,
    "action one late": play_with_late_action,
    "action one early": play_with_early_action,
    "action one late in commits": play_with_late_action_in_commits,
    "stale key": play_on(StaleCache),
    "frame not written": play_on(SkippingCache),
    "empty slots seen": play_on(GreedyCache),
    "masked tokens committed": play_with_drafts_committed,
    "drafts enter the history": play_with_leaky_drafts,
}


# (i) training is play -----------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0, FAR])
@pytest.mark.parametrize("seed", [0, 1])
def test_forward_equals_draft_after_commits(new_model, clip, start, seed):
    model = new_model(seed)
    assert model(*clip).std() > 0.1
    assert errors(model, play, clip, start).max() < TOLERANCE


@pytest.mark.parametrize("start", [0, FAR])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_player_is_seen(new_model, clip, start, name):
    assert errors(new_model(), BROKEN[name], clip, start).max() > SEEN


def test_float32_angles_are_seen_far_from_zero(new_model, clip, monkeypatch):
    def table32(positions: Tensor, head_dim: int, device: object = None) -> tuple[Tensor, Tensor]:
        rates = 100.0 ** (-torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
        angles = positions.float()[:, None] * rates
        return angles.cos(), angles.sin()

    model = new_model()
    assert errors(model, play, clip, 10 * FAR).max() < TOLERANCE
    for room in (attention, blocks):
        monkeypatch.setattr(room, "rotary_table", table32)
    assert errors(model, play, clip, 0).max() < TOLERANCE
    assert errors(model, play, clip, 10 * FAR).max() > SEEN


def test_fresh_weights_would_hide_a_broken_cache(new_model, clip):
    fresh = Dynamics(new_model().config)
    assert errors(fresh, play_on(StaleCache), clip).max() < TOLERANCE


# (ii) drafts leave the cache as it was ------------------------------------------------------------


@torch.inference_mode()
def cache_change(model: Dynamics, clip: Clip, frames: int) -> float:
    """Commit `frames` frames, draft thrice, and measure what changed in the cache.

    Returns:
        Largest change of any key or value, in their std; infinity if the count moved.
    """
    ids, actions, masked = clip
    prev = prev_actions(actions)
    cache = model.new_cache(BATCH)
    for t in range(frames):
        model.commit(ids[:, t], prev[:, t], cache)
    before = copy.deepcopy(cache)
    for _ in range(3):
        shown = ids[:, frames].masked_fill(masked[:, frames], CODES)
        model.draft(shown, prev[:, frames], cache)
    if (cache.count, cache.start) != (before.count, before.start):
        return float("inf")
    both = ((cache.keys, before.keys), (cache.values, before.values))
    return max(float((now - then).abs().max() / now.std()) for now, then in both)


@pytest.mark.parametrize("frames", [1, BAND - 1, BAND + 2])
def test_drafts_leave_the_cache_bit_for_bit(new_model, clip, frames):
    assert cache_change(new_model(), clip, frames) == 0


@pytest.mark.parametrize("frames", [1, BAND - 1, BAND + 2])
def test_leaky_drafts_are_seen(new_model, clip, frames):
    assert cache_change(leaky(new_model()), clip, frames) > SEEN

    def uncounted(model: Dynamics) -> Dynamics:
        draft = leaky(model).draft

        def wrong(ids: Tensor, action: Tensor, cache: TimeCache) -> Tensor:
            logits = draft(ids, action, cache)
            cache.count -= 1
            return logits

        model.draft = wrong
        return model

    assert SEEN < cache_change(uncounted(new_model()), clip, frames) < float("inf")


# Caches rebuilt from history ----------------------------------------------------------------------


@torch.inference_mode()
def rebuilt(model: Dynamics, clip: Clip, first: int, last: int, start: int) -> TimeCache:
    """A cache that holds frames first … last−1 of the clip, frame 0 being number `start`."""
    ids, actions, _ = clip
    prev = prev_actions(actions)
    cache = model.new_cache(BATCH, start=start + first)
    for t in range(first, last):
        model.commit(ids[:, t], prev[:, t], cache)
    return cache


@pytest.mark.parametrize("start", [0, FAR])
@pytest.mark.parametrize("last", [FRAMES - 2, FRAMES - 1, FRAMES])
def test_a_cache_rebuilt_from_all_layers_bands_is_the_same_bit_for_bit(
    new_model, clip, start, last
):
    model, need = new_model(), LAYERS * (BAND - 1)
    original = rebuilt(model, clip, 0, last, start)
    again = rebuilt(model, clip, last - need, last, start)
    assert again.position == original.position
    assert torch.equal(again.visible(), original.visible())
    assert torch.equal(again.keys, original.keys)
    assert torch.equal(again.values, original.values)


@pytest.mark.parametrize("frames", [BAND - 1, LAYERS * (BAND - 1) - 1])
def test_a_cache_rebuilt_from_fewer_frames_is_another(new_model, clip, frames):
    model = new_model()
    original = rebuilt(model, clip, 0, FRAMES, 0)
    again = rebuilt(model, clip, FRAMES - frames, FRAMES, 0)
    assert (again.keys - original.keys).abs().max() > SEEN * original.keys.std()
