"""How a policy is cloned: the numbers of the method."""

from dataclasses import dataclass

from train.recipe import FitConfig


@dataclass(frozen=True, kw_only=True)
class PolicyMethod:
    """How a policy is cloned.

    Attributes:
        jitter: each colour of a clip is scaled by 1 ± this and shifted by ± half of it, at random.
        held_out: transitions that a check is measured on, at most.
    """

    jitter: float = 0.1
    held_out: int = 2048


FIT = FitConfig(share=1.0, steps=800, batch=64, frames=2, lr=4e-3, ema=0.98, warmup=0.04)
"""How the network is fitted; `genie train policy` has no recipe, for there is one size."""
