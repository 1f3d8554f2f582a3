import pytest
import torch

from tokenizer.health import Reconstruction, assess_tokenizer, measure_reconstruction

CODES = 1000


def drawn_clips(clips=24, side=24, ball=2):
    """A bright ball on a still ground: clips uint8 (B, 2, H, W, 3), and the ground (H, W, 3)."""
    generator = torch.Generator().manual_seed(0)
    ground = torch.randint(30, 90, (side, side, 3), generator=generator, dtype=torch.uint8)
    frames = ground.expand(clips, 2, -1, -1, -1).clone()
    for clip in frames:
        row, column = torch.randint(0, side - 2 * ball, (2,), generator=generator).tolist()
        for t, frame in enumerate(clip):
            frame[row + t : row + t + ball, column : column + ball] = 240
    return frames, ground


def assessed(rendered, ids=None):
    frames, ground = drawn_clips()
    if ids is None:
        ids = torch.randint(CODES, (*frames.shape[:2], 36), generator=torch.Generator())
    found = measure_reconstruction(frames, rendered, ids, CODES, ground)
    return found, assess_tokenizer(found)


def blurred(frames, ground, share):
    """The ball with a share of its contrast."""
    return torch.lerp(ground.float().expand(frames.shape), frames.float(), share).byte()


def test_a_tokenizer_that_draws_only_the_background_is_collapsed_whatever_its_psnr():
    frames, ground = drawn_clips()
    found, health = assessed(ground.expand(frames.shape))
    assert found.psnr > 20 and found.moving_recall == 0
    assert health.state == "collapsed" and any("still background" in r for r in health.reasons)


def test_a_tokenizer_that_draws_the_ball_is_healthy():
    frames, ground = drawn_clips()
    noisy = (frames.int() + torch.randint(-4, 5, frames.shape)).clamp(0, 255).byte()
    for rendered in (frames, noisy, blurred(frames, ground, 0.8)):
        found, health = assessed(rendered)
        assert health.state == "healthy" and not health.reasons and not health.remedies
        assert found.moving_recall == 1 and found.psnr > found.frozen_psnr


def test_a_smudge_in_place_of_the_ball_is_not_a_ball():
    frames, ground = drawn_clips()
    found, health = assessed(blurred(frames, ground, 0.3))
    assert found.moving_recall == 0 and health.state == "collapsed"


def test_psnr_of_what_moves_looks_at_nothing_else():
    frames, ground = drawn_clips()
    rendered = frames.clone()
    rendered[:, :, ::7] ^= 8  # the ground, mostly
    found, _ = assessed(torch.where(frames == ground, rendered, frames))
    assert found.moving_psnr > 90 > found.psnr


def figures(**changed):
    values = {"psnr": 41.5, "frozen_psnr": 35.2, "codes_used": 0.055, "perplexity": 9.0}
    return Reconstruction(**values | {"moving_psnr": 20.0, "moving_recall": 0.9} | changed)


@pytest.mark.parametrize(
    ("changed", "state", "reasons"),
    [
        ({}, "healthy", 0),
        ({"psnr": 34.8, "codes_used": 0.002}, "collapsed", 2),
        ({"psnr": 35.03, "codes_used": 0.004, "moving_recall": 0.3}, "collapsed", 3),
        ({"psnr": 34.8}, "weak", 1),
        ({"codes_used": 0.002}, "weak", 1),
        ({"moving_recall": 0.5}, "weak", 1),
        ({"moving_recall": 0.1}, "collapsed", 1),
        ({"moving_recall": float("nan")}, "collapsed", 1),
        ({"psnr": float("nan"), "codes_used": 0.0}, "collapsed", 2),
        ({"frozen_psnr": None, "moving_psnr": None, "moving_recall": None}, "healthy", 0),
    ],
)
def test_thresholds(changed, state, reasons):
    health = assess_tokenizer(figures(**changed))
    assert (health.state, len(health.reasons)) == (state, reasons)
    assert bool(health.remedies) == (state != "healthy")


def test_the_verdict_names_reasons_and_what_to_try():
    text = str(assess_tokenizer(figures(psnr=34.8, codes_used=0.002)))
    assert text.startswith("tokenizer: collapsed\n") and "0.2% of the codes" in text
    assert "34.8 dB, under the 35.2 dB" in text
    assert "background_weight: 10" in text and "--minutes" in text
