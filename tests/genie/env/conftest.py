"""Worlds to put agents into: one whose corpus stood still, and one whose rules are known."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from genie import registry
from genie.drift import TokenLayout, build_statistics
from genie.settings import Settings
from lam.keymap.keymap import KeyAction, Keymap
from lam.model import LatentActionConfig, LatentActionModel

CELLS, SIDE = 8, 16
MOVES = {"left": -1, "none": 0, "right": 1}


@pytest.fixture(scope="session")
def still_folder(small, tmp_path_factory):
    """The small world with the statistics of episodes in which nothing moves: all play drifts."""
    ids = np.zeros((500, 6), np.int64)
    layout = TokenLayout(num_codes=16, num_actions=4, grid=(2, 3))
    ends = np.arange(100, 501, 100)
    statistics = build_statistics(ids, np.zeros(500, np.int64), ends, layout)
    return small.write_world(tmp_path_factory.mktemp("still") / "w", statistics=statistics)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    height: int = SIDE
    width: int = SIDE * CELLS
    num_tokens: int = CELLS
    num_codes: int = 2
    num_actions: int = len(MOVES)


class DotTokenizer(nn.Module):
    """A token is 1 where its cell is bright."""

    def __init__(self, config):
        super().__init__()
        self.config, self.num_tokens, self.num_codes = config, CELLS, 2
        self.level = nn.Parameter(torch.tensor([0.5]))

    def encode(self, frames):
        return (frames[:, :, 0, 0, ::SIDE] > self.level).long()

    def decode(self, ids):
        row = ids.float().repeat_interleave(SIDE, dim=-1)  # (B, T, W)
        return row[:, :, None, None].expand(-1, -1, 3, SIDE, -1).contiguous()


class LastFrame:
    """A cache of one frame."""

    def __init__(self, batch):
        self.ids = torch.zeros(batch, CELLS, dtype=torch.int64)

    def take_rows(self, rows, other):
        self.ids[rows] = other.ids


class DotDynamics(nn.Module):
    """A dot on a line of cells moves as its action says."""

    def __init__(self, config):
        super().__init__()
        self.config, self.memory = config, 1
        self.moves = nn.Parameter(torch.tensor([*MOVES.values(), 0.0]))

    def new_cache(self, batch, start=0):
        return LastFrame(batch)

    def draft(self, ids, action, cache):
        cell = cache.ids.argmax(-1) + self.moves[action].long()
        dot = nn.functional.one_hot(cell.clamp(0, CELLS - 1), CELLS)
        return 100.0 * torch.stack((1 - dot, dot), dim=-1)

    def commit(self, ids, action, cache):
        cache.ids = ids.clone()


@pytest.fixture
def dot_folder(small, kinds, tmp_path):
    """A world of a dot on eight cells; prompt i has it in cell i."""
    registry.register("tokenizer", "dot", DotTokenizer, Sizes)
    registry.register("dynamics", "dot", DotDynamics, Sizes)
    lam = LatentActionModel(
        LatentActionConfig(height=SIDE, width=SIDE * CELLS, num_actions=3, channels=4)
    )
    models = {"tokenizer": DotTokenizer(Sizes()), "lam": lam, "dynamics": DotDynamics(Sizes())}
    names = enumerate(MOVES)
    frames = np.zeros((CELLS, SIDE, CELLS, SIDE, 3), np.uint8)
    frames[np.arange(CELLS), :, np.arange(CELLS)] = 255
    return small.write_world(
        tmp_path / "dot",
        models,
        settings=Settings(steps=1, unmask_order="confidence", temperature=0.0),
        keymap=Keymap(idle=1, actions=tuple(KeyAction(id=i, name=n, effect={}) for i, n in names)),
        prompts=list(frames.reshape(CELLS, SIDE, CELLS * SIDE, 3)),
    )
