"""The kinds of models. A record names a kind; only classes that were registered are built."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from typing import Any

from torch import nn

from dynamics.model import Dynamics, DynamicsConfig
from lam.config import LatentActionConfig
from lam.model import LatentActionModel
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.model import SpriteActionModel
from tokenizer.model import Tokenizer, TokenizerConfig

ROLES = ("tokenizer", "lam", "dynamics")
ENTRY_POINTS = "genie_worlds.kinds"
"""Installed packages name functions here that call `register`."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of model.

    Attributes:
        name: as recipes and worlds write it.
        model: the class, made from its configuration.
        config: the configuration's class, a dataclass. If it has `from_json` and `to_json`, these
            read and write its record; else its fields are the record.
    """

    name: str
    model: type[nn.Module]
    config: type


_DEFAULTS = {
    "tokenizer": Kind(name="vqvae", model=Tokenizer, config=TokenizerConfig),
    "lam": Kind(name="whole_frame", model=LatentActionModel, config=LatentActionConfig),
    "dynamics": Kind(name="maskgit", model=Dynamics, config=DynamicsConfig),
}
_KINDS = {role: {kind.name: kind} for role, kind in _DEFAULTS.items()}


def register(role: str, name: str, model: type[nn.Module], config: type) -> None:
    """Make a kind of model known under a name.

    Args:
        role: "tokenizer", "lam" or "dynamics"; `genie.interfaces` says what each one needs.
        name: free in that role, or the same class again.
        model: an `nn.Module` whose constructor takes one `config`, and which keeps it.
        config: a dataclass of plain values. Recipes give them under `model`; of `height`, `width`,
            `num_tokens`, `num_codes`, `num_actions` and `grid`, those that it has are filled in.

    Raises:
        ValueError: for an unknown role, or a name that another class has.
    """
    if role not in ROLES:
        raise ValueError(f"no role {role!r}: choose {', '.join(ROLES)}")
    known = _KINDS[role].get(name)
    if known is not None and known.model is not model:
        raise ValueError(f"the {role} kind {name!r} is {known.model.__name__}: choose another name")
    _KINDS[role][name] = Kind(name=name, model=model, config=config)


register("lam", "player_sprite", SpriteActionModel, SpriteActionConfig)


def find_kind(role: str, name: str | None = None) -> Kind:
    """Return a kind by its name; None is the default of the role.

    Raises:
        ValueError: if no such kind is registered.
    """
    if name is None:
        return _DEFAULTS[role]
    if name not in _KINDS[role]:
        for entry in metadata.entry_points(group=ENTRY_POINTS):
            entry.load()()
    if name not in _KINDS[role]:
        raise ValueError(
            f"no {role} of kind {name!r}: known are {', '.join(sorted(_KINDS[role]))}; import or "
            f"install the package that registers it first"
        )
    return _KINDS[role][name]


def kind_of(role: str, model: nn.Module) -> Kind:
    """Return the kind of a model; raises ValueError if its class is not registered."""
    for kind in _KINDS[role].values():
        if type(model) is kind.model:
            return kind
    raise ValueError(
        f"{type(model).__name__} is not registered: call genie.register({role!r}, NAME, "
        f"{type(model).__name__}, {type(model.config).__name__}) first"
    )


def model_record(role: str, model: nn.Module) -> dict[str, Any]:
    """Return what is written of a model beside its weights: `config`, and `kind` if not default."""
    kind, config = kind_of(role, model), model.config
    values = config.to_json() if hasattr(config, "to_json") else asdict(config)
    plain = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
    return {"config": plain} if kind is _DEFAULTS[role] else {"kind": kind.name, "config": plain}


def build_model(role: str, record: Mapping[str, Any]) -> nn.Module:
    """Build the model of a record, with new weights.

    Args:
        role: "tokenizer", "lam" or "dynamics".
        record: from `model_record`. Records from before there were kinds have none; of these, an
            action model with an `avatar` box is of kind player_sprite.

    Raises:
        ValueError: for an unknown kind, or sizes that do not fit together.
        TypeError: if the configuration lacks or misspells a value.
    """
    config, name = record["config"], record.get("kind")
    if role == "lam" and name is None and config.get("avatar"):
        name = "player_sprite"
    kind = find_kind(role, name)
    read = getattr(kind.config, "from_json", lambda values: kind.config(**values))
    return kind.model(read(config))


def new_model(role: str, kind: str | None, values: Mapping[str, Any], **known: Any) -> nn.Module:
    """Build the model that a recipe describes.

    Args:
        role: "tokenizer", "lam" or "dynamics".
        kind: None: the default.
        values: the recipe's.
        known: what the corpus and the earlier stages say; what the configuration has no field for
            is left out.

    Raises:
        ValueError: if the values are not those of the kind's configuration.
    """
    found = find_kind(role, kind)
    names = {field.name for field in fields(found.config)}
    given = {name: value for name, value in known.items() if name in names}
    try:
        return found.model(found.config(**given, **values))
    except TypeError as error:
        raise ValueError(f"the recipe's values for a {found.model.__name__}: {error}") from None
