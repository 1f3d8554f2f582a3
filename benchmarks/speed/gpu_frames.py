"""What a CUDA graph and bfloat16 are worth in play on a GPU, for one player and for many.

    python -m benchmarks.speed.gpu_frames [--players 1 16 256] [--steps 2] [--json FILE]

The common shape with new weights: 64 tokens of 1,000 codes, width 256, 6 layers, 16 frames in
sight. A frame is sampled and committed, not decoded. The ways take turns in one process; a ratio is
the median of the ratios of neighbours. On a CPU there are no graphs, only the fixed buffers. With
the same noise a graph draws what single launches draw, but for a rare token whose logits are even:
`same_tokens` says how many are the same in float32 after the same frames. Below 0.99, or where a
GPU records no graph, the command fails.
"""

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.frame_latency import COMMON, ratio, rounded
from dynamics.model import Dynamics
from dynamics.sampler import draw_noise, sample_frame
from genie.device import check_precision, pick_device
from spacetime.step.cuda_graph import RUNS_BEFORE

LEAST_SAME = 0.99
COMPARED = 8


class Play:
    """One way to sample frames of B players, on new weights.

    Attributes:
        cache: their histories.
    """

    def __init__(
        self, device: torch.device, players: int, steps: int, dtype: torch.dtype, plain: bool
    ) -> None:
        """Begin without frames.

        Args:
            device: where.
            players: B.
            steps: M.
            dtype: of the products with weights.
            plain: block by block, launched one by one, in place of fixed buffers and a graph.
        """
        torch.manual_seed(0)
        self._dynamics = Dynamics(COMMON).to(device).eval().requires_grad_(False)
        stack = self._dynamics.stack
        stack.product_dtype, stack.buffered = dtype, not plain
        self._action = torch.zeros(players, dtype=torch.int64, device=device)
        self._seeds, self._steps = list(range(players)), steps
        self.cache = self._dynamics.new_cache(players)

    @torch.inference_mode()
    def draw(self) -> Tensor:
        """Sample a frame, int64 (B, S)."""
        noise = draw_noise(self._seeds, self.cache.position, self._steps, COMMON.num_tokens)
        return sample_frame(
            self._dynamics, self._action, self.cache,
            noise=noise, unmask_order="confidence", temperature=1.0,
        )  # fmt: skip

    @torch.inference_mode()
    def commit(self, ids: Tensor) -> None:
        """Add a frame to the histories."""
        self._dynamics.commit(ids, self._action, self.cache)

    def frame(self) -> float:
        """Sample and commit a frame, and return how many ms it took."""
        begin = time.perf_counter()
        ids = self.draw()
        self.commit(ids)
        ids.cpu()  # waits for the GPU
        return (time.perf_counter() - begin) * 1000


def same_tokens(graph: Play, plain: Play) -> float:
    """Return the fraction of tokens that both draw after the same frames."""
    same = []
    for _ in range(COMPARED):
        ids, expected = graph.draw(), plain.draw()
        same.append((ids == expected).double().mean().item())
        for play in (graph, plain):
            play.commit(expected)
    return statistics.mean(same)


def measure(device: torch.device, players: int, steps: int, repeats: int) -> dict[str, object]:
    """Let the ways take turns for so many players."""
    ways = {"single launches": (torch.float32, True), "graph": (torch.float32, False)}
    try:
        check_precision("bfloat16", device)
        ways["graph, bfloat16"] = (torch.bfloat16, False)
    except ValueError:
        pass
    plays = {name: Play(device, players, steps, *how) for name, how in ways.items()}
    graph, plain = plays["graph"], plays["single launches"]
    for _ in range(RUNS_BEFORE // (steps + 1) + 2):
        ids = plain.draw()
        for play in plays.values():
            play.draw()
            play.commit(ids)
    same = same_tokens(graph, plain)
    taken = {name: [] for name in plays}
    for _ in range(repeats):
        for name, play in plays.items():
            taken[name].append(play.frame())
    return {
        "players": players,
        "same_tokens": same,
        "frames_per_second": {
            name: players * 1000 / statistics.median(times) for name, times in taken.items()
        },
        "times_as_fast": {name: ratio(taken, "single launches", name) for name in plays},
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
    # A GPU that records no graph says so in a warning; here it is what is measured.
    warnings.filterwarnings("error", message="frames take as long as their single launches")
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
