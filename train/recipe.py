"""Recipes: plain yaml values that size and fit the three models."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How one model is fitted.

    Attributes:
        share: part of the total `--minutes` of `genie train all`.
        steps: length of the fit in steps when no minutes are given.
        batch: clips a step.
        frames: T, frames a clip.
        matrix_lr: Muon's learning rate for the matrices of transformer blocks.
        lr: AdamW's learning rate for everything else.
        weight_decay: of both, times the learning rate.
        warmup: share of the fit in which the learning rate rises from 0.
        decay: share of the fit, at its end, in which the learning rate falls to 0.
        ema: decay of the averaged weights that are exported, a step.
        checks: looks at the held-out episodes over the whole fit.
    """

    share: float
    steps: int
    batch: int
    frames: int
    matrix_lr: float = 0.01
    lr: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.02
    decay: float = 0.3
    ema: float = 0.995
    checks: int = 20

    def __post_init__(self) -> None:
        """Refuse what would fail late."""
        if min(self.steps, self.batch, self.checks) < 1 or self.frames < 2:
            raise ValueError(
                f"steps, batch and checks must be 1 or more and frames 2 or more, got "
                f"{self.steps}, {self.batch}, {self.checks}, {self.frames}"
            )
        if self.warmup < 0 or self.decay < 0 or self.warmup + self.decay > 1:
            raise ValueError(
                f"warmup {self.warmup} and decay {self.decay} are shares of one fit: 0 or more "
                f"each, 1 at most together"
            )


@dataclass(frozen=True, kw_only=True)
class StageRecipe:
    """One stage: how it is fitted, and the sizes of its model.

    Attributes:
        fit: how it is fitted.
        model: values of the model's configuration; the corpus and the earlier stages fill in the
            rest (frame size, tokens, codes, actions).
    """

    fit: FitConfig
    model: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that `genie train` needs besides a corpus.

    Attributes:
        about: one line for people.
        tokenizer: the tokenizer's stage.
        lam: the latent action model's stage.
        dynamics: the dynamics' stage.
        settings: how the world is played: steps, order, temperature, prompt_frames.
        avatar: whether an avatar that keeps to one place of the picture is looked for: the
            tokenizer then draws it with more care, and actions are read off it.
    """

    about: str
    tokenizer: StageRecipe
    lam: StageRecipe
    dynamics: StageRecipe
    settings: dict[str, Any]
    avatar: bool = False

    def minutes_of(self, stage: str, minutes: float) -> float:
        """Share `minutes` of `genie train all` out to one stage."""
        stages = {"tokenizer": self.tokenizer, "lam": self.lam, "dynamics": self.dynamics}
        total = sum(part.fit.share for part in stages.values())
        return minutes * stages[stage].fit.share / total


def load_recipe(name: str) -> Recipe:
    """Load a recipe that ships, or a yaml file of the same form.

    Args:
        name: the name of a shipped recipe, or a path that ends in .yaml.

    Returns:
        The recipe, checked.

    Raises:
        ValueError: if there is no such recipe, or a value does not fit.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    path = Path(name) if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise ValueError(f"no recipe {name!r}: choose one of {known}, or give a .yaml file")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Recipe, "recipe")
    try:
        import yaml

        record = yaml.safe_load(path.read_text(encoding="utf-8"))
        if _names_code(record):
            raise ValueError(f"{path} is not a recipe: class_path is not allowed, give values only")
        return parser.instantiate(parser.parse_object({"recipe": record})).recipe
    except (ArgumentError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise ValueError(f"{path} is not a recipe: {line}") from None


def _names_code(record: Any) -> bool:
    """Whether a class is named anywhere; jsonargparse would import it, even to refuse it."""
    if isinstance(record, dict):
        return "class_path" in record or any(map(_names_code, record.values()))
    return isinstance(record, list) and any(map(_names_code, record))
