"""Messages about files and folders that cannot be written."""

import re
from dataclasses import replace

import pytest


@pytest.mark.parametrize("keys", [("g",), ("l",), ("k", "return"), ("f12",)])
def test_a_folder_that_takes_no_film_is_told_at_the_key_in_plain_words(
    game, workplace, monkeypatch, keys
):
    (workplace / "file").write_text("no folder")
    options = replace(game.game.options, folder=workplace / "file" / "deeper")
    monkeypatch.setattr(game.game, "options", options)
    game.ticks(3)
    game.tap(*keys)
    assert game.game.mark is None and game.game.export is None
    assert re.match("(cannot|could not) .*file", game.message)
    assert "Errno" not in game.message
    game.ticks(2)
    assert game.player.frame_number == 5


def test_a_picture_that_is_gone_when_play_begins_is_told(game, workplace):
    game.drop(workplace / "gone.png", None)
    game.now = 5000.0
    assert "gone.png" in game.message


def test_a_screenshot_that_the_disk_cuts_off_is_not_there(game, workplace, monkeypatch):
    def full(file):
        raise OSError("no space left on device")

    monkeypatch.setattr("spacetime.partial.os.fsync", full)
    game.tap("f12")
    assert game.message == "could not save: no space left on device"
    assert not list(workplace.iterdir())


def test_saves_and_keys_that_cannot_be_written_are_told_in_plain_words(game, home):
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where a folder should be")
    game.ticks(2)
    for keys in (("f5", "return"), ("f2", "escape")):
        game.tap(*keys)
        assert "not a directory" in game.message
        assert "Errno" not in game.message
