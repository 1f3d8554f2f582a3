"""The frames of a corpus, read once into the fastest memory that holds them."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from corpus.progress import track
from corpus.store import Corpus
from genie.device import pick_device
from train.data.chunk_cache import ChunkCache

GPU_FRACTION = 0.5
"""Fraction of the free memory of a GPU that frames may take; the rest is for the fit."""
MEMORY_FRACTION = 0.25
"""Fraction of the main memory that frames may take."""
READS = 16
"""Clips that are read at once where the frames stay where they are."""
BLOCK = 1024
"""Frames that are read from disk at a time: whole chunks, little memory."""
OWN_GROUPS, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
"""Where Linux says in which control groups a process is, and what these may use."""


class Frames:
    """Frames on the GPU if they fit, else in memory, else where the corpus lies: all the same.

    Nothing is read before the first access, so a stage that is finished costs nothing.
    """

    def __init__(self, corpus: Corpus, processes: int = 1) -> None:
        """Take the frames of `corpus`; so many processes of this machine do, and share memory."""
        self.corpus, self.memory = corpus, int(MEMORY_FRACTION * _memory() / processes)
        self.num_bytes = corpus.num_frames * corpus.height * corpus.width * 3

    @cached_property
    def held(self) -> Tensor | None:
        """All frames, uint8 (frames, H, W, 3), or None: they stay on disk."""
        device = self._home()
        if device is None:
            return None
        corpus = self.corpus
        size = (corpus.num_frames, corpus.height, corpus.width, 3)
        held = torch.empty(size, dtype=torch.uint8, device=device)
        starts = range(0, corpus.num_frames, BLOCK)
        for first in track(starts, "read frames", visible=len(starts) >= 100):
            last = min(first + BLOCK, corpus.num_frames)
            held[first:last].copy_(torch.from_numpy(corpus.read(first, last)))
        return held

    def fetch(self) -> None:
        """Read the frames now, where they fit, before a clock or a bar runs."""
        _ = self.held

    def release(self) -> None:
        """Free the memory; at the next access the frames are read again."""
        self.__dict__.pop("held", None)
        self.__dict__.pop("_chunks", None)

    def clips(self, starts: np.ndarray, length: int) -> Tensor:
        """Return the clips of T = `length` frames at `starts`: uint8 (B, T, H, W, 3)."""
        if self.held is None:
            spans = [(start, start + length) for start in starts.tolist()]
            # Object storage answers late, and many at a time; a disk unpacks on several cores.
            with ThreadPoolExecutor(READS) as pool:
                clips = list(pool.map(lambda span: self._chunks.read(*span), spans))
            return torch.from_numpy(np.stack(clips))
        index = torch.from_numpy(starts[:, None] + np.arange(length))
        if self.held.is_cuda:
            # From pinned memory the copy does not make the processor wait for the GPU.
            index = index.pin_memory().to(self.held.device, non_blocking=True)
        return self.held[index]

    def between(self, first: int, last: int) -> Tensor:
        """Return frames `first` to `last` − 1: uint8 (frames, H, W, 3)."""
        if self.held is None:
            return torch.from_numpy(self.corpus.read(first, last))
        return self.held[first:last]

    @cached_property
    def _chunks(self) -> ChunkCache:
        """What was read last of frames that stay where they are."""
        return ChunkCache(self.corpus, self.memory)

    def _home(self) -> torch.device | None:
        """Return the device whose memory holds all frames, or None."""
        device = pick_device()
        if device.type == "cuda" and self.num_bytes < GPU_FRACTION * torch.cuda.mem_get_info()[0]:
            return device
        return torch.device("cpu") if self.num_bytes < self.memory else None


def _memory() -> int:
    """Return the bytes of main memory, or of the part that a job or a container may use."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _limits():
        with suppress(OSError, ValueError):  # there is none, or it says "max"
            found.append(int(file.read_text(encoding="ascii")))
    return min(found)


def _limits() -> Iterator[Path]:
    """Yield the files in which Linux says how much memory this process's groups may use."""
    try:
        groups = OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if not controllers:  # version 2
            top, name = GROUPS, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = GROUPS / "memory", "memory.limit_in_bytes"
        else:
            continue
        here = top / path.lstrip("/")
        yield from (folder / name for folder in (here, *here.parents) if folder >= top)
