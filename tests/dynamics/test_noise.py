import pytest
import torch

from dynamics.sampler import draw_noise, frame_generator


def test_a_frame_is_the_same_drawn_alone():
    together = draw_noise([3, 5, 9], 7, 5, 16)
    torch.manual_seed(123)  # the global generator has no part in it
    assert torch.equal(draw_noise([5], 7, 5, 16)[0], together[1])


def test_noise_is_uniform_and_has_two_numbers_for_each_step_and_token():
    noise = draw_noise([0, 1], 0, 50, 100)
    assert noise.shape == (2, 50, 2, 100)
    assert noise.min() >= 0 and noise.max() < 1
    assert noise.mean() == pytest.approx(0.5, abs=0.01)
    assert noise.var() == pytest.approx(1 / 12, abs=0.005)


def test_seeds_and_frames_have_unrelated_streams():
    streams = torch.stack(
        [
            torch.rand(2000, generator=frame_generator(seed, frame))
            for seed in (0, 1, 2, 2**32, 2**40)
            for frame in (0, 1, 2, 1_000_000)
        ]
    )
    related = torch.corrcoef(streams).fill_diagonal_(0)
    assert related.abs().max() < 0.12  # 5 standard errors


def test_steps_of_a_frame_have_unrelated_numbers():
    noise = draw_noise([0], 0, 4, 2000)[0].flatten(0, 1)  # (M·2, N)
    assert torch.corrcoef(noise).fill_diagonal_(0).abs().max() < 0.12
