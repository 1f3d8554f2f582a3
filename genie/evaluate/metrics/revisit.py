"""Whether places look as they did when the player comes back to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from heapq import heappop, heappush

import numpy as np
import torch

from corpus.progress import Tick, no_tick
from dynamics.token_map import MapLayout, TokenMap
from dynamics.translate import with_map
from genie.evaluate.clips import batches
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.errors import psnr
from genie.evaluate.workers import at_once
from genie.library.bundle import Bundle
from genie.rollouts.batched_rollouts import (
    BATCH_ROLLOUTS,
    MakeRollout,
    as_numpy,
    encode_prompts,
    rollout_seeds,
    start_rollout,
)
from genie.rollouts.rollout import Rollout

STEPS = (16, 64, 256)  # away
ROLLOUTS = {16: 12, 64: 24, 256: 4}  # for 32 clips or more
EXTRA = 16  # steps that the way back may take more: something may stand in it
ASIDE = 3  # steps to the side where the way out is blocked, at most
PASSED, UNTRIED, BLOCKED = 1, 2, 8  # costs of a step on the way back
PLACES = 20_000  # that a search for it looks at


@dataclass(frozen=True, kw_only=True)
class Return:
    """How places look after an absence.

    Attributes:
        rollouts: how many went so far that nothing of the first frame was in the picture.
        returned: fraction of them that found back to where they began.
        same_tokens: of these, the fraction of tokens that are what was last seen there.
        by_chance: the same, each compared with what another rollout saw at its beginning.
        psnr: of the pixels of those tokens, both decoded, pooled over the rollouts, in dB; None
            also if none of them is known any more.
        psnr_by_chance: likewise.
    """

    rollouts: int
    returned: float | None
    same_tokens: float | None
    by_chance: float | None
    psnr: float | None
    psnr_by_chance: float | None


@dataclass(frozen=True, kw_only=True)
class Revisit:
    """Returns by the steps away, as the world plays and without its map.

    Attributes:
        with_map: by steps.
        without_map: likewise.
    """

    with_map: dict[str, Return]
    without_map: dict[str, Return]


def revisit_frames(context: EvalContext) -> int:
    """Count the frames that score_revisit samples, at most; 0 for a world without a map."""
    if _layout(context) is None:
        return 0
    return 2 * sum(_count(context.config, steps) * (2 * steps + EXTRA) for steps in STEPS)


def score_revisit(context: EvalContext, tick: Tick = no_tick) -> Revisit | None:
    """Walk away and back with and without the map; ticks count frames. None without a map.

    Source: metrics.md, "Revisit".
    """
    layout = _layout(context)
    if layout is None:
        return None
    bundle = context.bundle
    config = bundle.dynamics.config
    # Where nothing moves the picture, nothing comes back into it.
    blind = with_map(bundle.dynamics, ((0, 0),) * config.num_actions, config.fixed).eval()
    without = partial(Rollout, replace(bundle, dynamics=blind))
    arms = {"with_map": context.make_rollout, "without_map": without}
    return Revisit(
        **{
            name: {str(steps): _returns(context, make, layout, steps, tick) for steps in STEPS}
            for name, make in arms.items()
        }
    )


def _layout(context: EvalContext) -> MapLayout | None:
    return getattr(context.bundle.dynamics, "map_layout", None)


def _count(config: EvalConfig, steps: int) -> int:
    return config.shorten(ROLLOUTS[steps], 2)


def _returns(
    context: EvalContext, make_rollout: MakeRollout, layout: MapLayout, steps: int, tick: Tick
) -> Return:
    config, count = context.config, _count(context.config, steps)
    starts = np.resize(context.choice.starts, count)

    def play(part: slice, tick: Tick) -> list[_Walk]:
        ids = encode_prompts(context.bundle, context.corpus, starts[part])
        samples = np.arange(part.start, part.stop)
        walks = [
            _Walk(layout, row[0].tolist(), steps, np.random.default_rng([config.seed, 5, sample]))
            for row, sample in zip(ids, samples.tolist(), strict=True)
        ]
        seeds = rollout_seeds(config.seed, samples)
        rollout, _ = start_rollout(make_rollout, seeds, ids, context.bundle.device)
        for _ in range(2 * steps + EXTRA):
            actions = [walk.next_action() for walk in walks]
            drawn, _ = rollout.step(torch.tensor(actions))
            for walk, action, row in zip(walks, actions, as_numpy(drawn).tolist(), strict=True):
                walk.see(row, action)
            tick(len(walks))
        return walks

    parts = at_once(play, batches(count, BATCH_ROLLOUTS), context.bundle.device, tick)
    walks = [walk for part in parts for walk in part if walk.went_away]
    back = [walk for walk in walks if walk.frame is not None]
    own = list(zip(back, back, strict=True))
    others = list(zip(back, [*back[1:], *back[:1]], strict=True)) if len(back) > 1 else []
    return Return(
        rollouts=len(walks),
        returned=len(back) / len(walks) if walks else None,
        same_tokens=_same_tokens(own, layout),
        by_chance=_same_tokens(others, layout),
        psnr=_psnr(own, layout, context.bundle),
        psnr_by_chance=_psnr(others, layout, context.bundle),
    )


def _same_tokens(pairs: list[tuple[_Walk, _Walk]], layout: MapLayout) -> float | None:
    """Return the mean fraction of tokens that are, at a return, what another walk saw at first."""
    found = []
    for now, then in pairs:
        known = [n for n in layout.follows if then.seen[n] != layout.unknown]
        # Where the scene has changed altogether on the way, nothing is known of the first one.
        found.append(sum(now.frame[n] == then.seen[n] for n in known) / max(1, len(known)))
    return float(np.mean(found)) if found else None


@torch.inference_mode()
def _psnr(pairs: list[tuple[_Walk, _Walk]], layout: MapLayout, bundle: Bundle) -> float | None:
    """Return how near the pixels of those tokens are."""
    if not pairs:
        return None
    now = torch.tensor([walk.frame for walk, _ in pairs])
    seen = torch.tensor([other.seen for _, other in pairs])
    known = seen != layout.unknown
    if not known.any():
        return None
    both = torch.stack((now, torch.where(known, seen, now)))[:, :, None].to(bundle.device)
    pixels = [bundle.tokenizer.decode(ids)[:, 0].cpu().double() for ids in both]
    error = (pixels[0] - pixels[1]).square().mean(dim=1)  # (R, H, W)
    shown = known.view(-1, 1, *layout.grid).double()
    weights = torch.nn.functional.interpolate(shown, error.shape[1:])[:, 0]
    return float(psnr(((error * weights).sum() / weights.sum()).item()))


class _Walk:
    """Keys that lead one rollout away from where it begins, and back by the cheapest way.

    Attributes:
        seen: the tokens of the first picture as they were last seen, K where they are not known;
            None: some of it is in the picture at the farthest point.
        frame: the tokens when it was back; None before.
    """

    def __init__(
        self, layout: MapLayout, first: list[int], steps: int, rng: np.random.Generator
    ) -> None:
        self.seen: list[int] | None = None
        self.frame: list[int] | None = None
        self._layout, self._left, self._rng = layout, steps, rng
        self._map, self._none = TokenMap(layout), len(layout.shifts) - 1
        self._moving = [action for action in range(self._none) if layout.shifts[action]]
        self._still = next((a for a in range(self._none) if not layout.shifts[a]), 0)
        self._ahead = self._moving[int(rng.integers(len(self._moving)))]
        self._aside: list[int] = []
        self._costs: dict[tuple[int, int], int] = {}  # of steps between places that were tried
        self._map.observe(first, self._none)

    @property
    def went_away(self) -> bool:
        """Whether all of the first picture was out of sight at the farthest point."""
        return self.seen is not None

    def next_action(self) -> int:
        """Choose the next key."""
        if self.frame is not None or not (self._left or self._map.at):
            return self._still
        if self._left:
            return self._aside.pop() if self._aside else self._ahead
        return self._homewards()

    def see(self, ids: list[int], action: int) -> None:
        """Take in the frame that a key led to."""
        if self.frame is not None:
            return
        before = self._map.at
        self._map.observe(ids, action)
        now, towards = self._map.at, before + self._layout.shifts[action]
        if now != before:
            self._costs[before, now] = self._costs[now, before] = PASSED
        else:
            self._costs[before, towards] = BLOCKED
        if self._left:
            self._left -= 1
            others = [key for key in self._moving if key != action]
            if now == before and action == self._ahead and others:
                aside = int(self._rng.choice(others))
                self._aside = [aside] * int(self._rng.integers(1, ASIDE + 1))
            if not self._left:
                self._turn()
        elif not now:
            self.frame = ids

    def _homewards(self) -> int:
        """Return the first key of the cheapest way to where the walk began, by A*."""
        shifts = {action: self._layout.shifts[action] for action in self._moving}
        longest = max(self._far(shift) for shift in shifts.values())
        costs, firsts = {self._map.at: 0}, {self._map.at: self._still}
        ahead = [(0.0, self._map.at)]
        for _ in range(PLACES):
            if not ahead:
                break
            _, at = heappop(ahead)
            if not at:
                return firsts[0]
            for action, shift in shifts.items():
                to = at + shift
                cost = costs[at] + self._costs.get((at, to), UNTRIED)
                if cost < costs.get(to, cost + 1):
                    costs[to] = cost
                    firsts[to] = action if at == self._map.at else firsts[at]
                    heappush(ahead, (cost + PASSED * self._far(to) / longest, to))
        return self._still

    def _far(self, place: int) -> int:
        """Return the rows and columns from the beginning to a place."""
        return sum(map(abs, self._layout.apart(0, place)))

    def _turn(self) -> None:
        """Note what is known of the first picture, if none of it is in sight."""
        layout, now = self._layout, set(_positions(self._layout, self._map.at))
        if now.isdisjoint(_positions(layout, 0)):
            self.seen = self._map.known(0, layout.follows)


def _positions(layout: MapLayout, at: int) -> Iterator[int]:
    return (layout.keys[number] + at for number in layout.follows)
