"""One evaluation from end to end: a world and a corpus in, a report out."""

from __future__ import annotations

from pathlib import Path

from corpus.labels import read_action_groups
from corpus.progress import Progress
from genie.drift import DriftMeter
from genie.evaluate.clips import CLIP_FRAMES, CLIPS_WANTED, HORIZON
from genie.evaluate.context import (
    FULL_CLIPS,
    LONG_FRAMES,
    EvalConfig,
    EvalContext,
)
from genie.evaluate.metrics.frechet import Frechet, score_frechet
from genie.evaluate.metrics.latent_part import latent_part
from genie.evaluate.metrics.long_play import long_rollouts, real_moving_share, score_long_play
from genie.evaluate.metrics.revisit import revisit_frames, score_revisit
from genie.evaluate.metrics.rollouts import RANDOM_DRAWS, score_rollouts
from genie.evaluate.metrics.round_trip import round_trip_frames, score_round_trip
from genie.evaluate.metrics.stuck import score_stuck, stuck_frames
from genie.evaluate.metrics.tokens import CROSS_ENTROPY_CLIPS, score_cross_entropy, score_tokenizer
from genie.evaluate.report.code_pictures import draw_codes
from genie.evaluate.report.contact_sheet import draw_sheet
from genie.evaluate.report.missing_values import explain_absent
from genie.evaluate.report.plots import draw_plots
from genie.evaluate.report.provenance import describe_run
from genie.evaluate.report.report import (
    dynamics_part,
    finish,
    print_minutes,
    print_report,
    record,
    write_report,
)
from genie.evaluate.true_frames import check_there, open_true_frames
from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world
from genie.media.charts import new_figure
from genie.speed import WorldLike, measure_speed
from genie.world import World
from spacetime.partial import check_writable


def evaluate(
    world: Path | str,
    corpus: Path | str,
    clips: int = CLIPS_WANTED,
    seed: int = 0,
    long: bool = False,
    action_groups: Path | str | None = None,
    json: Path | str | None = None,
    plots: Path | str | None = None,
) -> dict:
    """Measure a world on a corpus, print the figures, and write what was asked for.

    Args:
        world: name or folder of a world, or a run folder.
        corpus: folder of a corpus that the world was not trained on, or of videos with their
            actions beside them.
        clips: how many clips of 20 frames; 256 for a card. Fewer than 32 shorten every part.
        seed: of every choice; the same seed gives the same report but for times.
        long: play 10,000 frames instead of 1,000.
        action_groups: json file {"name": [true action, …], …}; true actions that do the same.
        json: file for the report.
        plots: folder for plots, what each code does, the contact sheet of held keys and a GIF per
            key.

    Returns:
        The report (issue format 1): json values, absent ones None with a reason in "notes".

    Raises:
        ValueError: a file holds something else, or the corpus does not fit the world.
        OSError: something cannot be found or written.
        ModuleNotFoundError: plots are wanted and matplotlib is not installed.

    Source: metrics.md.
    """
    config = EvalConfig(
        clips=clips,
        seed=seed,
        long_frames=LONG_FRAMES if long else None,
        action_groups=None if action_groups is None else read_action_groups(Path(action_groups)),
    )
    return evaluate_with(config, world, corpus, json, plots)


def evaluate_with(
    config: EvalConfig,
    world: Path | str,
    corpus: Path | str,
    json: Path | str | None = None,
    plots: Path | str | None = None,
) -> dict:
    """Measure a world on a corpus, print the figures, and write what was asked for.

    Args:
        config: how many clips, the seed, and what else is to be measured.
        world: name or folder of a world, or a run folder.
        corpus: folder of a corpus that the world was not trained on, or of videos with their
            actions beside them.
        json: file for the report.
        plots: folder for plots, as `evaluate` draws them.

    Returns:
        The report, and errors are those of `evaluate`.
    """
    if plots is not None:
        new_figure()  # complains before the work, not after it, where there is no matplotlib
        check_writable(Path(plots) / "plot.png", make_folders=True)
    check_there(corpus)
    if json is not None:
        check_writable(json, make_folders=True)
    bundle = load_bundle(find_world(world))
    names, progress = action_names(bundle), Progress(visible=True)
    with open_true_frames(corpus, (bundle.height, bundle.width), bundle.fps) as frames:
        context = EvalContext.of_bundle(bundle, frames, config, progress)
        report = evaluate_context(context, World(bundle))
        if json is not None:
            write_report(report, Path(json))
        if plots is not None:
            with progress.part("plots", 1) as tick:
                draw_plots(report, names, Path(plots))
                draw_codes(context, names, Path(plots))
                tick(1)
            draw_sheet(context, names, Path(plots))
    print_report(report, names)
    print_minutes(progress.minutes)
    return report


