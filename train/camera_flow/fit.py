"""Fitting the keys behind the flow of the picture, and how many there are; then the decoder."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from corpus.clips import split_episodes
from corpus.progress import progress_bar, track
from genie.device import pick_device
from lam.camera_flow.config import CameraFlowConfig
from lam.camera_flow.flow import measure_flow
from lam.camera_flow.keys import FlowKeys, fit_flow_keys
from train.camera_flow.method import CameraFlowMethod
from train.data.clips import to_float
from train.data.frames import Frames
from train.fit_lam import Survey
from train.fit_reader import ReaderModule, observe_all
from train.loop.hardware import frames_at_once

FEWEST_KEYS = 3
"""Standing still and two directions."""


class CameraFlowModule(ReaderModule):
    """Reads keys off the flow of the training episodes; then fits the decoder."""

    METHOD = CameraFlowMethod

    @classmethod
    def survey(
        cls, frames: Frames, seed: int, method: CameraFlowMethod, values: Mapping[str, Any]
    ) -> Survey:
        """Find the keys behind the flow, as many as the recipe says or as the flow shows."""
        reach = tuple(values.get("reach", CameraFlowConfig.reach))
        keys = find_flow_keys(frames, seed, method, reach, values.get("num_actions"))
        found = {} if "num_actions" in values else {"num_actions": keys.num_keys}
        return Survey(values=found, player=keys)

    @classmethod
    def placeholder_values(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return as many actions as there can be."""
        return {} if "num_actions" in values else {"num_actions": cls.METHOD.most_keys}

    @torch.no_grad()
    def start_codes(self) -> None:
        """Read the keys that the survey found off all episodes."""
        reader = self.model.encoder
        reader.keys.load_state_dict(self.found.player.state_dict())
        with self.clock.uncounted():
            observed = observe_all(reader, self.clips.source)
        self.average.encoder.load_state_dict(reader.state_dict())
        self.model.start_codes(torch.eye(self.model.config.num_actions, device=self.device))
        self.read_actions(observed)


def find_flow_keys(
    frames: Frames, seed: int, method: CameraFlowMethod, reach: tuple[int, int],
    count: int | None = None,
) -> FlowKeys:  # fmt: skip
    """Fit the keys behind the flow of the training episodes.

    Args:
        frames: of the corpus.
        seed: of the choice of episodes, and of the fits.
        method: how many fits, and what another key is worth.
        reach: see `CameraFlowConfig`.
        count: of the keys; None: as long as another one makes transitions likelier by enough.
    """
    flow = _episodes(frames, seed, method, reach)
    counts = range(FEWEST_KEYS, method.most_keys + 1) if count is None else [count]
    best, reached = None, -float("inf")
    with progress_bar("keys", len(counts) * method.starts, True, "fits") as tick:
        for number in counts:
            keys, likelihood = _likeliest(flow, number, seed, method, tick)
            if best is not None and likelihood < reached + method.least_gain:
                break
            best, reached = keys, likelihood
    return best


def _likeliest(
    flow: Tensor, count: int, seed: int, method: CameraFlowMethod, tick: Callable[[int], None]
) -> tuple[FlowKeys, float]:
    """Fit several times; return the likeliest keys, and the log likelihood of a transition."""
    fits = []
    for start in range(method.starts):
        keys = FlowKeys(count).to(flow.device)
        generator = torch.Generator().manual_seed(seed * method.starts + start)
        fits.append((fit_flow_keys(keys, flow, generator, rounds=method.rounds), keys))
        tick(1)
    likelihood, keys = max(fits, key=lambda fit: fit[0])
    return keys, likelihood


@torch.no_grad()
def _episodes(
    frames: Frames, seed: int, method: CameraFlowMethod, reach: tuple[int, int]
) -> Tensor:
    """Measure the flow of training episodes, float32 (episodes, S, 5), 0 behind the end."""
    corpus, device, chosen, count = frames.corpus, pick_device(), [], 0
    training, _ = split_episodes(corpus.num_episodes, seed)
    for episode in np.random.default_rng(seed).permutation(training).tolist():
        if count >= method.most_frames:
            break
        first, stop = corpus.episode(episode)
        # Of a recording of hours that is one episode, the beginning.
        chosen.append((first, min(stop, first + method.most_frames)))
        count += stop - first
    flows, size = [], frames_at_once(device)
    for first, stop in track(sorted(chosen), "watch the flow", unit="episodes"):
        parts = [
            to_float(frames.between(begin, min(begin + size + 1, stop)).to(device))
            for begin in range(first, stop - 1, size)
        ]
        flow = torch.cat([measure_flow(part[:-1], part[1:], reach) for part in parts])
        flows.append(torch.nn.functional.pad(flow, (0, 1), value=1.0))
    return pad_sequence(flows, batch_first=True)
