"""How long does training wait for frames that stay on object storage, beside a disk?

    python -m benchmarks.speed.storage_rate CORPUS [--url s3://BUCKET/NAME] [--steps 100]

Without ``--url`` the corpus is copied to an S3 server that is started on this machine (moto). The
same clips are drawn from each place, first with nothing read, then again with what the cache kept,
and a tokenizer is fitted on each. No corpus is held in memory as a whole.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from corpus.storage import copy_corpus
from corpus.store import Corpus
from train.data import frames
from train.data.clips import FrameClips
from train.pipeline import train

PORT = 5917
RECIPE = """
about: of a benchmark
tokenizer: {{fit: {{share: 1, steps: {steps}, batch: 16, frames: 2, checks: 1}}}}
lam: {{fit: {{share: 1, steps: 1, batch: 2, frames: 2, checks: 1}}}}
dynamics: {{fit: {{share: 1, steps: 1, batch: 2, frames: 4, checks: 1}}, model: {{band: 2}}}}
settings: {{steps: 2, order: random, temperature: 1.0}}
"""


@contextlib.contextmanager
def served(corpus: Path) -> Iterator[str]:
    """Serve a copy of a corpus by S3; yield its address."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    os.environ |= dict.fromkeys(names, "test") | {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{PORT}",
    }
    import boto3

    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(PORT)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(200):
                with contextlib.suppress(Exception):
                    boto3.client("s3").create_bucket(Bucket="corpora")
                    break
                time.sleep(0.2)
            yield str(copy_corpus(corpus, "s3://corpora/frames", progress=False))
        finally:
            server.terminate()


def time_draws(path: str, steps: int) -> list[float]:
    """Milliseconds a batch of 6 clips of 16 frames: with nothing read yet, and once more."""
    clips, times = FrameClips(Corpus.open(path), 16, 0), []
    for _ in range(2):
        start = time.perf_counter()
        for step in range(steps):
            clips.batch(6, 0, step)
        times.append(1000 * (time.perf_counter() - start) / steps)
    return times


def time_fit(path: str, steps: int) -> float:
    """Seconds that the fit of a tokenizer takes."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, "recipe.yaml")
        recipe.write_text(RECIPE.format(steps=steps))
        start = time.perf_counter()
        train("tokenizer", path, str(recipe), Path(folder, "run"), allow_collapsed=True)
        return time.perf_counter() - start


def main() -> None:
    """Measure, and print a line for each place and size of the cache."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--url", help="of a copy on object storage")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--cache", type=float, nargs="+", default=[25, 1000], help="megabytes")
    given = parser.parse_args()
    frames.Frames._home = lambda self: None  # as if the corpus were larger than the memory
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.nullcontext(given.url) if given.url else served(given.corpus) as url:
        for megabytes in given.cache:
            frames.MEMORY_FRACTION = megabytes * 1e6 / memory
            for name, path in (("disk", str(given.corpus)), ("object storage", url)):
                first, again = time_draws(path, given.steps)
                print(
                    f"{name}, {megabytes:g} MB kept: {first:.1f} ms a batch, then {again:.1f}; "
                    f"{given.steps} steps of the tokenizer {time_fit(path, given.steps):.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
