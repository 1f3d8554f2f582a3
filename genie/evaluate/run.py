"""One evaluation from end to end: a world and a corpus in, a report out."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from genie.drift import DriftMeter
from genie.evaluate.clips import (
    CLIP_FRAMES,
    CLIPS_WANTED,
    HORIZON,
    ClipChoice,
    EncodedClips,
    choose_clips,
    encode_clips,
    first_frame,
)
from genie.evaluate.context import EvalConfig, EvalContext, read_action_groups
from genie.evaluate.metrics.frechet import Frechet, score_frechet
from genie.evaluate.metrics.latent_part import latent_part
from genie.evaluate.metrics.long_play import (
    FRAMES,
    LONG_FRAMES,
    ROLLOUTS,
    real_moving_share,
    score_long_play,
)
from genie.evaluate.metrics.rollouts import RANDOM_DRAWS, score_rollouts
from genie.evaluate.metrics.round_trip import round_trip_frames, score_round_trip
from genie.evaluate.metrics.speed import measure_speed
from genie.evaluate.metrics.tokens import CROSS_ENTROPY_CLIPS, score_cross_entropy, score_tokenizer
from genie.evaluate.progress import NoProgress, ProgressBars
from genie.evaluate.report.code_pictures import draw_codes
from genie.evaluate.report.contact_sheet import (
    KEYS,
    SEEDS,
    SHOWN_FRAMES,
    play_held_keys,
    write_sheet,
)
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
from genie.evaluate.true_frames import open_pictures


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
        clips: how many clips of 20 frames; 256 for a card.
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

    Source: metrics.md.
    """
    from genie.library.bundle import load_bundle
    from genie.library.catalog import find_world
    from genie.rollout import Rollout
    from genie.world import World

    groups = None if action_groups is None else read_action_groups(Path(action_groups))
    folder = find_world(world)
    bundle = load_bundle(folder)
    config = EvalConfig(
        clips=clips,
        seed=seed,
        long_frames=LONG_FRAMES if long else FRAMES,
        action_groups=groups,
    )
    names = action_names(bundle)
    with open_pictures(Path(corpus), (bundle.height, bundle.width), bundle.fps) as pictures:
        context = EvalContext(
            bundle=bundle,
            make_rollout=partial(Rollout, bundle),
            world=World(bundle),
            corpus=pictures,
        )
        with ProgressBars() as bars:
            report = evaluate_context(context, config, bars)
            if json is not None:
                write_report(report, Path(json))
            if plots is not None:
                with bars.part("plots", 1) as tick:
                    draw_plots(report, names, Path(plots))
                    draw_codes(context, names, Path(plots), seed)
                    tick(1)
                draw_sheet(context, names, Path(plots), bars, seed)
    print_report(report, names)
    print_minutes(bars.minutes)
    return report


def action_names(bundle: object) -> list[str]:
    """Name the actions of a world in the order of their ids."""
    return [bundle.keymap.name_of(action) for action in range(bundle.num_actions)]


def evaluate_context(
    context: EvalContext, config: EvalConfig, progress: NoProgress | None = None
) -> dict:
    """Measure everything, writing nothing.

    Args:
        context: what is evaluated.
        config: how.
        progress: who is told; nobody if None.

    Returns:
        The finished report.

    Raises:
        ValueError: frames of another size, or no episode long enough.
    """
    bundle, corpus, progress = context.bundle, context.corpus, progress or NoProgress()
    choice = choose_clips(corpus.episode_ends, config.clips, config.seed)
    first = first_frame(corpus, choice, bundle.height, bundle.width)
    notes = {} if choice.note is None else {"meta.clips": choice.note}
    with progress.part("speed", config.speed_frames) as tick:
        speed = measure_speed(
            context.world, first, bundle.num_actions, frames=config.speed_frames, tick=tick
        )
    with progress.part("read clips", len(choice)) as tick:
        encoded = encode_clips(bundle, corpus, choice, tick)
    with progress.part("tokenizer", len(choice)) as tick:
        tokenizer = score_tokenizer(bundle, corpus, choice, encoded, tick)
    dynamics, frechet = _dynamics(context, config, choice, encoded, progress)
    report = {
        "tokenizer": record(tokenizer),
        "dynamics": dynamics,
        "lam": {
            **latent_part(context, config, choice, encoded, notes, progress),
            "round_trip": _round_trip(context, config, choice, progress),
        },
        "drift": _drift(context, config, choice, notes, progress),
        "frechet": record(frechet),
        "speed": record(speed),
        "settings": record(bundle.settings),
        "meta": describe_run(context, config, choice, notes),
        "notes": notes,
    }
    explain_absent(report, notes)
    return finish(report)


