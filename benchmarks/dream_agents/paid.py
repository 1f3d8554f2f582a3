"""What a world pays an agent that the game does not: both run side by side under the same keys."""

from pathlib import Path

import numpy as np

from benchmarks.dream_agents.games import Game, GameTask
from benchmarks.policy_from_video.judge import Player, random_player
from genie.media.film import film as open_film
from train.dream.task import Dream

COPIES, STEPS, WARM_UP, FILMED = 64, 32, 40, 6
RIM = (255, 220, 0)
NEAR = 1
"""Steps by which the two may differ in when they pay the same thing."""


def paid_wrongly(
    game: Game, dream: Dream, player: Player, buttons: list[int], film: Path | None = None
) -> dict[str, int]:
    """Count the rewards of an agent that sees the dream, in the dream and in the game.

    Dream and game begin at the same moments of random play on levels that nobody learned on, and
    both get the actions that the agent chooses in the dream.

    Args:
        game: the real one.
        dream: its world.
        player: who chooses.
        buttons: of the latent actions.
        film: a GIF of the plays with the most rewards that the game does not pay: the dream above
            the game, a bright rim where something is paid.

    Returns:
        How many rewards the dream `paid`, how many of those the game `earned` within a step, and
        how many the game paid that the dream `missed`; all up to the end of either's episode. What
        the other one pays in the step after that end still answers a reward, and counts no further.
    """
    task = GameTask(game, range(game.random[1]), COPIES, "dev", 0, again=False)
    warm = random_player(game.random, game.hold, COPIES, 0)
    for _ in range(WARM_UP):
        real = task.step(warm(*task.begin(0))).frames
    frames = before = dream.begin_at(real)
    table = np.asarray(buttons)
    pays, earns, films = [], [], [(frames, real)]
    dreamt_out, played_out = [], []  # whose episode was over before each step
    dream_over, game_over = np.zeros(COPIES, bool), np.zeros(COPIES, bool)
    for _ in range(STEPS):
        actions = player(frames, before)
        dreamt, played = dream.step(actions), task.step(table[actions])
        dreamt_out.append(dream_over.copy())
        played_out.append(game_over.copy())
        pays.append((dreamt.rewards > 0.5) & ~dream_over)
        earns.append((played.rewards > 0.5) & ~game_over)
        dream_over |= dreamt.ended
        game_over |= played.ended | (game.once & earns[-1])
        films.append((dreamt.frames, played.frames))
        before, frames = frames, dreamt.frames
    pays, earns, dreamt_out, played_out = map(np.stack, (pays, earns, dreamt_out, played_out))
    over = dreamt_out | played_out  # (T, B)
    paid, earned = pays & ~over, earns & ~over
    # A reward ends some episodes, so what answers it a step later comes after an end.
    pays, earns = pays & ~_later(played_out), earns & ~_later(dreamt_out)
    wrong, missed = paid & ~widen(earns), earned & ~widen(pays)
    if film is not None:
        worst = np.argsort(-wrong.sum(axis=0), kind="stable")[:FILMED]
        with open_film(film, dream.bundle.fps) as keep:
            for shown, *rims in zip(films, [None, *pays], [None, *earns], strict=True):
                keep(_beside(shown, rims, worst))
    return {
        "paid": int(paid.sum()),
        "earned": int((paid & ~wrong).sum()),
        "missed": int(missed.sum()),
    }


def widen(flags: np.ndarray) -> np.ndarray:
    """Set also the steps next to those that are set; bool (T, B)."""
    padded = np.pad(flags, ((NEAR, NEAR), (0, 0)))
    return np.stack([padded[step : step + len(flags)] for step in range(2 * NEAR + 1)]).any(axis=0)


def _later(flags: np.ndarray) -> np.ndarray:
    """Move flags, bool (T, B), `NEAR` steps on."""
    return np.pad(flags, ((NEAR, 0), (0, 0)))[: len(flags)]


def _beside(
    shown: tuple[np.ndarray, ...], rims: list[np.ndarray | None], rows: np.ndarray
) -> np.ndarray:
    """Draw a few plays side by side, the dream above the game."""
    lines = []
    for frames, rim in zip(shown, rims, strict=True):
        chosen = frames[rows].copy()
        if rim is not None:
            for edge in (np.s_[:, :2], np.s_[:, -2:], np.s_[:, :, :2], np.s_[:, :, -2:]):
                chosen[edge][rim[rows]] = RIM
        chosen = np.pad(chosen, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=255)
        lines.append(np.concatenate(list(chosen), axis=1))
    return np.concatenate(lines, axis=0)
