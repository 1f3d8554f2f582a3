"""Dynamics of one frame: drafts and a commit on the cache, against recomputing the whole window.

Both ways run in turn in one process on the same weights, so their ratio holds on a busy machine
where absolute times do not. Pixels are not decoded in either.

    python benchmarks/cached_step.py [WORLD] [--steps M] [--window T] [--repeats R] [--json FILE]
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from genie.library.bundle import load_bundle
from genie.library.catalog import find_world


class DynamicsLike(Protocol):
    """What is timed of dynamics.model.Dynamics."""

    def forward(self, ids: Tensor, actions: Tensor, masked: Tensor) -> Tensor:
        """All frames at once, both streams: logits (B, T, N, K)."""

    def draft(self, ids: Tensor, action: Tensor, cache: object) -> Tensor:
        """One frame on the cache: logits (B, N, K)."""

    def commit(self, ids: Tensor, action: Tensor, cache: object) -> None:
        """Write one finished frame into the cache."""

    def new_cache(self, batch: int) -> object:
        """An empty cache."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds of dynamics for one new frame, medians over the repeats.

    Attributes:
        cached_ms: M drafts and one commit on a full cache.
        window_ms: M forwards over the window, both streams.
        ratio: the second over the first, as measured.
        one_stream_ratio: half of it: what a net with one masked stream over the same window, as
            open reproductions run it, would be slower by at the least.
    """

    cached_ms: float
    window_ms: float
    ratio: float
    one_stream_ratio: float


@torch.inference_mode()
def measure(
    dynamics: DynamicsLike,
    *,
    num_tokens: int,
    num_codes: int,
    steps: int,
    window: int,
    repeats: int,
    device: str = "cpu",
) -> Timing:
    """Time both ways in turn.

    Args:
        dynamics: the model, on `device`.
        num_tokens: N.
        num_codes: K.
        steps: M, refinement passes a frame.
        window: T, frames that the slow way recomputes; also committed before the fast way starts.
        repeats: new frames to time; two more warm up.
        device: where the model is.

    Returns:
        The timing.
    """
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(num_codes, (1, window, num_tokens), generator=generator).to(device)
    action = torch.zeros(1, dtype=torch.int64, device=device)
    actions = action.repeat(1, window - 1)
    unknown = torch.full_like(ids[:, 0], num_codes)
    masked = torch.zeros(ids.shape, dtype=torch.bool, device=device)
    masked[:, -1] = True
    cache = dynamics.new_cache(1)
    for frame in range(window):
        dynamics.commit(ids[:, frame], action, cache)

    def cached() -> None:
        for _ in range(steps):
            dynamics.draft(unknown, action, cache)
        dynamics.commit(ids[:, 0], action, cache)

    def whole_window() -> None:
        for _ in range(steps):
            dynamics.forward(ids, actions, masked)

    pairs = [(clock(cached, device), clock(whole_window, device)) for _ in range(repeats + 2)][2:]
    fast, slow = (statistics.median(times) for times in zip(*pairs, strict=True))
    return Timing(
        cached_ms=fast, window_ms=slow, ratio=slow / fast, one_stream_ratio=slow / fast / 2
    )


def clock(work: Callable[[], None], device: str) -> float:
    """Run once; return the milliseconds it took."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    begin = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return (time.perf_counter() - begin) * 1000


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("world", nargs="?", help="a world's name or folder; default: the shipped")
    parser.add_argument("--steps", type=int, help="refinement passes; default: the world's own")
    parser.add_argument("--window", type=int, default=16, help="frames that are recomputed")
    parser.add_argument("--repeats", type=int, default=20, help="frames timed each way")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's choice")
    parser.add_argument("--json", type=Path, help="write the result here as well")
    return parser.parse_args()


def main() -> None:
    """Measure a world and print one JSON record."""
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    bundle = load_bundle(find_world(args.world), device=args.device)
    steps = args.steps or bundle.settings.steps
    timing = measure(
        bundle.dynamics,
        num_tokens=bundle.tokenizer.num_tokens,
        num_codes=bundle.tokenizer.num_codes,
        steps=steps,
        window=args.window,
        repeats=args.repeats,
        device=args.device,
    )
    record = {
        "world": bundle.name,
        "fingerprint": bundle.fingerprint,
        "steps": steps,
        "window": args.window,
        "device": args.device,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "torch": torch.__version__,
        **{name: round(value, 3) for name, value in asdict(timing).items()},
    }
    text = json.dumps(record, indent=2)
    print(text)
    if args.json:
        args.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
