"""Frames a CPU second that a build reads, against FFmpeg's own decode, crop and scale.

    python benchmarks/build_rate.py [VIDEO ...] [--size 64x64] [--rounds 3]

Each figure is the median of rounds that take turns, so that a busy machine slows both alike.
Without VIDEO it draws two: 1080p60 and 160x120, both H.264.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KINDS = {"1080p60": "1920x1080:r=60:d=8", "160x120": "160x120:r=30:d=300"}


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


def measured(command: list[str]) -> tuple[float, str]:
    """Run a command: (CPU seconds, what it prints)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said


def ours(path: Path, size: tuple[int, int], threads: int) -> dict[str, float]:
    """Read a video here: frames, CPU seconds of all and of the quick pass, peak memory in MB."""
    from corpus.readers.base import ReadOptions
    from corpus.readers.read import read_frames
    from corpus.readers.shaper import Shaping
    from corpus.readers.video import VideoReader

    options = ReadOptions(threads=threads)
    VideoReader().sources(path, path.name, options)  # FFmpeg is loaded before the clock starts
    start = time.process_time()
    (source,) = VideoReader().sources(path, path.name, options)
    quick = time.process_time() - start
    frames = sum(1 for _ in read_frames(source, options, Shaping(size=size)))
    cpu = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"frames": frames, "cpu": cpu, "quick": quick, "peak": peak}


def compare(path: Path, size: str, threads: int, rounds: int) -> None:
    """Measure one video both ways and print a line."""
    high, wide = size.split("x")
    line = [sys.executable, __file__, str(path), "--size", size, "--read", str(threads)]
    shape = f"{wide}/{high}"
    crop = f"crop='min(iw,ih*{shape})':'min(ih,iw/({shape}))',scale={wide}:{high}:flags=area"
    ffmpeg = ["ffmpeg", "-v", "error", "-threads", str(threads)]
    ffmpeg += ["-filter_threads", str(threads), "-i", str(path), "-an", "-vf", crop]
    ffmpeg += ["-f", "rawvideo", "-y", "/dev/null"]
    theirs, here = [], []
    for _ in range(rounds):
        theirs.append(measured(ffmpeg)[0])
        here.append(json.loads(measured(line)[1]))
    frames = here[0]["frames"]
    rate = frames / statistics.median(run["cpu"] for run in here)
    other = frames / statistics.median(theirs)
    quick, peak = statistics.median(run["quick"] for run in here), max(run["peak"] for run in here)
    print(
        f"{path.name:20} threads {threads or 'all':>3}  {frames:7} frames  a CPU second: "
        f"here {rate:7.0f}  ffmpeg {other:7.0f}  ratio {rate / other:.2f}  "
        f"quick pass {quick:.2f} s  peak {peak:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Compare every video on one thread and on all cores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--size", default="64x64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--read", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read is not None:
        high, wide = map(int, given.size.split("x"))
        print(json.dumps(ours(given.videos[0], (high, wide), given.read)))
        return
    if shutil.which("ffmpeg") is None:
        sys.exit("ffmpeg is not installed")
    with tempfile.TemporaryDirectory() as folder:
        for path in given.videos or draw(Path(folder)):
            for threads in (1, 0):
                compare(path, given.size, threads, given.rounds)


if __name__ == "__main__":
    main()
