"""SIGKILL while playing, at random times: how much of the session is lost?

    python benchmarks/play/play_killed.py [WORLD] [--times N] [--threads N]

A process plays the window's own path under SDL's dummy driver and says after each frame how many
there were; it is killed, and its log is read.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAYER = """
import sys
from genie.cli import main
import genie.play.screen.loop as loop
tick = loop.PlayScreen.tick
def tick_and_tell(self):
    tick(self)
    print(self.game.state.total, flush=True)
loop.PlayScreen.tick = tick_and_tell
sys.exit(main(sys.argv[1:]))
"""


def kill_once(arguments: list[str], wait: float) -> tuple[int, int]:
    """Play, kill after some seconds; return how many frames were shown and how many are logged."""
    from genie.session.log import Session

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "GENIE_HOME": folder}
        with subprocess.Popen(
            [sys.executable, "-c", PLAYER, "play", *arguments, "--frames", "1000000"],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        ) as player:
            while not player.stdout.readline().strip().isdecimal():
                pass  # pygame and the window may say something first
            time.sleep(wait)
            os.kill(player.pid, signal.SIGKILL)
            shown = [line for line in player.stdout.read().splitlines() if line.isdecimal()]
        (path,) = (Path(folder) / "data" / "sessions").glob("*.session")
        session = Session.read(path)
        logged = sum(session[i].steps > 0 for i in range(len(session)))
    return int(shown[-1]) if shown else 1, logged


def main() -> None:
    """Read the command line, kill, print a line each time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", nargs="?")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    arguments = [options.world] if options.world else []
    arguments += ["--threads", str(options.threads)] if options.threads else []
    rng = random.Random(0)
    for number in range(options.times):
        wait = rng.uniform(0.1, 3.0)
        shown, logged = kill_once(arguments, wait)
        print(f"{number + 1}: killed after {wait:.2f} s, {shown} frames shown, {logged} in the log")


if __name__ == "__main__":
    main()
