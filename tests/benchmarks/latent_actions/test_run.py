from dataclasses import replace

import pytest

from benchmarks.latent_actions import run as run_module
from benchmarks.latent_actions.__main__ import main
from benchmarks.latent_actions.entries import ENTRIES
from benchmarks.latent_actions.games import GAMES, Game
from benchmarks.latent_actions.record import record_game
from benchmarks.latent_actions.run import run_entry
from benchmarks.latent_actions.table import FIGURES, draw_table, markdown
from benchmarks.lines import read_lines
from genie.evaluate.metrics.probe import Ceiling


def line(game, entry, seed, **figures):
    named = {"game": game, "entry": entry, "seed": seed, "split": "test", "outcome": "found"}
    return named | {"figures": dict.fromkeys(FIGURES) | figures}


def test_games_of_four_families_play_only_actions_of_theirs():
    assert len(GAMES) >= 10
    families = {game.env.split(":")[0].split("/")[0][:7] for game in GAMES.values()}
    assert families >= {"ALE", "procgen", "crafter", "Vizdoom"}
    for game in GAMES.values():
        played = {action for group in game.groups.values() for action in group}
        assert played == set(range(*game.actions)), game.name
        levels = sorted(game.levels.values())
        assert all(one[1] <= two[0] for one, two in zip(levels, levels[1:], strict=False))


def test_a_game_whose_groups_overlap_or_are_missing_is_refused(square):
    with pytest.raises(ValueError, match="two groups"):
        replace(square, groups={"still": [0], "left": [0], "right": [2]})
    with pytest.raises(ValueError, match="no groups up"):
        replace(square, resting=("up",))
    assert isinstance(square, Game)


def test_recording_skips_what_exists(square, tmp_path):
    assert [path.name for path in record_game(square, tmp_path, ["train"], False)] == [
        "square-train"
    ]
    assert record_game(square, tmp_path, ["train"], False) == []


def test_a_run_is_measured_written_once_and_skipped_then(
    square, data, quick, tmp_path, monkeypatch
):
    ceiling = Ceiling(balanced_accuracy=1.0, labelled=1, weak=True)
    monkeypatch.setattr("benchmarks.latent_actions.measure.ceiling_of", lambda *_: ceiling)
    monkeypatch.setattr(run_module, "find_entry", lambda name: quick(ENTRIES[name]))
    file, options = tmp_path / "runs.jsonl", {"decoder_steps": 2, "progress": False}
    record = run_entry("square", "jepa", data, file, seed=2, **options)
    assert read_lines(file) == [record]
    assert set(FIGURES) <= set(record["figures"]) and record["parameters"] > 10_000
    assert record["train_seconds"] > 0 and record["machine"] and "commit" in record
    assert run_entry("square", "jepa", data, file, seed=2, **options) is None
    assert len(read_lines(file)) == 1
    assert "| `jepa` |" in markdown(read_lines(file))


def test_an_entry_that_refuses_a_game_found_none(square, data, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "find_entry", lambda name: quick(ENTRIES[name]))
    record = run_entry("square", "player_sprite", data, tmp_path / "runs.jsonl")
    assert record["outcome"] == "none found" and "no player sprite" in record["reason"]
    assert "none found" in markdown([record])


@pytest.mark.parametrize("name", ["jepa", "player_sprite"])
def test_a_mistake_in_a_recipe_is_no_refusal(name, data, quick, tmp_path, monkeypatch):
    wrong = quick(ENTRIES[name], no_such_number=1)
    monkeypatch.setattr(run_module, "find_entry", lambda name: wrong)
    with pytest.raises(ValueError, match="no_such_number"):
        run_entry("square", name, data, tmp_path / "runs.jsonl")
    assert not (tmp_path / "runs.jsonl").exists()


def test_the_table_has_the_mean_over_seeds_and_half_their_range(tmp_path):
    runs = [
        line("pong", "lapo", seed, share_of_ceiling=value) for seed, value in enumerate((0.5, 0.7))
    ]
    runs.append(line("coinrun", "lapo", 0, share_of_ceiling=0.25))
    runs.append(line("coinrun", "jepa", 0) | {"split": "dev"})
    text = markdown(runs).split("###")[1]
    assert "| entry | pong | coinrun |" in text
    assert "| `lapo` | 0.60 ± 0.10 | 0.25 |" in text
    assert "jepa" not in text
    draw_table(runs, tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 10_000


def test_errors_are_one_line(tmp_path, capsys):
    assert main(["record", "chess", "--data", str(tmp_path)]) == 2
    assert "no game 'chess'" in capsys.readouterr().err


def test_shortened_runs_are_never_averaged_with_full_ones(tmp_path):
    full = line("pong", "lapo", 0, share_of_ceiling=0.5) | {"minutes": None, "steps": None}
    short = line("pong", "lapo", 1, share_of_ceiling=0.1) | {"minutes": 2.0, "steps": None}
    assert "| `lapo` | 0.50 |" in (text := markdown([short, full])) and "One seed." in text
    again = short | {"seed": 2, "figures": short["figures"] | {"share_of_ceiling": 0.3}}
    assert "| `lapo` | 0.20 ± 0.10 |" in markdown([short, again])
    for runs in ([short, again | {"minutes": 5.0}], [short, again | {"minutes": None, "steps": 9}]):
        with pytest.raises(ValueError, match="lapo on pong was run with several lengths"):
            markdown(runs)
        with pytest.raises(ValueError, match="keep the lines of one of them"):
            draw_table(runs, tmp_path / "none.png")
