"""How far an imagined frame is from the goal: by where it was taken, or by what it looks like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from dynamics.token_map import MapLayout, TokenMap
from genie.library.bundle import Bundle
from genie.plan.imagination import Moment
from genie.plan.offsets import Offset

DISTANCES = ("tokens", "pixels")
Look = Callable[[torch.Tensor], torch.Tensor]
"""Frames float32 (B, 3, H, W) in [0, 1] to vectors (B, D), far apart where they look unlike."""
REACHED = 0.95
"""A frame with this fraction of the goal's tokens is the goal; the rest moves by itself."""


class PositionGuide:
    """The distance between two places of a world whose actions move the picture by whole tokens.

    What the goal's picture shows goes into the map: what is on the way to it is known then.

    Attributes:
        root: where the search begins, with that map.
    """

    def __init__(self, root: Moment, goal: torch.Tensor, offset: Offset, layout: MapLayout) -> None:
        """Begin a search for a place.

        Args:
            root: where play is.
            goal: int64 (N,), tokens of the goal.
            offset: from the root to the goal.
            layout: of the world's maps.
        """
        self.root = replace(root, rollout=root.rollout.fork())
        (token_map,) = self.root.rollout.maps
        self._layout = layout
        self._goal = token_map.at + layout.between(offset.down, offset.right)
        token_map.learn(goal.tolist(), self._goal)
        self._maps: dict[Moment, TokenMap] = {self.root: token_map}

    def rate(self, moments: Sequence[Moment]) -> list[float]:
        """Return by how many tokens the moments are off."""
        left = []
        for moment in moments:
            down, right = self._layout.apart(self.place(moment), self._goal)
            left.append(float(abs(down) + abs(right)))
        return left

    def place(self, moment: Moment) -> int:
        """Return where the picture is, as `TokenMap.at`."""
        if moment not in self._maps:
            token_map = self._maps[moment.parent].fork()
            token_map.observe(moment.ids.tolist(), moment.action)
            self._maps[moment] = token_map
        return self._maps[moment].at


class LooksGuide:
    """The distance between two pictures, in any world.

    It is scaled to be the plan's longest length at first: what looks half as far is taken to be
    half that many steps away.

    Attributes:
        root: where the search begins.
    """

    def __init__(
        self, bundle: Bundle, root: Moment, goal: torch.Tensor, steps: int, distance: str | Look
    ) -> None:
        """Begin a search for a picture.

        Args:
            bundle: the world.
            root: where the search begins.
            goal: int64 (N,), tokens of the goal.
            steps: keys in a plan at most.
            distance: "tokens", the fraction of tokens that differ; "pixels", the root of the mean
                squared error of the decoded frames; or that of an encoder's vectors of them.

        Raises:
            ValueError: if there is no such distance.
        """
        if distance not in DISTANCES and not callable(distance):
            raise ValueError(
                f"the distance is one of {', '.join(DISTANCES)}, or a function from frames to "
                f"vectors, got {distance!r}"
            )
        self.root, self._bundle, self._goal = root, bundle, goal
        self._look = _pixels if distance == "pixels" else distance
        self._target = None if distance == "tokens" else self._see(goal[None])
        (first,) = self._distances([root])
        self._scale = steps / max(first, 1e-6)

    def rate(self, moments: Sequence[Moment]) -> list[float]:
        """Return how far the moments look, in steps; 0 from the fraction `REACHED` of tokens on."""
        distances = self._distances(moments)
        return [
            0.0 if share_of(moment.ids, self._goal) >= REACHED else distance * self._scale
            for moment, distance in zip(moments, distances, strict=True)
        ]

    def place(self, moment: Moment) -> bytes:
        """Return the tokens."""
        return moment.ids.numpy().tobytes()

    def _distances(self, moments: Sequence[Moment]) -> list[float]:
        ids = torch.stack([moment.ids for moment in moments])
        if self._target is None:
            return (ids != self._goal).float().mean(dim=1).tolist()
        return (self._see(ids) - self._target).square().mean(dim=1).sqrt().tolist()

    @torch.inference_mode()
    def _see(self, ids: torch.Tensor) -> torch.Tensor:
        """Return what frames, each decoded by itself, look like: int64 (B, N) to (B, D)."""
        frames = self._bundle.tokenizer.decode(ids[:, None].to(self._bundle.device))[:, 0]
        return self._look(frames)


def _pixels(frames: torch.Tensor) -> torch.Tensor:
    return frames.flatten(1)


def share_of(ids: torch.Tensor, goal: torch.Tensor) -> float:
    """Return the fraction of tokens that two frames share."""
    return float((ids == goal).float().mean())
