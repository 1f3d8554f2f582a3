import contextlib
import dataclasses
import io
import json
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from corpus.labels import read_action_groups
from corpus.progress import Progress
from genie.cli import main
from genie.evaluate.context import EvalConfig
from genie.evaluate.metrics.long_play import long_rollouts
from genie.evaluate.metrics.round_trip import round_trip_frames
from genie.evaluate.report.contact_sheet import draw_sheet, shown_frames
from genie.evaluate.report.missing_values import unexplained
from genie.evaluate.report.plots import draw_plots
from genie.evaluate.report.report import clean, finish, print_minutes, print_report, write_report

LAYOUT = {
    "tokenizer": "psnr ssim codes_used_share perplexity bits_per_frame",
    "dynamics": "psnr ssim random_psnr frozen_psnr ceiling_psnr delta_psnr delta_psnr_ci "
    "cross_entropy_first cross_entropy_mean by_prompt_frames",
    "lam": "code_share perplexity psnr_1 frozen_psnr_1 delta_psnr_1 nearer_next decided "
    "consistency round_trip verdict reasons agreement",
    "drift": "random held",
    "stuck": "share rollouts threshold change",
    "revisit": "with_map without_map",
    "frechet": "value feature n d",
    "speed": "fps p50_ms p95_ms peak_mb",
    "settings": "steps order temperature prompt_frames",
    "meta": "world corpus fingerprints levels commit command seed clips date",
    "notes": "",
}


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, float) else []


def test_the_report_has_the_layout_of_format_1(toy_report):
    report = toy_report
    assert report["format"] == 1 and set(report) == {"format", *LAYOUT}
    for part, keys in LAYOUT.items():
        assert set(keys.split()) <= set(report[part]), part
    assert len(report["dynamics"]["psnr"]) == len(report["dynamics"]["delta_psnr_ci"]) == 16
    assert set(report["dynamics"]["by_prompt_frames"]) == {"1", "4"}
    for half in report["drift"].values():
        assert {"distance", "threshold", "left_at", "moving_share"} <= set(half)
    agreement = report["lam"]["agreement"]
    assert {"groups", "balanced_accuracy", "ceiling", "share_of_ceiling", "nmi"} <= set(agreement)
    assert set(agreement["groups"]) == {"still", "right", "left", "down"}
    assert agreement["weak_ceiling"] is True
    for name in ("random", "held"):
        assert len(report["lam"]["round_trip"][name]) == len(report["lam"]["code_share"]) == 4
    assert set(report["meta"]["fingerprints"]) == {"world", "corpus"}


def test_every_number_is_finite_and_the_report_is_plain_json(toy_report):
    report = toy_report
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert all(math.isfinite(number) for number in numbers(report))


def test_a_perfect_world_is_perfect_in_every_part(toy_report):
    report = toy_report
    assert report["dynamics"]["psnr"] == pytest.approx(report["dynamics"]["ceiling_psnr"])
    assert report["lam"]["round_trip"] == {"random": [1.0] * 4, "held": [1.0] * 4}
    assert report["lam"]["verdict"] == "healthy"
    assert report["drift"]["random"]["left_at"] is None
    assert report["drift"]["random"]["distance"]


def test_every_absent_value_has_a_reason(toy_report):
    report = toy_report
    notes = report["notes"]
    assert unexplained(report) == []
    assert {
        "frechet",
        "lam.agreement.weak_ceiling",
        "speed.fps_at_2000",
        "meta.clips",
    } <= set(notes)


