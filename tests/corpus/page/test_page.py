"""The page of a corpus: one file, with everything inside."""

import base64
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from corpus.building.dropped import save_dropped
from corpus.building.source_records import SourceRecord, write_records
from corpus.page.motion import measure_motion
from corpus.page.page import write_page
from corpus.report import report
from corpus.store import Corpus
from corpus.writing.writer import CorpusWriter

VOID = {"img", "br", "meta"}


class Checked(HTMLParser):
    """Follows tags, and gathers what the page refers to."""

    def __init__(self):
        super().__init__()
        self.open, self.references, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.references += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def built(tmp_path):
    """A corpus in which a square moves for 20 of each 30 frames, with records of its making."""
    writer = CorpusWriter.create(tmp_path / "c", (16, 24), _card(), False)
    frames = np.zeros((90, 16, 24, 3), np.uint8)
    at = 0
    for number, frame in enumerate(frames):
        at += number % 30 < 20
        frame[4:8, at % 20 : at % 20 + 4] = 255
    for index in range(2):
        writer.add(frames)
        writer.end_episode({"file": f"<{index}>.mp4"})
    out = writer.finish()
    write_records(
        out,
        [
            SourceRecord(
                file="<0>.mp4", stamp="a", picture=[16, 24], fps=15.0, notes=["variable & <odd>"],
                stretches=[[0, 90, "keep", ""], [90, 120, "drop", "black"]],
            ),
            SourceRecord(
                file="<1>.mp4", stamp="b", picture=[16, 24], fps=15.0,
                stretches=[[0, 90, "keep", ""]],
            ),
            SourceRecord(file="bad.mp4", left_out="is empty (0 bytes)"),
        ],
    )  # fmt: skip
    save_dropped(out, "<0>.mp4", 90, np.full((16, 24, 3), 7, np.uint8))
    return out


def _card():
    from corpus.store import CorpusCard

    return CorpusCard(fps=15.0, source="test", licence="none", options={})


def test_the_page_is_whole_and_needs_no_other_file(built, tmp_path):
    page = write_page(built, tmp_path / "page.html", ["the picture stands still"])
    text = page.read_text(encoding="utf-8")
    checked = Checked()
    checked.feed(text)
    assert checked.open == []
    assert checked.references and all(
        reference.startswith("data:image/png;base64,") for reference in checked.references
    )
    assert not re.search(r"https?://|url\(|<script|@import", text)
    words = " ".join(checked.words)
    for expected in ("180 in 2 episodes", "variable & <odd>", "left out: is empty (0 bytes)",
                     "black: <0>.mp4, 6.0 to 8.0 s", "the picture stands still"):  # fmt: skip
        assert expected in words
    pictures = [_decode(reference) for reference in checked.references]
    assert any((picture == 7).all() for picture in pictures)  # of the stretch that was dropped
    assert not list(tmp_path.glob(".page*"))


def _decode(reference):
    data = base64.b64decode(reference.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)))


def test_motion_is_measured(built):
    motion = measure_motion(Corpus.open(built))
    assert motion.still == pytest.approx(1 / 3, abs=0.1)
    assert motion.lasting == pytest.approx(20 / 15, abs=0.1)
    assert (motion.places[4:8] > 0).any() and not motion.places[9:].any()
    assert motion.histogram.sum() > 0


def test_a_page_of_a_corpus_without_records_is_written(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "c", [40, 3])
    assert "kept and dropped" not in write_page(tmp_path / "c", tmp_path / "p.html").read_text()


def test_figures_that_are_known_are_not_measured_again(built, tmp_path, monkeypatch):
    plain = write_page(built, tmp_path / "plain.html").read_text()
    figures = report(built)
    monkeypatch.setattr("corpus.page.page.report", None)
    assert write_page(built, tmp_path / "page.html", (), figures).read_text() == plain


def test_chromium_shows_the_page_where_there_is_one(built, tmp_path):
    page = write_page(built, tmp_path / "page.html")
    browser = shutil.which("chromium")
    if browser is None:  # the test above reads the same page
        return
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    shown = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout.count("<svg") == page.read_text().count("<svg")
    assert "What the frames show" in shown.stdout
