"""How long a piece that is put into the last frame stays in play, by what of the history it enters.

    python -m benchmarks.play.edits miner crafter --rollouts 48

Rollouts play 10 frames, then a square of another prompt's tokens is put down away from the middle
of the frame, and 20 frames of the idle action follow. `stays` is the share of those placed tokens
that differ from what stood there and are equal after 1, 5 and 20 frames; `other` the same share of
all other tokens, for comparison.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import Tensor

from genie import World
from genie.edit import token_grid
from genie.library.catalog import find_world
from genie.rollouts.rollout import Rollout

BEFORE, AFTER, SIDE = 10, (1, 5, 20), 2
BAND = 8
HISTORIES = ("last frame", "all frames of the band", "alone", "alone, idle")


class Edits:
    """Rollouts of one world that were played for a while, and a piece to put into each."""

    def __init__(self, world: World, rollouts: int, moving: bool) -> None:
        """Play on; `moving` under a new random action every two frames, or under the idle one."""
        self.bundle, self.seeds = world.bundle, list(range(rollouts))
        self.actions, self.idle = world.bundle.num_actions, world.bundle.keymap.idle
        rng = np.random.default_rng(0)
        prompts = torch.from_numpy(
            np.stack([world.see(prompt)[0] for prompt in world.bundle.prompts]).astype(np.int64)
        )
        chosen = rng.integers(0, len(prompts), rollouts)
        rollout = Rollout(self.bundle, self.seeds)
        ids, prev = [prompts[chosen]], [torch.full((rollouts,), self.actions)]
        rollout.reset(ids[0][:, None], torch.zeros(rollouts, 0, dtype=torch.long))
        action = torch.full((rollouts,), self.idle)
        for frame in range(BEFORE):
            if moving and frame % 2 == 0:
                action = torch.from_numpy(rng.integers(0, self.actions, rollouts))
            ids.append(rollout.step(action)[0])
            prev.append(action)
        self.ids, self.prev = torch.stack(ids, 1), torch.stack(prev, 1)
        others = (chosen + rng.integers(1, len(prompts), rollouts)) % len(prompts)
        grid = token_grid(self.bundle.height, self.bundle.width, prompts.shape[1])
        self.edited, self.placed = place(self.ids[:, -1], prompts[others], grid, rng)

    def stays(self, history: str) -> list[tuple[float, float]]:
        """Return the shares of placed and of other tokens that are equal after `AFTER` frames."""
        ids, prev, start = self.ids.clone(), self.prev.clone(), 0
        ids[:, -1] = self.edited
        if history == "all frames of the band":
            ids[:, -BAND:] = torch.where(self.placed[:, None], self.edited[:, None], ids[:, -BAND:])
        if history.startswith("alone"):
            start = BEFORE
            ids, prev = ids[:, -1:], prev[:, -1:]
        if history == "alone, idle":
            prev[:] = self.idle
        rollout = Rollout(self.bundle, self.seeds)
        rollout.restore(ids, prev, start)
        found = []
        for frame in range(1, max(AFTER) + 1):
            now, _ = rollout.step(torch.full((len(self.seeds),), self.idle))
            if frame in AFTER:
                same = (now == self.edited).float()
                found.append((float(same[self.placed].mean()), float(same[~self.placed].mean())))
        return found


def place(
    ids: Tensor, source: Tensor, grid: tuple[int, int], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Copy a random square of each source, int64 (B, N), into ids; returns them, what changed."""
    rows, columns = grid
    edited = ids.clone().reshape(-1, rows, columns)
    for target, pieces in zip(edited, source.reshape(-1, rows, columns), strict=True):
        (top, left), (y, x) = (_corner(rng, rows, columns) for _ in range(2))
        target[y : y + SIDE, x : x + SIDE] = pieces[top : top + SIDE, left : left + SIDE]
    edited = edited.reshape(ids.shape)
    return edited, edited != ids


def _corner(rng: np.random.Generator, rows: int, columns: int) -> tuple[int, int]:
    """Draw where a square begins that leaves out the middle, where the player is."""
    while True:
        y, x = int(rng.integers(0, rows - SIDE + 1)), int(rng.integers(0, columns - SIDE + 1))
        if not (y <= rows // 2 < y + SIDE and x <= columns // 2 < x + SIDE):
            return y, x


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="+")
    parser.add_argument("--rollouts", type=int, default=48)
    options = parser.parse_args()
    print(
        "| world | before | history | tokens | stays: 1, 5, 20 | other |\n|---|---|---|---|---|---|"
    )
    for name in options.worlds:
        for moving in (False, True):
            edits = Edits(World.load(find_world(name)), options.rollouts, moving)
            for history in HISTORIES:
                stays = edits.stays(history)
                shares, other = (", ".join(f"{s[i]:.2f}" for s in stays) for i in range(2))
                before = "moving" if moving else "still"
                count = int(edits.placed.sum())
                print(
                    f"| {name} | {before} | {history} | {count} | {shares} | {other} |", flush=True
                )


if __name__ == "__main__":
    main()
