"""The kinds of models. A record names a kind; only classes that were registered are built."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode

from dynamics.model import Dynamics, DynamicsConfig
from lam.camera_flow.config import CameraFlowConfig
from lam.camera_flow.model import CameraFlowModel
from lam.camera_steps.config import CameraStepsConfig
from lam.camera_steps.model import CameraStepsModel
from lam.config import LatentActionConfig
from lam.labelled.config import LabelledConfig
from lam.labelled.model import LabelledActionModel
from lam.model import LatentActionModel
from lam.moving_player.config import MovingPlayerConfig, ScrollingPlayerConfig
from lam.moving_player.model import MovingPlayerModel
from lam.moving_player.scrolling import ScrollingPlayerModel
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.model import SpriteActionModel
from lam.shrunk.config import ShrunkConfig
from lam.shrunk.model import ShrunkActionModel
from spacetime.weights import read_shapes, read_weights
from tokenizer.model import Tokenizer, TokenizerConfig

ROLES = ("tokenizer", "lam", "dynamics")
ENTRY_POINTS = "genie_worlds.kinds"
"""Installed packages name functions here that call `register`."""
_MOST = {"num_codes": 1 << 16, "num_tokens": 1 << 12, "band": 256, "height": 1024, "width": 1024}
_MOST |= dict.fromkeys(("layers", "encoder_layers", "decoder_layers"), 64)
_MOST_ELSEWHERE = 1 << 13
"""How large a number of a configuration may be, by its name; each bounds time and memory."""


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
register("lam", "moving_player", MovingPlayerModel, MovingPlayerConfig)
register("lam", "scrolling_player", ScrollingPlayerModel, ScrollingPlayerConfig)
register("lam", "camera_steps", CameraStepsModel, CameraStepsConfig)
register("lam", "camera_flow", CameraFlowModel, CameraFlowConfig)
register("lam", "labelled", LabelledActionModel, LabelledConfig)
register("lam", "shrunk", ShrunkActionModel, ShrunkConfig)


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
    sizes = read(config)
    _check_sizes(sizes)
    return kind.model(sizes)


def load_model(role: str, record: Mapping[str, Any], file: Path) -> nn.Module:
    """Build the model of a record with the weights of a file.

    A record that names other sizes than the file has is refused before memory is filled.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if it is damaged or does not fit the record, or as `build_model`.
        TypeError: as `build_model`.
    """
    with Undrawn():
        model = build_model(role, record)
    wanted = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    found = read_shapes(file)
    wrong = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    if wrong:
        raise ValueError(
            f"{file} does not fit its configuration: {len(wrong)} of its tensors differ, such as "
            f"{wrong[0][:80]!r}, {found.get(wrong[0])} instead of {wanted.get(wrong[0])}"
        )
    model.load_state_dict(read_weights(file))
    return model


class Undrawn(TorchFunctionMode):
    """Builds models whose parameters have no values and take no memory yet."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Skip what would fill a parameter."""
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        if func.__name__[-1] == "_" != func.__name__[-2] and isinstance(args[0], nn.Parameter):
            return args[0]
        return func(*args, **kwargs)


def _check_sizes(config: Any) -> None:
    """Refuse numbers of the wrong kind, and those that would fill the memory."""
    for field in fields(config):
        value, most = getattr(config, field.name), _MOST.get(field.name, _MOST_ELSEWHERE)
        whole = "float" not in str(field.type)
        for part in value if isinstance(value, tuple | list) else (value,):
            if is_dataclass(part):
                _check_sizes(part)
            wrong = field.type in (int, float) and type(part) not in (int, float)
            if isinstance(part, int | float):
                wrong = wrong or (whole and isinstance(part, float)) or not abs(part) <= most
            if wrong:
                kind = "whole numbers" if whole else "numbers"
                raise ValueError(
                    f"{field.name} of {type(config).__name__} is {value!r:.40}: allowed are {kind} "
                    f"up to {most}"
                )


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
        config = found.config(**given, **values)
        _check_sizes(config)
        return found.model(config)
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"the recipe's values for a {found.model.__name__}: {error}") from None
