"""Keys that something blocks: the world shows no motion, and the action model reads none.

In most games a key at a wall moves nothing. Read as none, it was never pressed at a wall, and the
dynamics would draw whatever it likes there: the player walks through stone. Whether a motion is
possible can be told from the frame before it, as where it is blocked it is never seen. So a
transition that shows no motion may have been any of the keys that its frame blocks, and which one
is drawn at random, by how keys are held before and after. The dynamics then sees each of them at
walls as often as it was pressed there. Where the tokens of the player are found, only those around
it say what is in its way; and where it turns to where it cannot go, its look says which key it was.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from train.data.action_chances import learn_chances
from train.data.moves import find_moves

USUAL = 0.9  # quantile of a motion's chance over all frames: its chance where nothing is in its way
STILL = 0.9  # mean fraction of tokens that stay the same under an action that moves nothing
LOOKS = 0.02  # of transitions, in which a token of the player's own look changes
NEAR = 2  # rows and columns around the player, in which one sees what is in its way
LONGEST_HOLD = 0.99  # a key that was never let go may be: else no other were possible after it
FREE = 0.5  # of its usual chance, above which nothing is in a motion's way
EPISODES = 256  # whose keys are drawn at once


def read_blocked_keys(
    ids: np.ndarray,
    actions: np.ndarray,
    ends: np.ndarray,
    num_codes: int,
    below: float,
    seed: int,
    grid: tuple[int, int] | None = None,
) -> np.ndarray:
    """Give transitions without a motion the key that may have been blocked.

    Args:
        ids: integers (frames, N), tokens.
        actions: int8 (frames,), as inferred; −1 at an episode's last frame.
        ends: int64 (episodes,), one past the last frame of each.
        num_codes: K, of the tokens.
        below: a motion is blocked where its chance is less than this fraction of its usual one.
        seed: of the fit and the draw.
        grid: rows and columns of tokens, if they stand so.

    Returns:
        int8 (frames,): the same, but for transitions that were read as the action that moves
        nothing. Unchanged if there is no such action, or fewer than two episodes.
    """
    num_actions = int(actions.max()) + 1
    still = still_action(ids, actions, num_actions)
    if still is None or num_actions < 2 or len(ends) < 2:
        return actions
    generator = torch.Generator().manual_seed(seed)
    look, around = ([], []) if grid is None else _player(ids, actions, num_actions, grid, seed)
    seen = ids[:, around] if look else ids
    chances = _relative_chances(seen, actions, ends, num_codes, num_actions, generator)
    codes = torch.from_numpy(actions.astype(np.int64))
    shares = key_shares(codes, chances > FREE, still)
    blocked = chances < below
    blocked[:, still] = True  # in place of "none was pressed"
    possible = F.one_hot(codes.clamp_min(0), num_actions).bool()
    possible[codes == still] = blocked[codes == still]
    if look:
        seen = ids[:, look]
        allowed = _keys_by_look(seen, actions, ends, num_codes, still, below, generator)
        turned = ~allowed[:, still, None]  # which shows the key, whatever blocks it
        possible[codes == still] = ((blocked | turned) & allowed)[codes == still]
    hold = hold_of(codes, blocked, still, shares)
    transition = hold * torch.eye(num_actions).double() + (1 - hold) * shares
    keys = actions.copy()
    spans = list(zip([0, *ends[:-1].tolist()], (ends - 1).tolist(), strict=True))
    for first in range(0, len(spans), EPISODES):
        part = spans[first : first + EPISODES]
        padded = pad_sequence([possible[a:b].double() for a, b in part], True, padding_value=1.0)
        drawn = _draw(padded, transition, shares, generator).numpy()
        for (a, b), row in zip(part, drawn, strict=True):
            keys[a:b] = row[: b - a]
    return keys


def still_action(ids: np.ndarray, actions: np.ndarray, num_actions: int) -> int | None:
    """Return the action under which most tokens stay the same; None if none keeps nearly all."""
    at = np.flatnonzero(actions >= 0)
    same = (ids[at] == ids[at + 1]).mean(1)
    kept = [same[actions[at] == action] for action in range(num_actions)]
    means = [part.mean() if len(part) else 0.0 for part in kept]
    best = int(np.argmax(means))
    return best if means[best] >= STILL else None


def _relative_chances(
    ids: np.ndarray,
    actions: np.ndarray,
    ends: np.ndarray,
    num_codes: int,
    num_actions: int,
    generator: torch.Generator,
) -> Tensor:
    """Learn each action's chance by a frame, in fractions of its usual one: float32 (frames, A)."""
    chances = learn_chances(ids, actions, ends, num_codes, num_actions, generator)
    # NumPy's, since PyTorch's refuses more than 2²⁴ frames.
    usual = torch.from_numpy(np.quantile(chances.numpy(), USUAL, axis=0))
    return chances / usual.clamp_min(1e-6)


