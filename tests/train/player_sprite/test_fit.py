"""Actions of a player sprite, in a drawn game where a held key shows in the sprite alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from corpus.store import Corpus
from lam.model import LatentActionModel
from train.data.clips import to_float
from train.loop.optim import MuonAdamW, lr_factor
from train.pipeline import train
from train.player_sprite import fit as sprite_fit
from train.player_sprite.method import SpriteMethod


def agreement(sprite, lam: LatentActionModel, corpus: Corpus) -> float:
    """Share of transitions whose code stands for the true key, under the best assignment."""
    frames = torch.from_numpy(corpus.read(0, corpus.num_frames)).movedim(-1, 1).float() / 255
    codes, keys = lam.infer(frames[None])[0].numpy(), corpus.true_actions()
    inside = np.ones(len(codes), bool)
    inside[corpus.episode_ends[:-1] - 1] = False
    table = np.zeros((sprite.KEYS, sprite.KEYS))
    np.add.at(table, (keys[:-1][inside], codes[inside]), 1)
    from itertools import permutations

    return (
        max(table[range(sprite.KEYS), order].sum() for order in permutations(range(sprite.KEYS)))
        / table.sum()
    )


def test_codes_are_the_keys_that_were_held(tiny, corpus, tmp_path, capsys, sprite):
    torch.manual_seed(0)
    stage = sprite.make_module(tiny, corpus)
    tiny.fit(stage, tmp_path)
    assert stage.average.quantized
    assert agreement(sprite, stage.average, corpus) > 0.9
    assert capsys.readouterr().out.count("the codes persist by") == 1


@pytest.mark.parametrize("upside_down", [False, True])
def test_an_airborne_code_is_found_and_means_what_is_pressed(
    tiny, jumper, tmp_path, monkeypatch, sprite, upside_down
):
    """And where the camera falls first and rises later, there is no jump to be found."""
    crop_all = sprite_fit.crop_all

    def cropped(*arguments):
        boxes, shift = crop_all(*arguments)
        return boxes, shift * torch.tensor([-1 if upside_down else 1, 1], dtype=torch.int8)

    monkeypatch.setattr(sprite_fit, "crop_all", cropped)
    torch.manual_seed(0)
    stage = sprite.make_module(tiny, jumper, num_actions=4)
    tiny.fit(stage, tmp_path)
    landing = stage.average.encoder.landing
    assert torch.equal(landing, stage.model.encoder.landing)
    frames = to_float(torch.from_numpy(jumper.read(0, jumper.num_frames))[None])
    observed = stage.average.observe(frames)
    codes, shift = observed[..., 0].long(), observed[..., 1:]
    shapes = torch.from_numpy(jumper.true_actions())[:-1]
    still, left, right, air = (codes[0][shapes == shape].mode().values for shape in range(4))
    if upside_down:
        assert (landing == -1).all()
        return
    assert landing[air].tolist() == [left, still, right]
    assert (landing >= 0).any(dim=1).sum() == 1
    actions = stage.average.infer(frames)[0]
    steered = (codes[0] == air) & (shift[0, :, 0] > 0) & (shift[0, :, 1] != 0)
    pressed = torch.where(shift[0, :, 1] > 0, right, left)
    # The others steered from the take-off on, which is a jump to that side.
    assert steered.sum() > 20 and (actions == pressed)[steered].float().mean() > 0.75
    inside = shapes >= 0
    assert torch.equal(stage.actions[:-1][inside], actions[inside])


def test_nothing_is_found_where_keys_are_not_held(tiny, corpus, tmp_path, monkeypatch, sprite):
    """The same fit, on pairs from anywhere in an episode in place of neighbours."""
    draw_pairs = sprite_fit.draw_pairs

    def shuffled(spans, rng, *arguments, **others):
        pairs = draw_pairs(spans, rng, *arguments, **others)
        order = torch.from_numpy(rng.permutation(pairs.shape[1]))
        pairs[..., 1] = pairs[:, order, 1]
        return pairs

    monkeypatch.setattr(sprite_fit, "draw_pairs", shuffled)
    monkeypatch.setattr("train.player_sprite.codes.draw_pairs", shuffled)
    torch.manual_seed(0)
    stage = sprite.make_module(tiny, corpus)
    tiny.fit(stage, tmp_path)
    assert agreement(sprite, stage.average, corpus) < 0.7


def fit_decoder(sprite, tiny, corpus, rate: float = 1.0, action_given: bool = True) -> float:
    """Fit the decoder on pictures whose change the action alone decides; last loss over first."""
    torch.manual_seed(0)
    stage = sprite.make_module(tiny, corpus, steps=150)
    stage.model.start_codes(torch.eye(sprite.KEYS))
    keys = torch.arange(12) % sprite.KEYS
    ground = torch.randint(256, (sprite.SIDE, sprite.SIDE, 3), dtype=torch.uint8)
    clips = ground.expand(12, 2, sprite.SIDE, sprite.SIDE, 3).clone()
    clips[:, 1] = (keys * 127).to(torch.uint8)[:, None, None, None]  # black, grey or white
    stage.actions = keys if action_given else torch.zeros_like(keys)
    optimizer = MuonAdamW(stage.model, stage.fit_config)
    optimizer.scale_lr(rate)
    losses = []
    for _ in range(150):
        loss, _ = stage.loss(clips, torch.arange(12), torch.empty(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[-1] / losses[0]


def test_the_decoder_learns_what_an_action_does(tiny, corpus, sprite):
    assert fit_decoder(sprite, tiny, corpus) < 0.1


@pytest.mark.parametrize("broken", [{"rate": 0.0}, {"action_given": False}])
def test_the_decoder_does_not_learn_it_without_a_rate_or_without_the_action(
    tiny, corpus, sprite, broken
):
    assert fit_decoder(sprite, tiny, corpus, **broken) > 0.3


def test_the_rate_falls_before_codes_are_made_and_again_at_the_end(tiny, corpus, sprite):
    stage = sprite.make_module(tiny, corpus, steps=1000, method=SpriteMethod())
    switch = round(1000 * stage.method.quantize_at)
    rates = []
    for step, quantized in ((switch // 2, 0), (switch - 1, 0), (switch, 1), (999, 1)):
        stage.clock.step = step
        stage.model.quantized.fill_(bool(quantized))
        rates.append(lr_factor(stage.rate_progress(), tiny.fit_config(warmup=0.02, decay=0.3)))
    assert rates[0] == rates[2] == 1.0 and rates[1] < 0.05 and rates[3] < 0.01


@pytest.mark.parametrize("broken_at", [3, 8])
def test_an_interrupted_fit_ends_as_an_uninterrupted_one(tiny, corpus, tmp_path, sprite, broken_at):
    def new_module():
        return sprite.make_module(tiny, corpus, 10, method=replace(sprite.METHOD, code_steps=4))

    torch.manual_seed(0)
    assert not tiny.fit(new_module(), tmp_path / "whole")
    torch.manual_seed(0)
    assert tiny.fit(tiny.interrupt_after(new_module(), broken_at), tmp_path / "broken")
    torch.manual_seed(1)
    assert not tiny.fit(new_module(), tmp_path / "broken")
    one, two = (tiny.checkpoint(tmp_path / name) for name in ("whole", "broken"))
    for part in ("state_dict", "optimizer_states", "extra"):
        assert tiny.differences(one[part], two[part], part) == []


def test_a_run_reads_actions_off_the_sprite_and_says_where_it_is(tiny, corpus, tmp_path):
    quick = {
        "code_starts": 3,
        "code_steps": 4,
        "code_pairs": 1024,
        "quantize_at": 0.6,
    }
    recipe = tiny.write_recipe(
        tmp_path / "r.yaml", lam__kind="player_sprite", lam__model__states=9, lam__method=quick
    )
    train("all", corpus.path, recipe, tmp_path / "run", allow_collapsed=True)
    from genie.library.bundle import load_bundle

    lam = load_bundle(tmp_path / "run" / "world").lam
    config = lam.config
    assert lam.encoder.code_of.unique().tolist() == list(range(config.num_actions))
    assert config.states == 9 > config.num_actions
    assert config.box[0] <= 10 <= sum(config.box[::2])
    logged = (tmp_path / "run" / "logs" / "dynamics" / "held-out.csv").read_text()
    assert "cross_entropy_sprite" in logged.splitlines()[0]


def test_episodes_too_short_for_pairs_are_refused(tiny, tmp_path, sprite):
    short = tiny.write_corpus(tmp_path / "c", lengths=(20, 20), size=(24, 24))
    with pytest.raises(ValueError, match="no episode to train on has 80 frames"):
        sprite.make_module(tiny, short)
