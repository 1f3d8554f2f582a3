"""A run stops before the actions if its tokenizer draws nothing that moves."""

import math
from dataclasses import replace

import pytest
import torch

from spacetime.patches import patchify
from tokenizer.health import TokenizerHealth
from tokenizer.losses import TokenizerMethod
from train import pipeline
from train.data.clips import to_float
from train.fit_tokenizer import SEES_ALL, start_latents
from train.health.tokenizer_health import measure_tokenizer_health, require_healthy_tokenizer
from train.pipeline import train


class Copy(torch.nn.Module):
    """In place of a tokenizer: it draws the frames themselves, or one picture."""

    num_codes = 1000

    def __init__(self, picture=None):
        super().__init__()
        self.picture = picture

    def encode(self, frames):
        self.frames = frames if self.picture is None else self.picture.expand(frames.shape)
        return torch.arange(4).expand(*frames.shape[:2], 4) * 249

    def decode(self, ids):
        return self.frames


@pytest.fixture
def still(tiny, tmp_path, monkeypatch):
    """The corpus of squares, on one ground."""
    draw = tiny.draw_episode

    def on_one_ground(seed, length=tiny.LENGTH, size=tiny.SIZE):
        frames, keys = draw(seed, length, size)
        square = (frames == (230, 120, 40)).all(axis=-1, keepdims=True)
        return (frames * square + 60 * ~square).astype("uint8"), keys

    monkeypatch.setitem(tiny.write_corpus.__globals__, "draw_episode", on_one_ground)
    return tiny.write_corpus(tmp_path / "still")


def test_what_moves_decides(still):
    ground = torch.full((3, 16, 16), 60 / 255)
    empty = measure_tokenizer_health(Copy(ground), still, seed=0)
    assert empty.state == "collapsed"
    with pytest.raises(ValueError, match="--allow-collapsed") as caught:
        require_healthy_tokenizer(empty, allow_collapsed=False, few="after 3 of 90 steps")
    assert str(caught.value).startswith("after 3 of 90 steps. Now the tokenizer is collapsed")
    require_healthy_tokenizer(empty, allow_collapsed=True)
    whole = measure_tokenizer_health(Copy(), still, seed=0)
    assert whole.state != "collapsed" and "still background" not in str(whole.reasons)
    require_healthy_tokenizer(whole, allow_collapsed=False)


def test_a_run_with_a_collapsed_tokenizer_ends_before_the_actions(
    tiny, corpus, tmp_path, monkeypatch
):
    recipe = tiny.write_recipe(tmp_path / "tiny.yaml")
    collapsed = TokenizerHealth(state="collapsed", reasons=("it is dark",), remedies=("look",))
    monkeypatch.setattr(pipeline, "measure_tokenizer_health", lambda *_: collapsed)
    with pytest.raises(ValueError, match="collapsed: it is dark. First look"):
        train("all", corpus.path, recipe, tmp_path / "run")
    assert (tmp_path / "run" / "tokenizer").exists() and not (tmp_path / "run" / "lam").exists()


def test_the_log_and_the_console_say_how_the_tokenizer_is(tiny, corpus, tmp_path, capsys):
    module = tiny.make_module("tokenizer", corpus)
    tiny.fit(module, tmp_path)
    header = (tmp_path / "logs" / "held-out.csv").read_text().splitlines()[0]
    for column in ("frozen_psnr", "moving_psnr", "moving_recall", "codes_used_share"):
        assert column in header
    assert f"tokenizer: {module.health.state}" in capsys.readouterr().out


def test_what_differs_from_the_background_counts_more(tiny, still):
    module = tiny.make_module("tokenizer", still)
    seen = []
    module.model.training_loss = lambda frames, method, weights: seen.append((frames, weights))
    clips = module.draw(0)[0]
    module.loss(clips)
    module.method = TokenizerMethod(background_weight=10.0)
    module.loss(clips)
    module.pixel_weights = torch.full((16, 16), 2.0)
    module.loss(clips)
    (_, none), (frames, weights), (_, both) = seen
    square = (to_float(clips) - 60 / 255).abs().amax(dim=2, keepdim=True) > 0.1
    assert none is None and torch.equal(frames, to_float(clips))
    torch.testing.assert_close(weights, torch.where(square, 11.0, 1.0))
    torch.testing.assert_close(both, 2 * weights)
    assert replace(module.method, background_weight=0.0) == TokenizerMethod()


def test_the_encoder_rests_and_then_learns_at_its_own_rate(tiny, still, tmp_path):
    module = tiny.make_module("tokenizer", still)
    assert module.apart == ()
    module.method = TokenizerMethod(encoder_rest=module.clock.total_steps, encoder_rate=0.1)
    before = {name: weight.clone() for name, weight in module.model.state_dict().items()}
    tiny.fit(module, tmp_path)
    for name, weight in module.model.state_dict().items():
        assert torch.equal(weight, before[name]) == name.startswith(module.model.ENCODER), name
    assert module.apart_rate() == 0.1


def test_the_start_of_the_codes_is_taken_where_it_is_asked_for(tiny, still):
    asked, model = TokenizerMethod(latent_start=True), tiny.make_tokenizer()
    before = model.to_latent.weight.clone()
    start_latents(model, still, TokenizerMethod())
    assert torch.equal(model.to_latent.weight, before)
    start_latents(model, still, asked)
    assert not torch.equal(model.to_latent.weight, before)
    start_latents(Copy(), still, asked)  # a tokenizer of somebody's own without such a start


def test_a_step_sees_what_moves_and_a_part_of_the_rest_until_the_last_part_of_the_fit(tiny, still):
    module = tiny.make_module("tokenizer", still)
    seen = []

    def keep(frames, method, weights, patches=None):
        seen.append(patches)
        return frames.mean(), {}

    module.model.training_loss = keep
    assert len(module.draw(0)) == 1
    module.loss(*module.draw(0))
    module.method = TokenizerMethod(seen_patches=0.4)
    clips, numbers = module.draw(0)
    assert [len(batch) for batch in module.batches_to_compile()] == [2, 1]
    assert torch.equal(numbers, module.draw(0)[1])
    assert not torch.equal(numbers, module.draw(1)[1])
    module.loss(clips, numbers)
    module.clock.step = math.ceil(SEES_ALL * module.clock.total_steps)
    module.loss(clips, numbers)
    assert [len(batch) for batch in module.batches_to_compile()] == [1]
    whole, patches, at_last = seen
    assert whole is None and at_last is None
    count = module.model.num_tokens
    assert patches.shape == (len(clips), math.ceil(0.4 * count))
    square = ((to_float(clips) - 60 / 255).abs() > 0.1).float()
    moving = patchify(square, module.model.config.patch).amax(dim=(1, 3))
    for clip, chosen in zip(moving, patches, strict=True):
        assert clip.sum() == clip[chosen].sum() or clip[chosen].all()
