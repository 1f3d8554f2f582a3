"""Fully sharded fits: each process keeps a part of every weight, gradient and optimizer's state.

Source: FSDP2 (`torch.distributed.fsdp.fully_shard`). Averaged weights stay whole in each process:
checks, and histories that a dynamics draws itself, run them in ways of their own.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from spacetime.blocks import SpaceTimeBlock
from spacetime.ranks import take_from_first

SHARD = "shard"
ENTRIES = ("training_loss", "two_stream", "masked_stream")
"""Ways into a model or a block beside its forward, before which its weights must be whole."""


def shard_module(module: nn.Module, mesh: DeviceMesh) -> nn.Module:
    """Shard the model of a `FitModule`, block by block; one that cannot be sharded is copied."""
    device = torch.device(mesh.device_type)
    module.to(device)
    take_from_first(list(module.state_dict().values()))
    if not module.SHARDED:
        ids = None if device.type == "cpu" else [torch.cuda.current_device()]
        return DistributedDataParallel(module, ids, find_unused_parameters=True)
    mesh = mesh["data_parallel"]
    blocks = [part for part in module.model.modules() if isinstance(part, SpaceTimeBlock)]
    for part in (*blocks, module.model):
        fully_shard(part, mesh=mesh)
        for name in ENTRIES:
            if hasattr(part, name):
                register_fsdp_forward_method(part, name)
    return module


def whole(tensor: Tensor) -> Tensor:
    """Return a tensor with all its shards; all processes call it in the same order."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def shard_like(value: Tensor, like: Tensor) -> Tensor:
    """Return a tensor that every process has whole, sharded as another one is."""
    if not isinstance(like, DTensor):
        return value
    value = value.to(like.device)
    return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)


def load_whole(module: nn.Module, state: dict[str, Tensor]) -> None:
    """Load a state of whole weights into a module that may be sharded."""
    own = module.state_dict()
    module.load_state_dict({name: shard_like(value, own[name]) for name, value in state.items()})


def shard_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Shard what an optimizer has loaded of whole states as its weights are."""
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                state[name] = shard_like(value, weight)


def own_part(state: Any, is_first: bool) -> Any:
    """Return this process's part of a nested state; what is not sharded is the first one's."""
    if isinstance(state, dict):
        return {key: own_part(value, is_first) for key, value in state.items()}
    if isinstance(state, list):
        return [own_part(value, is_first) for value in state]
    if isinstance(state, DTensor):
        return {SHARD: state.to_local().detach().cpu()}
    return state if is_first else None


def join_parts(parts: Sequence[Any]) -> Any:
    """Return the whole state of the parts of all processes, in their order."""
    first = parts[0]
    if isinstance(first, dict) and first.keys() == {SHARD}:
        return torch.cat([part[SHARD] for part in parts])
    if isinstance(first, dict):
        return {key: join_parts([part[key] for part in parts]) for key in first}
    if isinstance(first, list):
        return [join_parts(each) for each in zip(*parts, strict=True)]
    return first
