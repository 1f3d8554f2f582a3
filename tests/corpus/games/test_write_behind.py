"""Episodes written while the next ones are played."""

import threading

import numpy as np
import pytest

from corpus.games.write_behind import MOST_WAITING, WriteBehind


class Writer:
    """Stands for a corpus writer that can be made to wait, or to fail."""

    def __init__(self, error=None):
        self.gate, self.error, self.written = threading.Event(), error, []
        self.records = []

    def add(self, frames):
        assert self.gate.wait(10)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.frames = frames

    def end_episode(self, record, actions):
        self.written.append((record["level"], self.frames.shape, actions.tolist()))


def episode(level, length=3):
    frames = [np.full((2, 2, 3), level, np.uint8)] * length
    return {"level": level}, frames, [level] * (length - 1)


def test_episodes_are_written_whole_and_in_their_order():
    writer = Writer()
    with WriteBehind(writer) as behind:
        for level in range(MOST_WAITING):
            behind.write(*episode(level, length=2 + level))  # does not wait for the writer
        assert writer.written == []
        writer.gate.set()
    expected = [(n, (2 + n, 2, 2, 3), [n] * (1 + n)) for n in range(MOST_WAITING)]
    assert writer.written == expected


def test_a_slow_disk_holds_the_games_up_before_memory_is_full():
    writer = Writer()
    with WriteBehind(writer) as behind:
        for level in range(MOST_WAITING + 1):
            behind.write(*episode(level))
        late = threading.Thread(target=behind.write, args=episode(9))
        late.start()
        late.join(0.05)
        assert late.is_alive()
        writer.gate.set()
        late.join(10)
    assert [level for level, *_ in writer.written] == [*range(MOST_WAITING + 1), 9]


def test_a_full_disk_is_said_at_the_latest_at_the_end():
    writer = Writer(OSError("no room"))
    writer.gate.set()
    with pytest.raises(OSError, match="no room"), WriteBehind(writer) as behind:
        behind.write(*episode(0))


def test_after_a_failed_episode_no_other_is_joined_to_it():
    writer = Writer(OSError("no room"))
    with pytest.raises(OSError, match="no room"), WriteBehind(writer) as behind:
        behind.write(*episode(0))
        behind.write(*episode(1))  # the disk would have room for this one
        writer.gate.set()
    assert writer.written == []


def test_after_an_error_what_waits_is_not_written():
    writer = Writer()
    with pytest.raises(KeyboardInterrupt), WriteBehind(writer) as behind:
        for level in range(3):
            behind.write(*episode(level))
        threading.Timer(0.05, writer.gate.set).start()
        raise KeyboardInterrupt
    assert len(writer.written) <= 1
