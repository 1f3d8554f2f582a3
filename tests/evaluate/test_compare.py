import io
import json

import numpy as np
import pytest
from rich.console import Console

from genie.evaluate.compare import (
    check_rates,
    check_sizes,
    differences_to_first,
    panels_by_frame,
    record_clips,
    score_world,
    unlike_names,
)
from genie.evaluate.report.compare_report import lay_out, print_comparison
from genie.evaluate.report.report import finish
from genie.evaluate.world_result import WorldUnderTest


@pytest.fixture(scope="module")
def results(toy, toy_corpus):
    rollouts = {
        "good": toy.PerfectRollout,
        "good (2)": toy.PerfectRollout,
        "ice": toy.FrozenRollout,
    }
    return [
        score_world(WorldUnderTest(name=name, context=toy.make_context(toy_corpus, make)))
        for name, make in rollouts.items()
    ]


def test_equal_worlds_do_not_differ_and_a_frozen_one_is_surely_worse(results):
    same, frozen = differences_to_first(results)
    assert not same.psnr.any() and not same.psnr_ci.any() and not same.delta_ci.any()
    assert (frozen.psnr_ci[:, 1] < -3).all() and (frozen.delta_ci[:, 1] < -3).all()
    assert (frozen.psnr_ci[:, 0] < frozen.psnr).all() and (frozen.psnr < frozen.psnr_ci[:, 1]).all()


def test_the_report_and_the_tables_say_the_same(results):
    report = finish(lay_out(results, differences_to_first(results), "--clips 24 --seed 0"))
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


def test_the_film_shows_the_real_frame_and_that_of_every_world_side_by_side(results, toy_corpus):
    choice = results[0].tested.context.choice
    shown = list(panels_by_frame(results, clips=2))
    assert len(shown) == 2 * 17
    for i, panels in enumerate(shown):
        assert [panel.title for panel in panels] == ["real", "good", "good (2)", "ice"]
        real, good, same, frozen = (panel.frame for panel in panels)
        start = int(choice.starts[i // 17]) + 3 + i % 17
        assert (real == toy_corpus.frames[start]).all()
        assert (good == same).all() and np.abs(good.astype(int) - real).max() <= 4
        assert (frozen == shown[i // 17 * 17][3].frame).all()


def test_a_film_is_recorded_whole(results, tmp_path):
    from PIL import Image

    path = record_clips(results, tmp_path / "c.gif", 15.0, clips=1)
    with Image.open(path) as image:
        assert image.n_frames == 17
    assert [file.name for file in tmp_path.iterdir()] == ["c.gif"]


def test_worlds_of_one_name_are_told_apart():
    assert unlike_names(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_worlds_of_different_frame_sizes_are_refused():
    assert check_sizes({"a": (16, 24), "b": (16, 24)}) == (16, 24)
    with pytest.raises(ValueError, match="a 16x16, b 32x16"):
        check_sizes({"a": (16, 16), "b": (32, 16)})


def test_worlds_of_different_rates_are_refused():
    check_rates({"one": 30.0, "two": 29.97})
    with pytest.raises(ValueError, match="one 15, two 8$"):
        check_rates({"one": 15.0, "two": 8.0})
