"""Going on from a world that exists, on more video of the same game."""

from dataclasses import replace
from pathlib import Path

from corpus.store import Corpus
from dynamics.model import Dynamics
from genie.bundle import Bundle, load_bundle
from genie.catalog import find_world
from train.export import export_model
from train.recipe import FitConfig

TUNING_RATE = 0.5
"""Learning rates of a warm start, as a share of the recipe's: its weights have been annealed."""


def open_start(world: str, corpus: Corpus) -> Bundle:
    """Load the world that a run goes on from.

    Args:
        world: name or folder.
        corpus: what the run learns from.

    Returns:
        The world.

    Raises:
        FileNotFoundError: there is no such world.
        ValueError: its frames are of another size than the corpus'.
    """
    bundle = load_bundle(find_world(world))
    if (bundle.height, bundle.width) != (corpus.height, corpus.width):
        raise ValueError(
            f"{world} draws frames of {bundle.height}x{bundle.width}, the corpus has "
            f"{corpus.height}x{corpus.width}: build the corpus with --size "
            f"{bundle.height}x{bundle.width}"
        )
    return bundle


def take_over(bundle: Bundle, out: Path) -> None:
    """Write the world's tokenizer and latent action model into a run, as if fitted there."""
    for name, model in (("tokenizer", bundle.tokenizer), ("lam", bundle.lam)):
        (out / name).mkdir(parents=True, exist_ok=True)
        export_model(out / name, model)


def begin_with(bundle: Bundle, fit: FitConfig) -> tuple[Dynamics, FitConfig]:
    """Return the world's dynamics to be fitted on, and how: at lower rates."""
    model = Dynamics(bundle.dynamics.config)
    model.load_state_dict(bundle.dynamics.state_dict())
    rates = {"lr": fit.lr * TUNING_RATE, "matrix_lr": fit.matrix_lr * TUNING_RATE}
    return model, replace(fit, **rates)
