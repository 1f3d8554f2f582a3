import re

import numpy as np
import pytest
from PIL import Image

from genie.play.headless import play_headless
from genie.play.player import Player
from genie.play.prompts import PromptHint, rate_prompt, read_prompt
from genie.session.log import Session


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
    player = Player(world, world.bundle.prompts)
    ticks = iter(np.cumsum([0, 0.010, 1, 0.010, 1, 0.010, 1, 0.050]))
    monkeypatch.setattr("genie.play.player.time.perf_counter", lambda: next(ticks))
    for _ in range(4):
        player.advance(1)
    timings = player.timings()
    assert timings.frames == 4
    assert timings.fps == pytest.approx(50)
    assert timings.p50_ms == pytest.approx(10)
    assert timings.p95_ms == pytest.approx(44)
    assert set(timings.record()) == {"frames", "fps", "p50_ms", "p95_ms"}


def test_commits_slow_the_rate_and_not_the_way_from_key_to_frame(world, monkeypatch):
    player = Player(world, world.bundle.prompts)
    ticks = iter(np.cumsum([0, 0.010, 1, 0.030, 1, 0.010, 1, 0.030]))
    monkeypatch.setattr("genie.play.player.time.perf_counter", lambda: next(ticks))
    for _ in range(2):
        player.advance(1)
        player.commit_pending()
    assert world.committed == 2
    timings = player.timings()
    assert timings.fps == pytest.approx(25)
    assert timings.p50_ms == pytest.approx(10)


def test_headless_play_passes_on_a_frame_for_each_action(world):
    player = Player(world, world.bundle.prompts)
    shown = []
    play_headless(player, [2, 3, 3], shown.append, progress=False)
    assert world.actions == [2, 3, 3]
    assert [int(frame[0, 0, 0]) for frame in shown] == [120, 180, 180]
    assert world.committed == 3


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


def test_every_frame_goes_into_the_session_with_what_it_was_sampled_with(player):
    player.advance(1)
    player.set_steps(3)
    player.set_temperature(0.25)
    player.advance(2)
    frames = [player.session[i] for i in range(len(player.session))]
    assert [f.parent for f in frames] == [None, 0, 1]
    assert [(f.action, f.steps) for f in frames] == [(4, 0), (1, 2), (2, 3)]
    assert [f.temperature for f in frames] == [1.0, 1.0, 0.25]
    assert frames[2].ids.tolist() == [2, 2, 50, 5]


def test_choosing_a_picture_before_anything_is_played_leaves_no_branch(player):
    player.next_prompt()
    player.advance(1)
    assert player.session.ends() == [1]
    assert player.session[0].ids[2] == 90


def test_after_going_back_play_goes_on_from_there_as_a_branch(player, world):
    for action in (1, 2, 3, 1):
        player.advance(action)
    assert player.back() and player.back()
    assert player.frame[0, 0, 0] == 120
    assert world.actions == [1, 2, 3, 1]  # the world itself is not moved before it has to be
    player.advance(3)
    assert world.actions == [1, 2, 3]
    assert player.session[player.head].parent == 2
    assert player.session.ends() == [4, 5]
    assert player.frame_number == 3


def test_back_ends_at_the_prompt_and_forward_undoes_it(player):
    player.advance(1)
    last = player.advance(2)
    assert [player.back() for _ in range(3)] == [True, True, False]
    assert (player.frame == 50).all()
    assert player.shown_action == 4
    assert [player.forward() for _ in range(3)] == [True, True, False]
    assert (player.frame == last).all()


def test_restart_keeps_what_was_played_before(player):
    player.advance(1)
    player.restart()
    player.advance(2)
    assert player.session.ends() == [1, 3]
    assert player.frame_number == 1


def test_a_session_is_gone_on_with_from_its_last_frame(player, world, tmp_path):
    player.session.log_to(tmp_path / "s.session")
    player.advance(1)
    last = player.advance(3)
    player.session.close()
    again = Player(world, world.bundle.prompts, seed=0)
    assert (again.continue_session(Session.resume(tmp_path / "s.session")) == last).all()
    again.advance(2)
    again.session.close()
    assert world.actions == [1, 3, 2]
    assert len(Session.read(tmp_path / "s.session")) == 4


def test_a_session_of_another_world_is_refused(player, world):
    world.bundle.fingerprint = "e" * 64
    other = Player(world, world.bundle.prompts)
    with pytest.raises(ValueError, match="of this world"):
        other.continue_session(player.session)


def test_a_session_of_another_precision_is_refused_and_says_how_to_start(player, world):
    player.advance(1)
    world.bundle.precision = "bfloat16"
    other = Player(world, world.bundle.prompts)
    other.advance(2)
    own = other.session
    with pytest.raises(ValueError, match="start play with --precision float32") as caught:
        other.continue_session(player.session)
    assert "\n" not in str(caught.value) and other.session is own
    world.bundle.precision = "float32"
    with pytest.raises(ValueError, match="start play with --precision bfloat16"):
        Player(world, world.bundle.prompts).continue_session(own)


@pytest.mark.parametrize(
    ("shades", "verdict"), [((50, 50), "familiar"), ((42, 58), "unusual"), ((0, 255), "unknown")]
)
def test_a_prompt_is_judged_by_what_the_tokenizer_makes_of_it(world, shades, verdict):
    world.bundle.prompts[0][::2] = 62  # the world's own prompts are not drawn without loss either
    world.bundle.prompts[0][1::2] = 52
    picture = np.zeros((12, 16, 3), np.uint8)
    picture[::2], picture[1::2] = shades
    hint = rate_prompt(world, picture)
    assert hint.verdict == verdict
    assert hint.text.startswith(verdict)
    assert (hint.seen == int(picture.mean())).all()


def test_codes_that_the_corpus_never_showed_make_a_prompt_unknown(world):
    shares = np.full(256, 1e-9)
    shares[[4, 0, 50, 90]] = 0.25
    world.bundle.statistics = {"codes": shares.tolist()}
    known, strange = (np.full((12, 16, 3), shade, np.uint8) for shade in (50, 70))
    assert rate_prompt(world, known).verdict == "familiar"
    assert rate_prompt(world, strange).verdict == "unknown"


@pytest.mark.parametrize("psnr", [15.0, 23.0, 25.9, 26.8, 27.8, 40.0])
@pytest.mark.parametrize("surprise", [5.0, 9.0, 9.9, 10.5, 14.0])
def test_the_hint_names_the_figure_that_decided_and_never_contradicts_itself(psnr, surprise):
    picture = np.zeros((12, 16, 3), np.uint8)
    hint = PromptHint(
        picture=picture,
        seen=picture,
        psnr=psnr,
        known_psnr=26.8,
        surprise=surprise,
        known_surprise=9.0,
    )
    figures = [float(number) for number in re.findall(r"\d+\.\d", hint.text)]
    if hint.verdict == "familiar":
        assert psnr >= 26.8 or "only" in hint.text
    elif "bits" in hint.text:
        assert figures == [surprise, 9.0] and surprise > 10.0
    else:
        assert figures == [psnr, 26.8] and psnr < 24.8
