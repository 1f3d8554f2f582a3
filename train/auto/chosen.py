"""The method of latent actions that was chosen for a corpus, and what it means for a recipe."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genie.registry import find_kind
from spacetime.weights import read_json
from train.fit_lam import Survey
from train.recipe import Recipe

LEARNT, READ = {"channels": 32}, {"channels": 16}
"""Sizes of action models. Where actions are read, pixels are predicted only to judge them, and a
small decoder is there sooner: Pong's has 0.9 dB after 6 minutes, one of 32 channels none yet."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The method that was chosen.

    Attributes:
        kind: of the action model.
        model: values of the model, beside the recipe's.
        tokenizer: values of the tokenizer's method, likewise.
        lam: values of the action model's method.
        dynamics: values of the dynamics' method.
        saw: what decided, in plain words.
        figures: the numbers behind it.
        survey: what the method found, if it has looked already.
    """

    kind: str
    model: dict[str, Any] = field(default_factory=dict)
    tokenizer: dict[str, Any] = field(default_factory=dict)
    lam: dict[str, Any] = field(default_factory=dict)
    dynamics: dict[str, Any] = field(default_factory=dict)
    saw: tuple[str, ...]
    figures: dict[str, Any]
    survey: Survey | None = None

    def __str__(self) -> str:
        """Return lines for a terminal."""
        return "\n".join(
            [f"actions by the method {self.kind}:", *(f"  {line}" for line in self.saw)]
        )

    def record(self) -> dict[str, Any]:
        """Return what run.json says about the choice."""
        return {
            "kind": self.kind,
            "model": self.model,
            "tokenizer": self.tokenizer,
            "lam": self.lam,
            "dynamics": self.dynamics,
            "saw": list(self.saw),
            "figures": self.figures,
        }


def resolve(recipe: Recipe, choice: Choice) -> Recipe:
    """Return the recipe with the chosen method in place of `auto`."""
    lam, tokenizer, dynamics = recipe.lam, recipe.tokenizer, recipe.dynamics
    model, method = choice.model | lam.model, choice.lam | lam.method
    return replace(
        recipe,
        lam=replace(lam, kind=choice.kind, model=model, method=method),
        tokenizer=replace(tokenizer, method=choice.tokenizer | tokenizer.method),
        dynamics=replace(dynamics, method=choice.dynamics | dynamics.method),
    )


def recorded_choice(out: Path) -> Choice | None:
    """Return the choice that run.json of a run holds, or None.

    Raises:
        ValueError: it is damaged.
    """
    path = out / "run.json"
    record = read_json(path) if path.exists() else {}
    try:
        if (chosen := record.get("auto")) is None:
            return None
        values = {name: dict(chosen[name]) for name in ("model", "tokenizer", "figures")}
        values["model"] = LEARNT | values["model"]  # what recipe auto had before choices named it
        values |= {name: dict(chosen.get(name, {})) for name in ("lam", "dynamics")}
        saw = tuple(str(line) for line in chosen["saw"])
        return Choice(kind=find_kind("lam", str(chosen["kind"])).name, saw=saw, **values)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not say how actions are found: {error!r}") from None
