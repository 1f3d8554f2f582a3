"""`genie train`: the stages of a run, each resumable, each leaving what the next one reads."""

import time
from pathlib import Path
from typing import Any

import torch

from corpus.store import Corpus
from dynamics.model import Dynamics, DynamicsConfig
from genie.library.bundle import Bundle
from genie.settings import Settings
from lam.model import LatentActionConfig, LatentActionModel
from spacetime.weights import read_json
from tokenizer.model import Tokenizer, TokenizerConfig
from train.action_health import Judgement, judge_latent_actions
from train.data.clips import FrameClips, split_starts
from train.data.encode import Encoded, check_codes, encode_corpus, load_encoded
from train.data.frames import Frames
from train.export import export_world, load_model
from train.fit_dynamics import DynamicsStage, check_clip_length
from train.fit_lam import LatentActionStage
from train.fit_tokenizer import TokenizerStage
from train.loop.clock import Clock
from train.loop.hardware import pick_device
from train.player_sprite.fit import SpriteActionStage, locate_sprite
from train.recipe import FitConfig, Recipe, StageRecipe, load_recipe
from train.run_directory import Run
from train.run_record import open_out, write_run_record
from train.warm_start import begin_translated, begin_with, open_start, take_over

TAKEN_OVER = ("tokenizer", "lam")
STAGES = ("tokenizer", "lam", "encode", "dynamics")


def train(
    stage: str,
    corpus: Path,
    recipe: str,
    out: Path,
    minutes: float | None = None,
    stop_after: float | None = None,
    resume: bool = False,
    seed: int = 0,
    start: str | None = None,
    allow_collapsed: bool = False,
) -> None:
    """Fit one stage, or all of them in order.

    Args:
        stage: all, tokenizer, lam, encode or dynamics.
        corpus: folder of a built corpus.
        recipe: name of a shipped recipe, or a .yaml file.
        out: RUN; a folder of its own for each run.
        minutes: total of the stage, over all slices; of `all`, shared out by the recipe. None:
            the recipe's steps.
        stop_after: minutes after which this slice ends with a checkpoint and an export. Of `all`:
            the stage in progress ends its slice, and those after it wait for the next one.
        resume: go on with a run whose folder exists.
        seed: of every draw.
        start: a world to go on from: its tokenizer and latent action model are taken over as they
            are where the run has none, and its dynamics learns on, at lower rates. In a run that
            has its own, the dynamics is translated into their ids. With the stage tokenizer, that
            one learns on.
        allow_collapsed: fit the dynamics although the latent actions are collapsed; the world's
            record says so.

    Raises:
        ValueError: for an unknown stage or recipe, minutes that are not above 0, or sizes that do
            not fit together or not the corpus; nothing is written then. For latent actions that
            are collapsed; the earlier stages stay.
        FileExistsError: if this stage of `out` has been begun and `resume` is not given.
        FileNotFoundError: if an earlier stage is missing.
    """
    if stage not in ("all", *STAGES):
        raise ValueError(f"no stage {stage!r}: choose all, {', '.join(STAGES)}")
    for flag, value in (("--minutes", minutes), ("--stop-after", stop_after)):
        if value is not None and not value > 0:
            raise ValueError(f"{flag} must be above 0, got {value:g}")
    started = time.monotonic()
    chosen, opened = load_recipe(recipe), Corpus.open(corpus)
    wanted = STAGES if stage == "all" else (stage,)
    begun = None if start is None else open_start(start, opened)
    if begun is not None:
        if stage == "lam":
            raise ValueError(
                "--from takes the lam over from the world as it is: choose all, tokenizer, encode "
                "or dynamics, or leave --from away to fit new latent actions"
            )
        if stage == "all":
            wanted = tuple(name for name in STAGES if name not in TAKEN_OVER)
    _check_sizes(chosen, opened, seed, begun)
    open_out(out, stage, resume)
    write_run_record(out, opened, recipe, seed, begun, stage)
    if begun is not None and stage != "tokenizer":
        take_over(begun, out)
    frames = Frames(opened)
    for name in wanted:
        shared = stage == "all" and minutes is not None and name != "encode" and begun is None
        total = chosen.minutes_of(name, minutes) if shared else minutes
        part = Run(
            out=out, corpus=opened, frames=frames, recipe=chosen, seed=seed, minutes=total,
            slice_ends=None if stop_after is None else started + stop_after * 60,
            start=begun, allow_collapsed=allow_collapsed,
        )  # fmt: skip
        torch.manual_seed(seed)
        if not _FITS[name](part):
            # The next stage would learn from models that are still going to change.
            print(f"{name} is not at its end yet: go on with --resume")
            return


def _check_sizes(recipe: Recipe, corpus: Corpus, seed: int, start: Bundle | None = None) -> None:
    """Refuse what a later stage would refuse after hours of fitting.

    Of a run that goes on from a world, the recipe's sizes are not asked: it has the world's.
    """
    if start is None:
        size = {"height": corpus.height, "width": corpus.width}
        tokenizer = _build(Tokenizer, TokenizerConfig, recipe.tokenizer, **size)
        check_codes(tokenizer.num_codes)
        # Where the avatar is, nobody has looked yet.
        box = {"avatar": (0, 0, 1, 1)} if recipe.avatar else {}
        lam = _build(LatentActionModel, LatentActionConfig, recipe.lam, **size, **box)
        dynamics = _build(
            Dynamics,
            DynamicsConfig,
            recipe.dynamics,
            num_tokens=tokenizer.num_tokens,
            grid=tokenizer.grid,
            num_codes=tokenizer.num_codes,
            num_actions=lam.config.num_actions,
        )
        fitted = (recipe.tokenizer, recipe.lam, recipe.dynamics)
    else:
        dynamics, fitted = start.dynamics, (recipe.dynamics,)
    check_clip_length(recipe.dynamics.fit.frames, dynamics.config.band)
    for part in fitted:
        split_starts(corpus.episode_ends, part.fit.frames, seed)
    _settings(recipe)


