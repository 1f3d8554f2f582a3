"""Actions of a player sprite, in a drawn game where a held key shows in the sprite alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from lam.model import LatentActionModel
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.model import SpriteActionModel
from train.data.clips import FrameClips, to_float
from train.data.frames import Frames
from train.fit_dynamics import token_residual
from train.loop.clock import Clock
from train.loop.module import FitPlan
from train.loop.optim import MuonAdamW, lr_factor
from train.pipeline import train
from train.player_sprite import fit as sprite_fit
from train.player_sprite.fit import SpriteActionModule, locate_sprite, mean_residual
from train.player_sprite.method import SpriteMethod

SIDE, KEYS, BOX = 24, 3, (9, 9, 6, 5)
STEPS = 90


def draw_episode(seed: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A scenery that scrolls at random under a sprite whose shape shows which key is held.

    uint8 (T, H, W, 3), and the keys (T − 1,). The colours of scenery and sprite are the episode's.
    """
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 200, (24, 24, 3))
    scenery = np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)
    keys = np.concatenate([np.full(rng.integers(8, 16), rng.integers(KEYS)) for _ in range(length)])
    keys = keys[: length - 1]
    shapes = np.random.default_rng(99).random((KEYS, 2, 4, 3)) > 0.5  # per key two poses
    colour = rng.integers(205, 256, 3)
    corner, frames = np.array([80, 80]), []
    for time in range(length):
        corner = np.clip(corner + rng.integers(-2, 3, 2), 0, 160)
        frame = scenery[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE].copy()
        pose = shapes[keys[max(time - 1, 0)], rng.integers(2)]
        frame[10:14, 10:13] = np.where(pose[..., None], colour, 0)
        frames.append(frame)
    return np.stack(frames), keys


