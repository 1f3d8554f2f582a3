"""Whether places look as they did when the player comes back to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from corpus.progress import Tick, no_tick
from dynamics.token_map import MapLayout, TokenMap
from dynamics.translate import with_map
from genie.evaluate.clips import batches
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.workers import at_once
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
EXTRA = 16  # steps that the way back may take more: something may stand in it for a while
ASIDE = 3  # steps to the side where the way is blocked


@dataclass(frozen=True, kw_only=True)
class Return:
    """How places look after an absence.

    Attributes:
        rollouts: how many went so far that nothing of the first frame was in the picture.
        returned: fraction of them that found back to where they began.
        same_tokens: of these, the fraction of tokens that are what was last seen there.
        by_chance: the same, each compared with what another rollout saw at its beginning.
    """

    rollouts: int
    returned: float | None
    same_tokens: float | None
    by_chance: float | None


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
    pairs = list(zip(back, [*back[1:], *back[:1]], strict=True))
    return Return(
        rollouts=len(walks),
        returned=len(back) / len(walks) if walks else None,
        same_tokens=float(np.mean([walk.likeness(walk) for walk in back])) if back else None,
        by_chance=float(np.mean([a.likeness(b) for a, b in pairs])) if len(pairs) > 1 else None,
    )


class _Walk:
    """Keys that lead one rollout away from where it begins, and back by the same way.

    Attributes:
        frame: the tokens when it was back; None before.
    """

    def __init__(
        self, layout: MapLayout, first: list[int], steps: int, rng: np.random.Generator
    ) -> None:
        self.frame: list[int] | None = None
        self._layout, self._left, self._rng = layout, steps, rng
        self._map, self._none = TokenMap(layout), len(layout.shifts) - 1
        self._moving = [action for action in range(self._none) if layout.shifts[action]]
        self._still = next((a for a in range(self._none) if not layout.shifts[a]), 0)
        self._ahead = self._moving[int(rng.integers(len(self._moving)))]
        self._aside: list[int] = []
        self._way: list[int] = []  # shifts
        self._seen: list[int] | None = None  # of the first picture, when it was left
        self._map.observe(first, self._none)

    @property
    def went_away(self) -> bool:
        """Whether all of the first picture was out of sight at the farthest point."""
        return self._seen is not None

    def next_action(self) -> int:
        """Choose the next key."""
        if self.frame is not None:
            return self._still
        if self._left:
            return self._aside.pop() if self._aside else self._ahead
        back = -self._way[-1]
        return next((a for a in self._moving if self._layout.shifts[a] == back), self._still)

    def see(self, ids: list[int], action: int) -> None:
        """Take in the frame that a key led to."""
        if self.frame is not None:
            return
        before = self._map.at
        self._map.observe(ids, action)
        moved = self._map.at - before
        if self._left:
            self._left -= 1
            self._go_on(moved, action)
            if not self._left:
                self._turn()
        elif moved and moved == -self._way[-1]:
            self._way.pop()
        elif moved:
            self._way.append(moved)
        if not self._left and not self._way:
            self.frame = ids

    def likeness(self, other: _Walk) -> float:
        """Return the fraction of tokens that are what a walk saw at its beginning."""
        pairs = zip(other._seen, self.frame, strict=True)
        same = [seen == now for seen, now in pairs if seen != self._layout.unknown]
        # Where the scene has changed altogether on the way, nothing is known of the first one.
        return sum(same) / len(same) if same else 0.0

    def _go_on(self, moved: int, action: int) -> None:
        if moved:
            self._way.append(moved)
        elif action == self._ahead:
            aside = int(self._rng.choice([key for key in self._moving if key != action]))
            self._aside = [aside] * int(self._rng.integers(1, ASIDE + 1))

    def _turn(self) -> None:
        """Note what is known of the first picture, if none of it is in sight."""
        layout, now = self._layout, set(_positions(self._layout, self._map.at))
        if now.isdisjoint(_positions(layout, 0)):
            self._seen = self._map.known(0, layout.follows)


def _positions(layout: MapLayout, at: int) -> Iterator[int]:
    return (layout.keys[number] + at for number in layout.follows)
