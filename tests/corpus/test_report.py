import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from corpus.report import render, repeated_share, report
from corpus.store import Corpus
from corpus.writing.writer import CorpusWriter


def _corpus(path, drawn, episodes):
    writer = CorpusWriter.create(path, episodes[0].shape[1:3], drawn.make_card(), False)
    for frames in episodes:
        writer.add(frames)
        writer.end_episode({})
    return writer.finish()


def test_figures_are_those_of_the_corpus(tmp_path, drawn):
    lengths = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]
    drawn.make_corpus(tmp_path / "c", lengths)
    figures = report(tmp_path / "c")
    assert (figures.frames, figures.episodes, figures.fps) == (sum(lengths), 11, 15.0)
    assert figures.episode_frames == (10, 20, 60, 100, 110)
    assert (figures.height, figures.width, figures.true_actions) == (8, 12, False)
    stored = sum(f.stat().st_size for f in (tmp_path / "c").rglob("*") if f.is_file())
    assert figures.bytes_per_frame == stored / sum(lengths)
    assert figures.fingerprint == Corpus.open(tmp_path / "c").fingerprint


def test_true_actions_are_noticed(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "c", [2], actions=[np.array([1])])
    assert report(tmp_path / "c").true_actions


@pytest.mark.parametrize("seed", range(5))
def test_repeated_frames_are_counted_inside_episodes_only(tmp_path, drawn, seed):
    rng = np.random.default_rng(seed)
    palette = drawn.noise(3)
    episodes = [palette[rng.integers(3, size=n)] for n in (31, 32, 2, 40, 64)]
    pairs = [
        (a == b).all() for frames in episodes for a, b in zip(frames, frames[1:], strict=False)
    ]
    share = repeated_share(Corpus.open(_corpus(tmp_path / "c", drawn, episodes)))
    assert share == pytest.approx(np.mean(pairs)) and 0 < share < 1


def test_the_table_names_what_the_user_asks_for(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "c", [40, 60])
    console = Console(file=io.StringIO(), width=120)
    console.print(render(report(tmp_path / "c")))
    text = console.file.getvalue()
    for word in (
        "100 in 2 episodes",
        "8 x 12 pixels, 15 fps",
        "repeated frames",
        "licence",
        "none",
    ):
        assert word in text


def test_the_table_says_what_will_be_lost(tmp_path, drawn):
    frames = np.full((30, 16, 16, 3), 40, np.uint8)
    for step, frame in enumerate(frames):
        frame[5, step % 16] = 250
    figures = report(_corpus(tmp_path / "c", drawn, [frames]))
    console = Console(file=io.StringIO(), width=200)
    console.print(render(figures))
    assert "1.0x1.0 pixels at 16x16: it will be lost" in console.file.getvalue()
    large = dataclasses.replace(figures.smallest_moving, width=3.0)
    console.print(render(dataclasses.replace(figures, smallest_moving=large)))
    assert "3.0 x 1.0 pixels" in console.file.getvalue()


def test_a_card_cannot_write_escape_sequences_to_the_terminal(tmp_path, drawn):
    card = drawn.make_card(source="\x1b[31mred\x07", licence="[bold]free")
    writer = CorpusWriter.create(tmp_path / "c", (8, 12), card, False)
    writer.add(drawn.noise(2, 8, 12))
    writer.end_episode({})
    console = Console(file=io.StringIO(), width=120)
    console.print(render(report(writer.finish())))
    text = console.file.getvalue()
    assert "\x1b" not in text and "?[31mred?" in text and "[bold]free" in text


def test_a_folder_that_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a corpus"):
        report(tmp_path)
