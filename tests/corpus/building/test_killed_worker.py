"""A build whose worker the system ends, as it does where memory is short."""

import dataclasses
import os

import pytest

from corpus.building.engine import stage_all
from corpus.building.staging import StageOptions
from corpus.readers.find import find_sources


class Fatal:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (9,)


def test_a_worker_that_is_killed_ends_the_build_in_one_line(tmp_path, drawn):
    for number in range(5):
        drawn.write_video(tmp_path / "in" / f"{number}.mp4", drawn.noise(6, seed=number))
    sources = find_sources([tmp_path / "in"]).sources
    sources[1] = dataclasses.replace(sources[1], notes=(Fatal(),))
    folders = [tmp_path / f"{number}" for number in range(5)]
    options = StageOptions(size=(16, 24))
    with pytest.raises(OSError, match=r"[01]\.mp4 or a file after it.*--resume --jobs 1") as caught:
        list(stage_all(sources, options, folders, jobs=2))
    assert "\n" not in str(caught.value)
