"""Keys that something blocks: the world shows no motion, and the action model reads none.

In most games a key at a wall moves nothing. Read as none, it was never pressed at a wall, and the
dynamics would draw whatever it likes there: the player walks through stone. Whether a motion is
possible can be told from the frame before it, as where it is blocked it is never seen. So a
transition that shows no motion may have been any of the keys that its frame blocks, and which one
is drawn at random, by how keys are held before and after. The dynamics then sees each of them at
walls as often as it was pressed there.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from corpus.progress import track

DIM, WIDTH = 8, 32  # of the net: larger ones learn episodes by heart
STEPS, BATCH, CHECK = 2000, 1024, 100
LEARNING_RATE, WEIGHT_DECAY = 4e-3, 0.05
HELD_OUT = 0.1  # of the episodes, which say when the net is at its best
PATIENCE = 4  # checks without a better one
USUAL = (
    0.9  # quantile of a motion's chance over all frames: what it has where nothing is in the way
)
STILL = (
    0.9  # mean fraction of a frame's tokens that stay the same under an action that moves nothing
)
EPISODES = 256  # whose keys are drawn at once


def read_blocked_keys(
    ids: np.ndarray, actions: np.ndarray, ends: np.ndarray, num_codes: int, below: float, seed: int
) -> np.ndarray:
    """Give transitions without a motion the key that may have been blocked.

    Args:
        ids: integers (frames, N), tokens.
        actions: int8 (frames,), as inferred; −1 at an episode's last frame.
        ends: int64 (episodes,), one past the last frame of each.
        num_codes: K, of the tokens.
        below: a motion is blocked where its chance is less than this fraction of its usual one.
        seed: of the fit and the draw.

    Returns:
        int8 (frames,): the same, but for transitions that were read as the action that moves
        nothing. Unchanged if there is no such action, or fewer than two episodes.
    """
    num_actions = int(actions.max()) + 1
    still = still_action(ids, actions, num_actions)
    if still is None or num_actions < 2 or len(ends) < 2:
        return actions
    generator = torch.Generator().manual_seed(seed)
    chances = _motion_chances(ids, actions, ends, num_codes, num_actions, generator)
    blocked = chances < below * chances.quantile(USUAL, dim=0)
    blocked[:, still] = True  # in place of "none was pressed", which is always possible
    codes = torch.from_numpy(actions.astype(np.int64))
    possible = F.one_hot(codes.clamp_min(0), num_actions).bool()
    possible[codes == still] = blocked[codes == still]
    shares = _key_shares(codes, blocked, still)
    hold = _hold(codes, blocked, still, shares)
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


class _Net(nn.Module):
    """Chance of each action from the tokens of the frame before it."""

    def __init__(self, num_codes: int, num_tokens: int, num_actions: int) -> None:
        super().__init__()
        self.table = nn.Embedding(num_codes, DIM)
        nn.init.normal_(self.table.weight, std=0.5)
        self.layers = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(num_tokens * DIM, WIDTH), nn.ReLU(),
            nn.Dropout(0.2), nn.Linear(WIDTH, num_actions),
        )  # fmt: skip

    def forward(self, ids: Tensor) -> Tensor:
        return self.layers(self.table(ids).flatten(1))


def _motion_chances(
    ids: np.ndarray,
    actions: np.ndarray,
    ends: np.ndarray,
    num_codes: int,
    num_actions: int,
    generator: torch.Generator,
) -> Tensor:
    """Learn how likely each action is by the frame before it, float32 (frames, A)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        net = _Net(num_codes, ids.shape[1], num_actions)
        order = torch.randperm(len(ends))
        held = order[: max(1, round(HELD_OUT * len(ends)))].numpy()
        looked_at = np.isin(np.searchsorted(ends, np.arange(len(ids)), side="right"), held)
        tokens = torch.from_numpy(ids.astype(np.int32))
        codes = torch.from_numpy(actions.astype(np.int64))
        _fit(net, tokens, codes, torch.from_numpy(looked_at))
    with torch.inference_mode():
        return torch.cat([net(part.long()).softmax(1) for part in tokens.split(4096)])


def _fit(net: _Net, ids: Tensor, actions: Tensor, held: Tensor) -> None:
    """Fit the net until frames that it does not learn from get no likelier."""
    learnt, looked_at = ((actions >= 0) & ~held).nonzero()[:, 0], ((actions >= 0) & held).nonzero()
    looked_at = looked_at[: 8 * BATCH, 0]
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best, kept, worse = float("inf"), net.state_dict(), 0
    for step in track(range(STEPS), "blocked keys"):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / STEPS)
        at = learnt[torch.randint(len(learnt), (BATCH,))]
        loss = F.cross_entropy(net(ids[at].long()), actions[at])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % CHECK == 0:
            net.eval()
            with torch.inference_mode():
                now = float(F.cross_entropy(net(ids[looked_at].long()), actions[looked_at]))
            net.train()
            worse = 0 if now < best else worse + 1
            if now < best:
                best, kept = now, {name: value.clone() for name, value in net.state_dict().items()}
            if worse == PATIENCE:
                break
    net.load_state_dict(kept)
    net.eval()


def _key_shares(codes: Tensor, blocked: Tensor, still: int) -> Tensor:
    """How often each key is pressed, where nothing blocks any, float64 (A,)."""
    moving = [action for action in range(blocked.shape[1]) if action != still]
    free = (codes >= 0) & ~blocked[:, moving].any(1)
    counts = codes[free].bincount(minlength=blocked.shape[1]).double() + 1
    return counts / counts.sum()


def _hold(codes: Tensor, blocked: Tensor, still: int, shares: Tensor) -> float:
    """Probability that a key is held on, by motions that go on where they can."""
    before, after = codes[:-1], codes[1:]
    known = (before >= 0) & (after >= 0) & (before != still)
    can = ~blocked[1:].gather(1, before.clamp_min(0)[:, None])[:, 0]
    at = (known & can).nonzero()[:, 0]
    if not len(at):
        return 0.0
    again = float((after[at] == before[at]).double().mean())
    by_chance = float(shares[before[at]].mean())
    return max(0.0, (again - by_chance) / (1 - by_chance))


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
