"""The latent action model that reads actions off the flow of the picture."""

import torch
from torch import Tensor, nn

from lam.camera_flow.config import CameraFlowConfig
from lam.camera_flow.flow import NUMBERS, measure_flow
from lam.camera_flow.keys import FlowKeys
from lam.model import LatentActionModel


class FlowReader(nn.Module):
    """How the picture flows, and the keys behind it."""

    num_features = NUMBERS

    def __init__(self, config: CameraFlowConfig) -> None:
        """Build the reader of `config`."""
        super().__init__()
        self.config = config
        self.keys = FlowKeys(config.num_actions)

    def observe(self, before: Tensor, after: Tensor) -> Tensor:
        """Measure the flow between pairs of frames, each (P, 3, H, W).

        Returns:
            float32 (P, 5): the four numbers, and 1; behind the end of an episode all are 0.
        """
        flow = measure_flow(before, after, self.config.reach)
        return torch.nn.functional.pad(flow, (0, 1), value=1.0)

    def read(self, observed: Tensor) -> Tensor:
        """Read keys int64 (B, S) off the flow of consecutive transitions, (B, S, 5)."""
        return self.keys.most_likely(self.keys.scores(observed))


class CameraFlowModel(LatentActionModel):
    """Reads actions off a camera that glides, as in first person.

    The reader gives actions by itself (`FlowReader`); only the decoder is fitted to pixels.
    """

    @staticmethod
    def new_encoder(config: CameraFlowConfig) -> nn.Module:
        """Build the reader."""
        return FlowReader(config)

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read actions int64 (B, S) off consecutive transitions (B, S, 5), from `observe`."""
        return self.encoder.read(observed)

    def describe(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Return the flow for a net, (P, 4), and what is observed, (P, 5)."""
        observed = self.encoder.observe(before.float(), after.float())
        return observed[:, :NUMBERS], observed

    def _observe_pairs(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the flow of pairs of frames, float32 (P, 5)."""
        return self.encoder.observe(before.float(), after.float())
