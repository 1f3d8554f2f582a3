"""Rates of reading and of a whole build, against FFmpeg's own decode, crop and scale.

    python benchmarks/speed/build_rate.py [VIDEO ...] [--size 64x64] [--rounds 3] [--cores 1 2]

On one core, CPU seconds are compared, and on more of them seconds. Each figure is the median of
rounds that take turns, so that a busy machine slows all alike. FFmpeg is run twice: with its usual
area scaling, and with the build's own filters, which round exactly. A build does more than either:
it starts Python, reads all time stamps, measures and decides, looks for copies, compresses and
writes. Without VIDEO two are drawn: 1080p60 and 160x120, both H.264.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corpus.readers.ffmpeg.filter_graph import FLAGS

KINDS = {"1080p60": "1920x1080:r=60:d=30", "160x120": "160x120:r=30:d=600"}
READ = """
import sys
from pathlib import Path
from corpus.readers.base import ReadOptions
from corpus.readers.read import read_frames
from corpus.readers.layout import Shaping
from corpus.readers.video import VideoReader
path, size = Path(sys.argv[1]), tuple(map(int, sys.argv[2].split("x")))
(source,) = VideoReader().sources(path, path.name, ReadOptions())
print(sum(1 for _ in read_frames(source, ReadOptions(), Shaping(size=size))))
"""
BUILD = "from genie.cli import main; raise SystemExit(main())"


def draw(folder: Path) -> list[Path]:
    """Draw moving pictures with noise, which does not compress as if it were empty."""
    paths = []
    for name, shape in KINDS.items():
        paths.append(folder / f"{name}.mp4")
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s={shape}"]
        command += ["-vf", "noise=alls=8:allf=t", "-c:v", "libx264", "-preset", "veryfast"]
        command += ["-crf", "24", "-pix_fmt", "yuv420p", str(paths[-1])]
        subprocess.run(command, check=True)
    return paths


def measured(command: list[str]) -> tuple[float, float, str]:
    """Run a command: (CPU seconds, seconds, what it prints)."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, seconds, said


def commands(path: Path, size: str) -> dict[str, list[str]]:
    """Each way to read a video; the build's folder comes last."""
    high, wide = size.split("x")
    shape = f"{wide}/{high}"
    crop = f"crop='min(iw,ih*{shape})':'min(ih,iw/({shape}))'"
    ways = {
        "ffmpeg": f"{crop},scale={wide}:{high}:flags=area,format=rgb24",
        "exact": f"{crop},scale={wide}:{high}:flags={FLAGS},format=gbrp,scale=flags={FLAGS},"
        "format=rgb24",
    }
    start, end = ["ffmpeg", "-v", "error", "-i", str(path), "-an"], ["-f", "rawvideo", "-y"]
    build = [sys.executable, "-c", BUILD, "corpus", "build", str(path), "--size", size]
    return {
        **{way: [*start, "-vf", filters, *end, "/dev/null"] for way, filters in ways.items()},
        "read": [sys.executable, "-c", READ, str(path), size],
        "build": [*build, "--out"],
    }


def compare(path: Path, size: str, cores: set[int], rounds: int) -> None:
    """Measure one video each way on some cores, and print a line."""
    os.sched_setaffinity(0, cores)
    took: dict[str, list[float]] = {name: [] for name in commands(path, size)}
    frames = 0
    for _ in range(rounds):
        for name, command in commands(path, size).items():
            with tempfile.TemporaryDirectory() as folder:
                whole = [*command, f"{folder}/corpus"] if name == "build" else command
                cpu, seconds, said = measured(whole)
            took[name].append(cpu if len(cores) == 1 else seconds)
            frames = int(said) if name == "read" else frames
    rates = {name: frames / statistics.median(times) for name, times in took.items()}
    print(
        f"{path.name:16} {len(cores)} core{'s' * (len(cores) > 1)}  {frames} frames  a second: "
        + "  ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
        + "  build to ffmpeg "
        + " and ".join(f"{rates['build'] / rates[way]:.2f}" for way in ("ffmpeg", "exact")),
        flush=True,
    )


def main() -> None:
    """Compare every video on one core and on all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--size", default="64x64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, nargs="+", help="default: one, and all")
    given = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("ffmpeg is not installed")
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        for path in given.videos or draw(Path(folder)):
            for count in given.cores or (1, len(cores)):
                compare(path, given.size, set(cores[-count:]), given.rounds)


if __name__ == "__main__":
    main()
