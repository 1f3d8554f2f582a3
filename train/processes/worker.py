"""One of several processes of a `genie train`: python -m train.processes.worker JSON."""

import json
import signal
import sys

from spacetime.partial import plain
from train.pipeline import train


def main(call: str) -> int:
    """Call `train` with arguments as json; return the exit status, as of `genie`."""
    # Ctrl-C reaches all processes of a terminal: the one that started this one passes it on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        train(**json.loads(call))
    except (ValueError, OSError) as error:
        print(f"genie: {' '.join(plain(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
