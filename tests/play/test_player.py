import numpy as np
import pytest
from PIL import Image

from genie.play.headless import play_headless
from genie.play.player import Player, read_prompt


def test_play_begins_at_the_first_prompt_whatever_the_warm_up_drew(world):
    player = Player(world, world.bundle.prompts, seed=7)
    assert world.resets[-1] == (50, 7)
    assert world.actions == []
    assert (player.frame == 50).all()
    assert player.timings().frames == 0


def test_restart_keeps_prompt_and_seed_and_next_prompt_goes_round(world):
    player = Player(world, world.bundle.prompts, seed=3)
    player.advance(1)
    player.next_prompt()
    player.restart()
    player.next_prompt()
    assert world.resets[-3:] == [(90, 3), (90, 3), (50, 3)]
    assert player.prompt_index == 0


def test_timings_are_of_all_frames(world, monkeypatch):
    ticks = iter(np.cumsum([0, 0.010, 1, 0.010, 1, 0.010, 1, 0.050]))
    monkeypatch.setattr("genie.play.player.time.perf_counter", lambda: next(ticks))
    player = Player(world, world.bundle.prompts)
    for _ in range(4):
        player.advance(1)
    timings = player.timings()
    assert timings.frames == 4
    assert timings.fps == pytest.approx(50)
    assert timings.p50_ms == pytest.approx(10)
    assert timings.p95_ms == pytest.approx(44)
    assert set(timings.record()) == {"frames", "fps", "p50_ms", "p95_ms"}


def test_headless_play_passes_on_a_frame_for_each_action(world):
    player = Player(world, world.bundle.prompts)
    shown = []
    play_headless(player, [2, 3, 3], shown.append, progress=False)
    assert world.actions == [2, 3, 3]
    assert [int(frame[0, 0, 0]) for frame in shown] == [120, 180, 180]


def test_a_prompt_of_another_shape_is_cut_to_its_middle_and_resized(tmp_path):
    picture = np.zeros((24, 100, 3), np.uint8)
    picture[:, 34:66] = (10, 200, 30)
    Image.fromarray(picture).convert("RGBA").save(tmp_path / "wide.png")
    prompt = read_prompt(tmp_path / "wide.png", 12, 16)
    assert prompt.shape == (12, 16, 3)
    assert prompt.dtype == np.uint8
    assert (prompt == (10, 200, 30)).all()


def test_a_prompt_of_the_right_size_is_kept_pixel_for_pixel(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "exact.png")
    assert (read_prompt(tmp_path / "exact.png", 12, 16) == picture).all()


def test_a_missing_prompt_and_one_that_is_no_picture_are_told_apart(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(FileNotFoundError, match="none.png"):
        read_prompt(tmp_path / "none.png", 12, 16)
    with pytest.raises(ValueError, match="not a picture"):
        read_prompt(tmp_path / "text.png", 12, 16)
