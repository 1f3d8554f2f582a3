"""The pictures of the window are taken by a command that works."""

import sys

from PIL import Image

from benchmarks.play import screenshots


def test_every_picture_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("GENIE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(screenshots, "SHOWN_AFTER", 2)
    monkeypatch.setattr(sys, "argv", ["screenshots", "miner", "--out", str(tmp_path / "shots")])
    screenshots.main()
    taken = {path.stem: Image.open(path) for path in (tmp_path / "shots").iterdir()}
    assert set(taken) == {"start", "play", "help", "compare"}
    shown = [picture.resize((64, 48)).tobytes() for picture in taken.values()]
    assert len(set(shown)) == 4 and all(len(set(one)) > 9 for one in shown)
