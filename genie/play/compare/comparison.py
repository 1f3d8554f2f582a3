"""Two plays under the same keys: two worlds, or a world and a recorded episode.

Both kinds of opponent have a `title`, a `frame` (uint8 (H, W, 3)) and `prev_actions`: the actions
of an episode in the ids of the world, empty if the keys decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genie.library.card import WorldCard
from genie.media.side_by_side import Panel
from genie.play.game.action_keys import Bindings
from genie.play.game.state import PlayState
from genie.play.player import Player
from genie.session.transfer import fit_picture

COMMAND_KEYS = frozenset({"escape", "p", "r", "n", "=", "-", "tab", "f11"})
"""Keys that do not go to the worlds."""


class WorldOpponent:
    """Another world under the same keys."""

    prev_actions: Sequence[int] = ()  # the keys decide

    def __init__(self, title: str, player: Player, actions: Sequence[int]) -> None:
        """Take the other world's player, and its action for each action of the world."""
        self.title, self._player, self._actions = title, player, actions

    @property
    def frame(self) -> np.ndarray:
        """What the other world shows."""
        return self._player.frame

    def start(self, prompt: np.ndarray) -> None:
        """Begin from the same prompt, in this world's size."""
        bundle = self._player.world.bundle
        self._player.prompts = [fit_picture(prompt, bundle.height, bundle.width)]
        self._player.start_from(0)

    def advance(self, action: int) -> None:
        """Play the matching action."""
        self._player.advance(self._actions[action])

    def commit_pending(self) -> None:
        """Let the frame enter the history."""
        self._player.commit_pending()


class EpisodeOpponent:
    """A recorded episode; its actions are what both play."""

    def __init__(
        self, title: str, frames: Sequence[np.ndarray], prev_actions: Sequence[int]
    ) -> None:
        """Take T frames, uint8 (H, W, 3), and the T−1 actions between them."""
        if len(frames) < 2 or len(prev_actions) != len(frames) - 1:
            raise ValueError(f"{title} has {len(frames)} frames: an episode has at least two")
        self.title, self.prev_actions = title, list(prev_actions)
        self._frames, self._at = frames, 0

    @property
    def frame(self) -> np.ndarray:
        """The frame that it has come to."""
        return self._frames[self._at]

    def start(self, prompt: np.ndarray) -> None:
        """Go back to the first frame."""
        self._at = 0

    def advance(self, action: int) -> None:
        """Show the next frame; the last one stays."""
        self._at = min(self._at + 1, len(self._frames) - 1)

    def commit_pending(self) -> None:
        """Do nothing: the next frame is there."""


Opponent = WorldOpponent | EpisodeOpponent


class Comparison:
    """A world and its opponent, and what the keys do.

    Attributes:
        card: of the world.
        player: plays it.
        opponent: what is beside it.
        script: action ids that are played before the keyboard; those of an episode go first.
        state: keys, pause, pace, message.
        frame_number: frames since the beginning.
    """

    def __init__(
        self, card: WorldCard, player: Player, opponent: Opponent, script: Sequence[int] = ()
    ) -> None:
        """Begin both from the player's prompt."""
        self.card, self.player, self.opponent = card, player, opponent
        self.bindings = Bindings(card)
        self.bindings.reserve(COMMAND_KEYS)
        self.state = PlayState(self.bindings, card.idle, card.fps)
        self.frame_number = 0
        self.script = list(opponent.prev_actions or script)
        self._start(player.prompt_index)

    @property
    def panels(self) -> tuple[Panel, Panel]:
        """What is shown: the world, then its opponent."""
        return (
            Panel(title=self.card.title, frame=self.player.frame),
            Panel(title=self.opponent.title, frame=self.opponent.frame),
        )

    @property
    def over(self) -> bool:
        """Whether an episode has come to its end."""
        return bool(self.opponent.prev_actions) and self.frame_number >= len(self.script)

    def press(self, key: str, now: float) -> None:
        """React to a key that went down; `now` in seconds."""
        match key:
            case "escape":
                self.state.quit = True
            case "p":
                self.state.toggle_pause()
            case "r":
                self._start(self.player.prompt_index)
            case "n":
                self._start((self.player.prompt_index + 1) % len(self.player.prompts))
            case "=" | "-":
                self.state.change_pace(key == "=", now)
            case "tab":
                self.state.hud = not self.state.hud
            case "f11":
                self.state.fullscreen = not self.state.fullscreen
            case _:
                self.state.press(key)

    def release(self, key: str) -> None:
        """React to a key that went up."""
        self.state.release(key)

    def tick(self, now: float) -> bool:
        """Let one frame's time pass on both sides; returns whether frames were sampled."""
        action = self.begin_frame(now)
        if action is not None:
            self.advance(action)
            self.end_frame(action, now)
        return action is not None

    def begin_frame(self, now: float) -> int | None:
        """Return the action of both sides' next frames, or None where time stands still."""
        if self.state.paused or self.state.quit:
            return None
        if self.over:
            self.state.say("the episode is over: R starts again", now)
            return None
        action = self.state.take_action()
        return self.script[self.frame_number] if self.frame_number < len(self.script) else action

    def advance(self, action: int) -> None:
        """Sample the next frame of both sides."""
        self.player.advance(action)
        self.opponent.advance(action)

    def end_frame(self, action: int, now: float) -> None:
        """Take in that both sides have advanced."""
        self.frame_number += 1
        self.state.advanced(action, now)

    def commit_pending(self) -> None:
        """Prepare both sides for the next frame, once this one is shown."""
        self.player.commit_pending()
        self.opponent.commit_pending()

    def _start(self, prompt_index: int) -> None:
        self.player.start_from(prompt_index)
        self.opponent.start(self.player.prompts[prompt_index])
        self.frame_number = 0
        self.state.moved(self.card.idle)
