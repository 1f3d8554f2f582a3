"""Kill play that is recorded, exports, and play from a zip, at random moments.

Ten kills each, by hand: python tests/play/killed.py --kills 10
"""

import mmap
import os
import shutil
import sys
from pathlib import Path

import av
import jsonargparse.typing  # noqa: F401 - all is loaded once, before the forks
import torch  # noqa: F401

import genie.play.headless  # noqa: F401
import genie.play.run  # noqa: F401
import genie.world  # noqa: F401
import lam.keymap.keymap  # noqa: F401
from genie.library.archive import export_world
from genie.library.catalog import find_world
from genie.session.log import Session

sys.path.append(str(Path(__file__).parents[1]))
from killing import Killed, conftest_of, finish, fork, kill_all, quiet_main, tree  # noqa: E402

EARLIER = b"what lay here before"
FRAMES = 60
COMMITTED = mmap.mmap(-1, 8)
"""How many records the process that was killed had committed."""


def prepare(folder):
    """Make worlds; return the commands."""

    def make():
        conftest_of("fuzz").write_world(folder / "small")
        export_world(find_world("miner"), folder / "miner.zip")

    assert finish(fork(make)) == 0
    os.environ["GENIE_HOME"] = str(folder / "home")
    small, films = str(folder / "small"), ("gif", "mp4", "png")
    unpacked = ["play", str(folder / "miner.zip"), "--frames", "1", "--headless", "--threads", "1"]
    return [
        *(film(suffix, small) for suffix in films),
        session(small),
        whole("export", ["export", "miner", "{}/out.zip"], "out.zip"),
        whole("unpack", [*unpacked, "--record", "{}/out.gif"], "out.gif"),
    ]


def play(world, here, name):
    words = ["play", world, "--headless", "--keys", f"right*{FRAMES}", "--threads", "1"]
    return quiet_main([*words, "--record", str(here / name)])


def put_earlier(name):
    """Return what puts a file of the name there before the first run."""
    return lambda here: (here / name).write_bytes(EARLIER)


def same(whole, here):
    """The file that was wanted, and no partial, lock or other rest."""
    assert tree(here) == tree(whole)


def film(suffix, world):
    """Return play that records a film."""
    name = f"out.{suffix}"
    pictures = suffix == "png"
    place = "out" if pictures else name

    def run(here):
        if pictures:  # a folder of pictures is not replaced
            shutil.rmtree(here / place, ignore_errors=True)
        return play(world, here, name)

    def check(here):
        """Return how many frames a film has that a signal ended; an earlier one is as it was."""
        found = here / place
        if pictures and not found.exists():
            return 0
        if not pictures and found.read_bytes() == EARLIER:
            return 0
        files = sorted(found.iterdir()) if pictures else [found]
        frames = sum(decode(file) for file in files)
        assert 0 < frames <= FRAMES
        return frames

    prepare = (lambda here: None) if pictures else put_earlier(name)
    return Killed(name=suffix, run=run, check=check, same=same, prepare=prepare)


def decode(path):
    """How many whole frames a film or a picture has."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert not any(frame.is_corrupt for frame in frames)
    return len(frames)


def session(world):
    """Return play that records its log: what a kill leaves, the next one finds aside."""
    append = Session.append

    def counted(log, frame):
        number = append(log, frame)
        if log.path is not None:
            COMMITTED[:8] = (number + 1).to_bytes(8, "little")
        return number

    Session.append = counted

    def run(here):
        COMMITTED[:8] = bytes(8)
        for old in here.iterdir():
            shutil.move(old, here.with_suffix(".old"))
        return play(world, here, "out.session")

    def check(here):
        committed = int.from_bytes(COMMITTED[:8], "little")
        path = here / "out.session"
        if not path.exists():
            assert not committed
            return 0
        log = Session.read(path)
        assert not log.damage.lost and not log.missing
        assert len(log) >= committed
        return len(log)

    return Killed(name="session", run=run, check=check, same=same)


def whole(name, words, made):
    """Return a command whose file is either as it was or whole."""
    found = set()

    def run(here):
        return quiet_main([word.format(here) for word in words])

    def check(here):
        data = (here / made).read_bytes()
        found.add(data)
        assert len(found) <= 2
        return "old" if data == EARLIER else "new"

    def same_and_whole(whole, here):
        assert tree(here) == tree(whole)
        assert found <= {EARLIER, (whole / made).read_bytes()}
        home = Path(os.environ["GENIE_HOME"])
        left = [path.name for path in home.rglob(".*")]
        assert not left, left

    def prepare(here):
        put_earlier(made)(here)
        shutil.rmtree(os.environ["GENIE_HOME"], ignore_errors=True)

    return Killed(name=name, run=run, check=check, same=same_and_whole, prepare=prepare)


if __name__ == "__main__":
    kill_all(prepare)
