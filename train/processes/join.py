"""One of several processes that train together joins the others, through Lightning's Fabric.

They are started by `launch.py`, or by torchrun or SLURM, whose variables Lightning reads.
"""

import contextlib
import os
import time
from collections.abc import Iterator

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import SLURMEnvironment
from lightning.fabric.strategies import DDPStrategy, ModelParallelStrategy, Strategy
from torch import distributed

from genie.device import pick_device
from train.loop.hardware import pick_precision
from train.loop.trainer import without_announcements
from train.processes.ranks import LONGEST_STEP, Ranks
from train.processes.shards import shard_module

SPEAKS_AFTER = 3.0
"""Seconds after which a process tells its error, unless another one's has ended them all by then:
what is wrong with the arguments, all of them find."""
LOST = ("gloo", "NCCL", "Connection closed", "Connection reset", "Timed out")


def count_devices(devices: int | str) -> int:
    """Return how many processes a machine gets; "auto" is one for each of its GPUs.

    Raises:
        ValueError: there are fewer GPUs.
    """
    there = torch.cuda.device_count()
    if devices == "auto":
        return max(1, there)
    if there and int(devices) > there:
        raise ValueError(f"--devices {devices}: this machine has {there} GPUs; give that, or auto")
    return int(devices)


def started() -> int | None:
    """Return as one of how many processes this one was started; None: by itself."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ.get("WORLD_SIZE", 1))
    tasks = int(os.environ["SLURM_NTASKS"]) if SLURMEnvironment.detect() else 1
    return tasks if tasks > 1 else None


@contextlib.contextmanager
def join(devices: int, nodes: int, sharded: bool = False) -> Iterator[Ranks]:
    """Join the processes that train together; alone, there is nothing to join.

    Args:
        devices: processes on each machine.
        nodes: machines.
        sharded: whether each keeps only a part of the model (FSDP2), not all of it (DDP).

    Raises:
        ValueError: others were started than are asked for, or the connection to one broke.
    """
    count = started() or 1
    if count != devices * nodes:
        raise ValueError(
            f"torchrun or srun has started {count} processes, --devices {devices} and --nodes "
            f"{nodes} are for {devices * nodes}: give both as they were given there"
        )
    if count == 1:
        yield Ranks()
        return
    fabric = launched(devices, nodes, sharded)
    with _quiet(fabric.global_rank), _plain_losses(fabric):
        ranks = Ranks(fabric, sharded)
        yield ranks
        ranks.wait()
        distributed.destroy_process_group()


def launched(devices: int, nodes: int, sharded: bool) -> Fabric:
    """Return Lightning's Fabric of this process; arguments as of `join`."""
    strategy: Strategy
    if sharded:
        size = {"data_parallel_size": devices * nodes, "tensor_parallel_size": 1}
        strategy = ModelParallelStrategy(shard_module, **size, timeout=LONGEST_STEP)
    else:
        # Once there are codes, an action model's encoder does not learn any more.
        strategy = DDPStrategy(timeout=LONGEST_STEP, find_unused_parameters=True)
    with without_announcements():
        fabric = Fabric(
            accelerator=pick_device().type, devices=devices, num_nodes=nodes, strategy=strategy,
            precision=pick_precision(),
        )  # fmt: skip
        fabric.launch()
    return fabric


@contextlib.contextmanager
def _plain_losses(fabric: Fabric) -> Iterator[None]:
    """Turn the loss of another process into one line; let the first one's errors come first."""
    try:
        yield
    except (ValueError, OSError, RuntimeError, SystemExit) as error:
        lost = isinstance(error, distributed.DistError) or (
            type(error) is RuntimeError and any(word in str(error) for word in LOST)
        )
        if lost or fabric.global_rank:
            time.sleep(SPEAKS_AFTER)
        if not lost:
            raise
        line = " ".join(str(error).split())[:200]
        raise ValueError(
            f"process {fabric.global_rank} of {fabric.world_size} has lost another one, which "
            f"ended or hangs ({line}); what the last checkpoint holds stays: go on with --resume"
        ) from None


@contextlib.contextmanager
def _quiet(number: int) -> Iterator[None]:
    """Silence every process but the first; errors are still raised."""
    if number == 0:
        yield
        return
    with (
        open(os.devnull, "w") as nothing,
        contextlib.redirect_stdout(nothing),
        contextlib.redirect_stderr(nothing),
    ):
        yield
