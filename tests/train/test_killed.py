"""What is learned outlives SIGKILL and SIGTERM; ``killed.py`` does it more often."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_a_killed_and_resumed_run_learns_what_an_uninterrupted_one_does():
    command = [sys.executable, str(HERE / "killed.py"), "--kills", "1", "--only", "train"]
    env = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all is well") == 1