def write_drawn(path, draw, episodes: int) -> Corpus:
    """Write a corpus of episodes that `draw` draws, with what it says of them as true actions."""
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (SIDE, SIDE), card, True)
    for seed in range(episodes):
        frames, actions = draw(seed, 120)
        writer.add(frames)
        writer.end_episode({"file": str(seed)}, actions)
    writer.finish()
    return Corpus.open(path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    return write_drawn(tmp_path_factory.mktemp("sprite") / "c", draw_episode, 12)


METHOD = SpriteMethod(
    episodes=8, pairs=24, code_starts=3, code_steps=80, code_pairs=512, quantize_at=0.6
)
"""Quick: few steps in all."""


def make_module(
    tiny, corpus: Corpus, steps: int = STEPS, num_actions: int = KEYS, method=METHOD
) -> SpriteActionModule:
    config = SpriteActionConfig(
        height=SIDE, width=SIDE, num_actions=num_actions, channels=8, box=BOX
    )
    fit = tiny.fit_config(steps=steps, ema=0.9, lr=3e-3)
    plan = FitPlan(fit=fit, clock=Clock(total_steps=steps), seed=3, method=method)
    return SpriteActionModule(SpriteActionModel(config), plan, FrameClips(corpus, 2, 3))


def agreement(lam: LatentActionModel, corpus: Corpus) -> float:
    """Share of transitions whose code stands for the true key, under the best assignment."""
    frames = torch.from_numpy(corpus.read(0, corpus.num_frames)).movedim(-1, 1).float() / 255
    codes, keys = lam.infer(frames[None])[0].numpy(), corpus.true_actions()
    inside = np.ones(len(codes), bool)
    inside[corpus.episode_ends[:-1] - 1] = False
    table = np.zeros((KEYS, KEYS))
    np.add.at(table, (keys[:-1][inside], codes[inside]), 1)
    from itertools import permutations

    return max(table[range(KEYS), order].sum() for order in permutations(range(KEYS))) / table.sum()


def draw_jumper(seed: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A sprite under a camera that follows: it stands, goes left or right, or jumps.

    A key is held for 8 to 15 frames; in the air left and right still steer. The sprite has a shape
    for each key on the ground, and one for the air.

    Returns:
        uint8 (T, H, W, 3), and the shape in each transition (T − 1,): 0 still, 1 left, 2 right,
        3 in the air.
    """
    rng = np.random.default_rng(seed)
    scenery = np.kron(rng.integers(0, 200, (60, 60, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    keys = np.concatenate([np.full(rng.integers(8, 16), rng.integers(4)) for _ in range(length)])
    shapes = np.random.default_rng(98).random((4, 2, 4, 3)) > 0.5  # for each, two poses
    colour = rng.integers(205, 256, 3)
    corner, speed, shown, frames = np.array([150, 110]), 0, [], []
    for time in range(length):
        aside = (0, -2, 2, 0)[keys[time]]
        grounded = corner[0] == 150
        if grounded:
            speed = 5 if keys[time] == 3 else 0
        corner = np.array([min(150, corner[0] - speed), np.clip(corner[1] + aside, 0, 200)])
        speed -= speed > -4 and not (grounded and speed == 0)
        shape = keys[time] if corner[0] == 150 else 3
        frame = scenery[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE].copy()
        pose = shapes[shape if shape < 3 or corner[0] < 150 else 0, rng.integers(2)]
        frame[10:14, 10:13] = np.where(pose[..., None], colour, 0)
        frames.append(frame)
        shown.append(shape)
    return np.stack(frames), np.array(shown[1:])


@pytest.fixture(scope="module")
def jumper(tmp_path_factory) -> Corpus:
    return write_drawn(tmp_path_factory.mktemp("jumper") / "c", draw_jumper, 16)


def test_codes_are_the_keys_that_were_held(tiny, corpus, tmp_path, capsys):
    torch.manual_seed(0)
    stage = make_module(tiny, corpus)
    tiny.fit(stage, tmp_path)
    assert stage.average.quantized
    assert agreement(stage.average, corpus) > 0.9
    assert capsys.readouterr().out.count("the codes persist by") == 1


@pytest.mark.parametrize("upside_down", [False, True])
def test_an_airborne_code_is_found_and_means_what_is_pressed(
    tiny, jumper, tmp_path, monkeypatch, upside_down
):
    """And where the camera falls first and rises later, there is no jump to be found."""
    crop_all = sprite_fit.crop_all

    def cropped(*arguments):
        boxes, shift = crop_all(*arguments)
        return boxes, shift * torch.tensor([-1 if upside_down else 1, 1], dtype=torch.int8)

    monkeypatch.setattr(sprite_fit, "crop_all", cropped)
    torch.manual_seed(0)
    stage = make_module(tiny, jumper, num_actions=4)
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


def test_nothing_is_found_where_keys_are_not_held(tiny, corpus, tmp_path, monkeypatch):
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
    stage = make_module(tiny, corpus)
    tiny.fit(stage, tmp_path)
    assert agreement(stage.average, corpus) < 0.7


def fit_decoder(tiny, corpus, rate: float = 1.0, action_given: bool = True) -> float:
    """Fit the decoder on pictures whose change the action alone decides; last loss over first."""
    torch.manual_seed(0)
    stage = make_module(tiny, corpus, steps=150)
    stage.model.start_codes(torch.eye(KEYS))
    keys = torch.arange(12) % KEYS
    ground = torch.randint(256, (SIDE, SIDE, 3), dtype=torch.uint8)
    clips = ground.expand(12, 2, SIDE, SIDE, 3).clone()
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


def test_the_decoder_learns_what_an_action_does(tiny, corpus):
    assert fit_decoder(tiny, corpus) < 0.1


@pytest.mark.parametrize("broken", [{"rate": 0.0}, {"action_given": False}])
def test_the_decoder_does_not_learn_it_without_a_rate_or_without_the_action(tiny, corpus, broken):
    assert fit_decoder(tiny, corpus, **broken) > 0.3


def test_the_rate_falls_before_codes_are_made_and_again_at_the_end(tiny, corpus):
    stage = make_module(tiny, corpus, steps=1000, method=SpriteMethod())
    switch = round(1000 * stage.method.quantize_at)
    rates = []
    for step, quantized in ((switch // 2, 0), (switch - 1, 0), (switch, 1), (999, 1)):
        stage.clock.step = step
        stage.model.quantized.fill_(bool(quantized))
        rates.append(lr_factor(stage.rate_progress(), tiny.fit_config(warmup=0.02, decay=0.3)))
    assert rates[0] == rates[2] == 1.0 and rates[1] < 0.05 and rates[3] < 0.01


@pytest.mark.parametrize("broken_at", [3, 8])
def test_an_interrupted_fit_ends_as_an_uninterrupted_one(tiny, corpus, tmp_path, broken_at):
    def new_module():
        return make_module(tiny, corpus, 10, method=replace(METHOD, code_steps=4))

    torch.manual_seed(0)
    assert not tiny.fit(new_module(), tmp_path / "whole")
    torch.manual_seed(0)
    assert tiny.fit(tiny.interrupt_after(new_module(), broken_at), tmp_path / "broken")
    torch.manual_seed(1)
    assert not tiny.fit(new_module(), tmp_path / "broken")
    one, two = (tiny.checkpoint(tmp_path / name) for name in ("whole", "broken"))
    for part in ("state_dict", "optimizer_states", "extra"):
        assert tiny.differences(one[part], two[part], part) == []


def test_the_sprite_is_found_where_it_is(corpus):
    starts = np.arange(0, 119, 2)
    top, left, height, width = locate_sprite(mean_residual(Frames(corpus), starts), METHOD)
    assert top <= 10 and left <= 10 and top + height >= 14 and left + width >= 13
    assert height <= 8 and width <= 7


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


def test_episodes_too_short_for_pairs_are_refused(tiny, tmp_path):
    short = tiny.write_corpus(tmp_path / "c", lengths=(20, 20), size=(24, 24))
    with pytest.raises(ValueError, match="no episode to train on has 80 frames"):
        make_module(tiny, short)
