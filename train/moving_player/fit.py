"""Fitting the actions of a moving player: its look, the keys behind its motions, the decoder."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from lam.held_keys import fit_held_keys
from lam.moving_player.config import MovingPlayerConfig
from lam.moving_player.model import PlayerReader
from spacetime.ranks import rank_and_count
from train.data.clips import to_float
from train.data.frames import Frames
from train.fit_lam import Survey
from train.fit_reader import ReaderModule, observe_all
from train.moving_player.method import MovingPlayerMethod, ScrollingPlayerMethod
from train.moving_player.rail import find_rail_player
from train.moving_player.survey import MovingPlayer, NoPlayerError, find_moving_player, watch

MOST_ACTIONS = 9
"""Standing still and eight directions."""
ROOM = 1.5
"""A step may be so many times as long as the player's longest usual one."""
CHECKED = 512
_AROUND = 1 / 16
"""Of the longer side: pixels so far from the player's middle, down and across, may show it."""
_LEARNED = 0.9
"""Of the frames in which the player was seen: the net that finds it is checked on the last ones."""


class MovingPlayerModule(ReaderModule):
    """Fits the net that finds the player; then the keys that it is moved by; then the decoder."""

    METHOD = MovingPlayerMethod

    @classmethod
    def survey(
        cls, frames: Frames, seed: int, method: MovingPlayerMethod, values: Mapping[str, Any]
    ) -> Survey:
        """Find the player, and in how many directions it moves.

        Raises:
            NoPlayerError: nothing that moves behaves like a player.
        """
        if method.rail:
            scrolling = ScrollingPlayerMethod()
            player = find_rail_player(watch(frames.corpus, seed, scrolling), scrolling)
        else:
            player = find_moving_player(watch(frames.corpus, seed, method), seed, method)
        if player is None:
            raise NoPlayerError(
                "no moving player was found: nothing is there most of the time and moves as its "
                "last motion does not tell. Take a recipe whose lam is of kind whole_frame"
            )
        return cls.survey_of(player, values)

    @classmethod
    def survey_of(cls, player: MovingPlayer, values: Mapping[str, Any]) -> Survey:
        """Return what a player that was found means for a fit."""
        found = {} if "num_actions" in values else {"num_actions": len(player.motions)}
        # A reader that took long steps for jumps would see no motion of a fast player in a large
        # picture.
        farthest = ROOM * float(np.linalg.norm(player.motions, axis=1).max())
        if farthest > MovingPlayerConfig.largest_step and "largest_step" not in values:
            found["largest_step"] = round(farthest, 1)
        return Survey(residual=player.occupancy(), values=found, player=player)

    @classmethod
    def placeholder_values(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return as many actions as there can be."""
        return {} if "num_actions" in values else {"num_actions": MOST_ACTIONS}

    @property
    def player(self) -> MovingPlayer:
        """What the survey found."""
        return self.found.player

    def draw(self, step: int) -> tuple[Tensor, ...]:
        """Return clips uint8 (B, T, H, W, 3), where they start, frames, and where players are.

        The frames are uint8 (B, 1, H, W, 3), the positions float32 (B, 2); neither once there are
        keys.
        """
        if self.model.quantized:
            return super().draw(step)
        starts = self.clips.draw(self.fit_config.batch, self.seed, step)
        rng = np.random.default_rng([self.seed, step])
        looks = self._seen(rng, self.fit_config.batch)
        return self.clips.read(starts), torch.from_numpy(starts), *looks

    def loss(
        self, frames: Tensor, starts: Tensor, *seen: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Find the player; once there are keys, predict the next frame."""
        if self.model.quantized:
            return self.decoder_loss(frames, starts)
        looks, positions = seen
        detector = self.model.encoder.detector
        cells = detector.cell_of(positions)
        loss = F.cross_entropy(detector(to_float(looks)[:, 0]), cells)
        return loss, {"position": loss.detach()}

    @torch.no_grad()
    def start_codes(self) -> None:
        """Read keys off the motions that the averaged net sees, and continue with that net."""
        reader, count = self.average.encoder, self.model.config.num_actions
        motions = torch.from_numpy(self.player.commonest(count))
        reader.motions[: len(motions)] = motions
        # Its length does not depend on the fit's: a short fit would have no time for the decoder.
        with self.clock.uncounted():
            observed = observe_all(reader, self.clips.source)
            self._fit_keys(reader, observed)
        self.model.encoder.load_state_dict(reader.state_dict())
        self.model.start_codes(torch.eye(count, device=self.device))
        self.read_actions(observed)

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor | None]:
        """Measure how far off the player is found; once there are keys, what they do."""
        if self.average.quantized:
            return super().check()
        frames, positions = (part.to(self.device) for part in self._seen(None, CHECKED))
        found, _ = self.average.encoder.detector.locate(to_float(frames)[:, 0])
        off = (found - positions).norm(dim=1)
        return {"player_off_pixels": float(off.median())}, None

    def read_actions(self, observed: Tensor) -> None:
        """Read the actions, and note where the player is."""
        super().read_actions(observed)
        self.places = observed[:, :2]

    def pixel_weights(self, transitions: Tensor) -> Tensor:
        """Let the pixels around the player count more, where it was and where it is.

        Where scenery scrolls by, all pixels change, and a player of a dozen is hardly missed.
        """
        config, device = self.model.config, self.device
        after = (transitions + 1).clamp_max(len(self.places) - 1)
        middles = torch.stack((self.places[transitions], self.places[after]))  # (2, P, 2)
        rows = torch.arange(config.height, device=device) - middles[..., :1]
        columns = torch.arange(config.width, device=device) - middles[..., 1:]
        reach = _AROUND * max(config.height, config.width)
        near = (rows.abs() <= reach)[..., None] & (columns.abs() <= reach)[..., None, :]
        return 1 + self.method.player_weight * near.any(dim=0).float()[:, None]

    def _seen(self, rng: np.random.Generator | None, count: int) -> tuple[Tensor, Tensor]:
        """Draw frames in which the player was seen, and its positions.

        With a rng, they are to learn from: this process's of all that processes that train together
        draw. Without one, they are the same ones each time, and never learned from.
        """
        (seen,) = np.nonzero(~np.isnan(self.player.positions).any(axis=1))
        learned, checked = np.split(seen, [math.ceil(_LEARNED * (len(seen) - 1))])
        seen = checked if rng is None else learned
        if rng is None:
            chosen = seen[np.linspace(0, len(seen) - 1, min(count, len(seen))).astype(int)]
        else:
            rank, ranks = rank_and_count()
            chosen = rng.choice(seen, ranks * count)[rank * count :][:count]
        frames = self.clips.source.clips(self.player.frames[chosen], 1)
        return frames, torch.from_numpy(self.player.positions[chosen]).float()

    @torch.enable_grad()
    def _fit_keys(self, reader: PlayerReader, observed: Tensor) -> None:
        """Fit the keys of the training episodes."""
        frames = self.player.frames
        ends = np.isin(frames + 1, self.clips.source.corpus.episode_ends)[:-1]
        numbers = np.split(frames, np.flatnonzero(ends | (np.diff(frames) > 1)) + 1)
        parts = [observed[part[0] : part[-1]] for part in numbers if len(part) > 1]
        padded = pad_sequence(parts, batch_first=True)
        length = torch.tensor([len(part) for part in parts], device=padded.device)
        inside = torch.arange(padded.shape[1], device=padded.device) < length[:, None]
        motions = reader.motion_of(padded)
        context = reader.context_of(padded, motions)
        reader.keys.requires_grad_(True)
        generator = torch.Generator().manual_seed(self.seed)
        likelihood = fit_held_keys(
            reader.keys, motions, context, inside, motions.clamp_min(0),
            rounds=self.method.rounds, generator=generator,
        )  # fmt: skip
        reader.keys.requires_grad_(False)
        self.extra["key_likelihood"] = likelihood


class ScrollingPlayerModule(MovingPlayerModule):
    """The same for a player that moves about while the picture scrolls."""

    METHOD = ScrollingPlayerMethod
