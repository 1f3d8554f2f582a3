"""One optimizer: Muon on the matrices of blocks, AdamW on the rest."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from genie.device import has_fast_bfloat16
from train.processes.shards import shard_like, shard_optimizer, whole
from train.recipe import FitConfig

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5


class Muon(torch.optim.Muon):
    """PyTorch's Muon with a step that is fast on every processor.

    PyTorch orthogonalises one matrix after another, in bfloat16, which a CPU without AVX-512-BF16
    multiplies 60 times slower than float32 (lab notes, 2026-11-21). This step takes matrices of one
    shape together, and bfloat16 only where it is fast. Singular vectors are of the whole matrix, so
    of one that is sharded every process gathers the momentum, and keeps its part of the update.

    Source: Muon (Jordan et al. 2024), with its coefficients and its scaling by shape.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Take one step; see `torch.optim.Muon.step`."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(weight.shape, []).append(weight)
            for shape, weights in by_shape.items():
                momentum = self._momentum(weights, group["momentum"])
                update = orthogonalize(torch.stack([whole(matrix) for matrix in momentum]))
                updates = [shard_like(*pair) for pair in zip(update, weights, strict=True)]
                rate = group["lr"] * math.sqrt(max(1.0, shape[0] / shape[1]))
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(weights, updates, alpha=-rate)

    def _momentum(self, weights: list[Tensor], momentum: float) -> tuple[Tensor, ...]:
        """Average the gradients over steps and look one step ahead (Nesterov)."""
        for weight in weights:
            if "momentum_buffer" not in self.state[weight]:
                self.state[weight]["momentum_buffer"] = torch.zeros_like(weight.grad)
        grads = [weight.grad for weight in weights]
        averages = [self.state[weight]["momentum_buffer"] for weight in weights]
        torch._foreach_lerp_(averages, grads, 1 - momentum)
        return torch._foreach_lerp(grads, averages, momentum)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Move singular values towards 1 (about 0.7 to 1.2) and keep singular vectors.

    Args:
        matrices: float32 (n, rows, columns).

    Returns:
        The same shape and type; between, bfloat16 is used where the device multiplies it fast.

    Source: Muon (Jordan et al. 2024), the quintic Newton–Schulz iteration.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrices.shape[-2] <= matrices.shape[-1]
    x = matrices if wide else matrices.mT
    x = x.bfloat16() if has_fast_bfloat16(x.device) else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x if wide else x.mT).to(matrices)


class MuonAdamW(torch.optim.Optimizer):
    """Muon and AdamW as one optimizer, with one state and one learning-rate factor."""

    def __init__(self, model: nn.Module, fit: FitConfig, apart: tuple[str, ...] = ()) -> None:
        """Divide the parameters of `model` by name and shape.

        Args:
            model: matrices whose name holds `blocks.` go to Muon, the rest to AdamW.
            fit: learning rates and weight decay.
            apart: how the names of parameters begin that have a learning rate of their own.
        """
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        matrices = [(n, p) for n, p in named if "blocks." in n and p.ndim == 2]
        chosen = {id(p) for _, p in matrices}
        rest = [(n, p) for n, p in named if id(p) not in chosen]
        super().__init__([p for _, p in named], {})
        self.parts: list[torch.optim.Optimizer] = []
        if matrices:
            self.parts.append(
                Muon(
                    _groups(matrices, apart),
                    lr=fit.matrix_lr,
                    weight_decay=fit.weight_decay,
                    momentum=fit.momentum,
                )
            )
        self.parts.append(
            torch.optim.AdamW(
                _groups(rest, apart), lr=fit.lr, betas=fit.betas, weight_decay=fit.weight_decay
            )
        )
        self.param_groups = [group for part in self.parts for group in part.param_groups]
        for group in self.param_groups:
            group["full_lr"] = group["lr"]

    def scale_lr(self, factor: float, apart: float = 1.0) -> None:
        """Set every learning rate to `factor` times its full value; those apart, `apart` of it."""
        for group in self.param_groups:
            own = apart if group["apart"] else 1.0
            group["lr"] = group["full_lr"] * factor * own

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with both; see `torch.optim.Optimizer.step`."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both parts."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what `state_dict` returned; rates stay those that this optimizer was made with.

        So a fit whose loss broke can be resumed at lower rates.
        """
        kept = ("full_lr", "weight_decay", "apart")
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            own = [{name: group[name] for name in kept} for group in part.param_groups]
            part.load_state_dict(state)
            shard_optimizer(part)
            for group, values in zip(part.param_groups, own, strict=True):
                group.update(values)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def _groups(named: list[tuple[str, Tensor]], apart: tuple[str, ...]) -> list[dict[str, Any]]:
    """Divide parameters into those that are not apart and those that are; none is left empty."""
    groups = [
        {"params": [p for n, p in named if n.startswith(apart) == which], "apart": which}
        for which in (False, True)
    ]
    return [group for group in groups if group["params"]]


def lr_factor(progress: float, fit: FitConfig) -> float:
    """Return the factor on the learning rate: warm-up, stable, decay.

    Args:
        progress: fraction of the fit that is done, 0 to 1.
        fit: lengths of warm-up and decay.

    Source: warm-up–stable–decay as in MiniCPM (Hu et al. 2024), section 4.
    """
    rise = progress / fit.warmup if fit.warmup else 1.0
    fall = (1 - progress) / fit.decay if fit.decay else 1.0
    return max(0.0, min(1.0, rise, fall))


@torch.no_grad()
def update_ema(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move averaged weights towards the model's; buffers are copied.

    Args:
        average: changed in place.
        model: the same architecture.
        decay: fraction kept a step, after the first few.
        step: steps taken; early on the average forgets faster.
    """
    decay = min(decay, (1 + step) / (10 + step))
    averaged = [p for p in average.parameters()]
    torch._foreach_lerp_(averaged, [whole(p.detach()) for p in model.parameters()], 1 - decay)
    for kept, current in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(current)
