"""The metadata of LeRobot data sets, v2 and v3: what there is, and in which files."""

from __future__ import annotations

import functools
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from corpus.readers.parts.table import Table

MOST_BYTES = 200_000_000  # of a json file


class Info(NamedTuple):
    """What meta/info.json says."""

    fps: Fraction
    features: dict[str, dict]
    data_path: str
    video_path: str | None
    chunk: int
    newer: bool  # v3


class Episode(NamedTuple):
    """Where one episode is."""

    index: int
    frames: int
    fields: dict[str, int]  # for the templates of paths of data files
    videos: dict[str, tuple[dict[str, int], float]]  # likewise, and where it starts; of v3 only


def read_info(path: Path) -> Info:
    """Read and check meta/info.json."""
    file = path / "meta" / "info.json"
    info = _json(_read(file), file)
    try:
        version = str(info["codebase_version"])
        features = {str(key): dict(value) for key, value in info["features"].items()}
        fps = Fraction(info["fps"]).limit_denominator(100_000)
        chunk = int(info.get("chunks_size") or 1000)
        video_path = info.get("video_path")
        sound = fps > 0 and chunk > 0 and all("dtype" in value for value in features.values())
        sound = sound and isinstance(info["data_path"], str)
        sound = sound and isinstance(video_path, str | None)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        sound = False
    if not sound:
        raise ValueError(f"{file} is damaged, or not LeRobot's: it lacks what v2 and v3 say there")
    if not version.startswith(("v2.", "v3.")):
        raise ValueError(f"{file} is of LeRobot {version[:20]}: v2.0, v2.1 and v3.0 are read")
    return Info(fps, features, info["data_path"], video_path, chunk, version.startswith("v3."))


def read_episodes(path: Path, info: Info) -> list[Episode]:
    """All episodes in order; kept between calls, as each recording asks for them."""
    place = path / "meta" / ("episodes" if info.newer else "episodes.jsonl")
    if not place.exists():
        raise FileNotFoundError(f"{place} is missing: download the data set again")
    cameras = tuple(key for key, value in info.features.items() if value["dtype"] == "video")
    read = _read_episodes_v3 if info.newer else _read_episodes_v2
    return read(place, place.stat().st_mtime_ns, cameras if info.newer else info.chunk)


@functools.lru_cache(maxsize=4)
def _read_episodes_v2(file: Path, changed: int, chunk: int) -> list[Episode]:
    found = []
    for line in _read(file).split("\n"):
        entry = _json(line, file) if line.strip() else None
        if entry is None:
            continue
        try:
            index, frames = int(entry["episode_index"]), int(entry["length"])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ValueError(f"{file} is damaged at episode {len(found)}") from None
        fields = {"episode_index": index, "episode_chunk": index // chunk}
        found.append(Episode(index, frames, fields, {}))
    return found


@functools.lru_cache(maxsize=4)
def _read_episodes_v3(folder: Path, changed: int, cameras: tuple[str, ...]) -> list[Episode]:
    table = Table(sorted(folder.rglob("*.parquet")), folder)

    def integers(key: str) -> list[int]:
        if key not in table.schema.names:
            raise ValueError(f"{folder} lacks the column {key}: convert the data set to v3.0")
        return table.integers(key).tolist()

    def places(prefix: str) -> list[dict[str, int]]:
        names = ("chunk_index", "file_index")
        columns = [integers(f"{prefix}/{name}") for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    videos: dict[str, list] = {}
    for key in cameras:
        starts = table.column(f"videos/{key}/from_timestamp").to_pylist()
        videos[key] = list(zip(places(f"videos/{key}"), starts, strict=True))
    rows = zip(integers("episode_index"), integers("length"), places("data"), strict=True)
    return [
        Episode(index, frames, fields, {key: videos[key][at] for key in cameras})
        for at, (index, frames, fields) in enumerate(rows)
    ]


def data_file(path: Path, info: Info, episode: Episode) -> Path:
    """The parquet file with an episode."""
    return _filled(path, info.data_path, episode.fields, "")


def video_file(path: Path, info: Info, episode: Episode, camera: str) -> tuple[Path, Fraction]:
    """The mp4 with an episode, and where in it the episode starts."""
    fields, start = episode.videos.get(camera, (episode.fields, 0.0))
    if not isinstance(start, float) or not 0 <= start < 1e9:
        raise ValueError(f"{path} says no sound start of episode {episode.index}")
    if info.video_path is None:
        raise ValueError(f"{path}/meta/info.json names no video_path")
    return _filled(path, info.video_path, fields, camera), Fraction(start)


def _filled(path: Path, template: str, fields: dict[str, int], camera: str) -> Path:
    """Fill in the path of a file; not by str.format, which reaches into objects."""

    def value(match: re.Match) -> str:
        if match[1] == "video_key":
            return camera
        if match[1] not in fields:
            raise ValueError(f"{path}/meta/info.json has the path {template!r}: unknown {match[0]}")
        return str(fields[match[1]]).zfill(int(match[2] or 0))

    filled = re.sub(r"\{(\w+)(?::0?([0-9]{1,2})d)?\}", value, template)
    if Path(filled).is_absolute() or ".." in Path(filled).parts or "{" in filled:
        raise ValueError(f"{path}/meta/info.json has the path {template!r}, which leads elsewhere")
    return path / filled


def _read(file: Path) -> str:
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file} is larger than {MOST_BYTES // 1_000_000} MB")
    return file.read_text(encoding="utf-8", errors="replace")


def _json(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{file} is damaged json") from None
