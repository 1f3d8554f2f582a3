"""By how many tokens each action moves the picture, and what a map would have known of a frame."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from corpus.progress import track
from dynamics.token_map import MapLayout, TokenMap

PAIRS = 2000  # transitions looked at for each action
FARTHEST = 2  # tokens that one action may move the picture by
MOVED = 0.05  # mean fraction of tokens that change under an action that moves the picture
EXPLAINED = 0.6  # of the tokens that change, those that come from where the action says
FEWEST = 20  # changes seen of a token that is taken to move with the picture

Moves = tuple[tuple[int, int], ...]


def find_moves(
    ids: np.ndarray, actions: np.ndarray, num_actions: int, grid: tuple[int, int], seed: int
) -> tuple[Moves, tuple[int, ...]]:
    """Find out how actions move the picture over the tokens.

    Args:
        ids: integers (frames, N), tokens.
        actions: integers (frames,), −1 at an episode's last frame.
        num_actions: A.
        grid: rows and columns of tokens.
        seed: of the transitions looked at.

    Returns:
        For each action, by how many rows and columns the picture moves, (0, 0) where by none or not
        by whole tokens; and the numbers of the tokens that do not move with it.
    """
    rng, moves = np.random.default_rng(seed), []
    changed, explained = np.zeros(grid, int), np.zeros(grid, int)
    for action in range(num_actions):
        at = np.flatnonzero(actions == action)
        at = rng.choice(at, min(PAIRS, len(at)), replace=False)
        before, after = (ids[index].reshape(-1, *grid) for index in (at, at + 1))
        # A key that something blocks moves nothing.
        changes = before != after
        moving = changes.mean((1, 2)) > MOVED
        before, after, changes = before[moving], after[moving], changes[moving]
        found = [_explained(before, after, changes, move) for move in _MOVES]
        shares = [hits.sum() / max(1, seen.sum()) for hits, seen in found]
        best = int(np.argmax(shares))
        if not len(at) or moving.mean() < MOVED or shares[best] < EXPLAINED:
            moves.append((0, 0))
            continue
        moves.append(_MOVES[best])
        explained += found[best][0]
        changed += found[best][1]
    fixed = (changed < FEWEST) | (explained < EXPLAINED * changed)
    return tuple(moves), tuple(np.flatnonzero(fixed).tolist())


_STEPS = range(-FARTHEST, FARTHEST + 1)
_MOVES = [move for move in product(_STEPS, _STEPS) if move != (0, 0)]


def _explained(
    before: np.ndarray, after: np.ndarray, changes: np.ndarray, move: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Count by place the tokens that changed, and those of them that a move explains.

    Returns:
        Both int64 (rows, columns); places that come into the picture count as neither.
    """
    (rows, columns), (down, right) = before.shape[1:], move
    now = np.s_[max(0, -down) : rows - max(0, down), max(0, -right) : columns - max(0, right)]
    then = np.s_[max(0, down) : rows + min(0, down), max(0, right) : columns + min(0, right)]
    hits, seen = np.zeros((rows, columns), int), np.zeros((rows, columns), int)
    counted = changes[:, now[0], now[1]]
    same = after[:, now[0], now[1]] == before[:, then[0], then[1]]
    hits[now], seen[now] = (same & counted).sum(0), counted.sum(0)
    return hits, seen


def recalled_tokens(
    ids: np.ndarray, actions: np.ndarray, ends: np.ndarray, layout: MapLayout
) -> np.ndarray:
    """Return what a map of each episode knew of its frames before they were seen.

    Args:
        ids: integers (frames, N), tokens.
        actions: integers (frames,), entry t leads from frame t to t+1.
        ends: int64 (episodes,), one past the last frame of each.
        layout: of the maps.

    Returns:
        uint16 or int32 (frames, N): tokens, K where nothing was known.
    """
    kind = np.uint16 if layout.unknown <= np.iinfo(np.uint16).max else np.int32
    recalled = np.full(ids.shape, layout.unknown, kind)
    spans: Sequence[tuple[int, int]] = list(zip([0, *ends[:-1].tolist()], ends, strict=True))
    none = len(layout.shifts) - 1
    for begin, end in track(spans, "maps of episodes"):
        seen = TokenMap(layout)
        for t in range(begin, end):
            action = int(actions[t - 1]) if t > begin else none
            recalled[t] = seen.recall(action)
            seen.observe(ids[t].tolist(), action)
    return recalled
