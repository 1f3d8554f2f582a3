"""Kinds of models: what is registered is built, and nothing is imported by a record's word."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from torch import nn

from genie import registry
from lam.config import LatentActionConfig
from lam.model import LatentActionModel
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.model import SpriteActionModel

SPRITE = {"height": 24, "width": 24, "num_actions": 4, "box": (8, 10, 6, 4), "states": 5}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    num_tokens: int
    grid: tuple[int, int] | None = None
    wide: int = 3


class Own(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config


def test_a_registered_kind_is_built_from_its_record(kinds):
    registry.register("dynamics", "own", Own, Sizes)
    model = registry.new_model(
        "dynamics", "own", {"wide": 5}, num_tokens=4, grid=(2, 2), num_codes=9, num_actions=2
    )
    assert model.config == Sizes(num_tokens=4, grid=(2, 2), wide=5)
    record = registry.model_record("dynamics", model)
    assert record == {"kind": "own", "config": {"num_tokens": 4, "grid": [2, 2], "wide": 5}}
    assert type(registry.build_model("dynamics", record)) is Own


def test_an_unknown_kind_names_the_known_ones(kinds):
    with pytest.raises(ValueError, match="no tokenizer of kind 'os.system': known are vqvae"):
        registry.build_model("tokenizer", {"kind": "os.system", "config": {}})


def test_installed_packages_register_their_kinds(kinds, monkeypatch):
    entry = SimpleNamespace(load=lambda: lambda: registry.register("lam", "packed", Own, Sizes))
    monkeypatch.setattr(registry.metadata, "entry_points", lambda group: [entry])
    assert registry.find_kind("lam", "packed").model is Own


def test_names_and_roles_that_are_taken_or_unknown_are_refused(kinds):
    registry.register("lam", "own", Own, Sizes)
    registry.register("lam", "own", Own, Sizes)  # the same again is no error
    with pytest.raises(ValueError, match="choose another name"):
        registry.register("lam", "own", LatentActionModel, LatentActionConfig)
    with pytest.raises(ValueError, match="no role 'actions'"):
        registry.register("actions", "own", Own, Sizes)
    with pytest.raises(ValueError, match="not registered: call genie.register"):
        registry.kind_of("tokenizer", Own(Sizes(num_tokens=1)))


def test_records_from_before_there_were_kinds_are_read_and_written_as_they_were():
    whole = {"height": 24, "width": 24, "num_actions": 4, "latent": 8, "channels": 8, "noise": 0.1}
    old = {"config": whole | {"avatar": None, "states": None}}
    model = registry.build_model("lam", old)
    assert type(model) is LatentActionModel and registry.model_record("lam", model) == old
    old = {"config": whole | {"avatar": [8, 10, 6, 4], "states": 5}}
    model = registry.build_model("lam", old)
    assert type(model) is SpriteActionModel
    assert registry.model_record("lam", model) == old | {"kind": "player_sprite"}


def test_values_of_another_kind_are_one_line(kinds):
    with pytest.raises(ValueError, match="values for a SpriteActionModel") as caught:
        registry.new_model("lam", "player_sprite", SPRITE | {"wings": 2})
    assert "\n" not in str(caught.value)
    assert SpriteActionConfig(**SPRITE).code_size == 4
