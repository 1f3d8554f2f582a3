"""Several processes that train together: what each of them adds to one batch."""

import torch
from torch import Tensor, distributed


def rank_and_count() -> tuple[int, int]:
    """Return the number of this process, from 0, and how many train together; (0, 1) if alone."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


@torch.no_grad()
def mean_of_ranks(value: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes, without a gradient."""
    _, count = rank_and_count()
    if count == 1:
        return value
    total = value.clone()
    distributed.all_reduce(total)
    return total / count


def rank_weight(total: Tensor) -> Tensor | float:
    """Return what a mean counts in this process, if it is over `total` items; 1 if alone.

    Times it, means over unequal numbers of items average over processes to the mean of them all.
    """
    return 1.0 if rank_and_count()[1] == 1 else total / mean_of_ranks(total.float())


@torch.no_grad()
def gather_rows(rows: Tensor) -> Tensor:
    """Return the rows of all processes, (R·n, …), in their order; each has as many, (n, …)."""
    _, count = rank_and_count()
    if count == 1:
        return rows
    # A boolean or another small type is not one that every backend can send.
    sent = rows.to(torch.uint8) if rows.dtype == torch.bool else rows
    parts = [torch.empty_like(sent) for _ in range(count)]
    distributed.all_gather(parts, sent.contiguous())
    return torch.cat(parts).to(rows.dtype)


def normal_rows(rows: Tensor) -> Tensor:
    """Draw normal numbers of the shape of `rows` (n, …), as for the rows of all processes at once.

    Each process draws for all of them, from the same seed, and takes its own.
    """
    rank, count = rank_and_count()
    if count == 1:
        return torch.randn_like(rows)
    shape = (count * len(rows), *rows.shape[1:])
    drawn = torch.randn(shape, dtype=rows.dtype, device=rows.device)
    return drawn[rank * len(rows) :][: len(rows)]


@torch.no_grad()
def take_from_first(tensors: list[Tensor]) -> None:
    """Overwrite tensors with those of the first process; nothing happens if alone.

    What is computed from the same numbers need not be equal on two GPUs, which add in any order.
    """
    if rank_and_count()[1] == 1:
        return
    for tensor in tensors:
        sent = tensor.to(torch.uint8) if tensor.dtype == torch.bool else tensor.contiguous()
        distributed.broadcast(sent, src=0)
        tensor.copy_(sent)