def _player(
    ids: np.ndarray, actions: np.ndarray, num_actions: int, grid: tuple[int, int], seed: int
) -> tuple[list[int], list[int]]:
    """Find the player among the tokens.

    Returns:
        The numbers of its own tokens, which change and do not move with the picture, in the midst
        of others that do; and of those at most `NEAR` rows and columns away that do. Whether a
        motion is possible is seen there; the own tokens would only tell which key is held, and
        those far away which episode it is.
    """
    moves, fixed = find_moves(ids, actions, num_actions, grid, seed)
    if not any(map(any, moves)):
        return [], []
    still = np.isin(np.arange(ids.shape[1]), fixed).reshape(grid)
    changes = (ids[1:] != ids[:-1]).mean(0).reshape(grid) > LOOKS
    look = [
        (row, column)
        for row, column in np.argwhere(still & changes).tolist()
        if still[_near(row, 1), _near(column, 1)].mean() < 0.5
    ]
    around = np.zeros(grid, bool)
    for row, column in look:
        around[_near(row, NEAR), _near(column, NEAR)] = True
    numbers = np.arange(ids.shape[1]).reshape(grid)
    return [int(numbers[place]) for place in look], numbers[around & ~still].tolist()


def _near(place: int, by: int) -> slice:
    return slice(max(0, place - by), place + by + 1)


def _keys_by_look(
    look: np.ndarray,
    actions: np.ndarray,
    ends: np.ndarray,
    num_codes: int,
    still: int,
    below: float,
    generator: torch.Generator,
) -> Tensor:
    """Return which keys the player's look after each transition allows, bool (frames, A).

    After a motion it shows which motion it was. Where nothing moved, it may be that of an earlier
    key, unless it has changed.
    """
    num_actions = int(actions.max()) + 1
    led = np.full_like(actions, -1)  # the motion that led to a frame
    led[1:] = np.where(actions[:-1] == still, -1, actions[:-1])
    chances = _relative_chances(look, led, ends, num_codes, num_actions, generator)
    looks_like = chances >= below
    looks_like[:, still] = False
    after = looks_like.roll(-1, 0)
    turned = ~(looks_like & after).any(1) & after.any(1)
    after[:, still] = ~turned
    return after


def key_shares(codes: Tensor, free: Tensor, still: int) -> Tensor:
    """How often each key is pressed, where nothing blocks any, float64 (A,)."""
    moving = [action for action in range(free.shape[1]) if action != still]
    counted = (codes >= 0) & free[:, moving].all(1)
    counts = codes[counted].bincount(minlength=free.shape[1]).double() + 1
    return counts / counts.sum()


def hold_of(codes: Tensor, blocked: Tensor, still: int, shares: Tensor) -> float:
    """Probability that a key is held on, by motions that go on where they can."""
    before, after = codes[:-1], codes[1:]
    known = (before >= 0) & (after >= 0) & (before != still)
    can = ~blocked[1:].gather(1, before.clamp_min(0)[:, None])[:, 0]
    at = (known & can).nonzero()[:, 0]
    if not len(at):
        return 0.0
    again = float((after[at] == before[at]).double().mean())
    by_chance = float(shares[before[at]].mean())
    return min(LONGEST_HOLD, max(0.0, (again - by_chance) / max(1e-6, 1 - by_chance)))


def _draw(
    possible: Tensor, transition: Tensor, shares: Tensor, generator: torch.Generator
) -> Tensor:
    """Draw keys of whole episodes: forwards what is possible, backwards what is drawn.

    Args:
        possible: float64 (B, S, A), 1 for keys that may have been pressed.
        transition: float64 (A, A), to the next key.
        shares: float64 (A,), of the first one.
        generator: of the draw.

    Returns:
        int8 (B, S).
    """
    forward = [_normalized(shares * possible[:, 0])]
    for t in range(1, possible.shape[1]):
        forward.append(_normalized(forward[-1] @ transition * possible[:, t]))
    keys = [torch.multinomial(forward[-1], 1, generator=generator)]
    for before in reversed(forward[:-1]):
        chances = before * transition[:, keys[-1][:, 0]].T
        keys.append(torch.multinomial(chances, 1, generator=generator))
    return torch.cat(keys[::-1], dim=1).to(torch.int8)


def _normalized(chances: Tensor) -> Tensor:
    return chances / chances.sum(1, keepdim=True)
