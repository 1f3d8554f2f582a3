"""What `--versus` names: another world, a session log, or a video."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from corpus.readers.video import SUFFIXES as VIDEOS
from genie.library.card import WorldCard, read_card
from genie.library.catalog import find_fingerprint, find_world
from genie.library.progress import Say, silent
from genie.play.compare.comparison import EpisodeOpponent, Opponent, WorldOpponent
from genie.play.player import Player
from genie.play.setup import PlaySetup
from genie.session.format import SUFFIX
from genie.session.header import read_header
from genie.session.log import Session
from genie.session.replay import pictures
from genie.session.transfer import fit_picture, match_actions

MOST_FRAMES = 1800
"""Frames of a video that are read: they are held in memory."""
_CHUNK = 64  # frames whose actions are inferred at once


def open_opponent(setup: PlaySetup, player: Player, say: Say = silent) -> Opponent:
    """Open what `options.versus` names; for an episode the player gets its first frame as prompt.

    Raises:
        ValueError: if it is damaged.
        OSError: if there is no such thing.
    """
    versus, card = setup.options.versus, setup.card
    path = Path(versus).expanduser()
    if path.suffix == SUFFIX:
        frames, prev_actions = _from_session(path, setup)
    elif path.suffix.lower() in VIDEOS and path.is_file():
        frames, prev_actions = _from_video(path, card, player.world)
    else:
        other = read_card(find_world(versus))
        theirs = setup.of(other).player(say=say)
        return WorldOpponent(other.title, theirs, match_actions(card, other))
    player.prompts = [fit_picture(frames[0], card.height, card.width)]
    player.start_from(0)
    return EpisodeOpponent(path.name, frames, prev_actions)


def check_opponent(setup: PlaySetup) -> None:
    """Refuse an opponent that is not there or cannot be read, before anything is loaded.

    Raises:
        ValueError: if it is damaged.
        OSError: if there is no such thing.
    """
    versus, card = setup.options.versus, setup.card
    path = Path(versus).expanduser()
    if path.suffix == SUFFIX:
        header = read_header(path).header
        find_fingerprint(header.fingerprint, header.card.path)
        match_actions(header.card, card)
    elif not (path.suffix.lower() in VIDEOS and path.is_file()):
        match_actions(card, read_card(find_world(versus)))
        return
    if setup.options.keys is not None or setup.options.prompt is not None:
        raise ValueError(
            f"{path.name} has its own keys and first picture: leave out --keys and --prompt"
        )


def _from_session(path: Path, setup: PlaySetup) -> tuple[list[np.ndarray], list[int]]:
    """Return the frames of a session's last line, and the actions between them."""
    session = Session.read(path)
    if not len(session):
        raise ValueError(f"{path} holds no frame: nothing was played")
    line = session.line(len(session) - 1)
    first = max(i for i, record in enumerate(line) if not session[int(record)].steps)
    line = line[first:]
    header = session.header
    place = find_fingerprint(header.fingerprint, header.card.path)
    world = setup.load(place, setup.options, silent)
    actions = match_actions(header.card, setup.card)
    prev_actions = [actions[session[int(record)].action] for record in line[1:]]
    return list(pictures(session, line, world)), prev_actions


def _from_video(path: Path, card: WorldCard, world: Any) -> tuple[list[np.ndarray], list[int]]:
    """Return the frames of a video in the world's size and pace, and the inferred actions."""
    import torch

    from corpus.readers.base import ReadOptions
    from corpus.readers.layout import Shaping
    from corpus.readers.read import read_frames
    from corpus.readers.video import VideoReader

    rate = Fraction(card.fps).limit_denominator(1000)
    (source,) = VideoReader().sources(path, path.name, ReadOptions())
    shaping = Shaping(size=(card.height, card.width))
    frames = list(islice(read_frames(source, ReadOptions(), shaping, rate), MOST_FRAMES))
    prev_actions: list[int] = []
    for start in range(0, len(frames) - 1, _CHUNK):
        clip = torch.from_numpy(np.stack(frames[start : start + _CHUNK + 1])).to(
            world.bundle.device
        )
        with torch.inference_mode():
            pixels = clip.movedim(-1, -3).float()[None] / 255
            prev_actions += world.bundle.lam.infer(pixels)[0].tolist()
    return frames, prev_actions
