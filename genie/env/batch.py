"""What single and vector environments share: B episodes of a world, in one forward pass a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from genie.device import pick_device
from genie.drift.meter import WINDOWS_TO_LEAVE, DriftMeter
from genie.env.episode import Episode, EpisodeState
from genie.frames import encode_prompt
from genie.inputs import check_prompt, check_seed
from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world
from genie.rollouts.rollout import Rollout, cache_without
from genie.session.state import State

Reward = Callable[[np.ndarray, np.ndarray, int], float]
OBSERVATIONS = ("pixels", "tokens")
OPTIONS = ("prompt", "state")
RENDER_MODES = ("rgb_array",)


class WorldBatch:
    """B episodes of one world, each of which starts anew by itself.

    Attributes:
        bundle: the world.
        space: of one observation.
        frames: uint8 (B, H, W, 3), the last of each.
        tokens: int32 (B, N), of these frames.
    """

    def __init__(
        self,
        count: int,
        world: str | Path | Bundle | None = None,
        observation: str = "pixels",
        reward: Reward | None = None,
        truncate_on_drift: bool = False,
        device: str = "auto",
    ) -> None:
        """Load the world for B = `count` episodes; the other arguments are those of `WorldEnv`."""
        if observation not in OBSERVATIONS:
            raise ValueError(f"observation is {observation!r}: choose {', '.join(OBSERVATIONS)}")
        if not isinstance(world, Bundle):
            world = load_bundle(find_world(world), pick_device(device))
        if count > 1:
            _check_caches(world)
        self.bundle, self._observation, self._reward = world, observation, reward
        sizes = world.dynamics.config
        self.space = spaces.Box(0, 255, (world.height, world.width, 3), np.uint8)
        if observation == "tokens":
            self.space = spaces.Box(0, sizes.num_codes - 1, (sizes.num_tokens,), np.int32)
        self.frames = np.zeros((count, world.height, world.width, 3), np.uint8)
        self.tokens = np.zeros((count, sizes.num_tokens), np.int32)
        self._drift = _drift_meter(world) if truncate_on_drift else None
        self._episodes: list[Episode] = [None] * count
        self._prompts: dict[int, State] = {}
        self._rollout: Rollout | None = None

    def metadata(self) -> dict[str, Any]:
        """Return what Gymnasium wants to know, and the names of the actions in the order of ids."""
        names = self.bundle.keymap.names
        fixed = {"render_modes": list(RENDER_MODES), "render_fps": self.bundle.fps}
        return fixed | {"action_names": names}

    def choose(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> State:
        """Return what an episode starts from.

        Args:
            rng: draws the prompt, and the seed of what is sampled.
            options: of `reset`: a "prompt", or a "state".

        Raises:
            ValueError: for other options, prompts and states than this world has.
        """
        options = options or {}
        if unknown := sorted(set(options) - set(OPTIONS)):
            raise ValueError(f"reset has no option {unknown[0]!r}: choose {', '.join(OPTIONS)}")
        # Both are drawn in any case: what follows then does not depend on the options.
        drawn, seed = int(rng.integers(len(self.bundle.prompts))), int(rng.integers(1 << 32))
        if options.get("state") is not None:
            return self._check(options["state"])
        prompt = options.get("prompt")
        return replace(self._encode(drawn if prompt is None else prompt), seed=seed)

    def start(self, rows: Sequence[int], states: Sequence[State]) -> None:
        """Start some episodes anew; the others go on.

        Where all start and that fails, play stays as it was.
        """
        groups: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for index, state in enumerate(states):
            groups.setdefault((len(state.ids), state.edited), []).append(index)
        fresh = len(rows) == len(self._episodes)
        rollout, begun = self._rollout, []
        if fresh:
            rollout = Rollout(self.bundle, [state.seed for state in states])
        for group in groups.values():
            chosen = [states[index] for index in group]
            taken = [int(rows[index]) for index in group]
            ids, prev_actions, first, seen = self._histories(chosen)
            if fresh and len(groups) == 1:
                # Numbered as in a `World`, so that its frames come again bit for bit.
                shown = rollout.restore(ids, prev_actions, first, seen)
            else:
                seeds, frames = zip(*((one.seed, len(one.ids)) for one in chosen), strict=True)
                shown = rollout.replace(taken, seeds, ids, prev_actions, frames, seen)
            begun.append((taken, shown.numpy(), ids[:, -1].numpy()))
        self._rollout = rollout
        for taken, shown, tokens in begun:
            self.frames[taken], self.tokens[taken] = shown, tokens
        for row, state in zip(rows, states, strict=True):
            self._episodes[row] = Episode(replace(state, next_settings=self.bundle.settings))

    def step(self, actions: Any) -> None:
        """Sample the next frame of every episode under actions, integer (B,)."""
        actions, most = np.asarray(actions), self.bundle.num_actions - 1
        if actions.shape != (len(self._episodes),) or actions.dtype.kind not in "iu":
            raise ValueError(
                f"actions are whole numbers ({len(self._episodes)},), got {actions.dtype} "
                f"{actions.shape}"
            )
        if actions.min() < 0 or actions.max() > most:
            raise ValueError(f"an action is 0 to {most} here, got {actions}")
        if self._rollout is None:
            raise ValueError("step before reset")
        ids, frames = self._rollout.step(torch.from_numpy(actions.astype(np.int64)))
        ids = ids.cpu().numpy()
        self.frames, self.tokens = frames.numpy(), ids.astype(np.int32)
        for episode, row, action in zip(
            self._episodes, ids.astype(np.uint16), actions.tolist(), strict=True
        ):
            episode.append(row, action)

    def observations(self) -> np.ndarray:
        """Return what the agents see, as arrays of their own."""
        return (self.frames if self._observation == "pixels" else self.tokens).copy()

    def rewards(self, actions: Iterable[int], rows: Iterable[int]) -> np.ndarray:
        """Return float64 (B,): the rewards of the actions that led here, 0 outside of `rows`."""
        rewards = np.zeros(len(self._episodes))
        if self._reward is not None:
            actions = np.asarray(actions)
            for row in rows:
                frame, tokens = self.frames[row], self.tokens[row]
                rewards[row] = self._reward(tokens, frame, int(actions[row]))
        return rewards

    def drifted(self) -> np.ndarray:
        """Return bool (B,): whose last three windows are all unlike the corpus."""
        return np.array([self._has_drifted(episode) for episode in self._episodes])

    def info(self, drifted: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return arrays of B entries: the tokens, the states and, where it is measured, drift."""
        states = np.empty(len(self._episodes), object)
        states[:] = [EpisodeState(episode) for episode in self._episodes]
        info = {"tokens": self.tokens.copy(), "state": states}
        return info if self._drift is None else info | {"drifted": drifted}

    def _has_drifted(self, episode: Episode) -> bool:
        if self._drift is None or len(episode) % self._drift.stride:
            return False
        span = self._drift.window + (WINDOWS_TO_LEAVE - 1) * self._drift.stride
        if len(episode) < span:
            return False
        return bool((self._drift.distances(*episode.last(span)) > self._drift.threshold).all())

    def _encode(self, prompt: Any) -> State:
        """Return the state of a prompt: the index of one of the world's, or pixels."""
        if isinstance(prompt, int | np.integer):
            count = len(self.bundle.prompts)
            if not 0 <= prompt < count:
                raise ValueError(f"prompt {prompt} of {count}: they are 0 to {count - 1}")
            if prompt not in self._prompts:
                self._prompts[prompt] = self._encode(self.bundle.prompts[prompt])
            return self._prompts[prompt]
        frames = check_prompt(self.bundle, prompt)
        ids, actions = encode_prompt(self.bundle, frames)
        prev_actions = [self.bundle.num_actions, *actions[0].tolist()]
        return State(
            fingerprint=self.bundle.fingerprint,
            seed=0,
            ids=ids[0].cpu().to(torch.int32),
            prev_actions=torch.tensor(prev_actions, dtype=torch.int16),
            settings=(self.bundle.settings,) * len(frames),
            next_settings=self.bundle.settings,
            prompt_frames=len(frames),
        )

    def _histories(self, states: Sequence[State]) -> tuple[torch.Tensor, torch.Tensor, int, list]:
        """Return what `Rollout.restore` takes, of states of one length with the same edits."""
        edited = states[0].edited
        ids = torch.stack([state.ids.long() for state in states])  # (b, T, N)
        prev_actions = torch.stack([state.prev_actions.long() for state in states])
        if not edited:
            return ids, prev_actions, 0, []
        # As in `World.go_to`: attention sees nothing from before an edit, only a map does.
        first = max(edited)
        seen = [(ids[:, t], prev_actions[:, t], t in edited) for t in range(first + 1)]
        after = prev_actions[:, first:].clone()
        after[:, 0] = self.bundle.keymap.idle
        return ids[:, first:], after, first, seen

    def _check(self, state: State | EpisodeState) -> State:
        state = state.load() if isinstance(state, EpisodeState) else state
        if not isinstance(state, State) or state.fingerprint != self.bundle.fingerprint:
            raise ValueError("the state is not one of this world: take it from `info`")
        sizes, count = self.bundle.dynamics.config, len(state.ids)
        of_frames = state.prev_actions.shape == (count,) and len(state.settings) == count
        if not of_frames or not count:
            raise ValueError(
                f"the state has {count} frames, {len(state.prev_actions)} actions and "
                f"{len(state.settings)} settings: it is damaged, take one from `info`"
            )
        fits = state.ids.shape[1:] == (sizes.num_tokens,) and state.ids.min() >= 0
        if not fits or state.ids.max() >= sizes.num_codes:
            raise ValueError("the state has other tokens than this world: it is damaged")
        most = self.bundle.num_actions  # that number stands where none was given
        if state.prev_actions.min() < 0 or state.prev_actions.max() > most:
            raise ValueError(
                f"the state has actions {state.prev_actions.min()} to {state.prev_actions.max()}, "
                f"this world 0 to {most - 1}: it is damaged"
            )
        if not all(0 <= frame < count for frame in state.edited):
            raise ValueError(
                f"the state says that frames {state.edited} were edited, of {count}: it is damaged"
            )
        check_seed(state.seed)
        return state


def check_render_mode(mode: str | None) -> None:
    """Raise ValueError for a render mode that there is not; None renders nothing."""
    if mode is not None and mode not in RENDER_MODES:
        raise ValueError(f"render_mode is {mode!r}: choose {', '.join(RENDER_MODES)}, or None")


def _check_caches(bundle: Bundle) -> None:
    """Refuse models of others whose caches cannot give one rollout another history."""
    if cache := cache_without(bundle, "take_rows"):
        raise ValueError(
            f"the world {bundle.name} cannot be played in batches, its {cache} has no take_rows: "
            'give make_vec vectorization_mode="sync"'
        )


def _drift_meter(bundle: Bundle) -> DriftMeter:
    meter = DriftMeter.of(bundle.statistics)
    if meter is None or meter.threshold is None:
        raise ValueError(
            f"the world {bundle.name} has no threshold of drift (its corpus has no long episodes): "
            "leave out truncate_on_drift"
        )
    return meter
