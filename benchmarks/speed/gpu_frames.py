"""What a CUDA graph and bfloat16 are worth in play on a GPU, for one player and for many.

    python -m benchmarks.speed.gpu_frames [--players 1 16 256] [--steps 2] [--json FILE]

The common shape with new weights: 64 tokens of 1,000 codes, width 256, 6 layers, 16 frames in
sight. A frame is sampled and committed, not decoded. The ways take turns in one process; a ratio is
the median of the ratios of neighbours. On a CPU there are no graphs, only the fixed buffers. With
the same noise a graph draws what single launches draw, but for a rare token whose logits are even:
`same_tokens` says how many are the same in float32, and below 0.99 the command fails.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.frame_latency import COMMON, ratio, rounded
from dynamics.model import Dynamics
from dynamics.sampler import draw_noise, sample_frame
from genie.device import check_precision, pick_device
from spacetime.step.cuda_graph import RUNS_BEFORE

Frame = Callable[[], Tensor]
LEAST_SAME = 0.99


def frames(
    device: torch.device, players: int, steps: int, dtype: torch.dtype, plain: bool
) -> Frame:
    """Return what samples and commits a frame of each player, and gives its ids, int64 (B, S).

    Args:
        device: where.
        players: B.
        steps: M.
        dtype: of the products with weights.
        plain: block by block, launched one by one, in place of fixed buffers and a graph.
    """
    torch.manual_seed(0)
    dynamics = Dynamics(COMMON).to(device).eval().requires_grad_(False)
    dynamics.stack.product_dtype, dynamics.stack.buffered = dtype, not plain
    action = torch.zeros(players, dtype=torch.int64, device=device)
    seeds, cache = list(range(players)), dynamics.new_cache(players)

    def frame() -> Tensor:
        with torch.inference_mode():
            ids = sample_frame(
                dynamics, action, cache,
                noise=draw_noise(seeds, cache.position, steps, COMMON.num_tokens),
                unmask_order="confidence", temperature=1.0,
            )  # fmt: skip
            dynamics.commit(ids, action, cache)
            return ids.cpu()  # waits for the GPU

    return frame


def measure(device: torch.device, players: int, steps: int, repeats: int) -> dict[str, object]:
    """Let the ways take turns for so many players."""
    ways = {"single launches": (torch.float32, True), "graph": (torch.float32, False)}
    try:
        check_precision("bfloat16", device)
        ways["graph, bfloat16"] = (torch.bfloat16, False)
    except ValueError:
        pass
    works = {name: frames(device, players, steps, *how) for name, how in ways.items()}
    same = []
    for _ in range(RUNS_BEFORE // (steps + 1) + 4):  # the last ones are drawn by graphs
        drawn = {name: work() for name, work in works.items()}
        same.append((drawn["graph"] == drawn["single launches"]).double().mean().item())
    taken = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            taken[name].append((time.perf_counter() - begin) * 1000)
    return {
        "players": players,
        "same_tokens": statistics.mean(same),
        "frames_per_second": {
            name: players * 1000 / statistics.median(times) for name, times in taken.items()
        },
        "times_as_fast": {name: ratio(taken, "single launches", name) for name in works},
    }


def main() -> None:
    """Measure and print a line for each number of players."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--players", type=int, nargs="+", default=[1, 16, 256])
    parser.add_argument("--steps", type=int, default=2, help="refinement steps of a frame")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", type=Path, help="write the result here as well")
    given = parser.parse_args()
    device = pick_device(given.device)
    found = []
    for players in given.players:
        found.append(rounded(measure(device, players, given.steps, given.repeats)))
        print(json.dumps(found[-1]), flush=True)
    if given.json is not None:
        record = {"device": str(device), "steps": given.steps, "found": found}
        given.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if min(record["same_tokens"] for record in found) < LEAST_SAME:
        raise SystemExit(f"a graph draws other tokens than single launches do ({device})")


if __name__ == "__main__":
    main()
