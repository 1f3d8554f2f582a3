"""Where the time of a frame goes, and how it stands to its own products and to other ways to play.

    python -m benchmarks.frame_latency [--steps 8 25] [--threads 1 2] [--json FILE]

The common shape has new weights: 64 tokens of 1,000 codes, width 256, 6 layers, 16 frames in sight.
What is compared runs in turn, and a ratio is the median of the ratios of neighbours: it holds on a
busy machine, where milliseconds do not. Then the worlds that ship play, each at its own settings.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.speed.one_token_at_a_time import OneTokenAtATime
from dynamics.model import Dynamics, DynamicsConfig
from dynamics.sampler import draw_noise, sample_frame
from genie.device import PRECISIONS, has_fast_bfloat16
from genie.library.catalog import list_worlds
from genie.rollouts.frame_decoder import FrameDecoder
from genie.world import World
from spacetime.step.frame_step import lay_out_weights
from tokenizer.model import Tokenizer, TokenizerConfig

COMMON = DynamicsConfig(
    num_tokens=64, num_codes=1000, num_actions=8, dim=256, heads=8, layers=6, band=16
)
Work = Callable[[], object]


def alternate(works: dict[str, Work], repeats: int) -> dict[str, list[float]]:
    """Run all in turn, twice to warm up and then `repeats` times: milliseconds of each run."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats + 2):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            taken[name].append((time.perf_counter() - begin) * 1000)
    return {name: times[2:] for name, times in taken.items()}


def ratio(taken: dict[str, list[float]], one: str, other: str) -> float:
    """Return the median of the ratios of runs that were neighbours."""
    return statistics.median(a / b for a, b in zip(taken[one], taken[other], strict=True))


class Stopwatch:
    """Adds up the milliseconds in methods of objects, nested ones too."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.taken: dict[str, float] = {}

    def watch(self, name: str, thing: object, method: str) -> None:
        """Count what a method takes from here on under a name."""
        run = getattr(thing, method)

        def timed(*args: object, **kwargs: object) -> object:
            begin = time.perf_counter()
            result = run(*args, **kwargs)
            took = (time.perf_counter() - begin) * 1000
            self.taken[name] = self.taken.get(name, 0.0) + took
            return result

        setattr(thing, method, timed)


class Play:
    """A dynamics on a full cache, and the ways to compute its next frame."""

    def __init__(self, config: DynamicsConfig, product_dtype: torch.dtype = torch.float32) -> None:
        """Draw weights, and fill the cache."""
        torch.manual_seed(0)
        self.dynamics = Dynamics(config).eval().requires_grad_(False)
        self.dynamics.stack.product_dtype = product_dtype
        lay_out_weights(self.dynamics)
        tokens, frames = config.num_tokens, config.band
        self.ids = torch.randint(config.num_codes, (1, frames, tokens))
        self.action = torch.zeros(1, dtype=torch.int64)
        self.unknown = torch.full((1, tokens), config.num_codes)
        self.cache = self.dynamics.new_cache(1)
        for frame in range(frames):
            self.commit(frame)
        self._narrow, self._wide = (
            torch.randn(tokens, config.dim),
            torch.randn(tokens, 4 * config.dim),
        )
        self._weights = self._products_of(self.dynamics)
        self._plain = [weight.contiguous() for weight in self._weights]

    @staticmethod
    def _products_of(dynamics: Dynamics) -> list[Tensor]:
        """Return the matrices that a draft multiplies by, in its order."""
        weights = []
        for block in dynamics.stack.blocks:
            for layer in (
                block.space.qkv, block.space.out, block.time.qkv, block.time.out, block.feed.up,
                block.feed.down,
            ):  # fmt: skip
                weights.append(layer.weight)
        return [*weights, dynamics.head.weight]

    def draft(self) -> None:
        """Draft a frame, all of it masked."""
        self.dynamics.draft(self.unknown, self.action, self.cache)

    def commit(self, frame: int = 0) -> None:
        """Commit a frame."""
        self.dynamics.commit(self.ids[:, frame], self.action, self.cache)

    def sample(self, steps: int) -> None:
        """Sample a frame's tokens."""
        sample_frame(
            self.dynamics, self.action, self.cache,
            noise=draw_noise([0], self.cache.position, steps, self.ids.shape[2]),
            unmask_order="confidence", temperature=1.0,
        )  # fmt: skip

    def frame(self, steps: int) -> None:
        """Sample a frame, and commit one."""
        self.sample(steps)
        self.commit()

    def products(self, weights: list[Tensor] | None = None) -> None:
        """Compute the matrix products of a draft and nothing else, in its order."""
        for weight in self._weights if weights is None else weights:
            narrow = weight.shape[1] == self._narrow.shape[1]
            F.linear(self._narrow if narrow else self._wide, weight)

    def plain_products(self) -> None:
        """Compute the same products by weights that lie as they were trained."""
        self.products(self._plain)

    def commit_products(self) -> None:
        """Compute the matrix products of a commit."""
        self.products(self._weights[:-4])

    def window(self) -> None:
        """Compute one draft as a program without a cache does: from all frames in sight."""
        x = self.dynamics._embed(self.ids, torch.zeros(1, self.ids.shape[1], dtype=torch.int64))
        self.dynamics.head(self.dynamics.stack(x)[:, -1])


