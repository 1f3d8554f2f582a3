"""Which method of latent actions a corpus wants, by what moves in it; no label is read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from corpus.background import sample_frames, smallest_moving_thing
from corpus.frame_size import SIZE_STEP, size_warning
from corpus.store import Corpus
from lam.camera_flow.keys import FlowKeys
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.location import largest_radius
from train.auto.chosen import LEARNT, READ, Choice
from train.auto.motion import Motion, measure_motion
from train.camera_flow.fit import CameraFlowModule
from train.camera_steps.fit import CameraStepsModule
from train.camera_steps.survey import LEAST_STEPS, find_camera_steps, moves_by_cells
from train.data.frames import Frames
from train.moving_player.fit import MovingPlayerModule
from train.moving_player.method import ScrollingPlayerMethod
from train.moving_player.rail import find_rail_player
from train.moving_player.survey import MovingPlayer, NoPlayerError, find_moving_player, watch
from train.player_sprite.fit import SpriteActionModule, locate_sprite
from train.player_sprite.method import SpriteMethod
from train.recipe import load_recipe

AUTO = "auto"
"""In place of the kind of an action model, in a recipe."""
LEAST_CAMERA = 0.05
"""The camera moves if it does in this fraction of the transitions in which anything changes: it is
0.17 in Crafter, whose animals move all the time, and 0 in five games of a still picture."""
LEAST_HOLD = 0.7
"""What flows for less than three transitions on end is noise: 0.87 in first person, 0.80 where a
camera follows jumps."""
SMALL_THINGS = {
    "background_weight": 10.0, "latent_start": True, "encoder_rest": 60, "encoder_rate": 0.1,
    "seen_patches": 0.25,
}  # fmt: skip
"""What moves in a still picture is small; without care the tokenizer draws it late or never."""
MEMORY = {"map": True}
"""Where the camera moves by whole tokens, what was where can be told, as in `miner`, `crafter`."""


def choose_method(frames: Frames, seed: int, values: dict[str, Any]) -> Choice:
    """Look at a corpus and choose how its actions are found.

    Args:
        frames: of the corpus.
        seed: of the draws.
        values: the recipe's, for the action model.
    """
    motion = measure_motion(frames, seed)
    figures: dict[str, Any] = {
        "camera": round(motion.camera, 3), "in_steps": round(motion.in_steps, 3),
    }  # fmt: skip
    if motion.camera < LEAST_CAMERA:
        return _with_losses(_still_picture(frames, seed, values, figures), frames.corpus)
    seen = f"the camera moves in {motion.camera:.0%} of all transitions in which anything changes"
    if motion.in_steps >= LEAST_STEPS:
        return _whole_steps(frames, seed, motion, values, seen, figures)
    return _followed(frames, seed, motion, values, seen, figures) or _scrolling(
        frames, seed, values, seen, figures
    )


def _followed(
    frames: Frames, seed: int, motion: Motion, values: dict[str, Any], seen: str,
    figures: dict[str, Any],
) -> Choice | None:  # fmt: skip
    """Choose for a camera that keeps a sprite at one position in the picture; None: there is none.

    The camera is followed as far as it goes: a shift that is cut short leaves a rest everywhere, in
    which no sprite stands out.
    """
    method, corpus = SpriteMethod(), frames.corpus
    model = LEARNT | {"num_actions": 5, "states": 6}
    if motion.farthest > SpriteActionConfig.search_radius:
        model["search_radius"] = min(motion.farthest, largest_radius(corpus.height, corpus.width))
    try:
        locate_sprite(motion.residual, method)
        survey = SpriteActionModule.survey(frames, seed, method, model | values)
    except ValueError:
        return None
    top, left, height, width = survey.values["box"]
    return Choice(
        kind="player_sprite",
        model=model,
        saw=(
            seen,
            f"the picture follows the player, {height}x{width} pixels at row {top}, column {left}",
        ),
        figures=figures | {"box": [top, left, height, width]},
        survey=survey,
    )


def _scrolling(
    frames: Frames, seed: int, values: dict[str, Any], seen: str, figures: dict[str, Any]
) -> Choice:
    """Choose for a picture that scrolls, with no figure that keeps to one position in it."""
    method = ScrollingPlayerMethod()
    watched = watch(frames.corpus, seed, method)
    if (player := find_rail_player(watched, method)) is not None:
        return _on_rail(player, values, (seen,), figures)
    if (player := find_moving_player(watched, seed, method)) is None:
        return _gliding(frames, seed, values, seen, figures)
    survey = MovingPlayerModule.survey_of(player, values)
    return Choice(
        kind="scrolling_player",
        model=READ | survey.values,
        saw=(seen, *_player_seen(player, "seen moving in the scene in")),
        figures=figures | _player_figures(player),
        survey=replace(survey, values={}),
    )


def _on_rail(
    player: MovingPlayer, values: dict[str, Any], seen: tuple[str, ...], figures: dict[str, Any]
) -> Choice:
    """Choose for a player that keeps to a line of a picture that scrolls."""
    survey = MovingPlayerModule.survey_of(player, values)
    return Choice(
        kind="moving_player",
        model=READ | survey.values,
        lam={"rail": True},
        saw=(*seen, *_player_seen(player, "on a line of the picture in")),
        figures=figures | _player_figures(player),
        survey=replace(survey, values={}),
    )


def _player_seen(player: MovingPlayer, there: str) -> tuple[str, str]:
    """Say what a player was taken for; `there` leads to the fraction of the frames."""
    return (
        f"the player is a thing of {player.area:.0f} pixels, {there} {player.present:.0%} of the "
        "frames: of all that stays, its last motion tells its next one least",
        f"it moves in {len(player.motions) - 1} directions: {len(player.motions)} actions",
    )


def _player_figures(player: MovingPlayer) -> dict[str, Any]:
    """Return the numbers behind it."""
    return {
        "present": round(player.present, 3),
        "moving": round(player.moving, 3),
        "surprise": round(player.surprise, 3),
        "colours": player.colours.round().tolist(),
        "motions": player.motions.round(1).tolist(),
    }


def _gliding(
    frames: Frames, seed: int, values: dict[str, Any], seen: str, figures: dict[str, Any]
) -> Choice:
    """Choose for a camera that glides, with no figure that it follows: as in first person."""
    nobody = "no figure keeps to one position in the picture"
    survey = CameraFlowModule.survey(frames, seed, CameraFlowModule.METHOD(), values)
    keys: FlowKeys = survey.player
    hold = float(keys.hold)
    figures |= {"hold": round(hold, 3)}
    if hold < LEAST_HOLD:
        return Choice(kind="whole_frame", model=dict(LEARNT), saw=(seen, nobody), figures=figures)
    motions = -keys.means[:, [1, 0]]  # the camera goes where the picture does not
    figures |= {"flow": _rounded(keys.means), "motions": _rounded(motions)}
    ways = ", ".join(keys.ways())
    return Choice(
        kind="camera_flow",
        model=READ | survey.values,
        saw=(seen, nobody, f"it goes {ways}, each for a while: {keys.num_keys} actions"),
        figures=figures,
        survey=replace(survey, values={}),
    )


def _rounded(numbers: Tensor) -> list[list[float]]:
    return [[round(number, 1) for number in row] for row in numbers.tolist()]


def _whole_steps(
    frames: Frames, seed: int, motion: Motion, values: dict[str, Any], seen: str,
    figures: dict[str, Any],
) -> Choice:  # fmt: skip
    """Choose for a camera that moves by whole steps: from cell to cell, or at one speed."""
    found = None
    if moves_by_cells(motion):
        found = find_camera_steps(frames, seed, CameraStepsModule.METHOD(), motion)
    steps = motion.steps if found is None else found.steps
    count = max(len(steps) + 1, 3)
    figures["steps"] = [list(step) for step in steps]
    listed = ", ".join(f"{dy},{dx}" for dy, dx in steps)
    moves = f"it moves by whole steps ({listed} pixels down and right): {count} actions"
    by_tokens = all(side % SIZE_STEP == 0 for step in steps for side in step)
    dynamics = dict(MEMORY) if by_tokens else {}
    if found is None:
        method = ScrollingPlayerMethod()
        player = find_rail_player(watch(frames.corpus, seed, method), method)
        if player is not None:
            return _on_rail(player, values, (seen, "it moves at one speed"), figures)
        return Choice(
            kind="whole_frame",
            model=LEARNT | {"num_actions": count},
            dynamics=dynamics,
            saw=(seen, moves),
            figures=figures,
        )
    top, left, height, width = found.view
    figures["view"] = list(found.view)
    view = f"{height}x{width} pixels at row {top}, column {left}"
    return Choice(
        kind="camera_steps",
        model=READ | {"num_actions": count},
        dynamics=dynamics,
        saw=(seen, moves, f"the player stands in the middle of {view}"),
        figures=figures,
        survey=CameraStepsModule.survey_of(found, {"num_actions": count} | values),
    )


def advise(corpus: Path | str) -> list[str]:
    """Say in lines what `choose_method` sees in a corpus, and what it would choose."""
    values = load_recipe(AUTO).lam.model
    choice = choose_method(Frames(Corpus.open(corpus)), 0, values)
    return [*choice.saw, f"recipe {AUTO} would learn actions by the method {choice.kind}"]


def _with_losses(choice: Choice, corpus: Corpus) -> Choice:
    """Add what a tokenizer of these frames will lose, before anything is trained."""
    thing = smallest_moving_thing(sample_frames(corpus))
    warning = size_warning(thing, corpus.height, corpus.width)
    return choice if warning is None else replace(choice, saw=(*choice.saw, warning))


def _still_picture(
    frames: Frames, seed: int, values: dict[str, Any], figures: dict[str, Any]
) -> Choice:
    """Choose for a picture that stands still."""
    seen = "the picture stands still"
    try:
        method = MovingPlayerModule.METHOD()
        survey = MovingPlayerModule.survey(frames, seed, method, values)
    except NoPlayerError:
        return Choice(
            kind="whole_frame",
            model=dict(LEARNT),
            saw=(
                seen,
                "nothing is there most of the time and moves as its last motion does not tell",
            ),
            figures=figures,
        )
    return Choice(
        kind="moving_player",
        model=READ | survey.values,
        tokenizer=dict(SMALL_THINGS),
        saw=(seen, *_player_seen(survey.player, "there in")),
        figures=figures | _player_figures(survey.player),
        survey=replace(survey, values={}),  # they are the choice's now
    )
