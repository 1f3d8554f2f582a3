"""What the window shows, as plain values made from the game."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genie.library.card import WorldCard
from genie.play.adaptive_steps import FrameTime
from genie.play.game.action_keys import Bindings
from genie.play.game.game import Game
from genie.play.game.panels import Panel
from genie.play.game.state import PlayState


@dataclass(frozen=True, kw_only=True)
class ActionLine:
    """An action in the list beside the frame."""

    name: str
    keys: tuple[str, ...]
    active: bool  # whether it led to the frame that is shown
    lit: bool = False  # whether its keys are held, so that it leads to the next one


@dataclass(frozen=True, kw_only=True)
class DriftGauge:
    """How far play is from the corpus; distance and threshold are None where not measured."""

    distance: float | None
    threshold: float | None
    drifted: bool


@dataclass(frozen=True, kw_only=True)
class Hud:
    """The figures beside the frame."""

    title: str
    fps: float
    fps_wanted: float
    times: FrameTime | None  # None before the first frame
    steps: tuple[int, int]  # refinement steps of the next frame, and how many are wanted
    too_slow: bool  # whether the machine cannot keep the pace
    adaptive: bool  # whether the steps follow the machine
    temperature: float
    frame: int
    seconds: float  # of play up to the frame, at the world's pace
    actions: tuple[ActionLine, ...]
    drift: DriftGauge | None  # None for a world without statistics


@dataclass(frozen=True, kw_only=True)
class View:
    """What is on the screen."""

    frame: np.ndarray  # uint8 (H, W, 3)
    hud: Hud | None
    badges: tuple[str, ...] = ()  # short words in the corner of the frame, such as "paused"
    recording: float | None = None  # seconds that the film has so far, if one is recorded
    message: str = ""  # a line over the foot of the frame
    panel: Panel | None = None


def view_of(game: Game, now: float) -> View:
    """Return what a game shows at a time, in seconds on the game's clock."""
    state, player = game.state, game.player
    recording = None
    if game.mark is not None:
        recording = game.recorded_frames / game.card.fps
    return View(
        frame=player.frame,
        hud=_hud(game) if state.hud else None,
        badges=_badges(game),
        recording=recording,
        message=state.message(now),
        panel=game.panel,
    )


def _badges(game: Game) -> tuple[str, ...]:
    found = []
    if game.state.rewinding:
        found.append("rewinding")
    elif game.state.paused:
        found.append("paused")
    if game.drift is not None and game.drift.drifted:
        found.append("drifted · H goes back")
    if game.export is not None:
        found.append(f"writing {100 * game.export.done // game.export.total} %")
    return tuple(found)


def _hud(game: Game) -> Hud:
    state, player, adaptive_steps = game.state, game.player, game.adaptive_steps
    drift = None
    if game.drift is not None:
        meter = game.drift
        drift = DriftGauge(
            distance=meter.distance, threshold=meter.threshold, drifted=meter.drifted
        )
    actions = action_lines(game.card, game.bindings, state, len(game.options.script))
    return Hud(
        title=game.card.title,
        fps=state.fps,
        fps_wanted=state.fps_wanted,
        times=adaptive_steps.times,
        steps=(adaptive_steps.steps, adaptive_steps.wanted),
        too_slow=adaptive_steps.too_slow(state.fps_wanted),
        adaptive=adaptive_steps.active,
        temperature=player.world.settings.temperature,
        frame=player.frame_number,
        seconds=player.frame_number / game.card.fps,
        actions=actions,
        drift=drift,
    )


def action_lines(
    card: WorldCard, bindings: Bindings, state: PlayState, scripted: int = 0
) -> tuple[ActionLine, ...]:
    """Return the actions of a world; during the first `scripted` frames keys do nothing."""
    lit = state.shown_action if state.total < scripted else state.lit_action
    return tuple(
        ActionLine(
            name=action.name,
            keys=(*bindings.keys_of(id), *([str(id)] if id < 10 else [])),
            active=id == state.shown_action,
            lit=id == lit,
        )
        for id, action in enumerate(card.actions)
    )
