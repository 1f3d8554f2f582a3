"""Recordings, exports and unpacked worlds outlive kills; ``killed.py`` kills more often."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_killed_films_logs_and_zips_are_whole_or_what_they_were():
    commands = ["gif", "session", "export"]
    command = [sys.executable, str(HERE / "killed.py"), "--kills", "1", "--only", *commands]
    env = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all is well") == 3
