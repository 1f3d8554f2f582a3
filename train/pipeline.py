"""`genie train`: the stages of a run, each resumable, each leaving what the next one reads."""

import contextlib
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from corpus.lock import Lock
from corpus.store import Corpus
from corpus.verify import quick_check
from genie.arguments import STAGES
from genie.device import pick_device, unused_gpu
from genie.library.bundle import Bundle
from genie.registry import kind_of, new_model
from lam.health.assessment import ActionHealth
from spacetime.weights import read_json
from train.auto.choice import AUTO, choose_method
from train.auto.chosen import Choice, recorded_choice, resolve
from train.auto.dynamics_size import pick_size
from train.auto.picture import AUTO_PICTURE, draw_choice
from train.data.clips import FrameClips
from train.data.code_features import code_features
from train.data.encode import Encoded, encode_corpus, load_encoded
from train.data.frames import Frames
from train.enlarge import is_enlarged
from train.export import export_world, load_model
from train.fit_actions import fit_actions
from train.fit_dynamics import DynamicsModule
from train.fit_lam import Survey
from train.fit_tokenizer import TokenizerModule, start_latents
from train.health.action_health import health_record, measure_action_health, require_healthy_actions
from train.health.tokenizer_health import (
    check_kept_tokenizer,
    measure_tokenizer_health,
    require_healthy_tokenizer,
)
from train.labelled.labels import read_labels
from train.methods import action_module, method_values
from train.options import COPIED, TrainOptions
from train.processes.join import count_devices, join, started
from train.processes.launch import command_of, run_processes
from train.processes.ranks import Ranks
from train.recipe import FitConfig, Recipe, load_recipe
from train.run_directory import RunDirectory
from train.run_record import open_out, write_run_record
from train.sizes import check_sizes, new_dynamics, settings_of
from train.warm_start import (
    add_map,
    check_has_decoder,
    copy_models,
    load_start_world,
    translate_dynamics,
    warm_start,
)


def train(stage: str, corpus: Path | str, recipe: str, out: Path | str, **options: object) -> None:
    """Fit one stage, or all of them in order.

    Args:
        stage: all, tokenizer, lam, encode or dynamics.
        corpus: folder of a built corpus.
        recipe: name of a shipped recipe, or a .yaml file.
        out: RUN; a folder of its own for each run.
        options: of `TrainOptions`.

    Raises:
        ValueError: for an unknown stage or recipe, options that do not fit together, or sizes that
            do not fit together or not the corpus; nothing is written then. For a tokenizer or
            latent actions that are collapsed; the stages so far stay.
        FileExistsError: if this stage of `out` has been begun and `resume` is not given.
        FileNotFoundError: if an earlier stage is missing.
        LockedError: if another program fits this stage of `out`.
    """
    chosen_options = TrainOptions(**options)
    chosen_options.check(stage)
    devices, nodes = count_devices(chosen_options.devices), chosen_options.nodes
    if devices * nodes > 1 and started() is None:
        call = {"stage": stage, "corpus": corpus, "recipe": recipe, "out": out, **options}
        run_processes(devices, nodes, command_of(call))
        return
    with join(devices, nodes, chosen_options.strategy == "fsdp") as ranks:
        _train(stage, corpus, str(recipe), Path(out), chosen_options, ranks)


