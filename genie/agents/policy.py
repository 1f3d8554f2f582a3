"""A policy: two frames to a latent action, and where labels named them, to a button of the game."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from genie.device import device_of
from genie.frames import to_models
from spacetime.weights import (
    model_fingerprint,
    read_json,
    read_shapes,
    read_weights,
    write_json,
    write_weights,
)

FORMAT_VERSION = 1
WEIGHTS, RECORD = "policy.safetensors", "policy.json"
SEEN = 2
"""Frames that a policy sees: the last one, and the one before, which shows how things move."""
_MOST = {
    "height": 1024,
    "width": 1024,
    "num_actions": 256,
    "patch": 64,
    "channels": 256,
    "hidden": 4096,
}
_MOST_WEIGHTS = 1 << 28
"""Of a network, 1 GiB in float32: the usual sizes stay below it for all frames that are allowed."""


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    """Sizes of a policy's network.

    Attributes:
        height: of a frame, in pixels.
        width: of a frame, in pixels.
        num_actions: A, how many actions it chooses from.
        patch: side of the patches that the first convolution sees, in pixels.
        channels: of both convolutions.
        hidden: units behind the convolutions.
    """

    height: int
    width: int
    num_actions: int
    patch: int = 8
    channels: int = 64
    hidden: int = 128

    def __post_init__(self) -> None:
        """Refuse what would fail late, or fill the memory."""
        for name, most in _MOST.items():
            value, least = getattr(self, name), 8 if name in ("height", "width") else 1
            if type(value) is not int or not least <= value <= most:
                raise ValueError(f"a policy's {name} must be {least} to {most}, got {value!r:.40}")
        if self.patch > min(self.height, self.width):
            raise ValueError(
                f"patches of {self.patch} pixels do not fit {self.height}x{self.width}"
            )
        # Each of the sizes may be in range, and their product fill any memory.
        if (weights := self.num_weights) > _MOST_WEIGHTS:
            raise ValueError(
                f"a policy of these sizes has {weights:,} weights, {_MOST_WEIGHTS:,} are allowed: "
                "take larger patches, or fewer channels or hidden units"
            )

    @property
    def cells(self) -> int:
        """How many whole patches a frame has."""
        return (self.height // self.patch) * (self.width // self.patch)

    @property
    def num_weights(self) -> int:
        """How many weights a network of these sizes has."""
        looks = (3 * SEEN * self.patch**2 + 1 + 9 * self.channels + 1) * self.channels
        choices = (self.channels * self.cells + 1) * self.hidden
        return looks + choices + (self.hidden + 1) * self.num_actions


class PolicyNetwork(nn.Module):
    """Two convolutions and two linear layers."""

    def __init__(self, config: PolicyConfig) -> None:
        """Build it of the sizes in `config`."""
        super().__init__()
        self.config = config
        channels, patch = config.channels, config.patch
        # Patches first: where a game has cells of this size, one is a cell; and it is fast.
        self.look = nn.Sequential(
            nn.Conv2d(3 * SEEN, channels, patch, patch), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1), nn.ReLU(),
        )  # fmt: skip
        self.choose = nn.Sequential(
            nn.Linear(channels * config.cells, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.num_actions),
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Return logits of actions, (B, A).

        Args:
            frames: float32 (B, 2, 3, H, W) in [0, 1]: the frame before, and the last one.
        """
        return self.choose[-1](self.features(frames))

    def features(self, frames: Tensor) -> Tensor:
        """Return what the last layer chooses by, (B, hidden), of the same frames."""
        looks = self.look(rearrange(frames, "b t c h w -> b (t c) h w") * 2 - 1)
        return self.choose[:-1](looks.flatten(1))


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A player that was cloned from video.

    Attributes:
        network: in evaluation mode.
        buttons: of the game, one for each latent action; None: no label has named them.
        names: of the buttons; empty: they have none.
        made_of: fingerprints of the world and of the corpus.
    """

    network: PolicyNetwork
    buttons: tuple[int, ...] | None = None
    names: tuple[str, ...] = ()
    made_of: Mapping[str, str] = field(default_factory=dict)

    @torch.inference_mode()
    def probabilities(self, frames: np.ndarray, previous: np.ndarray) -> Tensor:
        """Return how probable each action is, float32 (B, A), on the processor.

        Actions are drawn there wherever the network is: a generator draws on its own device only.

        Args:
            frames: uint8 (B, H, W, 3), the last frames.
            previous: uint8 (B, H, W, 3), those before; at the beginning of an episode the same.

        Raises:
            ValueError: the frames are of another size or type.
        """
        config = self.network.config
        for given in (frames, previous):
            size = (config.height, config.width, 3)
            if given.dtype != np.uint8 or given.shape != (len(frames), *size):
                raise ValueError(
                    f"a policy of {config.height}x{config.width} frames got {given.dtype} "
                    f"{given.shape}: give uint8 (B, {config.height}, {config.width}, 3)"
                )
        pixels = to_models(np.stack([previous, frames], axis=1), device_of(self.network))
        return self.network(pixels).softmax(dim=1).cpu()

    def act(
        self, frame: np.ndarray, previous: np.ndarray, generator: torch.Generator | None = None
    ) -> int:
        """Choose a latent action, 0 … A−1.

        Args:
            frame: uint8 (H, W, 3), the last one.
            previous: uint8 (H, W, 3), the one before.
            generator: draws the action by its probability; None: the most probable one.
        """
        chances = self.probabilities(frame[None], previous[None])
        return int(choose(chances, generator)[0])

    def button(self, action: int) -> int:
        """Return the button that a latent action stands for.

        Raises:
            ValueError: there is no such action, or no label has named them.
        """
        if self.buttons is None:
            raise ValueError(
                "this policy knows no buttons: train it with --labels FILE, or map its codes with "
                "genie.agents.buttons.map_codes"
            )
        if not 0 <= action < len(self.buttons):
            raise ValueError(f"no action {action}: there are 0 to {len(self.buttons) - 1}")
        return self.buttons[action]


def choose(probabilities: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Choose an action of each row (B, A), int64 (B,): drawn, or the most probable one.

    `probabilities` lie where `generator` draws.
    """
    if generator is None:
        return probabilities.argmax(dim=1)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]


