"""`genie corpus`: the arguments of its commands, and what each runs."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

ENGINES = ("local", "ray")
KINDS = ("cuts", "black", "frozen", "menus", "duplicates", "borders")
"""What curation looks for in footage."""
OVERLAYS = ("hud", "webcam")


def add_build(parser: ArgumentParser) -> None:
    """Add the arguments of `genie corpus build`."""
    add = parser.add_argument
    add("inputs", nargs="+", metavar="FILE|FOLDER", help="videos, or data sets: see --format")
    add("--out", type=Path, required=True, metavar="DIR", help="the corpus to make")
    add("--size", type=str, required=True, metavar="HxW|auto", help="of the frames, such as 64x64; "
        "auto: so that the smallest thing that moves is kept")  # fmt: skip
    add("--fps", type=float, metavar="F", help="resample (default: every frame)")
    add("--fit", choices=("crop", "pad"), default="crop", help="for other shapes (default: crop)")
    add("--crop", type=str, metavar="W:H:X:Y", help="keep this part of the picture, in its pixels")
    add("--mask", nargs="+", default=[], metavar="W:H:X:Y|KIND", help="paint black: parts, or hud, "
        "webcam where such are found")  # fmt: skip
    add("--keep", nargs="+", default=[], choices=KINDS, metavar="KIND", help="do not look for: "
        + ", ".join(KINDS))  # fmt: skip
    add("--decisions", type=Path, metavar="CSV", help="what to keep and drop instead, by time")
    add("--format", type=str, default="auto", metavar="NAME", help="of the files (default: auto)")
    add("--frames-key", type=str, metavar="KEY", help="column, array or camera with the pictures")
    add("--actions-key", type=str, metavar="KEY", help="column or array with the true actions")
    add("--episode-key", type=str, metavar="KEY", help="column or array that tells episodes apart")
    add("--actions-map", type=Path, metavar="JSON", help="names and fields of files with actions")
    add("--drop-actions", action="store_true", help="leave out true actions")
    add("--strict", action="store_true", help="stop at the first file that cannot be read")
    add("--resume", action="store_true", help="go on with an interrupted build")
    add("--update", action="store_true", help="bring the corpus at --out up to date; name all its "
        "inputs again, and new ones beside them")  # fmt: skip
    add("--jobs", type=int, metavar="N", help="files at once (default: one a processor)")
    add("--engine", choices=ENGINES, default="local", help="where (default: local)")


def build(values: dict[str, Any]) -> None:
    """Run `genie corpus build`."""
    # Products of a few thousand numbers: OpenBLAS's threads would only wait for each other, busily.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from corpus.build import build_corpus
    from corpus.building.summary import summarize
    from corpus.readers.base import ReadOptions
    from corpus.readers.layout import parse_box
    from corpus.readers.sidecar import read_map

    mapping = values.pop("actions_map")
    keys = ("frames_key", "actions_key", "episode_key", "drop_actions")
    read = ReadOptions(
        **{name: values.pop(name) for name in keys},
        actions_map={} if mapping is None else read_map(mapping),
    )
    crop, masks = values.pop("crop"), values.pop("mask")
    path = build_corpus(
        size=_size(values.pop("size")),
        crop=None if crop is None else parse_box(crop),
        masks=[mask if mask in OVERLAYS else parse_box(mask) for mask in masks],
        read=read,
        tell=print,
        **values,
    )
    for line in summarize(path):
        print(line)
    _say_where(path)


def _size(text: str) -> tuple[int, int] | str:
    """Read (H, W), or `auto` as it is."""
    from corpus.build import parse_size
    from corpus.frame_size import AUTO

    return AUTO if text == AUTO else parse_size(text)


def add_record(parser: ArgumentParser) -> None:
    """Add the arguments of `genie corpus record`."""
    add = parser.add_argument
    add(
        "env",
        metavar="ENV",
        help="procgen:NAME[:MODE[:plain]], crafter:day, or a Gymnasium id: ALE/Pong-v5",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="the corpus to make")
    add("--frames", type=int, required=True, metavar="N", help="how many")
    add("--size", type=str, metavar="HxW|auto", help="crop and scale to; auto: so that the "
        "smallest thing that moves is kept (default: as the game shows)")  # fmt: skip
    add("--levels", type=str, metavar="A:B", help="levels A to B-1")
    add("--actions", type=str, metavar="A:B", help="play actions A to B-1 only (default: all)")
    add("--hold", type=int, default=30, metavar="N", help="longest hold in frames (default: 30)")
    add("--seed", type=int, default=0, metavar="S", help="default: 0")
    add("--resume", action="store_true", help="go on with an interrupted recording")


def record(values: dict[str, Any]) -> None:
    """Run `genie corpus record`."""
    from corpus.games.policy import parse_range
    from corpus.games.record import record_corpus

    if values["size"] is not None:
        values["size"] = _size(values["size"])
    for name in ("levels", "actions"):
        if values[name] is not None:
            values[name] = parse_range(values[name], name)
    _say_where(record_corpus(**values, tell=print))


def add_join(parser: ArgumentParser) -> None:
    """Add the arguments of `genie corpus join`."""
    add = parser.add_argument
    add("inputs", nargs="+", metavar="DIR", help="corpora of one frame size and fps")
    add("--out", type=Path, required=True, metavar="DIR", help="the corpus to make")
    add("--drop-actions", action="store_true", help="leave out true actions")
    add("--resume", action="store_true", help="go on with an interrupted join")


def join(values: dict[str, Any]) -> None:
    """Run `genie corpus join`."""
    from corpus.join import join_corpora

    _say_where(join_corpora(**values))


def add_split(parser: ArgumentParser) -> None:
    """Add the arguments of `genie corpus split`."""
    add = parser.add_argument
    add("path", metavar="DIR", help="a corpus")
    add("--out", type=Path, nargs=2, required=True, metavar="DIR", help="two corpora to make")
    add("--share", type=float, default=0.1, metavar="X", help="of the distinct episodes that goes "
        "into the second, or of the frames if there is only one (default: 0.1)")  # fmt: skip
    add("--seed", type=int, default=0, metavar="S", help="default: 0")
    add("--resume", action="store_true", help="go on with an interrupted split")


def split(values: dict[str, Any]) -> None:
    """Run `genie corpus split`."""
    from corpus.select import split_corpus

    first, second = values.pop("out")
    for path in split_corpus(values.pop("path"), first, second, **values):
        _say_where(path)


def add_sample(parser: ArgumentParser) -> None:
    """Add the arguments of `genie corpus sample`."""
    add = parser.add_argument
    add("path", metavar="DIR", help="a corpus")
    add("--out", type=Path, required=True, metavar="DIR", help="the corpus to make")
    add("--frames", type=int, required=True, metavar="N", help="about how many")
    add("--seed", type=int, default=0, metavar="S", help="default: 0")
    add("--resume", action="store_true", help="go on where it was interrupted")


def sample(values: dict[str, Any]) -> None:
    """Run `genie corpus sample`."""
    from corpus.select import sample_corpus

    _say_where(sample_corpus(**values))


def add_labels(parser: ArgumentParser) -> None:
    """Add the arguments of `genie corpus labels`."""
    add = parser.add_argument
    add("path", metavar="DIR", help="a corpus with true actions")
    add("--out", type=Path, required=True, metavar="FILE", help="the .npy file to write")
    add("--count", type=int, metavar="N", help="how many (default: all that are known)")
    add("--seed", type=int, default=0, metavar="S", help="default: 0")
    add("--action-groups", type=Path, metavar="FILE", help="json: true actions that do the same")


def labels(values: dict[str, Any]) -> None:
    """Run `genie corpus labels`."""
    from corpus.labels import read_action_groups, write_labels

    file = values.pop("action_groups")
    count = write_labels(**values, groups=None if file is None else read_action_groups(file))
    print(f"{count} labels in {values['out']}; use them with: genie train lam --labels")


def add_copy(parser: ArgumentParser) -> None:
    """Add the arguments of `genie corpus copy`."""
    add = parser.add_argument
    add("source", metavar="DIR|URL", help="a corpus")
    add("target", metavar="DIR|URL", help="where to, such as s3://BUCKET/NAME")


def copy(values: dict[str, Any]) -> None:
    """Run `genie corpus copy`."""
    from corpus.storage import copy_corpus

    _say_where(copy_corpus(**values))


def add_report(parser: ArgumentParser) -> None:
    """Add the arguments of `genie corpus report`."""
    add = parser.add_argument
    add("path", metavar="DIR", help="a corpus")
    add("--verify", action="store_true", help="check every episode's SHA-256")
    add("--html", type=Path, metavar="FILE", help="write a page with pictures")
    add("--decisions", type=Path, metavar="CSV", help="write what was kept and dropped, to edit")


def report(values: dict[str, Any]) -> None:
    """Run `genie corpus report`."""
    from rich.console import Console

    from corpus.report import render
    from corpus.report import report as measure
    from corpus.verify import verify

    if values["verify"]:
        verify(values["path"])
        print("every episode is as it was written")
    if values["decisions"]:
        from corpus.building.summary import write_decisions

        print(f"decisions in {write_decisions(values['path'], values['decisions'])}")
    figures = measure(values["path"])
    if values["html"]:
        from corpus.page.page import write_page
        from train.auto.choice import advise

        advice = advise(values["path"])
        print(f"page in {write_page(values['path'], values['html'], advice, figures)}")
    Console().print(render(figures))


def _say_where(path: object) -> None:
    print(f"corpus in {path}; look at it with: genie corpus report {path}")


COMMANDS = (
    ("build", add_build, build, "make a corpus from recordings"),
    ("record", add_record, record, "make a corpus from a game, played at random"),
    ("join", add_join, join, "make one corpus of several, episode by episode"),
    ("split", add_split, split, "make two corpora of one, to train on and to hold out"),
    ("sample", add_sample, sample, "make a smaller corpus of some of the episodes"),
    ("labels", add_labels, labels, "write true actions of a few transitions, to train with"),
    ("copy", add_copy, copy, "copy a corpus to or from object storage"),
    ("report", add_report, report, "show what a corpus holds"),
)
"""Each command: its word, what adds its arguments, what runs it, and what it does."""
