"""What the recordings of one build must agree on, and a corpus with a world: rates, actions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from corpus.readers.base import Source
from corpus.store import Corpus

SAME_RATE = 0.01  # recordings whose rates differ by less than this fraction have one rate


def check_actions(sources: Sequence[Source], rate: Fraction | None) -> bool:
    """Return whether every recording has true actions; refuse what would misalign them.

    Args:
        sources: all recordings of a build.
        rate: frames per second to resample to, or None.

    Raises:
        ValueError: only some have, or the build would resample one that has.
    """
    having = [item for item in sources if item.has_actions]
    if not having:
        return False
    if len(having) < len(sources):
        without = next(item for item in sources if not item.has_actions)
        raise ValueError(
            f"{len(having)} of {len(sources)} recordings have true actions, {without.path} has "
            "none: add them, or leave all out with --drop-actions"
        )
    for item in having:
        if rate is not None and item.fps is not None and rate != item.fps:
            raise ValueError(
                f"--fps {float(rate):g} would drop or repeat frames of {item.path} "
                f"({float(item.fps):g} fps), whose true actions then fit no longer: "
                "leave --fps out, or the actions with --drop-actions"
            )
    return True


def common_rate(sources: Sequence[Source]) -> Fraction:
    """The frames per second of the first of one or more recordings.

    Raises:
        ValueError: another one differs by more than ``SAME_RATE``, or one does not say its rate.
    """
    silent = next((item for item in sources if item.fps is None), None)
    if silent is not None:
        raise ValueError(f"{silent.path} does not say its frame rate: give it with --fps")
    first = sources[0]
    for item in sources[1:]:
        if abs(item.fps / first.fps - 1) > SAME_RATE:
            raise ValueError(
                f"{first.path} has {float(first.fps):g} frames per second, {item.path} has "
                f"{float(item.fps):g}: choose one with --fps"
            )
    return first.fps


def check_rate(corpus: Corpus, fps: float) -> None:
    """Raise ValueError where a corpus has another rate than a world, of `fps` frames per second."""
    if abs(corpus.fps / fps - 1) > SAME_RATE:
        raise ValueError(
            f"the corpus has {corpus.fps:g} frames per second and the world {fps:g}, so that a key "
            f"does another part of its work in a frame: build the corpus with --fps {fps:g}"
        )
