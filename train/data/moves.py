"""By how many tokens each action moves the picture, and what a map would have known of a frame."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from corpus.progress import track
from dynamics.token_map import MapLayout, recall_line

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
    moved = []  # frames before and after, which tokens change, and the move, where there is one
    for action in range(num_actions):
        at = np.flatnonzero(actions == action)
        at = rng.choice(at, min(PAIRS, len(at)), replace=False)
        before, after = (ids[index].reshape(-1, *grid) for index in (at, at + 1))
        # A key that something blocks moves nothing.
        changes = before != after
        moving = changes.mean((1, 2)) > MOVED
        before, after, changes = before[moving], after[moving], changes[moving]
        found = [_explained(before, after, changes, move).sum((1, 2)) for move in _MOVES]
        shares = [hits / max(1, seen) for hits, seen in found]
        best = int(np.argmax(shares))
        if not len(at) or moving.mean() < MOVED or shares[best] < EXPLAINED:
            moves.append((0, 0))
            continue
        moves.append(_MOVES[best])
        moved.append((before, after, changes, _MOVES[best]))
    fixed = np.zeros(grid, bool)
    # Twice: what comes from under the player is explained by no move, and goes along all the same.
    for _ in range(2):
        counts = sum((_explained(*part, ~fixed) for part in moved), np.zeros((2, *grid), int))
        fixed = (counts[1] < FEWEST) | (counts[0] < EXPLAINED * counts[1])
    return tuple(moves), tuple(np.flatnonzero(fixed).tolist())


_STEPS = range(-FARTHEST, FARTHEST + 1)
_MOVES = [move for move in product(_STEPS, _STEPS) if move != (0, 0)]


def _explained(
    before: np.ndarray,
    after: np.ndarray,
    changes: np.ndarray,
    move: tuple[int, int],
    sources: np.ndarray | None = None,
) -> np.ndarray:
    """Count by place the tokens that a move explains, and all that changed.

    Args:
        before: integers (pairs, rows, columns), tokens.
        after: the same of the next frame.
        changes: bool, which of them differ.
        move: by how many rows and columns the picture moves.
        sources: bool (rows, columns), tokens that others may come from; None: all.

    Returns:
        int64 (2, rows, columns); what comes from elsewhere counts as neither.
    """
    (rows, columns), (down, right) = before.shape[1:], move
    now = np.s_[max(0, -down) : rows - max(0, down), max(0, -right) : columns - max(0, right)]
    then = np.s_[max(0, down) : rows + min(0, down), max(0, right) : columns + min(0, right)]
    counts = np.zeros((2, rows, columns), int)
    counted = changes[:, now[0], now[1]]
    if sources is not None:
        counted = counted & sources[then]
    same = after[:, now[0], now[1]] == before[:, then[0], then[1]]
    counts[0][now], counts[1][now] = (same & counted).sum(0), counted.sum(0)
    return counts


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
    for begin, end in track(spans, "maps of episodes"):
        line = ids[begin:end].tolist(), actions[begin : end - 1].tolist()
        recalled[begin:end] = recall_line(layout, *line)
    return recalled
