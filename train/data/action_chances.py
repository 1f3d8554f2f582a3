"""How likely each action is by a frame's tokens: a small net, learned from a corpus by itself."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from corpus.progress import track

DIM, WIDTH = 8, 32  # of the net: larger ones learn episodes by heart
STEPS, BATCH, CHECK = 2000, 1024, 100
LEARNING_RATE, WEIGHT_DECAY = 4e-3, 0.05
HELD_OUT = 0.1  # of the episodes, which say when the net is at its best
PATIENCE = 4  # checks without a better one


class _ActionNet(nn.Module):
    """Logits of actions from the tokens of one frame."""

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


def learn_chances(
    ids: np.ndarray,
    actions: np.ndarray,
    ends: np.ndarray,
    num_codes: int,
    num_actions: int,
    generator: torch.Generator,
) -> Tensor:
    """Learn how likely each action is where a frame looks as it does.

    Args:
        ids: integers (frames, N), tokens, or some of them.
        actions: int8 (frames,), each frame's; −1 where there is none to learn from.
        ends: int64 (episodes,), one past the last frame of each.
        num_codes: K, of the tokens.
        num_actions: A.
        generator: of the weights and batches.

    Returns:
        float32 (frames, A).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        net = _ActionNet(num_codes, ids.shape[1], num_actions)
        held = held_out_frames(ends)
        tokens = torch.from_numpy(ids.astype(np.int32))
        codes = torch.from_numpy(actions.astype(np.int64))
        fit_chances(net, lambda at: tokens[at].long(), codes, held)
    with torch.inference_mode():
        return torch.cat([net(part.long()).softmax(1) for part in tokens.split(4096)])


def held_out_frames(ends: np.ndarray, generator: torch.Generator | None = None) -> Tensor:
    """Choose episodes that say when a net is at its best, and mark their frames, bool (frames,).

    Of a single episode it is the end.

    Args:
        ends: int64 (episodes,), one past the last frame of each.
        generator: of the choice; None: PyTorch's own.
    """
    if len(ends) == 1:
        return torch.arange(ends[-1]) >= (1 - HELD_OUT) * ends[-1]
    order = torch.randperm(len(ends), generator=generator)
    held = order[: max(1, round(HELD_OUT * len(ends)))].numpy()
    episodes = np.searchsorted(ends, np.arange(ends[-1]), side="right")
    return torch.from_numpy(np.isin(episodes, held))


def fit_chances(
    net: nn.Module, inputs: Callable[[Tensor], Tensor], actions: Tensor, held: Tensor
) -> None:
    """Fit a net until frames that it does not learn from get no likelier.

    Where there is nothing to learn from, or to judge by, it stays as it is.

    Args:
        net: inputs to logits (n, A); changed in place, and left in evaluation mode.
        inputs: numbers of frames, int64 (n,), to what the net sees of them.
        actions: int64 (frames,), each frame's; −1 where there is none to learn from.
        held: bool (frames,), those that it does not learn from.
    """
    learnt, looked_at = ((actions >= 0) & ~held).nonzero()[:, 0], ((actions >= 0) & held).nonzero()
    looked_at = looked_at[: 8 * BATCH, 0]
    if not len(learnt) or not len(looked_at):
        net.eval()
        return
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best, kept, worse = float("inf"), net.state_dict(), 0
    for step in track(range(STEPS), "blocked keys"):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / STEPS)
        at = learnt[torch.randint(len(learnt), (BATCH,))]
        loss = F.cross_entropy(net(inputs(at)), actions[at])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % CHECK == 0:
            net.eval()
            with torch.inference_mode():
                now = float(F.cross_entropy(net(inputs(looked_at)), actions[looked_at]))
            net.train()
            worse = 0 if now < best else worse + 1
            if now < best:
                best, kept = now, {name: value.clone() for name, value in net.state_dict().items()}
            if worse == PATIENCE:
                break
    net.load_state_dict(kept)
    net.eval()
