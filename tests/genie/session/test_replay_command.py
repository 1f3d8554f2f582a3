"""`genie replay` on a session that the command has written."""

import json
from dataclasses import replace

import numpy as np
import pytest

from genie import cli
from genie.session.format import record_type
from genie.session.header import read_header
from genie.session.log import Session


@pytest.fixture
def recorded(world_folder, tmp_path, monkeypatch):
    """A session that the command has written, and a film of the same play."""
    monkeypatch.setenv("GENIE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    line = ["play", str(world_folder), "--headless", "--keys", "right*6 up*4", "--seed", "3"]
    assert cli.main([*line, "--record", "play.session"]) == 0
    assert cli.main([*line, "--record", "play.gif"]) == 0
    return tmp_path


def test_a_replayed_session_is_the_film_of_its_play_byte_for_byte(recorded, capsys):
    assert cli.main(["replay", "play.session", "--record", "again.gif", "--verify"]) == 0
    assert (recorded / "again.gif").read_bytes() == (recorded / "play.gif").read_bytes()
    said = capsys.readouterr().out
    assert "verified: all 11 frames; 10 are sampled again as logged" in said
    assert "prompts: 1 of the world's own; 0 of other pictures" in said
    assert "pixels may differ" not in said  # the same machine


def test_a_session_is_sampled_again_in_the_precision_it_was_played_in(
    recorded, world_folder, monkeypatch, capsys
):
    monkeypatch.setattr("genie.device.has_fast_bfloat16", lambda device: True)
    line = ["play", str(world_folder), "--headless", "--keys", "right*200 up*200", "--seed", "3"]
    assert cli.main([*line, "--precision", "bfloat16", "--record", "rounded.session"]) == 0
    assert cli.main([*line, "--record", "exact.session"]) == 0
    rounded, exact = (Session.read(f"{name}.session") for name in ("rounded", "exact"))
    assert rounded.header.machine["precision"] == "bfloat16"
    assert "precision" not in exact.header.machine
    assert not np.array_equal(rounded.ids(range(401)), exact.ids(range(401)))
    for name in ("rounded", "exact"):
        capsys.readouterr()
        assert cli.main(["replay", f"{name}.session", "--verify"]) == 0
        assert "all 401 frames" in capsys.readouterr().out


def test_the_same_keys_are_played_in_another_world(recorded, small, world_folder):
    small.write_world(recorded / "other", small.make_models(seed=5))
    line = ["replay", "play.session", "--record"]
    assert cli.main([*line, "same.gif", "--world", str(world_folder)]) == 0
    assert cli.main([*line, "other.gif", "--world", "other"]) == 0
    assert cli.main([*line, "keys.gif", "--show-keys"]) == 0
    assert cli.main([*line, "both.gif", "--world", "other", "--show-keys"]) == 0
    films = [(recorded / f"{name}.gif").read_bytes() for name in ("play", "other", "keys", "both")]
    assert len(set(films)) == 4


def test_of_pictures_the_folder_is_named(recorded, capsys):
    assert cli.main(["replay", "play.session", "--record", "out.png"]) == 0
    assert "recorded out: 10 frames" in capsys.readouterr().out
    assert len(list((recorded / "out").iterdir())) == 10


def test_without_flags_replay_says_what_the_log_holds(recorded, capsys):
    assert cli.main(["replay", "play.session"]) == 0
    assert "Small: 11 frames, 1 branch, the last 0.7 s long; seed 3" in capsys.readouterr().out


def spoil(path, record, bits):
    """Flip some bits of a record's tokens, from its first token on."""
    data = bytearray(path.read_bytes())
    at = read_header(path).size + record * record_type(6).itemsize + 16
    for bit in range(bits):
        data[at + bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def cut_header(path):
    path.write_bytes(path.read_bytes().replace(b'"seed": 3', b'"seed": 2'))


def go_on(path):
    spoil(path, 4, 40)
    Session.resume(path).close()


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda path: spoil(path, 4, 1), "record 4 repaired; 10 of 11 frames are sampled"),
        (lambda path: spoil(path, 4, 40), "record 4 lost; 5 follow a missing one too closely"),
        (lambda path: spoil(path, 10, 40), "record 10 lost; 9 of 10 frames are sampled"),
        (cut, "29 bytes of an unfinished record at the end; 9 of 10 frames are sampled"),
        (cut_header, "the header was damaged; 10 of 11 frames are sampled"),
        (go_on, "record 4 missing since an earlier repair; 5 follow"),
    ],
)
def test_any_damage_fails_verify_in_one_line(recorded, capsys, damage, complaint):
    damage(recorded / "play.session")
    capsys.readouterr()
    assert cli.main(["replay", "play.session", "--verify"]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("genie:")]
    assert len(said) == 1
    assert complaint in said[0]
    assert cli.main(["replay", "play.session", "--record", "what-is-left.gif"]) == 0
    assert "damaged: " in capsys.readouterr().out


def test_a_log_without_a_header_checksum_is_verified_and_said_to_have_none(recorded, capsys):
    path = recorded / "play.session"
    data, start = path.read_bytes(), read_header(path).size
    header = json.loads(data[:start])
    for key in ("minor", "check", "prompt_frames"):
        del header[key]
    path.write_bytes(json.dumps(header).encode() + b"\n" + data[start:])
    assert cli.main(["replay", "play.session", "--verify"]) == 0
    assert "the header has no checksum" in capsys.readouterr().out


def test_a_forged_log_is_one_line_that_names_the_frame(recorded, capsys):
    session = Session.read("play.session")
    forged = Session(session.header)
    for index in range(len(session)):
        frame = session[index]
        forged.append(replace(frame, ids=frame.ids ^ (index == 4)))
    forged.write("forged.session")
    assert cli.main(["replay", "forged.session", "--verify"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith("genie: frame 4 (record 4) is sampled otherwise") for line in said)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["none.session"], "no session at"),
        (["play.gif"], "not a session log"),
        (["play.session", "--record", "x.avi"], "must end in"),
        (["play.session", "--world", "w"], "--world needs --record"),
        (["play.session", "--verify", "--world", "w", "--record", "x.gif"], "exclude each other"),
        (["play.session", "--verify", "--threads", "0"], "--threads is 0"),
        (["play.session", "--verify", "--show-keys"], "--show-keys needs --record"),
    ],
)
def test_a_wrong_replay_is_one_line(recorded, capsys, flags, complaint):
    capsys.readouterr()
    assert cli.main(["replay", *flags]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_a_log_of_a_world_that_is_not_here_says_where_it_is_looked_for(
    recorded, capsys, world_folder
):
    session = Session.read("play.session")
    card = replace(session.header.card, path=recorded / "gone")
    lost = Session(replace(session.header, card=card, fingerprint="0" * 64))
    for index in range(2):
        lost.append(session[index])
    lost.write("lost.session")
    assert cli.main(["replay", "lost.session", "--verify"]) == 2
    assert "no world here has the fingerprint 000000000000" in capsys.readouterr().err
