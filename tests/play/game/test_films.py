"""Where films of the window go, when a recording ends, and what its clock counts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genie.play.game.view import view_of


def write_films(game):
    while game.export is not None:
        game.ticks()


def frames_of(path):
    with Image.open(path) as image:
        return image.n_frames


def seconds_recorded(game):
    return view_of(game.game, game.now).recording


@pytest.mark.parametrize(
    ("keys", "name", "frames"),
    [
        ((), "toy.gif", 6),
        (("down", "right"), "toy.mp4", None),
        (("down", "right", "right"), "toy", 6),
    ],
)
def test_what_was_played_is_kept_as_a_film_or_pictures(game, workplace, keys, name, frames):
    game.press("right")
    game.ticks(6)
    game.tap("k", *keys, "return")
    write_films(game)
    assert [path.name for path in workplace.iterdir()] == [name]
    assert game.message.startswith(f"saved {workplace / name}")
    if name == "toy":
        shown = [np.asarray(Image.open(file)) for file in sorted((workplace / name).iterdir())]
        assert len(shown) >= frames
        assert (shown[2][..., 1] == 21).all()  # true pixels, frame 3
    elif frames:
        with Image.open(workplace / name) as image:
            assert image.n_frames >= frames


def test_the_last_ten_seconds_end_with_the_frame_that_is_shown(game, workplace):
    game.press("right")
    game.ticks(200)
    game.tap("p", "l")
    write_films(game)
    with Image.open(workplace / "toy.gif") as image:
        assert image.n_frames == 150  # ten seconds at 15 a second
        image.seek(149)
        assert np.asarray(image.convert("RGB"))[0, 0, 1] == 200 * 7 % 256


def test_a_recording_leaves_out_what_was_rewound(game, workplace):
    game.ticks(2)
    game.tap("g")
    game.press("left")
    game.ticks(4)
    game.release("left")
    game.tap(",", ",", ",", "p")
    game.press("right")
    game.ticks(2)
    game.tap("p", "g")
    write_films(game)
    with Image.open(workplace / "toy.gif") as image:
        reds = []
        for number in range(image.n_frames):
            image.seek(number)
            reds.append(int(np.asarray(image.convert("RGB"))[0, 0, 0]))
    assert reds == [60, 120, 120]


def test_keys_can_be_written_into_the_film(game, workplace):
    game.press("right")
    game.ticks(3)
    game.tap("p")  # both films are of the same frames
    sizes = []
    for keys in ((), ("up", "right")):
        game.tap("k", *keys, "return")
        write_films(game)
        with Image.open(sorted(workplace.iterdir())[-1 if not keys else 0]) as image:
            sizes.append(np.asarray(image.convert("RGB")))
    assert sizes[0].shape == sizes[1].shape
    assert (sizes[0][-60:, :120] != sizes[1][-60:, :120]).any()
    assert (sizes[0][:100] == sizes[1][:100]).all()


@pytest.mark.parametrize(
    ("promised", "keys", "name"),
    [
        ("toy.gif", ("l",), "toy-2.gif"),
        ("toy.gif", ("g", "step", "g"), "toy-2.gif"),
        ("../here/toy.gif", ("k", "return"), "toy-2.gif"),
        ("toy.png", ("k", "down", "left", "return"), "toy-2"),
        ("toy.mp4", ("l",), "toy.gif"),
    ],
)
def test_a_film_leaves_the_name_free_that_record_takes_at_the_end(
    game, workplace, monkeypatch, promised, keys, name
):
    # From the current folder, which is the one that films go to by its whole path.
    monkeypatch.setattr(game.game, "options", replace(game.options, film=Path(promised)))
    game.ticks(2)
    for key in keys:
        game.ticks() if key == "step" else game.tap(key)
    write_films(game)
    assert [path.name for path in workplace.iterdir()] == [name]


def test_a_world_whose_name_leads_out_of_the_folder_writes_into_it(game, workplace):
    game.game.card = replace(game.card, name="../../evil")
    before = set(workplace.parent.rglob("*"))
    game.ticks(2)
    game.tap("l", "f12")
    write_films(game)
    written = set(workplace.parent.rglob("*")) - before
    assert {path.relative_to(workplace).as_posix() for path in written} == {
        "______evil.gif",
        "______evil-frame.png",
    }


def test_a_recording_goes_on_while_another_film_is_still_being_written(
    game, workplace, monkeypatch
):
    monkeypatch.setattr("genie.play.game.game.EXPORT_SECONDS", 0.0)  # a frame a tick
    game.ticks(20)
    game.tap("l", "g")
    game.ticks(3)
    game.tap("g")
    assert game.message == "one film is still being written"
    assert game.game.mark is not None
    write_films(game)
    played = game.player.frame_number - 20
    game.tap("p", "g")
    write_films(game)
    assert game.game.mark is None
    assert frames_of(workplace / "toy-2.gif") == played


def test_the_clock_of_a_recording_shows_what_the_film_will_have(game, workplace):
    assert seconds_recorded(game) is None
    game.ticks(2)
    game.tap("g")
    assert seconds_recorded(game) == 0
    game.ticks(6)
    game.tap(",", ",", ",", "p")  # three are rewound
    game.ticks(2)
    game.player.fade_to(np.full((12, 16, 3), 90, np.uint8))
    game.ticks(8)  # and eight of these are logged twice
    game.tap("p")
    assert seconds_recorded(game) == pytest.approx((3 + 2 + 8) / 15)
    game.tap("k", "left", "return")
    write_films(game)
    assert frames_of(workplace / "toy.gif") == 13
    game.tap("r")
    assert seconds_recorded(game) == 0  # the prompt itself is no part of a film
    game.tap(".", ".")
    game.ticks()
    game.tap(".")
    game.ticks()
    assert seconds_recorded(game) == pytest.approx(2 / 15)
    game.tap("g")
    write_films(game)
    assert frames_of(workplace / "toy-2.gif") == 2


def test_the_clock_of_a_recording_walks_no_further_than_its_mark(game, monkeypatch):
    game.ticks(50)
    game.tap("g")
    game.ticks(4)
    session = game.player.session
    walked, walk = [], session._walk
    monkeypatch.setattr(
        session, "_walk", lambda *line: (found := walk(*line), walked.append(len(found)))[0]
    )
    assert seconds_recorded(game) == pytest.approx(4 / 15)
    assert walked == [4]


def test_a_recording_without_a_frame_ends_with_the_key_that_began_it(game):
    game.ticks(3)
    game.tap("p", "g")
    assert game.game.mark is not None
    game.tap("g")
    assert game.game.mark is None and game.message.startswith("nothing was recorded")
