"""Keys and prompts of one world in another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from genie.library.card import WorldCard
from genie.session.log import Session


def match_actions(ours: WorldCard, theirs: WorldCard) -> tuple[int, ...]:
    """Return for each action of `ours` the action of `theirs` with its key, or else its name.

    An action that `theirs` lacks is its idle one.
    """
    by_key = {key: id for id, action in enumerate(theirs.actions) for key in action.keys}
    by_name = {action.name: id for id, action in enumerate(theirs.actions)}
    found = []
    for id, action in enumerate(ours.actions):
        hits = [by_key[key] for key in action.keys if key in by_key]
        hits += [by_name[action.name]] if action.name in by_name else []
        found.append(theirs.idle if id == ours.idle or not hits else hits[0])
    return tuple(found)


def fit_picture(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Cut the largest middle part of a shape out of a picture and resize it.

    Args:
        picture: uint8 (h, w, 3).
        height: H wanted, pixels.
        width: W wanted, pixels.

    Returns:
        uint8 (H, W, 3); the picture itself if it has that size.
    """
    from PIL import Image, ImageOps

    if picture.shape[:2] == (height, width):
        return picture
    # Box averages whole pixels, which keeps pixel art clean when the factor is whole.
    image = ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.BOX)
    return np.asarray(image)


def replay_keys(
    session: Session, head: int, prompt: np.ndarray, world: Any, actions: Sequence[int]
) -> Iterator[np.ndarray]:
    """Play the keys of a line in another world; edits stay behind, for tokens mean others there.

    Args:
        session: where the keys come from.
        head: the last record of the line.
        prompt: uint8 (H, W, 3), of the other world's size.
        world: the other genie.world.World.
        actions: for each action of the session, the action of the other world.

    Yields:
        uint8 (H, W, 3): the prompt as that world draws it, then a frame for each sampled record.
    """
    yield world.reset(prompt, session.header.seed)
    for record in session.line(head):
        frame = session[int(record)]
        if frame.steps:
            yield world.step(actions[frame.action])
