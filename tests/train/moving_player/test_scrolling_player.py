"""Actions of a player that moves about while the picture scrolls, in a drawn game."""

import numpy as np
import pytest
import torch
from PIL import Image

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from genie.evaluate.metrics.agreement import agreement_with_true_actions
from lam.moving_player.config import ScrollingPlayerConfig
from lam.moving_player.scrolling import ScrollingPlayerModel, camera_step
from train.auto.chosen import recorded_choice
from train.auto.picture import AUTO_PICTURE, MARK, PANELS
from train.export import load_model
from train.moving_player.foreground import camera_path
from train.moving_player.method import MovingPlayerMethod, ScrollingPlayerMethod
from train.moving_player.survey import find_moving_player, watch
from train.moving_player.tracks import Track, join_in_turn

SIDE, LENGTH, SCENE, PLAYER = 40, 260, 160, (240, 240, 60)
WAYS = np.array([(0, 0), (0, 2), (0, -2), (2, 0), (-2, 0)])


def draw_episode(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A player walks by held keys; the camera follows once it comes near the edge of the picture.

    A guard goes to and fro.

    Returns:
        Frames, keys, and where the player is in the picture.
    """
    rng = np.random.default_rng(seed)
    scene = np.kron(rng.integers(0, 110, (32, 32, 3)), np.ones((5, 5, 1))).astype(np.uint8)
    keys = np.concatenate([np.full(rng.integers(4, 12), rng.integers(5)) for _ in range(LENGTH)])
    player, camera = np.array([80, 80]), np.array([60, 60])
    frames, places = [], []
    for time in range(LENGTH):
        guard = (78, 70 + abs((time + 11 * seed) % 40 - 20))
        picture = scene.copy()
        for (row, column), colour in ((guard, (200, 60, 200)), (player, PLAYER)):
            picture[row : row + 4, column : column + 3] = colour
        rows, columns = (slice(side, side + SIDE) for side in camera)
        frames.append(picture[rows, columns])
        places.append(player - camera)
        player = (player + WAYS[keys[time]]).clip(20, SCENE - 24)
        gap = np.clip(camera, player - SIDE + 14, player - 10).clip(0, SCENE - SIDE) - camera
        camera += np.round(rng.uniform(0.2, 1.5, 2) * gap).astype(int)  # now late, now early
    return np.stack(frames), keys[: LENGTH - 1], np.stack(places)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    path = tmp_path_factory.mktemp("scroll") / "c"
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (SIDE, SIDE), card, True)
    for seed in range(12):
        frames, keys, _ = draw_episode(seed)
        writer.add(frames)
        writer.end_episode({"file": str(seed)}, keys)
    writer.finish()
    return Corpus.open(path)


def test_the_camera_is_followed_and_stands_where_none_is_wanted(corpus):
    frames, keys, places = draw_episode(3)
    camera = camera_path(frames, ScrollingPlayerMethod())
    in_scene = (places + camera)[1:] - (places + camera)[:-1]
    walked = (in_scene == WAYS[keys]).all(axis=1)
    # At the rim of the scene a key moves nothing.
    assert (walked | (in_scene == 0).all(axis=1)).mean() > 0.95 and walked.mean() > 0.6
    assert np.ptp(camera, axis=0).max() > 20
    assert not camera_path(frames, MovingPlayerMethod()).any()


def test_the_player_is_found_where_it_is_in_the_picture(corpus):
    method = ScrollingPlayerMethod()
    player = find_moving_player(watch(corpus, 0, method), 0, method)
    assert np.allclose(player.colours[0], PLAYER, atol=25)
    motions = sorted(player.motions.round().tolist())
    assert motions == [[-2, 0], [0, -2], [0, 0], [0, 2], [2, 0]]
    off = []
    for number, position in zip(player.frames, player.positions, strict=True):
        if not np.isnan(position).any():
            _, _, places = draw_episode(number // LENGTH)
            off.append(np.abs(position - places[number % LENGTH] - (2, 1.5)).max())
    assert len(off) > 0.2 * len(player.frames) and np.median(off) < 1.5


def test_the_step_of_the_player_is_that_in_the_scene(monkeypatch):
    config = ScrollingPlayerConfig(height=SIDE, width=SIDE, num_actions=5, channels=4)
    reader = ScrollingPlayerModel(config).eval().encoder
    scene = torch.rand(3, 80, 80, generator=torch.Generator().manual_seed(0))
    before, after = scene[None, :, 20:60, 20:60], scene[None, :, 23:63, 18:58]
    assert camera_step(before, after).tolist() == [[3.0, -2.0]]
    found = iter((torch.tensor([[10.0, 12.0]]), torch.tensor([[9.0, 15.0]])))
    monkeypatch.setattr(reader.detector, "locate", lambda frames: (next(found), torch.ones(1)))
    assert reader.observe(before, after).tolist() == [[10.0, 12.0, 2.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("side", "step"), [(64, (8, 0)), (64, (-6, 7)), (128, (1, 0)), (192, (1, -2)), (128, (-9, 5))]
)
def test_the_camera_is_followed_at_any_size_and_speed(side, step):
    rng = np.random.default_rng(0)
    scene = np.kron(rng.random((60, 60, 3)), np.ones((5, 5, 1))).astype(np.float32)
    scene = torch.from_numpy(scene).movedim(-1, 0)
    (down, right), size = step, slice(40, 40 + side)
    before = scene[None, :, size, size]
    after = scene[None, :, 40 + down : 40 + down + side, 40 + right : 40 + right + side]
    assert camera_step(before, after).tolist() == [list(step)]


def test_frames_too_small_to_tell_a_shift_stand_still():
    frames = torch.rand(2, 3, 2, 64, generator=torch.Generator().manual_seed(0))
    assert camera_step(frames[:1], frames[1:]).tolist() == [[0.0, 0.0]]
    wide = torch.rand(1, 3, 8, 70, generator=torch.Generator().manual_seed(0))
    assert camera_step(wide[..., :64], wide[..., 2:66]).tolist() == [[0.0, 2.0]]


def track(start: int, column: float, kind: int = 0) -> Track:
    """A thing that is seen in ten frames and walks right by a pixel."""
    frames = np.arange(start, start + 10)
    positions = np.column_stack((np.zeros(10), column + np.arange(10.0)))
    return Track(
        episode=0, frames=frames, positions=positions, camera=np.zeros((10, 2)), cover=0.1,
        colour=np.zeros(3), area=9.0, kind=kind, parts=np.zeros(10, np.int64),
    )  # fmt: skip


def test_who_stood_still_is_the_same_thing_and_who_is_elsewhere_another():
    (joined,) = join_in_turn([track(40, 21), track(0, 10)], reach=8)
    assert joined.frames.tolist() == [*range(10), *range(40, 50)] and joined.cover == 0.2
    assert len(join_in_turn([track(0, 10), track(40, 60)], reach=8)) == 2
    assert len(join_in_turn([track(0, 10), track(5, 12)], reach=8)) == 2
    assert len(join_in_turn([track(0, 10), track(40, 21, kind=1)], reach=8)) == 2


def test_from_one_part_to_the_next_there_is_no_step():
    (joined,) = join_in_turn([track(0, 10), track(10, 25)], reach=8)
    before, after = joined.steps()
    assert len(after) == 16 and (after == (0, 1)).all() and (before == (0, 1)).all()


def test_of_a_recording_that_is_one_long_episode_the_beginning_is_looked_at(corpus):
    method = ScrollingPlayerMethod(survey_frames=200, least_found=0.01, least_steps=20)
    player = find_moving_player(watch(corpus, 0, method), 0, method)
    assert len(player.frames) == 200 and np.ptp(player.frames) == 199


def test_neighbours_that_tell_no_background_are_refused():
    for wrong in ((), (4,), (0, 4)):
        with pytest.raises(ValueError, match="two numbers of frames or more"):
            ScrollingPlayerMethod(neighbours=wrong)


def test_auto_takes_it_and_its_keys_are_read_on_episodes_never_seen(run):
    model = load_model(run[0] / "lam", "lam")
    assert type(model) is ScrollingPlayerModel and model.config.num_actions == 5
    codes, keys, episodes = [], [], []
    for seed in range(100, 106):
        frames, true, _ = draw_episode(seed)
        clip = torch.from_numpy(frames).movedim(-1, 1)[None].float() / 255
        codes.append(model.infer(clip)[0])
        keys.append(torch.from_numpy(true))
        episodes.append(torch.full_like(keys[-1], seed))
    found = agreement_with_true_actions(*map(torch.cat, (codes, keys, episodes)))
    assert found.balanced_accuracy > 0.75


def test_what_auto_saw_is_said_and_drawn(run):
    choice = recorded_choice(run[0])
    assert choice.kind == "scrolling_player" and choice.model["num_actions"] == 5
    assert "camera moves" in choice.saw[0] and "moving in the scene" in choice.saw[1]
    sheet = np.asarray(Image.open(run[0] / AUTO_PICTURE))
    assert (sheet == MARK).all(axis=2).sum() > 4 * PANELS
