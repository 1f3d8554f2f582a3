"""Curves are drawn from the logs alone."""

import sys

import imageio.v3 as iio
import numpy as np
import pytest

from train.loop.curves import MOST_POINTS, _say_once, draw_curves, read_series

LOSS = "step,seconds,loss\n25,1.0,0.5\n50,2.0,0.25\n"
HELD_OUT = "step,seconds,frozen_psnr,continuous_psnr\n10,1,20.0,21.0\n"
HELD_OUT += "step,seconds,frozen_psnr,delta_psnr_1\n20,2,20.5,nan\n30,3,21.0,4.0\n"


def test_columns_that_change_half_way_are_read_under_their_own_names(tmp_path):
    (tmp_path / "held-out.csv").write_text(HELD_OUT)
    series = read_series(tmp_path / "held-out.csv")
    assert {name: points.tolist() for name, points in series.items()} == {
        "frozen_psnr": [[10, 20.0], [20, 20.5], [30, 21.0]],
        "continuous_psnr": [[10, 21.0]],
        "delta_psnr_1": [[30, 4.0]],  # what is not a number is left out
    }


def test_the_loss_and_every_held_out_figure_have_a_chart(tmp_path):
    (tmp_path / "loss.csv").write_text(LOSS)
    (tmp_path / "held-out.csv").write_text(HELD_OUT)
    path = draw_curves(tmp_path)
    assert path == tmp_path / "curves.png"
    picture = iio.imread(path)
    assert picture.shape == (800, 1280, 3)
    for row in (0, 400):
        for column in (0, 640):
            assert len(np.unique(picture[row : row + 400, column : column + 640])) > 3


def test_without_matplotlib_there_are_no_curves_and_that_is_said_once(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    (tmp_path / "loss.csv").write_text(LOSS)
    _say_once.cache_clear()
    assert draw_curves(tmp_path) is None and draw_curves(tmp_path) is None
    said = capsys.readouterr().out
    assert 'pip install "genie-worlds[evaluate]"' in said and said.count("\n") == 1


def test_a_stage_that_has_logged_nothing_has_no_curves(tmp_path):
    assert draw_curves(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_long_logs_are_thinned_and_keep_their_ends(tmp_path):
    rows = "".join(f"{step},0,{1 / step}\n" for step in range(1, 5001))
    (tmp_path / "loss.csv").write_text("step,seconds,loss\n" + rows)
    points = read_series(tmp_path / "loss.csv")["loss"]
    assert len(points) == MOST_POINTS
    assert points[0].tolist() == [1, 1] and points[-1].tolist() == pytest.approx([5000, 1 / 5000])
