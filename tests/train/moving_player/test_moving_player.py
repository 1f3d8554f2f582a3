"""Actions of a moving player, in a drawn game with a ball, an opponent and walls."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from genie.evaluate.metrics.agreement import agreement_with_true_actions
from lam.moving_player.model import MovingPlayerModel
from train.auto.choice import AUTO, choose_method
from train.auto.chosen import Choice, recorded_choice, resolve
from train.auto.picture import AUTO_PICTURE, MARK, PANELS, draw_choice
from train.data.clips import FrameClips
from train.data.frames import Frames
from train.export import load_model
from train.fit_reader import observe_all
from train.loop.clock import Clock
from train.loop.module import FitPlan
from train.moving_player.fit import MovingPlayerModule
from train.moving_player.method import MovingPlayerMethod
from train.moving_player.motions import find_motions, surprise_of
from train.moving_player.survey import MovingPlayer, find_moving_player, watch
from train.moving_player.tracks import _follow
from train.pipeline import train
from train.recipe import load_recipe

SIDE, LENGTH, PADDLE, GHOST = 32, 250, (40, 200, 80), (180, 60, 200)
METHOD = MovingPlayerMethod()


def draw_episode(
    seed: int, scroll: bool = False, paddle_colour: tuple[int, int, int] = PADDLE
) -> tuple[np.ndarray, np.ndarray]:
    """A paddle moved by held keys, a ball, two drones, before a still or scrolling background.

    A ghost is there all the time, alone of its colour, and moves; it turns at the edges only.
    """
    rng = np.random.default_rng(seed)
    scenery = np.kron(rng.integers(0, 60, (12, 12, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    keys = np.concatenate([np.full(rng.integers(4, 12), rng.integers(3)) for _ in range(LENGTH)])
    paddle, ball, speed = 16, np.array([5.0, 9.0]), np.array([2.0, 1.0])
    drones, frames = np.array([4, 20]), []
    for time in range(LENGTH):
        corner = 2 * time % 60 if scroll else 0
        frame = scenery[corner : corner + SIDE, :SIDE].copy()
        frame[paddle : paddle + 6, 27:29] = paddle_colour
        ghost = abs((time + 7 * seed) % 44 - 22)
        frame[28:31, ghost : ghost + 3] = GHOST
        y, x = ball.astype(int)
        if time % 50 > 15:  # it is out of play for a while
            frame[y : y + 2, x : x + 2] = (230, 230, 230)
        for number, drone in enumerate(drones):
            frame[drone : drone + 3, 3 + 4 * number : 5 + 4 * number] = (200, 60, 60)
        frames.append(frame)
        paddle = int(np.clip(paddle + 2 * (keys[time] - 1), 0, SIDE - 6))
        for axis in range(2):
            if not 0 <= ball[axis] + speed[axis] <= (SIDE - 9, 22)[axis]:
                speed[axis] *= -1
        ball += speed
        drones = (drones + rng.integers(-1, 2, 2)).clip(0, SIDE - 9)
    return np.stack(frames), keys[: LENGTH - 1]


def write_drawn(path, episodes: int, scroll: bool = False, colours=(PADDLE,)) -> Corpus:
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (SIDE, SIDE), card, True)
    for seed in range(episodes):
        frames, actions = draw_episode(seed, scroll, colours[seed % len(colours)])
        writer.add(frames)
        writer.end_episode({"file": str(seed)}, actions)
    writer.finish()
    return Corpus.open(path)


def look(corpus: Corpus, method: MovingPlayerMethod) -> MovingPlayer | None:
    return find_moving_player(watch(corpus, 0, method), 0, method)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    return write_drawn(tmp_path_factory.mktemp("paddle") / "c", 14)


def test_the_player_is_what_its_last_motion_tells_least_of(corpus):
    player = look(corpus, METHOD)
    assert np.allclose(player.colours[0], PADDLE, atol=8)
    assert player.present > 0.7 and player.surprise > 0.2
    assert np.allclose(sorted(player.motions.tolist()), [[-2, 0], [0, 0], [2, 0]], atol=0.3)
    occupancy = player.occupancy()
    assert occupancy[:, 24:].sum() > 20 * occupancy[:, :20].sum()


def test_a_player_of_another_colour_in_each_level_is_found(tmp_path):
    colours = (PADDLE, (220, 160, 40), (60, 90, 220))
    player = look(write_drawn(tmp_path / "c", 14, colours=colours), METHOD)
    seen = player.positions[~np.isnan(player.positions).any(axis=1)]
    assert player.present > 0.7 and len(player.colours) >= 3
    assert (seen[:, 1] > 26).mean() > 0.9


@pytest.mark.parametrize("method", [{"least_surprise": 3.0}, {"least_found": 1.0}])
def test_where_nothing_behaves_like_a_player_none_is_found(corpus, method):
    assert look(corpus, replace(METHOD, **method)) is None


def test_two_things_that_cross_keep_their_tracks_and_a_hidden_one_is_found_again():
    blobs = [
        (time, 10.0 + way * (time - 5), 20.0, 6.0, *colour)
        for time in range(20)
        for way, colour in ((2, (200, 0, 0)), (-2, (0, 0, 200)))
        if way > 0 or time not in (8, 9)
    ]
    numbers = _follow(np.array(blobs), 8.0, METHOD)
    reds = np.array([blob[4] == 200 for blob in blobs])
    assert set(numbers[reds]) == {0} and set(numbers[~reds]) == {1}
    assert len(set(_follow(np.array(blobs), 8.0, replace(METHOD, longest_gap=2))[~reds])) == 2
    assert len(_follow(np.empty((0, 7)), 8.0, METHOD)) == 0


def test_what_the_last_motion_tells_is_no_surprise():
    rng = np.random.default_rng(0)
    steady = np.repeat([1, 5] * 20, 25)  # to and fro, one step of 25 turns: 0.17 nats
    assert surprise_of(steady[:-1], steady[1:]) == pytest.approx(0.17, abs=0.05)
    free = rng.integers(0, 9, 1000)
    assert surprise_of(free[:-1], free[1:]) == pytest.approx(np.log(9), abs=0.2)


def test_directions_that_are_hardly_taken_are_no_motions():
    step = np.array([[0, 0]] * 50 + [[3, 0]] * 40 + [[0, -3]] * 9 + [[2, 2]] * 1, float)
    motions, taken = find_motions(step, METHOD)
    assert len(motions) == 3 and taken.tolist() == [50, 40, 9]
    assert len(find_motions(step, replace(METHOD, least_direction=0.01))[0]) == 4


def test_with_fewer_actions_than_directions_the_commonest_stay(corpus):
    player = replace(
        look(corpus, METHOD),
        motions=np.array([[0, 0], [0, 3], [3, 0], [0, -3], [-3, 0]]),
        taken=np.array([5, 10, 9, 40, 41]),
    )
    assert player.commonest(3).tolist() == [[0, 0], [0, -3], [-3, 0]]
    assert player.commonest(9).tolist() == player.motions.tolist()


def test_once_there_are_keys_the_player_need_not_be_known(run, corpus):
    """A decoder learns on also where the new video does not show the player."""
    model = load_model(run[0] / "lam", "lam")
    fit = load_recipe(str(run[1])).lam.fit
    clock = Clock(total_steps=4, total_seconds=None, slice_seconds=None)
    plan = FitPlan(fit=fit, clock=clock, seed=0, method=METHOD)
    module = MovingPlayerModule(model, plan, FrameClips(corpus, 2, 0))
    module.read_actions(observe_all(model.encoder, module.clips.source))
    loss, _ = module.loss(*module.draw(0))
    assert torch.isfinite(loss)


def test_the_net_that_finds_the_player_is_checked_on_frames_it_never_learned_from(corpus):
    player, module = look(corpus, METHOD), SimpleNamespace()
    module.player, drawn = player, []
    module.clips = SimpleNamespace(source=SimpleNamespace(clips=lambda at, _: drawn.append(at)))
    MovingPlayerModule._seen(module, np.random.default_rng(0), 5000)
    MovingPlayerModule._seen(module, None, 50)
    learned, checked = drawn
    assert len(set(checked)) == 50 and learned.max() < checked.min()


def test_keys_are_read_on_episodes_never_seen_also_at_walls(run, tmp_path):
    model = load_model(run[0] / "lam", "lam")
    assert type(model) is MovingPlayerModel and model.config.num_actions == 3
    codes, keys, blocked, episodes = [], [], [], []
    for seed in range(100, 108):
        frames, true = draw_episode(seed)
        clip = torch.from_numpy(frames).movedim(-1, 1)[None].float() / 255
        codes.append(model.infer(clip)[0])
        keys.append(torch.from_numpy(true))
        still = (frames[1:, :, 26:] == frames[:-1, :, 26:]).all(axis=(1, 2, 3))
        blocked.append(torch.from_numpy(still) & (keys[-1] != 1))
        episodes.append(torch.full_like(keys[-1], seed))
    codes, keys, blocked, episodes = map(torch.cat, (codes, keys, blocked, episodes))
    found = agreement_with_true_actions(codes, keys, episodes)
    assert found.balanced_accuracy > 0.75
    group = torch.tensor(found.group_of_code)
    assert blocked.float().mean() > 0.1
    assert (group[codes] == keys)[blocked].float().mean() > 0.5


def test_the_choice_and_its_reasons_are_recorded_and_kept_on_resume(run, corpus, capsys):
    out, recipe = run
    choice = recorded_choice(out)
    assert choice.kind == "moving_player" and choice.model == {"channels": 16, "num_actions": 3}
    assert choice.saw[0] == "the picture stands still" and "2 directions" in choice.saw[-1]
    assert resolve(load_recipe("auto"), choice).tokenizer.method["background_weight"] > 0
    before = (out / "run.json").read_bytes()
    capsys.readouterr()
    train("lam", corpus.path, str(recipe), out, resume=True)
    assert (out / "run.json").read_bytes() == before
    assert "picture stands still" not in capsys.readouterr().out


def test_what_it_saw_is_drawn_once(run, corpus):
    picture = run[0] / AUTO_PICTURE
    sheet = np.asarray(Image.open(picture))
    assert (sheet == MARK).all(axis=2).sum() > 4 * PANELS  # a box and two arrows in each
    picture.write_bytes(b"kept")
    train("lam", corpus.path, str(run[1]), run[0], resume=True)
    assert picture.read_bytes() == b"kept"


def test_a_player_in_one_position_and_a_camera_are_marked(corpus, tmp_path):
    found = {"box": [4, 6, 5, 3]}
    sprite = Choice(kind="player_sprite", saw=("the picture follows",), figures=found)
    camera = Choice(kind="whole_frame", saw=("it moves",), figures={"steps": [[0, -8], [8, 0]]})
    nothing = Choice(kind="whole_frame", saw=("nothing",), figures={})
    marked = []
    for number, choice in enumerate((sprite, camera, nothing)):
        draw_choice(choice, corpus, tmp_path / f"{number}.png")
        sheet = np.asarray(Image.open(tmp_path / f"{number}.png"))
        marked.append((sheet == MARK).all(axis=2).sum())
    assert marked[0] > 0 and marked[1] > 0 and marked[2] == 0


@pytest.mark.parametrize("content", ["[]", '{"auto": {"kind": "whole_frame"}}', '{"auto": 3}'])
def test_a_damaged_record_of_the_choice_is_one_line(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError, match="does not say how actions are found"):
        recorded_choice(tmp_path)


def test_a_scrolling_picture_gets_another_method(tmp_path):
    frames = Frames(write_drawn(tmp_path / "c", 4, scroll=True))
    choice = choose_method(frames, 0, {})
    assert choice.kind != "moving_player" and "camera moves" in choice.saw[0]
    recipe = load_recipe("auto")
    assert recipe.lam.kind == AUTO and resolve(recipe, choice).lam.kind == choice.kind


def write_walk(path, step: int) -> Corpus:
    """Write a view of a large scene that walks by so many pixels at a time."""
    rng = np.random.default_rng(0)
    scenery = rng.integers(0, 256, (128, 128, 3), np.uint8)
    corner, frames = np.array([48, 48]), []
    for _ in range(LENGTH):
        row, column = corner
        frames.append(scenery[row : row + SIDE, column : column + SIDE])
        way = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)][rng.integers(4)])
        corner = (corner + step * way).clip(0, 128 - SIDE)
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (SIDE, SIDE), card, False)
    writer.add(np.stack(frames))
    writer.end_episode({"file": "0"}, None)
    writer.finish()
    return Corpus.open(path)


@pytest.mark.parametrize(("step", "by_tokens"), [(8, True), (4, False)])
def test_a_camera_that_moves_by_whole_tokens_brings_a_memory(tmp_path, step, by_tokens):
    choice = choose_method(Frames(write_walk(tmp_path / "c", step)), 0, {})
    assert choice.kind == "camera_steps" and "whole steps" in choice.saw[1]
    recipe = resolve(load_recipe("auto"), choice)
    assert recipe.dynamics.method.get("map", False) == by_tokens


def test_a_choice_from_before_it_had_walls_is_taken_up(tmp_path):
    record = Choice(kind="whole_frame", saw=("it moves",), figures={}).record()
    del record["lam"], record["dynamics"]
    (tmp_path / "run.json").write_text(json.dumps({"auto": record}))
    choice = recorded_choice(tmp_path)
    assert choice.lam == choice.dynamics == {}
    assert choice.model == {"channels": 32}  # as the recipe had then
