"""A world whose frames say which action drew them, and its folder without weights."""

from __future__ import annotations

import errno
import io
import json
from types import SimpleNamespace

import numpy as np
import pygame
import pytest

from genie.edit import edit_frame
from genie.library.card import read_card
from genie.play.game.controls import Controls
from genie.play.game.game import Game, GameOptions
from genie.play.player import Player
from genie.play.screen.loop import PlayScreen
from genie.play.screen.window import Window
from genie.session.format import FrameRecord
from genie.session.log import Session
from genie.settings import Settings
from lam.keymap.keymap import KeyAction, Keymap

HEIGHT, WIDTH, FPS = 12, 16, 15.0
KEYMAP = Keymap(
    idle=0,
    actions=(
        KeyAction(id=0, name="none", keys=(), effect={}),
        KeyAction(id=1, name="left", keys=("left", "a"), effect={}),
        KeyAction(id=2, name="right", keys=("right", "d"), effect={}),
        KeyAction(id=3, name="jump", keys=("up", "space"), effect={}),
    ),
)


class FakeWorld:
    """A world whose tokens say how a frame came about: action, count, shade of the prompt, seed.

    A drawn frame: red is the action, green counts frames; each pixel differs.
    """

    picture_memory = 1

    def __init__(self):
        prompts = [np.full((HEIGHT, WIDTH, 3), shade, np.uint8) for shade in (50, 90)]
        self.bundle = SimpleNamespace(
            keymap=KEYMAP,
            prompts=prompts,
            precision="float32",
            fps=FPS,
            height=HEIGHT,
            width=WIDTH,
            num_actions=len(KEYMAP.actions),
            demo_keys="right*4 jump none*2",
            name="toy",
            title="Toy",
            fingerprint="f" * 64,
            settings=Settings(steps=2, unmask_order="confidence", temperature=1.0),
            statistics={},
            dynamics=SimpleNamespace(config=SimpleNamespace(num_tokens=4, num_codes=256)),
        )
        self.settings = self.bundle.settings
        self.seconds = SimpleNamespace(model=0.01, decode=0.002)
        self.session, self.head = None, 0
        self.actions = []
        self.committed = 0
        self.resets = []
        self.drawn_with = []

    def start(self, prompt, session):
        seed = session.header.seed
        self.resets.append((int(prompt[0, 0, 0]), seed))
        self.actions, self.drawn_with = [], []
        self.session, self._first = session, (int(prompt[0, 0, 0]), seed)
        self._log(None, 4, 0, [4, 0, *self._first])
        return prompt

    def step(self, action):
        self.actions.append(action)
        self.drawn_with.append(self.settings.steps)
        ids = [action, len(self.actions) % 256, *self._first]
        self._log(self.head, action, self.settings.steps, ids)
        return self.picture(np.array([ids]))

    def commit_pending(self):
        self.committed = len(self.actions)

    def go_to(self, session, record):
        assert session.header.fingerprint == self.bundle.fingerprint
        self.session, self.head = session, record
        line = session.line(record)
        self.actions = [session[int(index)].action for index in line[1:]]
        self._first = tuple(session.ids(line)[-1, 2:].tolist())
        return self.picture(session.ids(line))

    def edit(self, change):
        frame = edit_frame(self.session[self.head], change, self)
        self.head, self._first = self.session.append(frame), tuple(frame.ids[2:].tolist())
        return self.picture(frame.ids[None])

    def _log(self, parent, action, steps, ids):
        order, temperature = self.settings.unmask_order, self.settings.temperature
        self.head = self.session.append(
            FrameRecord(
                parent=parent,
                action=action,
                steps=steps,
                unmask_order=order,
                temperature=temperature,
                ids=np.array(ids, np.uint16),
            )
        )

    def picture(self, ids, first=0):
        action, count, shade, _ = ids[-1].tolist()
        if action == 4:
            return np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        frame[..., 0] = 60 * action
        frame[..., 1] = count * 7 % 256
        frame[..., 2] = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
        return frame

    def see(self, picture):
        """Knows one grey level a picture."""
        shade = int(picture.mean())
        ids = np.array([4, 0, shade, 0], np.uint16)
        return ids, self.picture(ids[None])


def write_world(path, name="toy"):
    """What a card is read from."""
    path.mkdir(parents=True)
    config = {"height": HEIGHT, "width": WIDTH}
    info = {
        "format": 1,
        "name": name,
        "title": name.title(),
        "fps": FPS,
        "demo_keys": "right*4",
        "fingerprint": "f" * 64,
        "settings": {"steps": 2, "order": "confidence", "temperature": 1.0},
        "models": {"tokenizer": {"config": config}},
    }
    (path / "world.json").write_text(json.dumps(info))
    (path / "keymap.json").write_text(json.dumps(KEYMAP.to_json()))
    return path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The player's own folders: nothing is written outside of the test."""
    monkeypatch.setenv("GENIE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def keymap():
    return KEYMAP


@pytest.fixture
def world():
    return FakeWorld()


@pytest.fixture
def load(world):
    """A loader of the fake world."""
    return lambda path, options, say: world


@pytest.fixture
def folder(tmp_path):
    return write_world(tmp_path / "worlds" / "toy")


@pytest.fixture
def card(folder):
    return read_card(folder)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty current folder."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def full_disk(monkeypatch):
    """The disk is full once a log has its first frames."""

    class Full(io.RawIOBase):
        left = 2

        def write(self, data):
            if not self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.left -= 1
            return len(data)

        def fileno(self):
            return 1

    def begin(session, path):
        session.path, session._file = path, Full()

    monkeypatch.setattr(Session, "_open", begin)


@pytest.fixture
def player(world):
    return Player(world, world.bundle.prompts, seed=5)


@pytest.fixture
def game(card, player, workplace):
    """Play without a screen; a frame takes 0.1 s of its clock."""
    return Driven(Game(card, player, GameOptions(folder=workplace)))


@pytest.fixture
def window(monkeypatch):
    """A window of 900 x 620, in memory."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    yield Window((900, 620), "Toy")
    pygame.quit()


@pytest.fixture
def play(window, card, player, workplace):
    """A screen on a game; `play.game` is the game."""

    def begin(**options):
        game = Game(card, player, GameOptions(folder=workplace, **options))
        return PlayScreen(window, game)

    return begin


@pytest.fixture
def screen(play):
    return play()


class Driven:
    """A game and the clock that its tests turn."""

    def __init__(self, game):
        self.game, self.controls, self.now = game, Controls(game), 0.0

    def __getattr__(self, name):
        return getattr(self.game, name)

    def release(self, key):
        self.controls.release(key)

    def press(self, *keys):
        for key in keys:
            self.controls.press(key, self.now)

    def tap(self, *keys):
        for key in keys:
            self.press(key)
            self.controls.release(key)

    def ticks(self, count=1):
        for _ in range(count):
            self.now += 0.1
            action = self.game.begin_frame(self.now)
            if action is not None:
                self.game.end_frame(self.game.player.advance(action), action, self.now)

    @property
    def message(self):
        return self.game.state.message(self.now)
