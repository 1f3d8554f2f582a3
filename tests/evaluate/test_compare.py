import io
import json

import numpy as np
import pytest
from rich.console import Console

from genie.evaluate.clips import choose_clips
from genie.evaluate.compare import (
    WorldUnderTest,
    check_sizes,
    differences_to_first,
    moments,
    record_clips,
    score_world,
    unlike_names,
)
from genie.evaluate.progress import NoProgress
from genie.evaluate.report.compare_report import lay_out, print_comparison
from genie.evaluate.report.report import finish


@pytest.fixture
def compared(toy, toy_corpus):
    choice = choose_clips(toy_corpus.episode_ends, 24)
    rollouts = {
        "good": toy.PerfectRollout,
        "good (2)": toy.PerfectRollout,
        "ice": toy.FrozenRollout,
    }
    results = [
        score_world(
            WorldUnderTest(name=name, bundle=toy.make_bundle(), make_rollout=make),
            toy_corpus,
            choice,
            0,
            NoProgress(),
        )
        for name, make in rollouts.items()
    ]
    return results, choice


def test_equal_worlds_do_not_differ_and_a_frozen_one_is_surely_worse(compared):
    same, frozen = differences_to_first(compared[0], seed=0)
    assert not same.psnr.any() and not same.psnr_ci.any() and not same.delta_ci.any()
    assert (frozen.psnr_ci[:, 1] < -3).all() and (frozen.delta_ci[:, 1] < -3).all()
    assert (frozen.psnr_ci[:, 0] < frozen.psnr).all() and (frozen.psnr < frozen.psnr_ci[:, 1]).all()


def test_the_report_and_the_tables_say_the_same(compared, toy_corpus):
    results, choice = compared
    differences = differences_to_first(results, 0)
    report = finish(lay_out(results, differences, choice, toy_corpus, "--clips 24 --seed 0"))
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert [world["name"] for world in report["worlds"]] == ["good", "good (2)", "ice"]
    assert [(d["world"], d["to"]) for d in report["differences"]] == [
        ("good (2)", "good"),
        ("ice", "good"),
    ]
    assert len(report["differences"][1]["psnr_ci"]) == 16
    assert report["meta"]["clips"] == 24 and "genie compare good" in report["meta"]["command"]
    console = Console(width=120, record=True, file=io.StringIO())
    print_comparison(report, console)
    text = console.export_text()
    assert f"{report['differences'][1]['psnr'][3]:+.2f}" in text
    assert f"{report['worlds'][2]['delta_psnr'][3]:.2f}" in text


def test_the_video_shows_the_real_frame_and_every_world_of_the_same_moment(
    toy, compared, toy_corpus
):
    results, choice = compared
    shown = list(moments(results, toy_corpus, choice, clips=2))
    assert len(shown) == 2 * 17
    for i, panels in enumerate(shown):
        assert [panel.title for panel in panels] == ["real", "good", "good (2)", "ice"]
        real, good, same, frozen = (panel.frame for panel in panels)
        start = int(choice.starts[i // 17]) + 3 + i % 17
        assert (real == toy_corpus.frames[start]).all()
        assert (good == same).all() and np.abs(good.astype(int) - real).max() <= 4
        assert (frozen == shown[i // 17 * 17][3].frame).all()


def test_a_video_is_recorded_whole(compared, toy_corpus, tmp_path):
    from PIL import Image

    path = record_clips(*compared[:1], toy_corpus, compared[1], tmp_path / "c.gif", 15.0, clips=1)
    with Image.open(path) as image:
        assert image.n_frames == 17
    assert [file.name for file in tmp_path.iterdir()] == ["c.gif"]


def test_worlds_of_one_name_are_told_apart():
    assert unlike_names(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_worlds_of_different_frame_sizes_are_refused(toy):
    worlds_under_test = [
        WorldUnderTest(name=name, bundle=toy.make_bundle(height=height), make_rollout=None)
        for name, height in (("a", 16), ("b", 32))
    ]
    with pytest.raises(ValueError, match="a 16x16, b 32x16"):
        check_sizes(worlds_under_test)