def _train(
    stage: str, corpus: Path | str, recipe: str, out: Path, chosen_options: TrainOptions,
    ranks: Ranks,
) -> None:  # fmt: skip
    began = time.monotonic()
    chosen, opened = load_recipe(recipe), Corpus.open(corpus)
    begun = None
    if chosen_options.start is not None:
        begun = load_start_world(chosen_options.start, opened, chosen_options.seed)
    wanted = (stage,) if stage != "all" else STAGES
    copied = () if begun is None or stage in COPIED else COPIED
    if stage == "all":
        if begun is not None and is_enlarged(begun):
            # Its tokenizer repeats pixels until its decoder has been fitted on large frames.
            copied, chosen_options = ("lam",), replace(chosen_options, decoder_only=True)
        wanted = tuple(name for name in STAGES if name not in copied)
    fitted = tuple(name for name in wanted if name != "encode")
    quick_check(opened, chosen_options.seed)
    labels = None
    if chosen_options.labels is not None:
        labels = read_labels(Path(chosen_options.labels), opened)
    frames, stop_after, choice = Frames(opened, ranks.here), chosen_options.stop_after, None
    if chosen.lam.kind == AUTO:
        choice = _method(chosen, frames, out, chosen_options, begun)
        chosen = resolve(chosen, choice)
    if stage == "lam" and chosen_options.decoder_only:
        check_has_decoder(begun, chosen.lam.kind)
    check_sizes(chosen, opened, chosen_options, begun)
    look = cache(partial(_survey, chosen, frames, chosen_options.seed, choice, begun))
    with contextlib.ExitStack() as locks:

        def begin() -> None:
            if "tokenizer" in copied and not (out / "tokenizer").exists():
                start, allowed = str(chosen_options.start), chosen_options.allow_collapsed
                check_kept_tokenizer(begun.tokenizer, start, opened, chosen_options.seed, allowed)
            open_out(out, stage, chosen_options.resume)
            for name in wanted:  # by the stage: two stages of one run may be fitted side by side
                locks.enter_context(Lock(out / name))
            write_run_record(out, opened, recipe, chosen_options, begun, stage, choice, labels)
            if choice is not None and begun is None and not (out / AUTO_PICTURE).exists():
                draw_choice(choice, opened, out / AUTO_PICTURE)
                print(f"what it saw is drawn in {out / AUTO_PICTURE}")
            copy_models(begun, out, copied)
            shares = _shares(chosen, chosen_options.minutes, fitted)
            for line in filter(None, (unused_gpu(), shares)):
                print(line)

        ranks.first(begin)
        for name in wanted:
            minutes = chosen_options.minutes
            if minutes is not None and name in fitted:
                minutes = chosen.minutes_of(name, minutes, fitted)
            run = RunDirectory(
                out=out, corpus=opened, frames=frames, recipe=chosen, options=chosen_options,
                minutes=minutes,
                slice_ends=None if stop_after is None else began + stop_after * 60, start=begun,
                labels=labels, look=look, ranks=ranks,
            )  # fmt: skip
            torch.manual_seed(run.seed)
            if not _FITS[name](run):
                # The next stage would learn from models that are still going to change.
                print(f"{name} is not at its end yet: go on with --resume")
                return
            if name == "tokenizer" and stage == "all":
                ranks.first(partial(_require_tokenizer, run))


def _shares(recipe: Recipe, minutes: float | None, stages: tuple[str, ...]) -> str | None:
    """Say how minutes are shared by the stages that are fitted; None: nothing is shared."""
    if minutes is None or len(stages) < 2:
        return None
    parts = (f"{name} {recipe.minutes_of(name, minutes, stages):.3g}" for name in stages)
    return f"{minutes:g} minutes: {', '.join(parts)}; encoding comes on top"


def _require_tokenizer(run: RunDirectory) -> None:
    tokenizer = load_model(run.out / "tokenizer", "tokenizer").to(pick_device())
    health = measure_tokenizer_health(tokenizer, run.corpus, run.seed)
    few = run.too_few_steps("tokenizer")
    require_healthy_tokenizer(health, run.options.allow_collapsed, few)


def _require_actions(run: RunDirectory, lam: nn.Module) -> ActionHealth:
    health = measure_action_health(lam, run.corpus, run.seed)
    require_healthy_actions(health, run.options.allow_collapsed, run.too_few_steps("lam"))
    return health


def _method(
    recipe: Recipe, frames: Frames, out: Path, options: TrainOptions, start: Bundle | None
) -> Choice:
    """Choose how actions are found: as this run did before, as a world's are, or by a look."""
    if start is not None:
        kind, made = kind_of("lam", start.lam).name, start.info.get("made_with", {}).get("auto")
        lam = dict((made or {}).get("lam", {}))  # how its player is found again
        return Choice(kind=kind, lam=lam, saw=("the actions are those of the world",), figures={})
    if (recorded := recorded_choice(out)) is not None:
        return recorded
    choice = choose_method(frames, options.seed, recipe.lam.model)
    print(choice)
    return choice


def _survey(
    recipe: Recipe, frames: Frames, seed: int, choice: Choice | None, start: Bundle | None
) -> Survey:
    """Look at the corpus by the method of the latent actions, if the choice of it has not."""
    if choice is not None and choice.survey is not None:
        return choice.survey
    module = action_module(recipe.lam.kind)
    try:
        return module.survey(frames, seed, method_values(module, recipe.lam), recipe.lam.model)
    except ValueError:
        if start is None:
            raise
        # The world's actions stay; its tokenizer and dynamics learn on without.
        print("this video does not show what the keys move: all pixels count alike")
        return Survey()


