"""The stage lam: an action model of one seed or the best of several, refined by labels."""

from genie.registry import new_model
from train.data.clips import FrameClips
from train.export import load_model
from train.fit_lam import ActionModule
from train.labelled.fit import LabelledModule, refine
from train.labelled.method import LabelledMethod
from train.methods import action_module, method_values
from train.run_directory import RunDirectory
from train.seeds import fit_seeds
from train.warm_start import warm_start


def fit_actions(run: RunDirectory) -> bool:
    """Fit the action model of a run; return whether it is at its end, not only the slice.

    With labels, a model is fitted without them first, or taken from a world; then it is refined.
    """
    if run.labels is None:
        return _fit_unlabelled(run, "lam")
    if run.start is not None:
        base = run.start.lam
    else:
        run = run.with_minutes(2)
        if not _fit_unlabelled(run, "lam-unlabelled"):
            return False
        base = load_model(run.out / "lam-unlabelled", "lam")
    fit = run.recipe.lam.fit
    clips = FrameClips(run.corpus, fit.frames, run.seed, run.frames)
    plan = run.plan(fit, LabelledMethod())
    return run.fit(LabelledModule(refine(base, run.labels), plan, clips, run.labels, base), "lam")


def _fit_unlabelled(run: RunDirectory, folder: str) -> bool:
    if run.options.seeds > 1:
        return fit_seeds(run, _of_seed, folder)
    return run.fit(_of_seed(run, run.seed), "lam", folder)


def _of_seed(run: RunDirectory, seed: int) -> ActionModule:
    """Return the module of an action model whose draws begin from a seed of its own."""
    part, fit = run.recipe.lam, run.recipe.lam.fit
    module = action_module(part.kind)
    method = method_values(module, part)
    if run.start is not None:
        model, fit = warm_start(run.start.lam, fit)
        model.freeze_encoder()
    else:
        size = {"height": run.corpus.height, "width": run.corpus.width}
        model = new_model("lam", part.kind, part.model, **size, **run.survey.values)
    clips = FrameClips(run.corpus, fit.frames, run.seed, run.frames)
    built = module(model, run.plan(fit, method, seed), clips)
    built.found = run.survey
    return built
