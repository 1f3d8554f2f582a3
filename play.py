"""Play a world from a bare checkout: `python play.py [WORLD] [any flag of genie play]`."""

import sys

from genie.cli import main

if __name__ == "__main__":
    sys.exit(main(["play", *sys.argv[1:]]))
