"""`genie corpus report --html`: one page, in one file that needs no other."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from corpus.building.dropped import read_dropped
from corpus.building.source_records import SourceRecord, read_records
from corpus.frame_size import size_warning
from corpus.page.motion import Motion, measure_motion
from corpus.page.pictures import bars, heat, image, strip, timeline
from corpus.report import CorpusReport, report, rows
from corpus.store import Corpus
from corpus.whole_file import write_whole

EPISODES, FRAMES = 24, 8  # shown in the contact sheet: episodes, and frames of each
RECORDINGS, DROPPED = 200, 60  # shown at most
REPEATED = 0.4  # from this fraction of repeated frames on, a lower rate is advised
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
  color: #222; background: #fff; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left;
  vertical-align: top; }
img { image-rendering: pixelated; display: block; } svg text { font-size: 12px; fill: #444; }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; }
figcaption { font-size: 13px; color: #555; max-width: 30rem; overflow-wrap: anywhere; }
.advice li { margin: .3rem 0; } td.name { overflow-wrap: anywhere; max-width: 20rem; }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #ddd; }
  figcaption, svg text { color: #aaa; fill: #aaa; } }
"""


def write_page(
    path: str | Path,
    file: str | Path,
    advice: Sequence[str] = (),
    figures: CorpusReport | None = None,
) -> Path:
    """Write the page of a corpus.

    Args:
        path: folder or URL of a corpus.
        file: the .html file to write, replacing it.
        advice: lines on how actions would be learnt from it.
        figures: what ``report`` says of it, where it was measured already.

    Raises:
        ValueError: it is not a finished corpus.
        OSError: the file cannot be written.
    """
    corpus, figures, file = Corpus.open(path), figures or report(path), Path(file)
    records = read_records(corpus.path)
    motion = measure_motion(corpus)
    name = escape(corpus.path.name)
    parts = [
        f"<h1>{name}</h1>",
        _table(figures),
        "<h2>What to do with it</h2>",
        _advice(figures, motion, advice),
        "<h2>What was kept and dropped</h2>" if records else "",
        _recordings(records),
        _dropped(corpus, records),
        "<h2>What the frames show</h2>",
        _sheet(corpus),
        "<h2>How it moves</h2>",
        _motion(corpus, motion),
    ]
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{name}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
    write_whole(file, text.encode())
    return file


def _table(figures: CorpusReport) -> str:
    lines = (f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows(figures))
    return f"<table>{''.join(lines)}</table>"


def _advice(figures: CorpusReport, motion: Motion, advice: Sequence[str]) -> str:
    """Which size, rate and recipe suit it."""
    lines = list(advice)
    if figures.repeated_share >= REPEATED:
        rate = figures.fps * (1 - figures.repeated_share)
        lines.append(
            f"{figures.repeated_share:.0%} of the frames repeat the one before: build it again "
            f"with --fps {max(1, round(rate))}, so that an action shows in the next frame"
        )
    if figures.smallest_moving:
        warning = size_warning(figures.smallest_moving, figures.height, figures.width)
        lines.append(warning or "the smallest thing that moves is large enough at this size")
    if motion.lasting is None:
        lines.append("something moves in nearly every transition")
    else:
        lines.append(f"motion lasts {motion.lasting:.1f} s before it pauses, at the median")
    lines.append("train it with: genie train all --recipe auto --corpus DIR --out RUN")
    return f'<ul class="advice">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


def _recordings(records: Sequence[SourceRecord]) -> str:
    """A timeline and the notes of each recording."""
    lines = []
    for record in records[:RECORDINGS]:
        drawn = timeline(record.stretches, record.fps) if record.stretches else ""
        words = [f"left out: {record.left_out}"] if record.left_out else list(record.notes)
        shown = [drawn] * bool(drawn) + [escape(word) for word in words]
        lines.append(
            f'<tr><td class="name">{escape(record.file)}</td><td>{"<br>".join(shown)}</td></tr>'
        )
    more = len(records) - RECORDINGS
    rest = f"<p>and {more} more recordings: see sources.jsonl</p>" if more > 0 else ""
    return f"<table>{''.join(lines)}</table>{rest}"


def _dropped(corpus: Corpus, records: Sequence[SourceRecord]) -> str:
    """The middle frame of each stretch that was dropped, and why it was."""
    shown = []
    for record in records:
        for start, stop, decision, reason in record.stretches:
            if decision != "drop" or len(shown) == DROPPED:
                continue
            frame = read_dropped(corpus.path, record.file, start)
            if frame is None:
                continue
            words = (
                f"{reason}: {record.file}, {start / record.fps:.1f} to {stop / record.fps:.1f} s"
            )
            picture = image(frame, _zoom(corpus, 96), words)
            shown.append(f"<figure>{picture}<figcaption>{escape(words)}</figcaption></figure>")
    return "".join(shown)


def _sheet(corpus: Corpus) -> str:
    """Frames of episodes, evenly spread over the corpus and over each episode."""
    count = min(EPISODES, corpus.num_episodes)
    shown = []
    for index in np.linspace(0, corpus.num_episodes - 1, count).astype(int).tolist():
        start, stop = corpus.episode(index)
        numbers = np.linspace(start, stop - 1, min(FRAMES, stop - start)).astype(int).tolist()
        frames = np.concatenate([corpus.read(number, number + 1) for number in numbers])
        record = corpus.provenance[index]
        words = f"episode {index}: {record.get('file', '')}, {stop - start:,} frames"
        picture = image(strip(frames), _zoom(corpus, 64), words)
        shown.append(f"<figure>{picture}<figcaption>{escape(words)}</figcaption></figure>")
    return "".join(shown)


def _motion(corpus: Corpus, motion: Motion) -> str:
    """How much changes from frame to frame, and where."""
    labels = ("0", f"{motion.edges[-1]:.0f}", "mean change of a transition, of 255 (square root)")
    places = image(heat(motion.places), _zoom(corpus, 192), "where it changes")
    return (
        f"<p>Nothing moves in {motion.still:.1%} of the transitions.</p>"
        f"<figure>{bars(motion.histogram, labels)}</figure>"
        f"<figure>{places}<figcaption>where pixels change: black never, yellow most"
        "</figcaption></figure>"
    )


def _zoom(corpus: Corpus, pixels: int) -> int:
    """By which whole number a frame is enlarged to about so many pixels."""
    return max(1, round(pixels / max(corpus.height, corpus.width)))
