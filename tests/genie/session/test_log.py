"""The session log: append-only, readable whatever happened to its end."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpus.lock import LockedError
from dynamics.sampler import UNMASK_ORDERS as SAMPLER_ORDERS
from genie.library.card import NamedAction, WorldCard
from genie.session.format import UNMASK_ORDERS, FrameRecord, record_type
from genie.session.header import Header, header_bytes, new_header, read_header
from genie.session.log import Session

ROOT = Path(__file__).resolve().parents[3]
TOKENS = 64
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


def frame(number, parent):
    """A frame whose tokens tell its number; some use the highest code that there may be."""
    ids = np.full(TOKENS, number % 1000, np.uint16)
    ids[0] = 65535
    return FrameRecord(
        parent=parent,
        action=number % 2,
        steps=0 if parent is None else 1 + number % 5,
        unmask_order=UNMASK_ORDERS[number % 2],
        temperature=0.1 * (number % 7),
        ids=ids,
    )


def played(frames=5, path=None):
    """A session of one line."""
    session = Session(HEADER)
    if path is not None:
        session.log_to(path)
    for number in range(frames):
        session.append(frame(number, number - 1 if number else None))
    return session


def same(one, other):
    assert len(one) == len(other)
    for index in range(len(one)):
        a, b = one[index], other[index]
        assert replace(a, ids=None) == replace(b, ids=None)
        assert (a.ids == b.ids).all()
    return True


def test_what_was_played_comes_back_from_the_log(tmp_path):
    session = played(2000, tmp_path / "s.session")
    session.close()
    again = Session.read(tmp_path / "s.session")
    assert again.header == HEADER
    assert same(again, session)


def test_a_frame_of_64_tokens_takes_about_150_bytes(tmp_path):
    played(100, tmp_path / "s.session").close()
    assert record_type(TOKENS).itemsize == 148
    size = (tmp_path / "s.session").stat().st_size
    assert size == len(header_bytes(HEADER)) + 100 * 148


def test_a_frame_is_on_its_way_to_the_disk_at_once(tmp_path):
    session = played(3, tmp_path / "s.session")  # still open
    assert same(Session.read(tmp_path / "s.session"), session)
    session.close()


def test_a_log_cut_at_any_byte_is_read_up_to_its_last_whole_frame(tmp_path):
    session = played(4, tmp_path / "s.session")
    session.close()
    data = (tmp_path / "s.session").read_bytes()
    start, cut = len(header_bytes(HEADER)), tmp_path / "cut.session"
    for length in range(start, len(data) + 1):
        cut.write_bytes(data[:length])
        assert len(Session.read(cut)) == (length - start) // 148
    for length in (0, 1, start // 2, start - 1):
        cut.write_bytes(data[:length])
        with pytest.raises(ValueError, match="not a session log"):
            Session.read(cut)


def test_a_torn_log_is_gone_on_with(tmp_path):
    path = tmp_path / "s.session"
    played(5, path).close()
    path.write_bytes(path.read_bytes()[:-20])
    session = Session.resume(path)
    assert len(session) == 4
    session.append(frame(9, 3))
    session.close()
    assert same(Session.read(path), session)
    assert (Session.read(path)[4].ids[1], len(Session.read(path))) == (9, 5)


def test_two_programs_do_not_write_one_log(tmp_path):
    path = tmp_path / "s.session"
    session = played(2, path)
    for write in (Session.resume, played(3).log_to):
        with pytest.raises(LockedError, match=f"process {os.getpid()} on") as caught:
            write(path)
        assert "\n" not in str(caught.value)
    assert same(Session.read(path), session)  # reading is free
    session.close()
    again = Session.resume(path)
    again.append(frame(2, 1))
    again.close()
    assert [again.line(2).tolist(), len(Session.read(path))] == [[0, 1, 2], 3]
    assert [file.name for file in tmp_path.iterdir()] == ["s.session"]


def test_going_back_and_playing_on_is_a_branch():
    session = played(5)
    branch = session.append(frame(50, 2))
    end = session.append(frame(51, branch))
    assert session.line(end).tolist() == [0, 1, 2, 5, 6]
    assert session.line(end, 2).tolist() == [5, 6]
    assert session.ends() == [4, 6]
    assert [session.frame_number(i) for i in (0, 4, 6)] == [0, 4, 4]
    assert session.ids(session.line(end))[:, 1].tolist() == [0, 1, 2, 50, 51]


def test_an_edit_replaces_the_end_that_it_was_made_of_and_no_newer_one():
    session = played(3)
    session.append(replace(frame(3, 1), action=1))
    assert session.ends() == [2, 3]
    session.append(replace(session[2], ids=session[3].ids, edited=True))
    assert session.ends() == [3, 4]


def test_a_line_alone_is_a_session_of_its_own(tmp_path):
    session = played(5)
    end = session.append(frame(50, 2))
    only = session.cut(end)
    only.write(tmp_path / "one.session")
    again = Session.read(tmp_path / "one.session")
    assert [again[i].ids[1] for i in range(len(again))] == [0, 1, 2, 50]
    assert again.line(3).tolist() == [0, 1, 2, 3]


def test_a_line_is_adopted_once():
    session = played(4)
    saved = session.cut(2)
    assert session.adopt(saved, 2) == 2
    assert len(session) == 4
    other = Session(HEADER)
    other.append(frame(77, None))
    assert other.adopt(saved, 2) == 3
    assert other.line(3).tolist() == [1, 2, 3]


def test_a_line_of_another_world_is_refused():
    with pytest.raises(ValueError, match="another world") as caught:
        played(2).adopt(Session(replace(HEADER, fingerprint="e" * 64)), 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"action": 0}, {"edited": True}])
def test_a_line_of_the_same_tokens_under_other_keys_or_edits_is_another(change):
    session = played(3)
    session.append(replace(session[1], parent=0, **change))
    end = session.append(replace(session[2], parent=3))
    assert session.adopt(session.cut(end), 2) == end
    assert session.adopt(session.cut(2), 2) == 2


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"seed": 8}, "seed 8, not 7"),
        ({"prompt_frames": 2}, "prompt frames 2, not 1"),
        ({"machine": {**HEADER.machine, "precision": "bfloat16"}}, "bfloat16, not float32"),
    ],
)
def test_a_line_whose_frames_could_not_be_sampled_again_is_refused(other, differs):
    saved = Session(replace(HEADER, **other))
    saved.append(frame(0, None))
    session = played(2)
    with pytest.raises(ValueError, match="go on with it in a session of its own") as caught:
        session.adopt(saved, 0)
    assert str(caught.value).count(", not ") == 1
    assert differs in str(caught.value) and len(session) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        frame(1, 5),
        replace(frame(1, 0), ids=np.zeros(TOKENS - 1, np.uint16)),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(wrong):
    session = played(2)
    with pytest.raises(ValueError):
        session.append(wrong)
    assert len(session) == 2


def test_a_record_that_is_not_there_is_named():
    with pytest.raises(IndexError, match="no record 2"):
        played(2)[2]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not a session log"),
        (b"GIF89a\n", "not a session log"),
        (b"[1]\n", "not a session log"),
        (b'{"kind": "genie-session", "format": 2}\n', "format 2"),
        (b'{"kind": "genie-session", "format": 1}\n', "lacks or misspells 'world'"),
    ],
)
def test_what_is_no_log_is_one_line(tmp_path, data, complaint):
    (tmp_path / "x.session").write_bytes(data)
    for read in (Session.read, Session.resume, read_header):
        with pytest.raises(ValueError, match=complaint) as caught:
            read(tmp_path / "x.session")
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no session at"):
        Session.read(tmp_path / "none.session")


def test_the_log_can_name_every_order_of_the_sampler():
    assert set(UNMASK_ORDERS) >= set(SAMPLER_ORDERS)


def test_a_header_tells_world_machine_and_seed(bundle):
    header = new_header(bundle, seed=3, path="worlds/small")
    assert header.card.path == Path.cwd() / "worlds" / "small"  # found from any folder
    assert (header.fingerprint, header.seed, header.tokens) == (bundle.fingerprint, 3, 6)
    assert header.card.actions[1] == NamedAction(name="left", keys=("left",))
    assert {"torch", "machine", "device", "threads"} <= set(header.machine)


WRITER = """
import itertools, sys, time
sys.path.insert(0, {tests!r})
import numpy as np
from genie.session.log import Session
from genie.session.format import FrameRecord
from genie.session.header import read_header
session = Session(read_header({template!r}).header)
session.log_to(sys.argv[1])
print("ready", flush=True)
for number in itertools.count():
    ids = np.full(64, number % 1000, np.uint16)
    session.append(FrameRecord(parent=number - 1 if number else None, action=0, steps=1,
                          unmask_order="random", temperature=0.5, ids=ids))
    print(number, flush=True)
"""


def test_a_killed_program_leaves_a_log_that_lacks_at_most_its_last_frame(tmp_path):
    template = tmp_path / "template.session"
    Session(HEADER).write(template)
    code = WRITER.format(tests=str(ROOT), template=str(template))
    for attempt in range(2):
        path = tmp_path / f"{attempt}.session"
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
        ) as writer:
            assert writer.stdout.readline() == "ready\n"
            time.sleep(0.02 + 0.03 * attempt)
            os.kill(writer.pid, signal.SIGKILL)
            told = writer.stdout.read().splitlines()
        session = Session.read(path)
        assert len(session) >= len([line for line in told if line.isdecimal()]) - 1 > 0
        assert session.line(len(session) - 1).tolist() == list(range(len(session)))
