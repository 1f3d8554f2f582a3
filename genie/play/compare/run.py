"""`genie play A --versus B`: its parts, and a play of both without a window."""

from __future__ import annotations

from typing import Any

from corpus.progress import progress_bar
from genie.library.card import WorldCard
from genie.media.film import film
from genie.media.side_by_side import draw_side_by_side
from genie.play.compare.opponents import open_opponent
from genie.play.compare.side_by_side import Comparison
from genie.play.keys import parse_keys, scripted_actions
from genie.play.options import PlayOptions
from genie.play.run import LoadWorld, make_player, report


def make_comparison(
    card: WorldCard, world: Any, options: PlayOptions, load: LoadWorld
) -> Comparison:
    """Return a world and what it is played against, at their first frames.

    Raises:
        ValueError: if something is damaged, or a session log is asked for as the recording.
        OSError: if something is missing.
    """
    if options.records_log:
        raise ValueError("--versus records films only: give --record a .gif or .mp4 name")
    player = make_player(card, world, options)
    player, opponent = open_opponent(options.versus, card, player, lambda path: load(path, options))
    script = parse_keys(options.keys, world.bundle.keymap) if options.keys else []
    return Comparison(card, player, opponent, script)


def compare_headless(card: WorldCard, world: Any, options: PlayOptions, load: LoadWorld) -> None:
    """Play both without a window; raises as `make_comparison` does."""
    comparison, bundle = make_comparison(card, world, options, load), world.bundle
    length = len(comparison.opponent.prev_actions)
    if length:
        frames = min(length, options.frames or length)
    else:
        script = scripted_actions(bundle.keymap, options.keys, options.frames, bundle.demo_keys)
        comparison, frames = (
            Comparison(card, comparison.player, comparison.opponent, script),
            len(script),
        )
    with film(options.record, card.fps) as on_frame, progress_bar("playing", frames) as tick:
        for _ in range(frames):
            comparison.turn(0.0)
            if on_frame is not None:
                on_frame(draw_side_by_side(comparison.panels))
            comparison.settle()
            tick(1)
    report(card, comparison.player, options)
