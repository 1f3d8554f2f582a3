"""What keys lead to, imagined: a tree of frames that share their pasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from genie.rollouts.rollout import Rollout


@dataclass(eq=False, kw_only=True)
class Moment:
    """A frame of the tree.

    Attributes:
        ids: int64 (N,), its tokens.
        parent: the moment before; None: the tree begins here.
        action: what led here from there.
        depth: frames since the tree began.
        rollout: goes on from here; None until something is imagined to follow.
    """

    ids: torch.Tensor
    parent: Moment | None = None
    action: int = -1
    depth: int = 0
    rollout: Rollout | None = field(default=None, repr=False)

    @property
    def actions(self) -> tuple[int, ...]:
        """What led here since the tree began."""
        if self.parent is None:
            return ()
        return (*self.parent.actions, self.action)


def imagine(moments: Sequence[Moment], actions: Sequence[int]) -> list[Moment]:
    """Sample what follows each of the moments under each of the actions, in one forward pass.

    Returns:
        The moments that follow the first one, under each action in turn, then the others'.
    """
    _commit([moment for moment in moments if moment.rollout is None])
    pairs = [(moment, action) for moment in moments for action in actions]
    joined = Rollout.join([moment.rollout for moment, _ in pairs])
    ids = joined.draw(torch.tensor([action for _, action in pairs])).cpu()
    return [
        Moment(ids=row, parent=moment, action=action, depth=moment.depth + 1)
        for row, (moment, action) in zip(ids, pairs, strict=True)
    ]


def _commit(moments: Sequence[Moment]) -> None:
    """Give moments the rollouts that go on from them."""
    if not moments:
        return
    for moment in moments:
        moment.rollout = moment.parent.rollout.fork()
    joined = Rollout.join([moment.rollout for moment in moments])
    ids = torch.stack([moment.ids for moment in moments])
    joined.commit(ids, torch.tensor([moment.action for moment in moments]))
