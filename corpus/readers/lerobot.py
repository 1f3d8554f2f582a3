"""LeRobot data sets, v2 (a file per episode) and v3 (many episodes in one mp4 and one parquet).

A camera is chosen by ``frames_key``; true actions are a feature of one integer a frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from corpus.readers.base import ReadOptions, Source
from corpus.readers.ffmpeg.colours import settle_matrix
from corpus.readers.ffmpeg.decoding import pixel_aspect, prepare, to_picture
from corpus.readers.ffmpeg.opening import check_sides, opened
from corpus.readers.parts.lerobot_metadata import (
    Episode,
    Info,
    data_file,
    read_episodes,
    read_info,
    video_file,
)
from corpus.readers.parts.table import Table
from corpus.readers.parts.values import check_size, choose, fit_actions, said
from corpus.readers.shaper import VideoPicture

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bool")


class LeRobotReader:
    """Reads a folder with meta/info.json; all below it belongs to the data set."""

    name: ClassVar[str] = "lerobot"
    takes_subfolders: ClassVar[bool] = True

    def matches(self, path: Path) -> bool:
        """Whether a folder is laid out as LeRobot does."""
        try:
            return (path / "meta" / "info.json").is_file() and (path / "data").is_dir()
        except OSError:
            return False

    def sources(self, path: Path, name: str, options: ReadOptions) -> list[Source]:
        """List the episodes by the metadata."""
        info, camera = read_info(path), None
        camera = _camera(path, info, options)
        height, width = _size(path, info, camera)
        actions, notes = _actions_key(path, info, options)
        return [
            Source(
                name=f"{name}#{episode.index}",
                path=path,
                reader=self.name,
                number=number,
                height=height,
                width=width,
                fps=info.fps,
                frames=episode.frames,
                has_actions=actions is not None and not options.drop_actions,
                notes=notes,
            )
            for number, episode in enumerate(read_episodes(path, info))
        ]

    def pictures(
        self, source: Source, options: ReadOptions
    ) -> Iterator[tuple[Fraction, np.ndarray | VideoPicture]]:
        """Yield the pictures of one episode: arrays if they are images in the table."""
        path, info = source.path, read_info(source.path)
        camera, episode = _camera(path, info, options), _episode(source, info)
        if info.features[camera]["dtype"] == "image":
            table = Table([data_file(path, info, episode)], path)
            rows = _rows(table, episode)
            for at, picture in enumerate(table.pictures(camera, rows)):
                yield at / info.fps, picture
            return
        file, start = video_file(path, info, episode, camera)
        yield from span(file, start, episode.frames, info.fps, options.threads)

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """The actions of one episode."""
        if not source.has_actions:
            return None
        info = read_info(source.path)
        key, _ = _actions_key(source.path, info, options)
        if key is None:  # they lie beside the folder
            return None
        episode = _episode(source, info)
        table = Table([data_file(source.path, info, episode)], source.path)
        values = table.integers(key)[_rows(table, episode)]
        return fit_actions(values, episode.frames, f"episode {episode.index} of {source.path}")


def span(
    file: Path, start: Fraction, count: int, fps: Fraction, threads: int = 0
) -> Iterator[tuple[Fraction, VideoPicture]]:
    """Decode ``count`` frames of a video from a time on, without decoding all before it.

    Args:
        file: an mp4 or mkv file.
        start: seconds; the first frame is the one nearest to it.
        count: of frames.
        fps: frames per second of the video.
        threads: as in ``ReadOptions``.

    Yields:
        (seconds from the first frame, picture).
    """
    import av

    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: download the data set again")
    found, first = 0, None
    try:
        with opened(file) as (container, stream):
            check_sides(file, stream.codec_context)
            prepare(stream, threads)
            for frame in _decode_from(container, stream, start, start - 1 / (2 * fps)):
                if frame.is_corrupt:
                    raise ValueError(f"{file} is damaged at frame {found} from {float(start):g} s")
                seconds = frame.pts * Fraction(frame.time_base)
                first = seconds if first is None else first
                settle_matrix(frame)
                yield seconds - first, to_picture(frame, pixel_aspect(stream))
                found += 1
                if found == count:
                    return
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        raise ValueError(f"{file} is a damaged video ({said(error)})") from None
    raise ValueError(f"{file} is cut short: {found} of {count} frames from {float(start):g} s")


def _decode_from(container: Any, stream: Any, start: Fraction, least: Fraction) -> Iterator[Any]:
    """Frames with a time of at least ``least``, decoded from the key frame before ``start``."""
    if start > 0:
        container.seek(int(start / stream.time_base), stream=stream)
        ahead = next(container.decode(stream), None)
        late = ahead is None or ahead.pts is None or ahead.pts * stream.time_base > least
        # Some indexes point behind the key frame that was asked for.
        container.seek(0 if late else int(start / stream.time_base), stream=stream)
    for frame in container.decode(stream):
        if frame.pts is not None and frame.pts * Fraction(frame.time_base) >= least:
            yield frame


def _camera(path: Path, info: Info, options: ReadOptions) -> str:
    """The feature of pictures that was asked for, or the only one."""
    cameras = [
        key
        for key, value in info.features.items()
        if value["dtype"] in ("video", "image")
        and not (isinstance(value.get("info"), dict) and value["info"].get("video.is_depth_map"))
    ]
    return choose(cameras, options.frames_key, path, "camera")


def _size(path: Path, info: Info, camera: str) -> tuple[int, int]:
    """Height and width of a camera's pictures."""
    feature = info.features[camera]
    shape, names = feature.get("shape"), feature.get("names")
    try:
        first = names[0].startswith("channel") if names else shape[0] == 3
        height, width = shape[1:3] if first else shape[:2]
        check_size(height, width, f"{path}:{camera}")
    except (TypeError, ValueError, AttributeError, KeyError, IndexError):
        raise ValueError(f"{path}/meta/info.json says no sound size of {camera}") from None
    return height, width


def _actions_key(
    path: Path, info: Info, options: ReadOptions
) -> tuple[str | None, tuple[str, ...]]:
    """The feature of true actions, and a note where it cannot be used."""
    if options.actions_key is not None:
        choose(list(info.features), options.actions_key, path, "feature")
    key = options.actions_key or "action"
    if key not in info.features:
        return None, ()
    kind, shape = info.features[key]["dtype"], info.features[key].get("shape")
    if kind in INTEGERS and shape in ([1], []):
        return key, ()
    return None, (f"{key} is {kind} {shape}, not one integer a frame: left out"[:200],)


def _episode(source: Source, info: Info) -> Episode:
    episodes = read_episodes(source.path, info)
    if source.number >= len(episodes):
        raise ValueError(f"{source.path} has changed since its episodes were listed")
    return episodes[source.number]


def _rows(table: Table, episode: Episode) -> np.ndarray:
    """The rows of an episode in its data file."""
    rows = np.flatnonzero(table.integers("episode_index") == episode.index)
    if len(rows) != episode.frames:
        raise ValueError(
            f"episode {episode.index} of {table.where} has {len(rows)} rows for {episode.frames} "
            "frames: download the data set again"
        )
    return rows