@torch.inference_mode()
def split(play: Play, decode: Work, steps: int, repeats: int) -> dict[str, float]:
    """Return the milliseconds of a frame, mean of the repeats: the whole of it, and its parts.

    Products are timed by themselves, the other parts where they are; `rest` is what remains.
    """
    watch, frame = Stopwatch(), play.cache.frame_step
    watched = {
        "attention": ((frame._space, "mix"), (frame._time, "mix")),
        "head": ((play.dynamics.head, "forward"),),
        "drafts": ((play.dynamics, "draft"),),
        "sample": ((play, "sample"),),
    }
    for name, methods in watched.items():
        for thing, method in methods:
            watch.watch(name, thing, method)
    works = {
        "frame": lambda: play.frame(steps),
        "trunk": lambda: play.products(play._weights[:-1]),
        "commit": play.commit_products,
        "decode": decode,
    }
    mean = {name: statistics.mean(times) for name, times in alternate(works, repeats).items()}
    inside = {name: took / (repeats + 2) for name, took in watch.taken.items()}
    for methods in watched.values():
        for thing, method in methods:
            delattr(thing, method)
    parts = {
        "products": mean["trunk"] * steps + mean["commit"],
        "attention": inside["attention"],
        "head": inside["head"],
        "sampling": inside["sample"] - inside["drafts"],
        "decode": mean["decode"],
    }
    whole = mean["frame"] + mean["decode"]
    return {"frame": whole} | parts | {"rest": whole - sum(parts.values())}


@torch.inference_mode()
def measure_common(config: DynamicsConfig, steps: list[int], repeats: int) -> dict[str, object]:
    """Measure a dynamics of new weights, with the threads that torch has now."""
    play = Play(config)
    tokenizer = Tokenizer(TokenizerConfig(height=64, width=64)).eval().requires_grad_(False)
    lay_out_weights(tokenizer)
    decoder, codes = FrameDecoder(tokenizer), torch.zeros(1, tokenizer.num_tokens)
    drafts = alternate({"draft": play.draft, "own": play.products}, 5 * repeats)
    plain = alternate({"draft": play.draft, "plain": play.plain_products}, 5 * repeats)
    record: dict[str, object] = {
        "draft_ms": statistics.median(drafts["draft"]),
        "products_ms": statistics.median(drafts["own"]),
        "to_own_products": ratio(drafts, "draft", "own"),
        "to_plain_products": ratio(plain, "draft", "plain"),
    }
    if has_fast_bfloat16(torch.device("cpu")):
        record["bfloat16"] = measure_rounded(play, Play(config, torch.bfloat16), steps, repeats)
    alone = OneTokenAtATime(play.dynamics, play.cache)
    for number in steps:
        works = {
            "frame": lambda number=number: play.frame(number),
            "window": play.window,
            "tokens": lambda: alone.frame(play.action),
        }
        taken = alternate(works, repeats)
        record[f"{number} steps"] = {
            "uncached_loop": number * ratio(taken, "window", "frame"),
            "one_token_at_a_time": ratio(taken, "tokens", "frame"),
            "ms": split(play, lambda: decoder.draw(codes), number, repeats),
        }
    return record


def measure_rounded(play: Play, rounded: Play, steps: list[int], repeats: int) -> dict[str, float]:
    """Measure products in bfloat16 beside those in float32."""
    drafts = alternate({"draft": rounded.draft, "own": play.products}, 5 * repeats)
    record = {
        "draft_ms": statistics.median(drafts["draft"]),
        "to_own_products_in_float32": ratio(drafts, "draft", "own"),
    }
    for number in steps:
        works = {
            "float32": lambda number=number: play.frame(number),
            "bfloat16": lambda number=number: rounded.frame(number),
            "window": play.window,
        }
        taken = alternate(works, repeats)
        record[f"{number} steps, times as fast"] = ratio(taken, "float32", "bfloat16")
        record[f"{number} steps, uncached_loop"] = number * ratio(taken, "window", "bfloat16")
    return record


def measure_worlds(frames: int, precision: str) -> dict[str, float]:
    """Return frames a second of each world that ships, by the median of its frames, in turn."""
    worlds = {card.name: World.load(card.path, precision=precision) for card in list_worlds()}
    for world in worlds.values():
        world.reset(world.bundle.prompts[0])
    keys = iter(range(len(worlds) * (frames + 2)))
    works = {
        name: lambda world=world: world.step(next(keys) // 24 % world.bundle.num_actions)
        for name, world in worlds.items()
    }
    return {
        name: 1000 / statistics.median(times) for name, times in alternate(works, frames).items()
    }


def rounded(value: object) -> object:
    """Round all numbers of a record to three digits after the point."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def main() -> None:
    """Measure what is asked for; print it as json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[8, 25])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the result here as well")
    options = parser.parse_args()
    record: dict[str, object] = {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
    for threads in options.threads:
        torch.set_num_threads(threads)
        found = measure_common(COMMON, options.steps, options.repeats)
        for precision in PRECISIONS[: 1 + has_fast_bfloat16(torch.device("cpu"))]:
            of_worlds = measure_worlds(4 * options.repeats, precision)
            found[f"worlds in {precision}, frames/s"] = of_worlds
        record[f"{threads} threads"] = rounded(found)
    lines = json.dumps(record, indent=2)
    print(lines)
    if options.json:
        options.json.write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
