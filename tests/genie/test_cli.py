import json
from importlib import metadata
from pathlib import Path

import pytest

from genie import cli

ROOT = Path(__file__).resolve().parents[2]
TINY_WORLD = "no-such-world"


def complaint(capsys, *arguments):
    """The one line that a wrong command prints."""
    assert cli.main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("genie: ")
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "one of play, worlds, train, evaluate, compare, card, bench, corpus build"),
        (["corpus"], "corpus record"),
        (["fly"], "'fly'"),
        (["play", TINY_WORLD], "no world is called 'no-such-world'"),
        (["play", "--seed", "x"], "--seed is 'x': give a whole number"),
        (["play", "--temperature", "hot"], "--temperature is 'hot': give a number"),
        (["play", "--device", "tpu"], "'tpu'"),
        (["play", "--loud"], "--loud"),
        (["play", "--keys"], "--keys"),
        (["train", "everything", "--corpus", "c", "--recipe", "cpu", "--out", "r"], "'everything'"),
        (["train", "all"], "missing: corpus, out"),
        (["train", "lam", "--corpus", "c", "--out", "r"], "missing: recipe"),
        (["train", "policy", "--corpus", "c", "--out", "r"], "needs --from WORLD"),
        (
            ["train", "policy", "--corpus", "c", "--out", "r", "--from", "w", "--seeds", "3"],
            "--seeds is not for genie train policy",
        ),
        (["evaluate", TINY_WORLD, "corpus"], "no world is called"),
        (["compare", TINY_WORLD, TINY_WORLD, "corpus"], "no world is called"),
        (["compare", TINY_WORLD, "corpus"], "at least two worlds"),
        (["card", "report.json", TINY_WORLD], "no world is called"),
        (["bench", TINY_WORLD], "no world is called"),
        (["corpus", "build", "x.mp4", "--out", "o", "--size", "64"], "'64' is no size"),
        (["corpus", "build", "none.mp4", "--out", "o", "--size", "8x8"], "none.mp4"),
        (["corpus", "record", "x", "--out", "o", "--frames", "9", "--levels", "5"], "'5'"),
        (["corpus", "report", "none"], "none"),
    ],
)
def test_a_wrong_command_is_one_line(capsys, arguments, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert part in complaint(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError("a\nb"), FileNotFoundError("a b"), OSError("a b")])
def test_an_error_of_a_command_is_one_line(capsys, monkeypatch, error):
    def fail(values):
        raise error

    monkeypatch.setitem(cli._COMMANDS, ("worlds",), fail)
    assert complaint(capsys, "worlds") == "genie: a b\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fail(values):
        raise RuntimeError("a bug")

    monkeypatch.setitem(cli._COMMANDS, ("worlds",), fail)
    with pytest.raises(RuntimeError):
        cli.main(["worlds"])


def test_ctrl_c_exits_130(capsys, monkeypatch):
    def stop(values):
        raise KeyboardInterrupt

    monkeypatch.setitem(cli._COMMANDS, ("worlds",), stop)
    assert cli.main(["worlds"]) == 130
    assert capsys.readouterr().err == "genie: stopped\n"


def called(monkeypatch, words, arguments):
    """The values that a command line hands to a command."""
    values = {}
    monkeypatch.setitem(cli._COMMANDS, words, values.update)
    assert cli.main(arguments) == 0
    return values


def test_flags_of_play_reach_its_options(monkeypatch):
    line = ["play", "w", "--headless", "--frames", "9", "--keys", "right*2 a0", "--seed", "4"]
    line += ["--steps", "2", "--temperature", "0.5", "--threads", "2", "--record", "o.gif"]
    line += ["--precision", "bfloat16"]
    values = called(monkeypatch, ("play",), [*line, "--json", "t.json", "--prompt", "p.png"])
    assert values == {
        "world": "w",
        "headless": True,
        "frames": 9,
        "keys": "right*2 a0",
        "prompt": Path("p.png"),
        "seed": 4,
        "steps": 2,
        "temperature": 0.5,
        "precision": "bfloat16",
        "device": "auto",
        "threads": 2,
        "record": Path("o.gif"),
        "versus": None,
        "timings": Path("t.json"),
    }


def test_play_opens_the_world_that_was_named(monkeypatch, tmp_path):
    (tmp_path / "run" / "world").mkdir(parents=True)
    (tmp_path / "run" / "world" / "world.json").write_text("{}")
    played = []
    monkeypatch.setattr("genie.play.run.play", lambda *arguments: played.append(arguments))
    assert cli.main(["play", str(tmp_path / "run"), "--seed", "3"]) == 0
    ((path, options),) = played
    assert path == tmp_path / "run" / "world"
    assert (options.seed, options.headless, options.keys) == (3, False, None)


