"""Damage in a session log: told by number, the original kept, what is sound recovered."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genie.library.card import NamedAction, WorldCard
from genie.session.format import Damage, FrameRecord
from genie.session.header import Header, header_bytes, read_header
from genie.session.log import Session

TOKENS, SIZE = 64, 148
HEADER = Header(
    card=WorldCard(
        path=Path("worlds/toy"),
        name="toy",
        title="Toy",
        fps=15.0,
        height=64,
        width=64,
        idle=0,
        actions=(NamedAction(name="none", keys=()), NamedAction(name="left", keys=("left", "a"))),
    ),
    fingerprint="f" * 64,
    tokens=TOKENS,
    seed=7,
    machine={"torch": "2.13.0", "machine": "x86_64", "device": "cpu", "threads": 2},
)
START = len(header_bytes(HEADER))


def frame(number, parent):
    return FrameRecord(
        parent=parent,
        action=number % 2,
        steps=0 if parent is None else 2,
        unmask_order="confidence",
        temperature=0.7,
        ids=np.random.default_rng(number).integers(0, 1024, TOKENS).astype(np.uint16),
    )


def same(one, other):
    return replace(one, ids=None) == replace(other, ids=None) and (one.ids == other.ids).all()


@pytest.fixture
def path(tmp_path):
    """A log of eight frames in one line."""
    session = Session(HEADER)
    for number in range(8):
        session.append(frame(number, number - 1 if number else None))
    session.write(tmp_path / "s.session")
    return tmp_path / "s.session"


@pytest.fixture
def whole(path):
    return Session.read(path)


def flip(path, *bits):
    """Flip bits of a file, counted from its start; in place, since to truncate one takes long."""
    with open(path, "r+b") as file:
        for bit in bits:
            file.seek(bit // 8)
            byte = file.read(1)[0] ^ 1 << bit % 8
            file.seek(bit // 8)
            file.write(bytes([byte]))


def bit_of(record, bit):
    return 8 * (START + record * SIZE) + bit


def spoil(path, *records):
    """Fill the tokens of records with something else."""
    data = bytearray(path.read_bytes())
    for record in records:
        begin = START + record * SIZE
        data[begin + 30 : begin + 90] = bytes(range(60))
    path.write_bytes(data)


@pytest.mark.parametrize("bits", [(0,), (40,), (64,), (700,), (1183,), (3, 1170), (300, 301)])
@pytest.mark.parametrize("record", [0, 3, 7])
def test_a_flipped_bit_or_two_of_a_record_are_undone(path, whole, record, bits):
    flip(path, *(bit_of(record, bit) for bit in bits))
    damaged = path.read_bytes()
    session = Session.read(path)
    assert session.damage == Damage(repaired=(record,))
    assert f"record {record} repaired" in session.problems()
    assert len(session) == 8
    assert all(same(session[i], whole[i]) for i in range(8))
    assert path.read_bytes() == damaged  # reading writes nothing


def test_sound_records_behind_a_lost_one_are_kept(path, whole):
    spoil(path, 3)
    session = Session.read(path)
    assert session.damage == Damage(lost=(3,))
    assert session.missing == {3}
    assert all(same(session[i], whole[i]) for i in (0, 1, 2, 4, 5, 6, 7))
    assert session.line(7).tolist() == list(range(8))
    assert (session[3].ids == whole[2].ids).all()  # what is shown in its place
    assert (session[3].action, session[3].steps) == (2, 0)


@pytest.mark.parametrize(("action", "steps", "sound"), [(3, 2, 0), (2, 2, 0), (3, 0, 0), (2, 0, 1)])
def test_a_sound_record_of_an_action_that_there_is_not_is_lost(tmp_path, action, steps, sound):
    session = Session(HEADER)
    for number in range(4):
        changed = {"action": action, "steps": steps} if number == 2 else {}
        session.append(replace(frame(number, number - 1 if number else None), **changed))
    session.write(tmp_path / "forged.session")
    again = Session.read(tmp_path / "forged.session")
    assert again.damage == (Damage() if sound else Damage(lost=(2,)))
    assert again.actions(range(4)).max() <= 2


def test_a_lost_first_frame_is_replaced_too(path, whole):
    spoil(path, 0)
    session = Session.read(path)
    assert session.missing == {0}
    assert session.line(7).tolist() == list(range(8))
    assert same(session[1], whole[1])


def test_lost_records_at_the_end_are_named_and_dropped(path):
    spoil(path, 2, 6, 7)
    with open(path, "ab") as file:
        file.write(bytes(2 * SIZE + 5))  # as after a loss of power
    session = Session.read(path)
    assert len(session) == 6
    assert session.damage == Damage(lost=(2, 6, 7, 8, 9), torn=5)


def test_a_torn_end_is_told(path):
    path.write_bytes(path.read_bytes()[:-20])
    session = Session.read(path)
    assert len(session) == 7
    assert "128 bytes of an unfinished record" in session.problems()


def test_the_original_is_kept_before_a_damaged_log_is_written(path, whole):
    flip(path, bit_of(5, 400))
    spoil(path, 2)
    damaged = path.read_bytes()
    session = Session.resume(path)
    session.append(frame(8, 7))
    session.close()
    copy = path.with_name("s.session.damaged")
    assert copy.read_bytes() == damaged
    again = Session.read(path)
    assert (again.damage, again.missing, len(again)) == (Damage(), {2}, 9)
    assert "record 2 missing since an earlier repair" in again.problems()
    assert same(again[5], whole[5]) and same(again[8], frame(8, 7))
    flip(path, bit_of(1, 9))
    Session.resume(path).close()
    assert copy.read_bytes() == damaged
    assert path.with_name("s.session.damaged-2").exists()


def test_a_sound_log_is_only_appended_to(path):
    before = path.read_bytes()
    session = Session.resume(path)
    session.append(frame(8, 7))
    session.close()
    assert path.read_bytes()[:-SIZE] == before
    assert [file.name for file in path.parent.iterdir()] == ["s.session"]


def test_any_flipped_bit_of_the_header_is_noticed_and_undone(path):
    for bit in range(8 * START):
        flip(path, bit)
        found = read_header(path)
        assert (found.header, found.size, found.damaged) == (HEADER, START, True), bit
        flip(path, bit)
    assert not read_header(path).damaged


def test_a_header_that_is_damaged_more_is_told_or_refused(path):
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"seed": 7', b'"seed": 9').replace(b"Toy", b"Boy"))
    assert "the header was damaged" in Session.read(path).problems()
    path.write_bytes(data[:50] + bytes(20) + data[70:])
    with pytest.raises(ValueError, match="not a session log"):
        Session.read(path)


def old_bytes():
    """The header of the first format: no checksum, no prompt_frames."""
    record = json.loads(header_bytes(HEADER))
    for key in ("minor", "prompt_frames", "check"):
        del record[key]
    return json.dumps(record).encode() + b"\n"


def test_a_log_without_a_checksum_in_its_header_is_read_as_before(path, whole):
    path.write_bytes(old_bytes() + path.read_bytes()[START:])
    session = Session.resume(path)
    assert (session.header, session.damage, session.has_check) == (HEADER, Damage(), False)
    assert all(same(session[i], whole[i]) for i in range(8))
    session.append(frame(8, 7))
    session.close()
    assert path.read_bytes().startswith(old_bytes())
    assert len(Session.read(path)) == 9


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("world", "fps", 0),
        ("world", "fps", None),
        ("world", "fps", "15"),
        ("world", "fps", float("nan")),
        ("world", "tokens", float("inf")),
        ("world", "tokens", 1 << 40),
        ("world", "height", True),
        ("world", "idle", 2),
        ("world", "title", None),
        ("world", "actions", 3),
        (None, "seed", float("inf")),
        (None, "seed", -1),
        (None, "machine", []),
        (None, "prompt_frames", 0),
    ],
)
def test_a_header_with_a_wrong_value_is_one_line(path, part, key, value):
    record = json.loads(old_bytes())
    (record[part] if part else record)[key] = value
    path.write_bytes(json.dumps(record).encode() + b"\n")
    with pytest.raises(ValueError, match="lacks or misspells") as caught:
        Session.read(path)
    assert "\n" not in str(caught.value)


def test_a_deep_header_is_no_session_log(path):
    path.write_bytes(b"[" * 100000 + b"\n")
    with pytest.raises(ValueError, match="not a session log"):
        Session.read(path)


def test_what_a_terminal_would_obey_is_not_in_a_title(path):
    title = "\x1b[2JToy"
    Session(replace(HEADER, card=replace(HEADER.card, title=title))).write(path)
    assert Session.read(path).header.card.title == "?[2JToy"
