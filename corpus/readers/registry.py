"""The readers, in the order in which they are asked."""

from __future__ import annotations

from corpus.readers.base import Reader
from corpus.readers.video import VideoReader

READERS: dict[str, Reader] = {reader.name: reader for reader in (VideoReader(),)}
