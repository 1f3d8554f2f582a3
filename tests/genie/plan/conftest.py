"""A world of cells that is known in full: it draws what stands at each place."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dynamics.model import Dynamics, DynamicsConfig
from genie.library.bundle import Bundle
from genie.settings import Settings
from lam.keymap.keymap import KeyAction, Keymap

SIDE, PATCH, CODES = 5, 4, 40
MIDDLE = SIDE * SIDE // 2
PLAYER, WALL = CODES - 1, CODES - 2
RIGHT, LEFT, UP, DOWN, REST = range(5)
MOVES = ((0, 1), (0, -1), (-1, 0), (1, 0), (0, 0))
NAMES = ("right", "left", "up", "down", "none")


class Cells:
    """Where the walls are; elsewhere there are 38 kinds of ground."""

    def __init__(self, walls=(), ground=None):
        self.walls, self.ground = set(walls), ground

    def code(self, row, column):
        if (row, column) in self.walls:
            return WALL
        return hash((row, column)) % (CODES - 2) if self.ground is None else self.ground

    def view(self, row, column):
        """Tokens of the picture of a player who stands at (row, column)."""
        reach = range(-(SIDE // 2), SIDE // 2 + 1)
        tokens = [self.code(row + y, column + x) for y in reach for x in reach]
        tokens[MIDDLE] = PLAYER
        return torch.tensor(tokens)


class TrueDynamics(Dynamics):
    """Draws the true frame, wherever it is taken up; walls block."""

    def __init__(self, cells):
        super().__init__(
            DynamicsConfig(
                num_tokens=SIDE * SIDE,
                num_codes=CODES,
                num_actions=len(MOVES),
                dim=8,
                heads=1,
                layers=1,
                band=2,
                grid=(SIDE, SIDE),
                moves=MOVES,
                fixed=(MIDDLE,),
            )
        )
        self.cells, self.drawn = cells, 0

    def draft(self, ids, action, cache):
        rows = []
        for token_map, one in zip(cache.maps, action.tolist(), strict=True):
            row, column = self.map_layout.apart(0, token_map.at)
            down, right = MOVES[one]
            free = self.cells.code(row + down, column + right) != WALL
            rows.append(self.cells.view(row + down * free, column + right * free))
        self.drawn += len(rows)
        return torch.nn.functional.one_hot(torch.stack(rows), CODES).float() * 50


class Painter(torch.nn.Module):
    """A tokenizer whose tokens are the grey of a cell."""

    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(height=SIDE * PATCH, width=SIDE * PATCH)
        self.num_tokens, self.num_codes = SIDE * SIDE, CODES

    def encode(self, frames):
        picked = frames[:, :, 0, ::PATCH, ::PATCH].flatten(2)
        return (picked * 255 / 6).round().long()

    def decode(self, ids):
        cells = (ids.float() * 6 / 255).unflatten(-1, (1, SIDE, SIDE))
        big = cells.repeat_interleave(PATCH, -1).repeat_interleave(PATCH, -2)
        return big.expand(*ids.shape[:2], 3, SIDE * PATCH, SIDE * PATCH)


class Reader(torch.nn.Module):
    """Reads a move off two pictures by comparing their middles."""

    def infer(self, frames):
        raise AssertionError("one picture has no action in it")


def picture(cells, row, column):
    """What a player sees, uint8 (H, W, 3)."""
    frame = Painter().decode(cells.view(row, column)[None, None])[0, 0]
    return (frame * 255).round().byte().movedim(0, -1).numpy()


def make_world(cells, **statistics):
    """A world of these cells, in which a player begins at (0, 0)."""
    return Bundle(
        tokenizer=Painter(),
        lam=Reader(),
        dynamics=TrueDynamics(cells),
        settings=Settings(steps=2, unmask_order="confidence", temperature=1.0),
        keymap=Keymap(
            idle=REST,
            actions=tuple(
                KeyAction(id=i, name=name, keys=(name,), effect={}) for i, name in enumerate(NAMES)
            ),
        ),
        statistics={"codes": np.full(CODES, 1 / CODES).tolist()} | statistics,
        prompts=[picture(cells, 0, 0)],
        info={"name": "cells"},
    )


def arrive(cells, actions):
    """Where actions lead from (0, 0)."""
    row = column = 0
    for action in actions:
        down, right = MOVES[action]
        if cells.code(row + down, column + right) != WALL:
            row, column = row + down, column + right
    return row, column


@pytest.fixture
def known():
    """Everything above by name: test modules import nothing from each other."""
    return SimpleNamespace(**{k: v for k, v in globals().items() if not k.startswith("_")})
