"""Session logs in the user's folder, which several windows tidy up at once."""

import os
from pathlib import Path

import numpy as np
import pytest

from corpus.lock import Lock
from genie.play.recent import KEPT, begin_log, end_log, last_session, new_log
from genie.session.log import Session


@pytest.fixture
def logs(home):
    """More logs than are kept, the oldest first."""
    folder = home / "data" / "sessions"
    folder.mkdir(parents=True)
    names = [f"toy-20260101-0000{number:02}-{number}.session" for number in range(KEPT + 2)]
    found = [folder / name for name in names]
    for age, path in enumerate(found):
        path.write_bytes(b"a play")
        os.utime(path, (age, age))
    return found


def test_the_oldest_logs_are_removed_but_those_that_a_window_still_writes(logs):
    with Lock(logs[1]):
        new_log("toy")
        assert [path.exists() for path in logs[:4]] == [False, True, False, True]
    assert not list(logs[0].parent.glob(".*"))


def test_a_copy_under_another_name_stays(logs):
    names = ["mine.session", "toy-20260101-000000-7 copy.session", "best-of-2026.session"]
    copies = [logs[0].with_name(name) for name in names]
    # As where a name was taken, and where a state of another seed was loaded then.
    again = [logs[0].with_name(f"toy-20260101-000000-7-2{more}.session") for more in ("", "-2")]
    for path in (*copies, *again):
        path.write_bytes(b"a play")
        os.utime(path, (0, 0))
    new_log("toy")
    assert all(path.exists() for path in copies)
    assert [path.exists() for path in (*again, *logs[:4])] == [False] * 5 + [True]


def test_a_log_that_another_window_has_just_removed_is_passed_over(logs, monkeypatch):
    stat = Path.stat

    def removed(path, **options):
        if path == logs[-1]:
            raise FileNotFoundError(path)
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", removed)
    assert last_session("f" * 64) is None
    assert new_log("toy").parent == logs[0].parent


def test_an_old_log_that_cannot_be_removed_does_not_end_play(logs, player, monkeypatch):
    def refuse(path, **options):
        raise PermissionError(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        path = new_log("toy")
    begin_log(player.session, "toy", path)
    player.session.close()
    assert all(log.exists() for log in logs) and len(Session.read(path)) == 1


@pytest.mark.parametrize("edited", [True, False])
def test_a_log_of_edits_alone_is_kept_and_one_of_nothing_is_not(home, player, edited):
    begin_log(player.session, "toy")
    if edited:
        player.edit(np.array([1, -1, -1, -1]))
    end_log(player.session)
    assert player.session.path.exists() == edited


def test_a_folder_of_logs_that_cannot_be_read_is_noted_in_the_session(player, monkeypatch):
    def refuse(name):
        raise PermissionError(13, "Permission denied", "sessions")

    monkeypatch.setattr("genie.play.recent.new_log", refuse)
    begin_log(player.session, "toy")
    assert player.session.error == "sessions: permission denied"
    player.next_prompt()
    assert player.session.error
