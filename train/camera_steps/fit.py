"""Fitting the actions behind the steps of a camera: what is blocked, which key is held."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from corpus.progress import track
from lam.camera_steps.model import StepReader
from lam.camera_steps.surroundings import CellNet, crop_cells
from train.camera_steps.method import CameraStepsMethod
from train.camera_steps.survey import CameraSteps, find_camera_steps
from train.data.action_chances import fit_chances, held_out_frames
from train.data.blocked_keys import hold_of, key_shares
from train.data.clips import to_bytes, to_float
from train.data.frames import Frames
from train.fit_lam import Survey
from train.fit_reader import ReaderModule, observe_all
from train.loop.hardware import frames_at_once

MOST_ACTIONS = 5
"""Standing still and four steps."""
AT_ONCE = 4096
"""Crops whose chances are computed at once."""


class CameraStepsModule(ReaderModule):
    """Learns what is in the way of a step and how the player looks; then fits the decoder."""

    METHOD = CameraStepsMethod

    @classmethod
    def survey(
        cls, frames: Frames, seed: int, method: CameraStepsMethod, values: Mapping[str, Any]
    ) -> Survey:
        """Find the steps of the camera; raises NoStepsError if it does not move by steps."""
        return cls.survey_of(find_camera_steps(frames, seed, method), values)

    @classmethod
    def survey_of(cls, found: CameraSteps, values: Mapping[str, Any]) -> Survey:
        """Return what steps that were found mean for a fit: the commonest, if actions are few."""
        count = {} if "num_actions" in values else {"num_actions": max(3, len(found.steps) + 1)}
        steps = found.steps[: values.get("num_actions", MOST_ACTIONS) - 1]
        return Survey(values=count | {"steps": steps, "view": found.view})

    @classmethod
    def placeholder_values(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return as many actions as there can be, and steps of a usual size."""
        count = {} if "num_actions" in values else {"num_actions": MOST_ACTIONS}
        return count | {"steps": ((8, 0), (0, 8)), "view": (0, 0, 16, 16)}

    @torch.no_grad()
    def start_codes(self) -> None:
        """Learn what tells keys apart, and read them."""
        reader = self.model.encoder
        # Its length does not depend on the fit's: a short fit would have no time for the decoder.
        with self.clock.uncounted():
            self._fit_reader(reader)
            observed = observe_all(reader, self.clips.source)
        self.average.encoder.load_state_dict(reader.state_dict())
        self.model.start_codes(torch.eye(self.model.config.num_actions, device=self.device))
        self.read_actions(observed)

    @torch.enable_grad()
    def _fit_reader(self, reader: StepReader) -> None:
        """Fit both nets, and how often keys are pressed and how long they are held."""
        corpus, generator = self.clips.source.corpus, torch.Generator().manual_seed(self.seed)
        count = min(corpus.num_frames, self.method.most_frames)
        around, own, led_on = self._look(reader, count)
        ends = corpus.episode_ends[corpus.episode_ends < count].tolist()
        ends = np.array([*ends, count])
        led_on[ends - 1] = -1
        led_here = torch.full_like(led_on, -1)
        led_here[1:] = torch.where(led_on[:-1] > 0, led_on[:-1], -1)
        held = held_out_frames(ends, generator)
        reader.cpu().requires_grad_(True)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            for net, crops, codes in (
                (reader.chances, around, led_on), (reader.look, own, led_here),
            ):  # fmt: skip
                fit_chances(net, lambda at, crops=crops: to_float(crops[at]), codes, held)
        reader.requires_grad_(False)
        chances = self._chances(reader.chances, around)
        looks = self._chances(reader.look, own)
        for usual, found in ((reader.usual_chances, chances), (reader.usual_look, looks)):
            usual.copy_(found.quantile(self.method.usual, dim=0).clamp_min(1e-6))
        free = chances / reader.usual_chances
        shares = key_shares(led_on, free >= self.method.free, 0)
        reader.keys.shares.copy_(shares)
        blocked = free < reader.config.blocked_below
        reader.keys.hold.fill_(hold_of(led_on, blocked, 0, shares))
        reader.to(self.device)

    @torch.no_grad()
    def _look(self, reader: StepReader, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return what surrounds the player in frames, itself, and the steps from each to the next.

        The crops are uint8 (frames, H, W, 3), the codes int64 (frames,); the last frame's is −1.
        """
        source, size, config = self.clips.source, frames_at_once(self.device), reader.config
        around, own, codes = [], [], []
        for first in track(range(0, count, size), "look around the player"):
            last = min(first + size, count)
            frames = to_float(source.between(first, min(last + 1, count)).to(self.device))
            here = frames[: last - first]
            around.append(to_bytes(crop_cells(here, config, config.near)).cpu())
            own.append(to_bytes(crop_cells(here, config, 0)).cpu())
            codes.append(reader.steps_of(frames[:-1], frames[1:]).cpu())
        codes.append(torch.full((1,), -1))
        return torch.cat(around), torch.cat(own), torch.cat(codes)

    @torch.no_grad()
    def _chances(self, net: CellNet, crops: Tensor) -> Tensor:
        """Return a net's chances by crops, float32 (frames, A)."""
        return torch.cat([net(to_float(part)).softmax(dim=1) for part in crops.split(AT_ONCE)])
