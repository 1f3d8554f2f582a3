"""The page's random numbers and draws are those of torch, bit for bit."""

from types import SimpleNamespace

import pytest
import torch

from dynamics.masking import cosine_ratio
from dynamics.sampler import UNMASK_ORDERS, draw_noise, sample_frame
from genie.web.export import PAGE
from spacetime.rotary import rotary_matrix, rotary_table


@pytest.fixture(scope="module")
def ask(node):
    return lambda task, asked: node("sampler.mjs", PAGE, given=[[task, each] for each in asked])


def test_noise_is_that_of_torch(ask):
    asked = [[0, 1, 2, 64], [7, 0, 1, 49], [2**31 - 1, 100_000, 3, 81], [2**53 - 1, 5, 16, 1]]
    for (seed, frame, steps, tokens), drawn in zip(asked, ask("noise", asked), strict=True):
        assert drawn == draw_noise([seed], frame, steps, tokens).flatten().tolist()


def test_as_many_tokens_stay_masked_as_the_schedule_says(ask):
    asked = [[steps, tokens] for steps in (1, 2, 3, 4, 6, 8, 16, 64) for tokens in (6, 49, 64, 81)]
    for (steps, tokens), left in zip(asked, ask("left", asked), strict=True):
        progress = torch.tensor([(step + 1) / steps for step in range(steps)])
        assert left == [*cosine_ratio(progress[:-1]).mul(tokens).floor().int().tolist(), 0]


def test_keys_are_rotated_as_in_torch(ask):
    asked = [[0, 8], [3, 32], [999_999, 32]]
    for (frame, size), matrix in zip(asked, ask("rotation", asked), strict=True):
        expected = rotary_matrix(rotary_table(torch.tensor([frame]), size)).flatten()
        drawn = torch.tensor(matrix, dtype=torch.float32)
        torch.testing.assert_close(drawn, expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("order", UNMASK_ORDERS)
@pytest.mark.parametrize("temperature", [0.0, 0.8, 2.0])
def test_the_same_codes_are_drawn(ask, order, temperature):
    steps, tokens, codes = 3, 64, 100
    logits = 3 * torch.randn(8, steps, 1, tokens, codes, generator=torch.Generator().manual_seed(0))
    settings = {"steps": steps, "order": order, "temperature": temperature}
    asked = [
        {"logits": each[:, 0].tolist(), "seed": 5, "frame": frame, "settings": settings}
        for frame, each in enumerate(logits)
    ]
    for frame, (each, drawn) in enumerate(zip(logits, ask("sample", asked), strict=True)):
        drafts = iter(each)
        model = SimpleNamespace(
            config=SimpleNamespace(num_codes=codes), draft=lambda *_, d=drafts: next(d)
        )
        expected = sample_frame(
            model, torch.tensor([0]), None, noise=draw_noise([5], frame, steps, tokens),
            unmask_order=order, temperature=temperature,
        )  # fmt: skip
        assert drawn == expected[0].tolist()