@pytest.mark.parametrize(
    ("line", "gallery"),
    [
        (["play"], True),
        (["play", "--seed", "2", "--steps", "1"], True),
        (["play", "--frames", "3"], False),
        (["play", "--keys", "right"], False),
        (["play", "--prompt", "p.png"], False),
        (["play", "--versus", "b"], False),
    ],
)
def test_the_gallery_comes_first_where_nothing_says_what_to_play(
    monkeypatch, tmp_path, line, gallery
):
    played = []
    monkeypatch.setattr("genie.play.run.play", lambda *arguments: played.append(arguments))
    monkeypatch.setattr(cli, "find_world", lambda name: tmp_path)
    assert cli.main(line) == 0
    ((path, options),) = played
    assert (path, options.gallery) == (tmp_path, gallery)


def test_train_is_called_with_what_was_given(monkeypatch):
    given = {}
    monkeypatch.setattr("train.pipeline.train", lambda **values: given.update(values))
    line = ["train", "lam", "--corpus", "c", "--recipe", "cpu", "--out", "r"]
    assert cli.main([*line, "--stop-after", "2.5", "--resume"]) == 0
    assert given == {
        "stage": "lam",
        "corpus": Path("c"),
        "recipe": "cpu",
        "out": Path("r"),
        "minutes": None,
        "stop_after": 2.5,
        "resume": True,
        "seed": 0,
        "allow_collapsed": False,
        "start": None,
        "fresh": False,
        "decoder_only": False,
        "seeds": 1,
        "labels": None,
        "logger": None,
        "devices": 1,
        "nodes": 1,
        "strategy": None,
    }


def test_train_policy_is_called_with_what_was_given(monkeypatch):
    given = {}
    monkeypatch.setattr("train.policy.run.train_policy", lambda **values: given.update(values))
    line = ["train", "policy", "--corpus", "c", "--from", "miner", "--out", "r", "--labels", "l"]
    assert cli.main([*line, "--minutes", "2"]) == 0
    assert given == {
        "corpus": Path("c"),
        "start": "miner",
        "out": Path("r"),
        "labels": Path("l"),
        "minutes": 2.0,
        "stop_after": None,
        "resume": False,
        "seed": 0,
        "logger": None,
    }


def test_a_missing_package_is_one_line_that_names_the_extra(monkeypatch, capsys):
    def missing(**_):
        raise ModuleNotFoundError("No module named 'lightning'", name="lightning")

    monkeypatch.setattr("train.pipeline.train", missing)
    assert cli.main(["train", "lam", "--corpus", "c", "--recipe", "cpu", "--out", "r"]) == 2
    said = capsys.readouterr().err
    assert (
        said.count("\n") == 1
        and 'lightning is not installed: pip install "genie-worlds[train]' in said
    )


def test_an_error_that_names_its_extra_is_printed_as_it_is(monkeypatch, capsys):
    line = 'a.hdf5 needs the package h5py: pip install "genie-worlds[formats]"'

    def missing(**_):
        raise ModuleNotFoundError(line, name="h5py")

    monkeypatch.setattr("corpus.build.build_corpus", missing)
    assert cli.main(["corpus", "build", "a", "--out", "o", "--size", "48x64"]) == 2
    assert capsys.readouterr().err == f"genie: {line}\n"


def test_size_is_height_by_width(monkeypatch, tmp_path):
    given = {}
    monkeypatch.setattr(
        "corpus.build.build_corpus", lambda **values: given.update(values) or tmp_path
    )
    cli.main(["corpus", "build", "a", "b", "--out", "o", "--size", "48x64", "--fit", "pad"])
    assert (given["inputs"], given["size"], given["fit"]) == (["a", "b"], (48, 64), "pad")


def test_levels_are_a_range(monkeypatch):
    given = {}
    monkeypatch.setattr("corpus.games.record.record_corpus", lambda **values: given.update(values))
    line = ["corpus", "record", "procgen:coinrun", "--out", "o", "--frames", "99"]
    cli.main([*line, "--levels", "0:50"])
    assert (given["env"], given["levels"], given["hold"]) == ("procgen:coinrun", (0, 50), 30)


def test_worlds_lists_what_ships(monkeypatch, capsys, tmp_path):
    index = {"format": 1, "default": "a", "worlds": [{"name": "a", "title": "A", "path": "a"}]}
    (tmp_path / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr("genie.library.catalog.worlds_folder", lambda: tmp_path)
    assert cli.main(["worlds"]) == 0
    assert capsys.readouterr().out.startswith("a ")


def test_version_is_that_of_the_project(capsys):
    project = (ROOT / "pyproject.toml").read_text()
    assert cli.main(["--version"]) == 0
    version = capsys.readouterr().out.split()[-1]
    assert f'version = "{version}"' in project


def test_a_checkout_that_is_not_installed_knows_its_version(capsys, monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(cli.metadata, "version", absent)
    assert cli.main(["--version"]) == 0
    assert (
        f'version = "{capsys.readouterr().out.split()[-1]}"'
        in (ROOT / "pyproject.toml").read_text()
    )