def action_names(bundle: Bundle) -> list[str]:
    """Name the actions of a world in the order of their ids."""
    return [bundle.keymap.name_of(action) for action in range(bundle.num_actions)]


def evaluate_context(context: EvalContext, world: WorldLike) -> dict:
    """Measure everything, writing nothing.

    Args:
        context: what is evaluated.
        world: the one-frame face of the same world, which is timed.

    Returns:
        The finished report.

    Raises:
        ValueError: frames of another size, or no episode long enough.
    """
    bundle, choice = context.bundle, context.choice
    part, missing = context.progress.part, _shortcomings(context)
    first = context.corpus.read(int(choice.starts[0]), int(choice.starts[0]) + 1)[0]
    timed = context.config.timed_frames
    with part("speed", timed, "frames") as tick:
        speed = measure_speed(world, first, bundle.num_actions, frames=timed, tick=tick)
    _ = context.encoded  # a part of its own
    with part("tokenizer", len(choice), "clips") as tick:
        tokenizer = score_tokenizer(context, tick)
    dynamics, frechet = _dynamics(context)
    report = {
        "tokenizer": record(tokenizer),
        "dynamics": dynamics,
        "lam": {**latent_part(context, missing), "round_trip": _round_trip(context)},
        "drift": _drift(context, missing),
        "stuck": _stuck(context),
        "revisit": _revisit(context),
        "frechet": record(frechet),
        "speed": record(speed),
        "settings": bundle.settings.to_json(),
        "meta": describe_run(context, missing),
        "notes": missing,
    }
    explain_absent(report, missing)
    return finish(report)


def _shortcomings(context: EvalContext) -> dict[str, str]:
    """Say what falls short of a card, under the name of what it explains in a report."""
    missing = dict(context.choice.missing)
    if context.config.clips < FULL_CLIPS:
        missing["meta.clips"] += (
            f"; a shortened report: with fewer than {FULL_CLIPS} clips, speed, round trip, "
            "long play, agreement and held keys are measured on fewer frames, too"
        )
    return missing


def _dynamics(context: EvalContext) -> tuple[dict, Frechet]:
    part, clips = context.progress.part, len(context.choice)
    with part("rollouts", clips * HORIZON * (1 + RANDOM_DRAWS), "frames") as tick:
        one = score_rollouts(context, tick=tick)
    with part("longer prompt", clips * HORIZON, "frames") as tick:
        several = score_rollouts(context, prompt_frames=4, random_draws=0, tick=tick)
    with part("cross-entropy", min(clips, CROSS_ENTROPY_CLIPS), "clips") as tick:
        nats = score_cross_entropy(context, tick)
    with part("Fréchet", clips, "clips") as tick:
        frechet = score_frechet(context, one, tick)
    return dynamics_part(one, several, nats, context.config.seed), frechet


def _round_trip(context: EvalContext) -> dict | None:
    frames = round_trip_frames(context.config, context.bundle.num_actions)
    with context.progress.part("round trip", frames, "frames") as tick:
        return record(score_round_trip(context, tick))


def _stuck(context: EvalContext) -> dict | None:
    with context.progress.part("stuck", stuck_frames(context.config), "frames") as tick:
        return record(score_stuck(context, tick))


def _revisit(context: EvalContext) -> dict:
    frames = revisit_frames(context)
    if not frames:
        return {"with_map": None, "without_map": None}
    with context.progress.part("revisit", frames, "frames") as tick:
        return record(score_revisit(context, tick))


def _drift(context: EvalContext, missing: dict[str, str]) -> dict:
    config = context.config
    frames = long_rollouts(config) * config.played_frames
    meter = DriftMeter.of(context.bundle.statistics)
    with context.progress.part("long play", frames, "frames") as tick:
        halves = score_long_play(context, meter, tick)
        real = real_moving_share(context, CLIP_FRAMES)
    missing["drift.random"] = "keys inferred from true episodes, in their order"
    return {name: {**record(half), "real_moving_share": real} for name, half in halves.items()}
