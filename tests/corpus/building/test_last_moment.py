"""A build that is killed when all is committed, and only the name is missing."""

import pytest

from corpus.build import build_corpus
from corpus.writing.writer import CorpusWriter


def build(inputs, out, **options):
    return build_corpus(inputs, out, size=(16, 24), progress=False, **options)


@pytest.fixture
def videos(tmp_path, drawn):
    names = ("a.mp4", "b.mp4", "c.mp4")
    return [
        drawn.write_video(tmp_path / name, drawn.noise(20 + seed, seed=seed))
        for seed, name in enumerate(names)
    ]


@pytest.fixture
def unnamed(tmp_path, videos, monkeypatch):
    """A build of two videos whose measurements are gone already."""

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(CorpusWriter, "finish", stop)
    with pytest.raises(KeyboardInterrupt):
        build(videos[:2], tmp_path / "out")
    monkeypatch.undo()
    assert not (tmp_path / "out.partial" / "measured").exists()
    return tmp_path / "out"


def test_it_goes_on_and_is_what_an_uninterrupted_one_is(tmp_path, videos, unnamed, drawn):
    whole = drawn.tree(build(videos[:2], tmp_path / "whole"))
    assert drawn.tree(build(videos[:2], unnamed, resume=True)) == whole


def test_with_more_recordings_it_says_what_to_do_and_that_works(videos, unnamed):
    with pytest.raises(ValueError, match="lacks only its name.*--update"):
        build(videos, unnamed, resume=True)
    build(videos[:2], unnamed, resume=True)
    build(videos, unnamed, update=True)