def _clock(run: Run, fit: FitConfig) -> Clock:
    left = None if run.slice_ends is None else max(0.0, run.slice_ends - time.monotonic())
    return Clock(
        total_steps=fit.steps,
        total_seconds=None if run.minutes is None else run.minutes * 60,
        slice_seconds=left,
    )


def _tokenizer(run: Run) -> bool:
    part, size = run.recipe.tokenizer, {"height": run.corpus.height, "width": run.corpus.width}
    fit = part.fit
    if run.start is not None:
        model, fit = begin_with(run.start.tokenizer, fit)
    else:
        model = _build(Tokenizer, TokenizerConfig, part, **size)
    clips = FrameClips(run.corpus, fit.frames, run.seed, run.frames)
    stage = TokenizerStage(model, fit, _clock(run, fit), run.seed, clips, run.unexplained)
    return run.fit(stage, "tokenizer")


def _lam(run: Run) -> bool:
    part, share = run.recipe.lam, run.unexplained
    given = {"height": run.corpus.height, "width": run.corpus.width}
    if share is not None:
        given["avatar"] = locate_sprite(share)
    model = _build(LatentActionModel, LatentActionConfig, part, **given)
    clips = FrameClips(run.corpus, part.fit.frames, run.seed, run.frames)
    kind = LatentActionStage if share is None else SpriteActionStage
    stage = kind(model, part.fit, _clock(run, part.fit), run.seed, clips)
    return run.fit(stage, "lam")


def _encode(run: Run) -> bool:
    tokenizer, lam = _first_stages(run)
    out = run.out / "encoded.zarr"
    encode_corpus(run.corpus, tokenizer, lam, out, run.stamp(), run.frames)
    return True


def _dynamics(run: Run) -> bool:
    places = run.unexplained
    run.frames.release()
    tokenizer, lam = _first_stages(run)
    encoded = load_encoded(run.out / "encoded.zarr", run.stamp())
    judged = Judgement(
        verdict=judge_latent_actions(lam, run.corpus, run.seed),
        allow_collapsed=run.allow_collapsed,
    )
    part = run.recipe.dynamics
    fit, settings = part.fit, _settings(run.recipe)
    if run.start is not None and run.speaks_of(run.start):
        model, fit = begin_with(run.start.dynamics, fit)
    elif run.start is not None:
        model = begin_translated(run.start, encoded, run.corpus, run.seed)
    else:
        model = _build(
            Dynamics,
            DynamicsConfig,
            part,
            num_tokens=encoded.ids.shape[1],
            grid=tokenizer.grid,
            num_codes=encoded.num_codes,
            num_actions=encoded.num_actions,
        )
    stage = DynamicsStage(
        model, fit, _clock(run, fit), run.seed, encoded, tokenizer, settings, places
    )
    finished = run.fit(stage, "dynamics")
    dynamics = load_model(run.out / "dynamics", Dynamics, DynamicsConfig)
    models = {"tokenizer": tokenizer, "lam": lam, "dynamics": dynamics}
    _export(run, encoded, models, settings, judged)
    return finished


_FITS = {"tokenizer": _tokenizer, "lam": _lam, "encode": _encode, "dynamics": _dynamics}


def _export(
    run: Run,
    encoded: Encoded,
    models: dict[str, torch.nn.Module],
    settings: Settings,
    judged: Judgement,
) -> None:
    """Write RUN/world, named after the run's folder."""
    record = read_json(run.out / "run.json")
    name = run.out.resolve().name
    info = {
        "name": name,
        "title": name,
        "commit": record["commit"],
        "made_with": record,
        "latent_actions": judged.to_json(),
    }
    export_world(
        run.out / "world",
        run.corpus,
        encoded,
        models,
        settings,
        info,
        run.seed,
    )


def _first_stages(run: Run) -> tuple[Tokenizer, LatentActionModel]:
    device = pick_device()
    tokenizer = load_model(run.out / "tokenizer", Tokenizer, TokenizerConfig)
    lam = load_model(run.out / "lam", LatentActionModel, LatentActionConfig)
    return tokenizer.to(device), lam.to(device)


def _build(
    model_class: type[torch.nn.Module], config_class: type, part: StageRecipe, **given: Any
) -> Any:
    """Build a model of what the recipe, the corpus and the earlier stages say."""
    try:
        return model_class(config_class(**given, **part.model))
    except TypeError as error:
        raise ValueError(f"the recipe's values for a {model_class.__name__}: {error}") from None


def _settings(recipe: Recipe) -> Settings:
    try:
        return Settings.from_json(recipe.settings)
    except TypeError as error:
        raise ValueError(f"the recipe's settings: {error}") from None