def test_the_command_passes_its_flags_on(monkeypatch, tmp_path):
    groups, calls = tmp_path / "groups.json", []
    groups.write_text('{"left": [0], "right": [1]}')
    monkeypatch.setattr("genie.evaluate.run.evaluate_with", lambda *given: calls.append(given))
    command = ["evaluate", "coinrun", "corpus", "--clips", "2", "--seed", "3"]
    assert main([*command, "--plots", "p"]) == main([*command, "--long"]) == 0
    assert main([*command, "--action-groups", str(groups)]) == 0
    plain = EvalConfig(clips=2, seed=3)
    long, grouped = (
        dataclasses.replace(plain, **changed)
        for changed in ({"long_frames": 10_000}, {"action_groups": {"left": [0], "right": [1]}})
    )
    assert [config for config, *_ in calls] == [plain, long, grouped]
    assert calls[0][2:] == (Path("corpus"), None, Path("p"))


def test_from_32_clips_on_every_part_has_its_full_length():
    for clips in (32, 33, 256, 1000):
        config = EvalConfig(clips=clips)
        assert (config.played_frames, config.timed_frames) == (1000, 2050)
        assert round_trip_frames(config, 4) == 16 * 4 * 30 + 32 * 60
        assert long_rollouts(config) == 8
        assert shown_frames(config) == [1, 10, 100, 300, 1000]
    long = EvalConfig(clips=2, long_frames=10_000, speed_frames=20)
    assert (long.played_frames, long.timed_frames) == (10_000, 20)


class Parts(Progress):
    """Remembers how long each part is and how much of it was ticked off."""

    def __init__(self):
        super().__init__()
        self.total, self.done = {}, Counter()

    @contextlib.contextmanager
    def part(self, name, total, unit="done"):
        self.total[name] = total
        with super().part(name, total, unit):
            yield lambda done: self.done.update({name: done})


def test_few_clips_shorten_every_part_and_the_report_says_so(toy, toy_corpus, statistics):
    config = EvalConfig(clips=2, action_groups=toy.CONFIG.action_groups)
    context = toy.make_context(toy_corpus, config=config, statistics=statistics)
    context = dataclasses.replace(context, progress=Parts())
    report, parts = toy.measure(context), context.progress
    assert unexplained(report) == [] and "shortened" in report["notes"]["meta.clips"]
    assert report["lam"]["round_trip"] == {"random": [1.0] * 4, "held": [1.0] * 4}
    assert parts.total.pop("ceiling") >= parts.done.pop("ceiling")  # the probe stops early
    assert parts.done == parts.total
    assert parts.total == {
        "speed": 150,
        "read clips": 2,
        "tokenizer": 2,
        "rollouts": 2 * 16 * 5,
        "longer prompt": 2 * 16,
        "cross-entropy": 2,
        "Fréchet": 2,
        "latent actions": 2,
        "consistency": 4,
        "agreement": 20,
        "round trip": 1 * 4 * 30 + 2 * 60,
        "long play": 2 * 100,
        "stuck": 4 * 200,
    }


def test_a_full_report_does_not_say_that_it_is_shortened(toy, toy_corpus):
    config = EvalConfig(clips=32, long_frames=100, speed_frames=20)
    report = toy.measure(toy.make_context(toy_corpus, config=config))
    assert "shortened" not in report["notes"]["meta.clips"]


def test_without_matplotlib_plots_are_refused_in_one_line_before_the_work(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["evaluate", "coinrun", "nowhere", "--plots", "p"]) == 2
    line = capsys.readouterr().err
    assert 'pip install "genie-worlds[evaluate]"' in line and line.count("\n") == 1


def test_a_second_run_gives_the_same_report_but_for_times(toy, toy_corpus, statistics, toy_report):
    again = toy.measure(toy.make_context(toy_corpus, statistics=statistics))
    assert {**again, "speed": 0} == {**toy_report, "speed": 0}


def test_a_world_without_statistics_is_measured_without_distances(toy, toy_corpus):
    small = EvalConfig(clips=4, long_frames=100, speed_frames=20)
    report = toy.measure(toy.make_context(toy_corpus, config=small))
    assert report["drift"]["held"]["distance"] is None
    assert "statistics" in report["notes"]["drift.distance"]
    assert unexplained(report) == []


