"""One visitor's play: what a page may ask of it, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from genie.edit import edit_frame
from genie.inputs import check_action
from genie.library.bundle import Bundle
from genie.rollouts.together import can_join
from genie.serve.limits import MOST_FRAMES, MOST_STEPS
from genie.serve.messages import Answer
from genie.session.log import Session
from genie.session.state import State, sampled_with
from genie.settings import Settings
from genie.values import whole
from genie.world import World

MOST_SEED = (1 << 53) - 1  # of whole numbers in JavaScript


class Play:
    """A world for one visitor, and the session that it is in.

    Its methods are the tasks of a page. They raise ValueError for what a page never asks, and
    leave the play as it was.

    Attributes:
        world: stands at `head` of `session`, or nowhere after `rest`.
        session: every frame, also while nobody is there; None before `start`.
        head: the record of the last frame.
        joins: whether its frames are computed in one pass with those of other plays.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Begin without a frame."""
        self.world = World(bundle)
        self.session: Session | None = None
        self.head = 0
        self.joins = can_join(bundle)
        self._prompt: int | None = None

    def start(self, ids: Any, seed: Any, prompt: Any = None) -> Answer:
        """Begin anew from the tokens of a picture; `prompt` is its number in the gallery."""
        bundle, settings = self.world.bundle, self.world.bundle.settings
        state = State(
            fingerprint=bundle.fingerprint,
            seed=whole(seed, 0, MOST_SEED),
            ids=torch.from_numpy(self._tokens(ids).astype(np.int32))[None],
            prev_actions=torch.tensor([bundle.num_actions], dtype=torch.int16),
            settings=(settings,),
            next_settings=settings,
        )
        self._prompt = None if prompt is None else whole(prompt, 0, len(bundle.prompts) - 1)
        return self._shown(self.world.load_state(state))

    def look(self, ids: Any) -> Answer:
        """Draw tokens by themselves; play is not moved."""
        return Answer(values={}, data=self.world.picture(self._tokens(ids)[None]).tobytes())

    def go(self, record: Any) -> Answer:
        """Go to a record of the session."""
        return self._shown(self.world.go_to(self.session, self._record(record)))

    def edit(self, record: Any, ids: Any) -> Answer:
        """Put other tokens into a frame."""
        self._check_length()
        frame = self.session[self._record(record)]
        edited = edit_frame(frame, self._tokens(ids).astype(np.int64), self.world)
        return self._shown(self.world.go_to(self.session, self.session.append(edited)))

    def encode(self, pixels: Any) -> Answer:
        """Return the tokens of a picture: RGB bytes of the world's own size, nothing to decode."""
        shape = (self.world.bundle.height, self.world.bundle.width, 3)
        if not isinstance(pixels, bytes) or len(pixels) != np.prod(shape):
            raise ValueError(f"a picture here has {shape[0]}x{shape[1]} pixels of three bytes")
        ids, _ = self.world.see(np.frombuffer(pixels, np.uint8).reshape(shape))
        return Answer(values={"ids": ids.tolist()})

    def prepare(self, action: Any, settings: Any) -> int:
        """Check a step and take its settings; returns the action."""
        if self.world.session is None:
            raise ValueError("no play has been started")
        self._check_length()
        try:
            chosen = Settings.from_json(settings)
        except TypeError as error:
            raise ValueError(f"settings lack or misspell {error}") from None
        most = max(MOST_STEPS, self.world.bundle.settings.steps)
        if chosen.steps > most:
            raise ValueError(f"a frame takes at most {most} refinement steps here")
        action = check_action(self.world.bundle, action)
        self.world.settings = chosen
        return action

    def stepped(self, picture: np.ndarray) -> Answer:
        """Note a step of the world; returns its frame."""
        return self._shown(picture, ids=self.session[self.world.head].ids.tolist())

    def again(self) -> None:
        """Build the caches anew from the session, after an error in the middle of a frame."""
        self.world.go_to(self.session, self.head)

    def rest(self) -> None:
        """Drop all but the session: `go` leads back into it."""
        self.world = World(self.world.bundle)

    def kept(self) -> Answer:
        """Return what a page needs to go on with the session, if there is one."""
        if self.session is None:
            return Answer(values={"play": None})
        frames = [self.session[record] for record in range(len(self.session))]
        tested = self.world.bundle.settings
        settings = [sampled_with(frame, tested) for frame in frames]
        distinct = list(dict.fromkeys(settings))
        number = {one: index for index, one in enumerate(distinct)}
        play = {
            "seed": self.session.header.seed,
            "prompt": self._prompt,
            "head": self.head,
            "parents": [frame.parent for frame in frames],
            "actions": [frame.action for frame in frames],
            "edited": sorted(self.session.edited),
            "settings": [one.to_json() for one in distinct],
            "settings_of": [number[one] for one in settings],
        }
        data = np.stack([frame.ids for frame in frames]).astype("<u2").tobytes()
        return Answer(values={"play": play}, data=data)

    def _shown(self, picture: np.ndarray, **values: Any) -> Answer:
        self.session, self.head = self.world.session, self.world.head
        return Answer(values={"record": self.head, **values}, data=picture.tobytes())

    def _tokens(self, ids: Any) -> np.ndarray:
        """Return a frame's tokens, uint16 (N,)."""
        sizes = self.world.bundle.dynamics.config
        if not isinstance(ids, list) or len(ids) != sizes.num_tokens:
            raise ValueError(f"a frame here has {sizes.num_tokens} tokens")
        return np.array([whole(id, 0, sizes.num_codes - 1) for id in ids], np.uint16)

    def _record(self, record: Any) -> int:
        if self.session is None:
            raise ValueError("no play has been started")
        return whole(record, 0, len(self.session) - 1)

    def _check_length(self) -> None:
        if self.session is not None and len(self.session) >= MOST_FRAMES:
            raise ValueError(f"a play has at most {MOST_FRAMES} frames here: start again with R")
