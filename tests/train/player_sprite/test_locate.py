"""Where the player sprite is: found, counted by tokens, and refused where there is none."""

from functools import partial

import numpy as np
import pytest
import torch

from train.auto.choice import choose_method
from train.data.frames import Frames
from train.fit_dynamics import token_residual
from train.pipeline import train
from train.player_sprite.fit import SpriteActionModule, locate_sprite, mean_residual
from train.player_sprite.method import SpriteMethod


def test_the_sprite_is_found_where_it_is(corpus, sprite):
    starts = np.arange(0, 119, 2)
    top, left, height, width = locate_sprite(mean_residual(Frames(corpus), starts), sprite.METHOD)
    assert top <= 10 and left <= 10 and top + height >= 14 and left + width >= 13
    assert height <= 8 and width <= 7


def test_tokens_count_by_the_highest_residual_of_their_patch():
    residual = torch.full((4, 6), 0.1)
    residual[3, 2] = 0.4
    assert token_residual(residual, (2, 3)).tolist() == pytest.approx([0.25] * 4 + [1.0] + [0.25])


def test_video_without_a_sprite_is_refused_with_what_to_do(tiny, tmp_path):
    """A square that walks over the whole frame keeps to no position."""
    still = tiny.write_corpus(tmp_path / "c", lengths=(90, 90), size=(24, 24))
    recipe = tiny.write_recipe(tmp_path / "r.yaml", avatar=True, lam__method={})
    with pytest.raises(ValueError, match="no player sprite was found") as caught:
        train("tokenizer", still.path, recipe, tmp_path / "run")
    assert "kind whole_frame" in str(caught.value)
    assert not (tmp_path / "run" / "tokenizer" / "weights.safetensors").exists()


def draw_scroll(seed: int, length: int, fastest: int) -> tuple[np.ndarray, np.ndarray]:
    """A flickering sprite in the middle of a picture that moves by some pixels a frame."""
    rng = np.random.default_rng(seed)
    scenery = rng.integers(20, 235, (200, 200, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    corner, step, frames = np.array([368, 368]), np.zeros(2, int), []
    for _ in range(length):
        if rng.random() < 0.15:
            step = rng.integers(1, fastest + 1, 2) * rng.integers(-1, 2, 2)
        corner = np.clip(corner + step, 0, 736)
        frame = scenery[corner[0] : corner[0] + 64, corner[1] : corner[1] + 64].copy()
        frame[28:36, 28:36] = rng.integers(0, 256, (8, 8, 3))
        frames.append(frame)
    return np.stack(frames), np.zeros(length - 1, np.int64)


@pytest.mark.parametrize(("fastest", "radius"), [(8, (8, 9)), (5, (None,))])
def test_auto_follows_a_camera_as_far_as_it_goes(sprite, tmp_path, fastest, radius):
    """Cut short at five pixels, its shifts left a rest everywhere, and no sprite was found."""
    draw = partial(draw_scroll, fastest=fastest)
    frames = Frames(sprite.write_drawn(tmp_path / "c", draw, 10, side=64))
    choice = choose_method(frames, 0, {})
    assert choice.kind == "player_sprite" and choice.model.get("search_radius") in radius
    again = SpriteActionModule.survey(frames, 0, SpriteMethod(), choice.model)
    assert again.values == choice.survey.values == {"box": (28, 28, 8, 8)}