def test_a_corpus_of_another_frame_size_is_refused_with_the_size_to_build(toy, toy_corpus):
    with pytest.raises(ValueError, match="--size 32x16"):
        toy.measure(toy.make_context(toy_corpus, height=32))


def test_report_table_and_json_file_say_the_same(toy, toy_report, tmp_path):
    report, file = toy_report, tmp_path / "new" / "report.json"
    write_report(report, file)
    assert json.loads(file.read_text()) == report
    assert [path.name for path in file.parent.iterdir()] == ["report.json"]
    console = Console(width=120, record=True, file=io.StringIO())
    print_report(report, toy.NAMES, console)
    text = console.export_text()
    assert f"{report['tokenizer']['psnr']:.3f}" in text and "healthy" in text
    assert f"{report['dynamics']['delta_psnr'][3]:.2f}" in text


def test_the_minutes_of_the_parts_are_printed_with_their_sum():
    console = Console(width=80, record=True, file=io.StringIO())
    print_minutes({"speed": 1.25, "rollouts": 4.5}, console)
    text = console.export_text()
    assert all(words in text for words in ("speed", "1.2", "rollouts", "4.5", "5.8"))


def test_numbers_that_are_not_finite_become_absent_with_a_note():
    report = finish({"a": {"b": [1.0, math.nan]}, "c": np.float32(2), "notes": {}})
    assert report["a"] == {"b": [1.0, None]} and report["c"] == 2.0
    assert "nan" in report["notes"]["a.b[1]"]
    assert clean((np.int64(3), None, True, "x"), {}) == [3, None, True, "x"]


def test_plots_are_drawn_from_the_report_and_left_out_where_it_is_empty(toy, toy_report, tmp_path):
    files = draw_plots(toy_report, toy.NAMES, tmp_path)
    names = {file.name for file in files}
    assert {"psnr.png", "delta_psnr.png", "code_share.png", "drift.png"} <= names
    assert {"round_trip_held.png", "moving_share.png", "speed.png"} <= names
    for file in files:
        with Image.open(file) as picture:
            assert picture.size == (640, 400) and len(picture.getcolors(640 * 400)) > 3
    bare = json.loads(json.dumps(toy_report))
    for half in bare["drift"].values():
        half["distance"] = half["moving_share"] = half["round_trip"] = None
    bare["dynamics"]["delta_psnr"] = bare["lam"]["code_share"] = bare["speed"]["fps"] = None
    bare["lam"]["round_trip"] = {}
    assert [file.name for file in draw_plots(bare, toy.NAMES, tmp_path / "b")] == ["psnr.png"]


def test_the_contact_sheet_shows_keys_seeds_and_frames(toy, toy_corpus, tmp_path):
    import imageio.v3 as imageio

    files = draw_sheet(toy.make_context(toy_corpus, clips=32), toy.NAMES, tmp_path)
    names = [file.name for file in files]
    assert names == [
        "held_keys.png",
        *(f"held_{key}.gif" for key in ("left", "right", "none", "down")),
    ]
    sheet = imageio.imread(files[0])
    assert sheet.shape[0] == 24 + 16 * (96 + 4) and sheet.shape[1] > 5 * 96
    assert imageio.imread(files[1]).shape == (60, 128, 4 * 128, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not json"),
        ("[1, 2]", "allowed is"),
        ('{"left": [0]}', "allowed is"),
        ('{"left": [0], "right": "1"}', "not a list"),
        ('{"left": [0], "right": [-1]}', "actions are"),
        ('{"left": [0], "right": [0, 1]}', "in two groups"),
    ],
)
def test_a_bad_action_groups_file_is_one_clear_line(tmp_path, text, message):
    file = tmp_path / "groups.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_action_groups(file)
    assert "\n" not in str(caught.value)


def test_action_groups_are_read_as_written(tmp_path):
    file = tmp_path / "groups.json"
    file.write_text(json.dumps({"left": [0, 1], "right": [2]}))
    assert read_action_groups(file) == {"left": [0, 1], "right": [2]}
