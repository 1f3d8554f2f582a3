"""Which commit of this project runs."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit_of(folder: Path) -> str | None:
    """Return the git commit of a checkout.

    Args:
        folder: any folder inside of it.

    Returns:
        40 hexadecimal digits, or None outside of a checkout and where there is no git.
    """
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
