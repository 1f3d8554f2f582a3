"""Which keys may have been pressed, and which ones were, by how keys are held."""

import torch
from torch import Tensor

from lam.holding import Holding

_NEVER = -1e4  # in place of minus infinity: impossible keys all along an episode still compare


class PossibleKeys(Holding):
    """A Markov chain over keys, each with its share; what is seen allows some and excludes others.

    Code 0 moves nothing, and nothing moves under a key that something blocks.
    """

    def __init__(self, num_keys: int) -> None:
        """Build the chain of A keys."""
        super().__init__(num_keys)
        self.register_buffer("shares", torch.full((num_keys,), 1 / num_keys))
        """How often each key is pressed."""

    def log_transition(self) -> Tensor:
        """Return the log probability of the next key given this one, (A, A)."""
        same = torch.eye(self.num_keys, device=self.hold.device)
        return (self.hold * same + (1 - self.hold) * self.shares).clamp_min(1e-9).log()

    @staticmethod
    def scores(motions: Tensor, blocked: Tensor, looks: Tensor, looked: Tensor) -> Tensor:
        """Return 0 for keys that a transition allows, and a very low number for others.

        Args:
            motions: int64 (...,), the code that is seen.
            blocked: bool (..., A), which steps are blocked where the player stands.
            looks: bool (..., A), the keys that its look allows afterwards; code 0 is left out.
            looked: the same before.

        Returns:
            float32 (..., A).
        """
        one = torch.nn.functional.one_hot(motions, blocked.shape[-1]).bool()
        turned = ~(looks & looked)[..., 1:].any(-1) & looks[..., 1:].any(-1)
        allowed = looks.clone()
        allowed[..., 0] = ~turned  # a player who turns shows a key
        possible = (blocked | turned[..., None]) & allowed
        possible[..., 0] = ~turned
        possible = torch.where((motions == 0)[..., None], possible, one)
        possible |= one & ~possible.any(-1, keepdim=True)
        return torch.where(possible, 0.0, _NEVER)

    @torch.no_grad()
    def draw(self, scores: Tensor, seeds: Tensor) -> Tensor:
        """Draw keys int64 (B, S) of episodes, as likely as they are given the whole episode.

        Args:
            scores: (B, S, A), as of `Holding.most_likely`.
            seeds: int64 (B,), of each episode's draw.
        """
        transition, steps = self.log_transition(), scores.shape[1]
        forward = [self.shares.log() + scores[:, 0]]
        for t in range(1, steps):
            reached = (forward[-1][:, :, None] + transition).logsumexp(dim=1)
            forward.append(reached + scores[:, t])
        noise = torch.stack([_gumbel(int(seed), (steps, self.num_keys)) for seed in seeds])
        noise = noise.to(scores.device)
        keys = [(forward[-1] + noise[:, -1]).argmax(dim=1)]
        for t in range(steps - 2, -1, -1):
            keys.append((forward[t] + transition[:, keys[-1]].T + noise[:, t]).argmax(dim=1))
        return torch.stack(keys[::-1], dim=1)


def _gumbel(seed: int, size: tuple[int, int]) -> Tensor:
    """Return noise whose argmax, added to logarithms of chances, is drawn by these chances."""
    uniform = torch.rand(size, generator=torch.Generator().manual_seed(seed))
    return -(-uniform.clamp_min(1e-12).log()).clamp_min(1e-12).log()
