"""Where the player sprite is: found, counted by tokens, and refused where there is none."""

import numpy as np
import pytest
import torch

from train.data.frames import Frames
from train.fit_dynamics import token_residual
from train.pipeline import train
from train.player_sprite.fit import locate_sprite, mean_residual


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
