"""What is committed outlives SIGKILL and SIGTERM; ``killed.py`` does it more often."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_killed_and_resumed_builds_recordings_and_joins_equal_uninterrupted_ones():
    command = [sys.executable, str(HERE / "killed.py"), "--kills", "1"]
    env = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all is well") == 3