def _tokenizer(run: RunDirectory) -> bool:
    part, fit = run.recipe.tokenizer, run.recipe.tokenizer.fit
    if run.start is not None:
        model, fit = warm_start(run.start.tokenizer, fit)
        if run.options.decoder_only:
            model.freeze_encoder()
    else:
        size = {"height": run.corpus.height, "width": run.corpus.width}
        model = new_model("tokenizer", part.kind, part.model, **size)
    method = method_values(TokenizerModule, part)
    if run.start is None:
        start_latents(model, run.corpus, method)
    clips = FrameClips(run.corpus, fit.frames, run.seed, run.frames)
    plan = run.plan(fit, method)
    return run.fit(TokenizerModule(model, plan, clips, run.survey.residual), "tokenizer")


def _encode(run: RunDirectory) -> bool:
    run.ranks.first(lambda: _encode_all(run))
    return True


def _encode_all(run: RunDirectory) -> None:
    tokenizer, lam = _first_models(run)
    # Encoding takes minutes that collapsed actions would make void.
    _require_actions(run, lam)
    out = run.out / "encoded.zarr"
    encode_corpus(
        run.corpus, tokenizer, lam, out, run.stamp(), run.frames, run.blocked_below, run.seed
    )


def _dynamics(run: RunDirectory) -> bool:
    residual = run.survey.residual
    tokenizer, lam = _first_models(run)
    encoded = load_encoded(run.out / "encoded.zarr", run.stamp())
    health = run.ranks.first(lambda: _require_actions(run, lam))
    part, fit, settings = run.recipe.dynamics, run.recipe.dynamics.fit, settings_of(run.recipe)
    method = method_values(DynamicsModule, part)
    features = code_features(run.frames, encoded, tokenizer, fit.frames, run.seed)
    run.frames.release()

    def module_of(model: nn.Module, fit: FitConfig = fit) -> DynamicsModule:
        plan = run.plan(fit, method)
        return DynamicsModule(model, plan, encoded, tokenizer, settings, residual, features)

    def new_module(size: dict[str, Any]) -> DynamicsModule:
        return module_of(new_dynamics(run.recipe, tokenizer, encoded.num_actions, size))

    if run.start is None or run.options.fresh:
        size = pick_size(run, new_module)
        model = new_dynamics(run.recipe, tokenizer, encoded.num_actions, size)
    elif run.same_codes(run.start):
        model, fit = warm_start(run.start.dynamics, fit)
    else:
        size = method.compared_clips, method.compared_frames
        model = translate_dynamics(run.start, encoded, run.corpus, run.seed, *size)
    if method.map:
        model = add_map(model, encoded, run.seed)
    run.ranks.first(run.check_same_codes)
    finished = run.fit(module_of(model, fit), "dynamics")
    run.ranks.first(lambda: _export(run, encoded, tokenizer, lam, health))
    return finished


def _export(
    run: RunDirectory, encoded: Encoded, tokenizer: nn.Module, lam: nn.Module, health: ActionHealth
) -> None:
    """Write the world of a run whose dynamics has been fitted, if not to its end."""
    models = {"tokenizer": tokenizer, "lam": lam}
    models["dynamics"] = load_model(run.out / "dynamics", "dynamics")
    method, settings = method_values(DynamicsModule, run.recipe.dynamics), settings_of(run.recipe)
    record, name = read_json(run.out / "run.json"), run.out.resolve().name
    info = {
        "name": name,
        "title": name,
        "commit": record["commit"],
        "made_with": record,
        "latent_actions": health_record(health, run.options.allow_collapsed),
    }
    export_world(run.out / "world", run.corpus, encoded, models, settings, info, run.seed, method)


_FITS = {"tokenizer": _tokenizer, "lam": fit_actions, "encode": _encode, "dynamics": _dynamics}


def _first_models(run: RunDirectory) -> tuple[nn.Module, nn.Module]:
    """Load the run's tokenizer and action model."""
    device = pick_device()
    return tuple(load_model(run.out / name, name).to(device) for name in COPIED)
