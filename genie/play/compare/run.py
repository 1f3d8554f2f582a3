"""`genie play A --versus B`: its parts, and a play of both without a window."""

from __future__ import annotations

from corpus.progress import progress_bar
from genie.library.progress import Say, silent
from genie.media.film import film
from genie.media.side_by_side import draw_side_by_side
from genie.play.compare.comparison import Comparison
from genie.play.compare.opponents import open_opponent
from genie.play.scripted_keys import scripted_actions
from genie.play.setup import PlaySetup


def make_comparison(setup: PlaySetup, say: Say = silent) -> Comparison:
    """Return a world and its opponent at their first frames, with the scripted keys."""
    player = setup.player(say=lambda what, done: say(what, done / 2))
    opponent = open_opponent(setup, player, lambda what, done: say(what, 0.5 + done / 2))
    return Comparison(setup.card, player, opponent, setup.script(player))


def compare_headless(setup: PlaySetup) -> None:
    """Play both without a window."""
    comparison, options = make_comparison(setup), setup.options
    if not comparison.opponent.prev_actions:
        bundle = comparison.player.world.bundle
        comparison.script = scripted_actions(
            bundle.keymap, options.keys, options.frames, bundle.demo_keys
        )
    frames = min(len(comparison.script), options.frames or len(comparison.script))
    with film(options.record, setup.card.fps) as on_frame, progress_bar("playing", frames) as done:
        for _ in range(frames):
            comparison.tick(0.0)
            if on_frame is not None:
                on_frame(draw_side_by_side(comparison.panels))
            comparison.commit_pending()
            done(1)
    setup.report(comparison.player)
