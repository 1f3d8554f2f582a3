import pytest
import torch
from torch import Tensor

from spacetime.rotary import BASE, rotary_matrix, rotary_table, rotate, turn

HEAD_DIM = 32
FAR = 1_000_000
TOLERANCE = 1e-5


def score(lag: int, start: int, table=rotary_table) -> Tensor:
    """Scores of unit queries at `start` + lag with unit keys at `start`, (1000,)."""
    generator = torch.Generator().manual_seed(0)
    queries, keys = torch.randn(2, 1000, 1, HEAD_DIM, generator=generator)
    queries, keys = (part / part.norm(dim=-1, keepdim=True) for part in (queries, keys))
    rotated = rotate(queries, table(torch.tensor([start + lag]), HEAD_DIM))
    return (rotated * rotate(keys, table(torch.tensor([start]), HEAD_DIM))).sum(dim=-1).flatten()


def table32(positions: Tensor, head_dim: int) -> tuple[Tensor, Tensor]:
    """What rotary angles are in float32."""
    rates = BASE ** (-torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
    angles = positions.float()[:, None] * rates
    return angles.cos(), angles.sin()


@pytest.mark.parametrize("lag", [0, 1, 7])
def test_scores_depend_on_the_lag_alone_a_million_frames_on(lag):
    assert (score(lag, FAR) - score(lag, 0)).abs().max() < TOLERANCE


@pytest.mark.parametrize("start", [10_000, FAR])
def test_float32_angles_would_fail(start):
    assert (score(7, start, table32) - score(7, 0, table32)).abs().max() > 3 * TOLERANCE
    torch.testing.assert_close(score(7, 0, table32), score(7, 0))


def test_scores_change_with_the_lag():
    for lag in range(1, 16):
        assert (score(lag, 0) - score(lag - 1, 0)).abs().max() > 0.1


def test_rotating_keeps_lengths_and_type():
    x = torch.randn(2, 3, HEAD_DIM)
    rotated = rotate(x, rotary_table(torch.arange(3), HEAD_DIM))
    torch.testing.assert_close(rotated.norm(dim=-1), x.norm(dim=-1))
    assert rotate(x.bfloat16(), rotary_table(torch.arange(3), HEAD_DIM)).dtype == torch.bfloat16


def test_frame_0_is_not_rotated():
    x = torch.randn(1, HEAD_DIM)
    assert torch.equal(rotate(x, rotary_table(torch.tensor([0]), HEAD_DIM)), x)


def test_the_first_pair_rotates_one_radian_a_frame():
    x = torch.zeros(1, HEAD_DIM)
    x[0, 0] = 1.0
    rotated = rotate(x, rotary_table(torch.tensor([1]), HEAD_DIM))[0]
    radian = torch.tensor(1.0)
    torch.testing.assert_close(rotated[0], radian.cos())
    torch.testing.assert_close(rotated[HEAD_DIM // 2], radian.sin())


def test_tables_are_float32():
    assert all(part.dtype == torch.float32 for part in rotary_table(torch.arange(4), HEAD_DIM))


@pytest.mark.parametrize("frame", [0, 3, FAR])
def test_the_matrix_of_a_frame_rotates_as_its_table_does(frame):
    table = rotary_table(torch.tensor([frame]), HEAD_DIM)
    x = torch.randn(2, 5, 3, 1, HEAD_DIM, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(x @ rotary_matrix(table), rotate(x, table))


def test_rollouts_are_turned_each_by_the_frame_of_its_own():
    x, frames = torch.randn(3, 4, 2, 8), torch.tensor([0, 5, 1000])
    turned = turn(x, rotary_matrix(rotary_table(frames, 8)))
    for row, frame in enumerate(frames):
        torch.testing.assert_close(turned[row], rotate(x[row], rotary_table(frame[None], 8)))