def _dynamics(
    context: EvalContext,
    config: EvalConfig,
    choice: ClipChoice,
    encoded: EncodedClips,
    progress: NoProgress,
) -> tuple[dict, Frechet]:
    bundle, clips = context.bundle, len(choice)
    roll = partial(
        score_rollouts,
        bundle,
        context.make_rollout,
        context.corpus,
        choice,
        encoded,
        seed=config.seed,
    )
    with progress.part("rollouts", clips * HORIZON * (1 + RANDOM_DRAWS)) as tick:
        one = roll(tick=tick)
    with progress.part("longer prompt", clips * HORIZON) as tick:
        several = roll(prompt_frames=4, random_draws=0, tick=tick)
    with progress.part("cross-entropy", min(clips, CROSS_ENTROPY_CLIPS)) as tick:
        nats = score_cross_entropy(bundle, encoded, config.seed, tick)
    with progress.part("Fréchet", clips) as tick:
        frechet = score_frechet(bundle, context.corpus, choice, encoded, one, tick)
    return dynamics_part(one, several, nats, config.seed), frechet


def _round_trip(
    context: EvalContext, config: EvalConfig, choice: ClipChoice, progress: NoProgress
) -> dict | None:
    bundle = context.bundle
    with progress.part("round trip", round_trip_frames(bundle.num_actions)) as tick:
        scores = score_round_trip(
            bundle, context.make_rollout, context.corpus, choice, config.seed, tick
        )
    return record(scores)


def _drift(
    context: EvalContext, config: EvalConfig, choice: ClipChoice, notes: dict, progress: NoProgress
) -> dict:
    meter = None
    if context.bundle.statistics:
        meter = DriftMeter(context.bundle.statistics)
    with progress.part("long play", ROLLOUTS * config.long_frames) as tick:
        halves = score_long_play(
            context.bundle,
            context.make_rollout,
            context.corpus,
            choice,
            meter,
            frames=config.long_frames,
            seed=config.seed,
            tick=tick,
        )
    notes["drift.random"] = "keys inferred from true episodes, in their order"
    real = real_moving_share(context.corpus, choice, CLIP_FRAMES)
    return {name: {**record(half), "real_moving_share": real} for name, half in halves.items()}


def draw_sheet(
    context: EvalContext, names: list[str], folder: Path, progress: NoProgress, seed: int = 0
) -> list[Path]:
    """Play held keys from the world's prompts (or true frames) and write the contact sheet.

    Args:
        context: what is evaluated.
        names: of the actions, in the order of their ids.
        folder: written into.
        progress: who is told.
        seed: of the choice of true frames, where the world has no prompts.

    Returns:
        The files written.
    """
    prompts = list(context.bundle.prompts)
    if not prompts:
        choice = choose_clips(context.corpus.episode_ends, SEEDS, seed)
        prompts = [context.corpus.read(int(s), int(s) + 1)[0] for s in choice.starts]
    total = min(KEYS, len(names)) * SEEDS * SHOWN_FRAMES[-1]
    with progress.part("held keys", total) as tick:
        play = play_held_keys(context.bundle, context.make_rollout, prompts, names, tick=tick)
    return write_sheet(play, folder, context.bundle.fps)
