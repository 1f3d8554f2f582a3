"""Recipes: plain yaml values that size and fit the three models."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FITTED = ("tokenizer", "lam", "dynamics")
FOLDER = Path(__file__).parent / "recipes"
_MOST_BYTES, _MOST_ALIASES, _MOST_DEPTH = 100_000, 16, 32
_MOST = {"steps": 10**9, "batch": 1 << 16, "frames": 1 << 12, "checks": 10**6}


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How one model is fitted.

    Attributes:
        share: part of the total `--minutes` of `genie train all`, against the other stages'.
        steps: length of the fit in steps when no minutes are given.
        batch: clips a step.
        frames: T, frames a clip.
        matrix_lr: Muon's learning rate for the matrices of transformer blocks.
        lr: AdamW's learning rate for everything else.
        weight_decay: of both, times the learning rate.
        momentum: Muon's.
        betas: AdamW's. The Genie paper's β2 of 0.9 is for 300 k steps; short fits want a steadier
            scale.
        clip_norm: gradients of a larger norm are scaled down to it.
        warmup: fraction of the fit in which the learning rate rises from 0.
        decay: fraction of the fit, at its end, in which the learning rate falls to 0.
        warm_start: learning rates of a fit that begins from a world, as a fraction of these: its
            weights have been annealed.
        ema: decay of the averaged weights that are exported, a step.
        checks: how often the held-out episodes are measured over the whole fit.
    """

    share: float
    steps: int
    batch: int
    frames: int
    matrix_lr: float = 0.01
    lr: float = 2e-3
    weight_decay: float = 0.01
    momentum: float = 0.95
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0
    warmup: float = 0.02
    decay: float = 0.3
    warm_start: float = 0.5
    ema: float = 0.995
    checks: int = 20

    def __post_init__(self) -> None:
        """Refuse what would fail late."""
        # In YAML a name without a value is null, which jsonargparse lets through.
        if empty := [name for name, value in vars(self).items() if value is None]:
            raise ValueError(f"{empty[0]} has no value: give one, or leave out the name")
        object.__setattr__(self, "betas", tuple(self.betas))
        rates = {
            "matrix_lr": self.matrix_lr, "lr": self.lr, "weight_decay": self.weight_decay,
            "warm_start": self.warm_start, "warmup": self.warmup, "decay": self.decay,
        }  # fmt: skip
        for name, value in rates.items():
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a number, 0 or more, got {value}")
        for name, value in {"share": self.share, "clip_norm": self.clip_norm}.items():
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be a number above 0, got {value}")
        decays = {"ema": self.ema, "momentum": self.momentum}
        for name, value in (*decays.items(), *(("betas", beta) for beta in self.betas)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be 0 or more and below 1, got {value}")
        if min(self.steps, self.batch, self.checks) < 1 or self.frames < 2:
            raise ValueError(
                f"steps, batch and checks must be 1 or more and frames 2 or more, got "
                f"{self.steps}, {self.batch}, {self.checks}, {self.frames}"
            )
        for name, most in _MOST.items():
            if getattr(self, name) > most:
                raise ValueError(f"{name} is {getattr(self, name)}, allowed are {most:,} at most")
        if self.warmup + self.decay > 1:
            raise ValueError(
                f"warmup {self.warmup} and decay {self.decay} are parts of one fit: 0 or more "
                f"each, 1 at most together"
            )


@dataclass(frozen=True, kw_only=True)
class StageRecipe:
    """One stage: its kind of model, the sizes, the numbers of the method, and how it is fitted.

    Attributes:
        fit: how it is fitted.
        model: values of the model's configuration; the corpus and the earlier stages fill in the
            rest (frame size, tokens, codes, actions).
        method: values of the method, such as what changed pixels count: see `TokenizerMethod`,
            `LatentActionMethod`, `SpriteMethod` and `DynamicsMethod` for what each one means.
        kind: a registered kind of model; None: the default of the stage.
        smaller: of the dynamics, values of smaller models, the largest first. The first model is
            taken that gets enough steps in the minutes there are (`train/auto/dynamics_size.py`).
    """

    fit: FitConfig
    model: dict[str, Any] = field(default_factory=dict)
    method: dict[str, Any] = field(default_factory=dict)
    kind: str | None = None
    smaller: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that `genie train` needs besides a corpus.

    Attributes:
        about: one line for people.
        tokenizer: the tokenizer's stage.
        lam: the latent action model's stage.
        dynamics: the dynamics' stage.
        settings: how the world is played: steps, order, temperature, prompt_frames.
    """

    about: str
    tokenizer: StageRecipe
    lam: StageRecipe
    dynamics: StageRecipe
    settings: dict[str, Any]

    def minutes_of(self, stage: str, minutes: float, fitted: Sequence[str] = FITTED) -> float:
        """Share `minutes` out to one of the stages that are fitted."""
        total = sum(getattr(self, name).fit.share for name in fitted)
        return minutes * getattr(self, stage).fit.share / total


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
        record = _read_yaml(path)
        if _names_code(record):
            raise ValueError(f"{path} is not a recipe: class_path is not allowed, give values only")
        # Recipes from before there were kinds ask so for the actions of a player sprite.
        if isinstance(record, dict) and record.pop("avatar", False):
            if not isinstance(record.get("lam"), dict):
                raise ValueError(f"{path} is not a recipe: lam has no values")
            record["lam"] = {"kind": "player_sprite"} | record["lam"]
        recipe = parser.instantiate(parser.parse_object({"recipe": record})).recipe
    except RecursionError:
        raise ValueError(f"{path} is not a recipe: it is nested too deeply") from None
    except ArgumentError as error:
        line = " ".join(str(error).split())[:500]
        raise ValueError(f"{path} is not a recipe: {line}") from None
    for stage in FITTED:
        for name, value in vars(getattr(recipe, stage)).items():
            if value is None and name != "kind":
                raise ValueError(
                    f"{path} is not a recipe: {stage}: {name} has no value: give one, or leave out "
                    f"the name"
                )
    return recipe


def _read_yaml(path: Path) -> Any:
    """Read yaml whose aliases cannot multiply."""
    import yaml

    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path} is larger than {_MOST_BYTES // 1000} kB: it is not a recipe")
    try:
        content = path.read_text(encoding="utf-8")
        aliases = depth = 0
        for event in yaml.parse(content):
            aliases += isinstance(event, yaml.AliasEvent)
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if aliases > _MOST_ALIASES or depth > _MOST_DEPTH:
                raise ValueError("it has too many aliases, or is nested too deeply")
        return yaml.safe_load(content)
    except (ValueError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise ValueError(f"{path} is not a recipe: {line}") from None


def _names_code(record: Any) -> bool:
    """Whether a class is named anywhere; jsonargparse would import it, even to refuse it."""
    if isinstance(record, dict):
        return "class_path" in record or any(map(_names_code, record.values()))
    return isinstance(record, list) and any(map(_names_code, record))
