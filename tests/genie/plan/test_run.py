"""The command: keys, film and session of a plan."""

import json

import pytest
from PIL import Image

from genie import cli
from genie.plan.run import PlanOptions, write_keys
from genie.play.scripted_keys import parse_keys
from genie.session.log import Session
from genie.session.replay import verify
from genie.world import World


@pytest.fixture
def picture(tmp_path, small):
    path = tmp_path / "goal.png"
    Image.fromarray(small.draw_prompts(1, seed=9)[0]).save(path)
    return path


def run(*arguments):
    return cli.main(["plan", *map(str, arguments), "--threads", "1", "--device", "cpu"])


def test_the_command_writes_keys_a_film_and_a_session(
    world_folder, bundle, picture, small, tmp_path, capsys
):
    limits = ("--steps", 3, "--frames", 12)
    assert run(world_folder, "--to", picture, "--out", tmp_path / "way", *limits) == 0
    record = json.loads((tmp_path / "way.json").read_text())
    assert record["imagined"] >= 12 and not record["reached"]
    keys = record["keys"]
    assert (parse_keys(keys, bundle.keymap) if keys else []) == record["actions"]
    session = Session.read(tmp_path / "way.session")
    assert [session[i].action for i in range(1, len(session))] == record["actions"]
    assert verify(session, World(bundle)).difference is None
    assert session.header.card.path == world_folder.resolve()
    with Image.open(tmp_path / "way.gif") as film:
        assert film.width > 2 * small.WIDTH
    assert "frames imagined" in capsys.readouterr().out


def test_a_session_that_stopped_is_not_called_written(
    world_folder, picture, tmp_path, capsys, monkeypatch
):
    def stop(session, data):
        session.error = "no space left on device at frame 1"

    monkeypatch.setattr(Session, "_log", stop)
    limits = ("--steps", 3, "--frames", 12)
    assert run(world_folder, "--to", picture, "--out", tmp_path / "way", *limits) == 2
    said = capsys.readouterr()
    assert "way.session is not whole: no space left" in said.err and "wrote" not in said.out


def test_nothing_that_is_there_is_replaced(world_folder, picture, tmp_path, capsys):
    (tmp_path / "way.session").write_text("mine")
    assert run(world_folder, "--to", picture, "--out", tmp_path / "way") == 2
    assert "give another --out" in capsys.readouterr().err
    assert (tmp_path / "way.session").read_text() == "mine"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (["--to", "none.png"], "none.png"),
        ([], "missing: to"),
        (["--to", "PICTURE", "--steps", "0"], "--steps is 0"),
        (["--to", "PICTURE", "--steps", "257"], "--steps is 257: give 256 or fewer"),
        (["--to", "PICTURE", "--seed", "-1"], "--seed is -1"),
        (["--to", "PICTURE", "--from", "none.png"], "none.png"),
    ],
)
def test_a_wrong_command_is_one_line_and_writes_nothing(
    world_folder, picture, tmp_path, capsys, given, part
):
    given = [picture if word == "PICTURE" else word for word in given]
    before = sorted(tmp_path.iterdir())
    assert run(world_folder, *given, "--out", tmp_path / "way") == 2
    said = capsys.readouterr()
    assert part in said.err and said.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_keys_are_written_as_play_reads_them():
    assert write_keys(["left", "left", "up"]) == "left*2 up*1"
    assert PlanOptions(goal="x.png").out.name == "plan"