def save_policy(path: Path, policy: Policy) -> None:
    """Write a policy into a folder, which is made."""
    path.mkdir(parents=True, exist_ok=True)
    config = asdict(policy.network.config)
    write_weights(path / WEIGHTS, policy.network.state_dict())
    record = {
        "format": FORMAT_VERSION,
        "config": config,
        "fingerprint": model_fingerprint(path / WEIGHTS, config),
        "made_of": dict(policy.made_of),
        "buttons": None if policy.buttons is None else list(policy.buttons),
        "names": list(policy.names),
    }
    write_json(path / RECORD, record)


def load_policy(path: Path | str) -> Policy:
    """Load what `save_policy` wrote.

    Args:
        path: RUN/policy.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, of another format, or its weights have other sizes than it says;
            memory for them is taken only after that.
    """
    path = Path(path)
    record = read_json(path / RECORD)
    if not isinstance(record, dict) or record.get("format") != FORMAT_VERSION:
        raise ValueError(f"{path / RECORD} is not a policy of format {FORMAT_VERSION}")
    try:
        config = PolicyConfig(**record["config"])
        _check_shapes(config, path / WEIGHTS)
        if model_fingerprint(path / WEIGHTS, record["config"]) != record["fingerprint"]:
            # The two files are replaced one after the other, and a kill may come between.
            raise ValueError("the weights are not those that it names")
        network = PolicyNetwork(config)
        network.load_state_dict(read_weights(path / WEIGHTS))
        buttons = _buttons(record["buttons"], network.config.num_actions)
        made_of = {str(name): str(value) for name, value in record["made_of"].items()}
        names = tuple(map(str, record["names"]))
    except (TypeError, KeyError, AttributeError, RuntimeError, ValueError) as error:
        line = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{path} holds no policy ({line}): genie train policy --resume writes it anew, or "
            "train it again"
        ) from None
    network.eval().requires_grad_(False)
    return Policy(network=network, buttons=buttons, names=names, made_of=made_of)


def _check_shapes(config: PolicyConfig, file: Path) -> None:
    """Refuse weights of other sizes than a policy names, before memory is taken for them."""
    with torch.device("meta"):
        network = PolicyNetwork(config)
    wanted = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
    if (found := read_shapes(file)) != wanted:
        names = sorted(wanted | found)
        wrong = next(name for name in names if wanted.get(name) != found.get(name))
        raise ValueError(
            f"{wrong[:80]!r} of its weights has the sizes {found.get(wrong)} in place of "
            f"{wanted.get(wrong)}"
        )


def _buttons(values: Any, num_actions: int) -> tuple[int, ...] | None:
    """Return the map from latent actions to buttons, checked."""
    if values is None:
        return None
    if len(values) != num_actions or not all(type(each) is int and each >= 0 for each in values):
        raise ValueError(f"buttons must be {num_actions} numbers, 0 or more")
    return tuple(values)
