"""The `genie` command. Every heavy import stands in the function that needs it."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

from genie.catalog import describe, find_world, list_user_worlds, list_worlds
from genie.homes import user_worlds_folder

STAGES = ("all", "tokenizer", "lam", "encode", "dynamics")
DEVICES = ("auto", "cpu", "cuda", "mps")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments after the command's name; None takes those of the process.

    Returns:
        Exit status: 0 if all went well, 2 after an error, which is one line on stderr, 130 after
        Ctrl-C.
    """
    try:
        arguments = build_parser().parse_args(argv).as_dict()
        words, values = _chosen(arguments)
        _COMMANDS[words](values)
    except SystemExit as stop:  # --help and --version end so
        return stop.code if isinstance(stop.code, int) else 0
    except ArgumentError as error:
        return _complain(_plain(str(error)))
    except (ValueError, OSError) as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        print("genie: stopped", file=sys.stderr)
        return 130
    return 0


def build_parser() -> ArgumentParser:
    """Return the parser of all commands."""
    parser = _parser("Learn worlds from video, and play them.", prog="genie", version=_version())
    commands = _add_commands(
        parser,
        "command",
        ("play", _add_play, "play a world in a window, or without one"),
        ("replay", _add_replay, "draw a session again, check it, or play its keys elsewhere"),
        ("worlds", None, "list the worlds that ship and the user's own"),
        ("export", _add_export, "write a world as one zip file"),
        ("corpus", None, "build, record or report on a corpus of gameplay"),
        ("train", _add_train, "train the stages of a world on a corpus"),
        ("evaluate", _add_evaluate, "measure a world on a corpus"),
        ("compare", _add_compare, "measure worlds on the same clips and seeds"),
        ("card", _add_card, "write a world's card from the report of an evaluation"),
        ("bench", _add_bench, "measure the speed of a world"),
    )
    _add_commands(
        commands["corpus"],
        "corpus_command",
        ("build", _add_build, "make a corpus from video files and folders"),
        ("record", _add_record, "make a corpus from a game, played at random"),
        ("report", _add_report, "show what a corpus holds"),
    )
    return parser


def _add_commands(parser: ArgumentParser, dest: str, *rows: tuple) -> dict[str, ArgumentParser]:
    """Add commands, each a name, a function that adds its arguments (or None), and a help line."""
    commands = parser.add_subcommands(required=True, dest=dest, metavar="COMMAND")
    parsers = {}
    for name, add, about in rows:
        parsers[name] = _parser(f"{about[0].upper()}{about[1:]}.")
        if add is not None:
            add(parsers[name])
        commands.add_subcommand(name, parsers[name], help=about)
    return parsers


def _parser(about: str, **options: Any) -> ArgumentParser:
    # argparse's own formatter: the types and "(default: null)" of jsonargparse's explain little.
    return ArgumentParser(
        description=about,
        exit_on_error=False,
        default_env=False,
        formatter_class=argparse.HelpFormatter,
        **options,
    )


def _add_play(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("world", nargs="?", metavar="WORLD|RUN", help="name or folder; default: see genie worlds")
    add("--headless", action="store_true", help="without a window")
    add("--frames", type=int, metavar="N", help="stop after N frames")
    add("--keys", type=str, metavar="KEYS", help='such as "right*20 jump*5 a0*10"')
    add("--prompt", type=Path, metavar="PNG", help="picture to start from")
    add("--seed", type=int, default=0, metavar="S", help="of everything drawn (default: 0)")
    add("--steps", type=int, metavar="M", help="refinement passes (default: the world's)")
    add("--temperature", type=float, metavar="T", help="of the codes (default: the world's)")
    _add_machine(parser)
    add("--record", type=Path, metavar="FILE", help="a .gif, .mp4, .png (a folder) or .session")
    add("--versus", type=str, metavar="B", help="play beside a world, a .session or a video")
    add(
        "--json",
        dest="timings",
        type=Path,
        metavar="FILE",
        help="write frames, fps, p50_ms, p95_ms",
    )


def _add_replay(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("path", type=Path, metavar="FILE", help="a .session file that play has written")
    add("--record", type=Path, metavar="FILE", help="a .gif, .mp4 or .png (a folder)")
    add("--verify", action="store_true", help="draw every frame from its seed again and compare")
    add("--world", type=str, metavar="OTHER", help="play the keys in another world")
    add("--show-keys", action="store_true", help="write the action into each frame")
    _add_machine(parser)


def _add_export(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("world", metavar="WORLD|RUN", help="name or folder")
    add("out", type=Path, metavar="ZIP", help="the file to write, replacing it")


def _add_machine(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="auto: CUDA if there is one, else cpu"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads")


def _add_train(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("stage", choices=STAGES, help="what to train; encode turns the corpus into tokens")
    add("--corpus", type=Path, required=True, metavar="DIR", help="from genie corpus")
    add("--recipe", type=str, required=True, metavar="NAME", help="smoke, cpu, gpu, or a yaml")
    add("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    add("--minutes", type=float, metavar="M", help="of the stage in all, or shared by all stages")
    add("--stop-after", type=float, metavar="M", help="end this slice after M minutes")
    add("--resume", action="store_true", help="go on with a run")
    add("--seed", type=int, default=0, metavar="S", help="default: 0")
    add(
        "--allow-collapsed",
        action="store_true",
        help="train the dynamics although the latent actions are collapsed",
    )
    add("--from", dest="start", metavar="WORLD", help="go on from a world instead of from nothing")


def _add_evaluate(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("world", metavar="WORLD|RUN", help="name or folder")
    add("corpus", type=Path, metavar="CORPUS", help="not trained on; or a folder of videos")
    add("--clips", type=int, default=256, metavar="N", help="how many (default: 256)")
    add("--seed", type=int, default=0, metavar="S", help="of every choice (default: 0)")
    add("--long", action="store_true", help="play 10,000 frames instead of 1,000")
    add("--action-groups", type=Path, metavar="FILE", help="json: true actions that do the same")
    add("--json", type=Path, metavar="FILE", help="write the report")
    add("--plots", type=Path, metavar="DIR", help="write plots, contact sheet and GIFs")


def _add_compare(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("worlds", nargs="+", metavar="WORLD", help="two or more names or folders")
    add("corpus", type=Path, metavar="CORPUS", help="not trained on; or a folder of videos")
    add("--clips", type=int, default=256, metavar="N", help="how many (default: 256)")
    add("--seed", type=int, default=0, metavar="S", help="of every choice (default: 0)")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--record", type=Path, metavar="FILE", help="write a .gif or .mp4, side by side")


def _add_card(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("report", type=Path, metavar="JSON", help="from genie evaluate --json")
    add("world", metavar="WORLD|RUN", help="name or folder of the world that was evaluated")


def _add_bench(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("world", nargs="?", metavar="WORLD|RUN", help="name or folder; default: see genie worlds")
    add("--frames", type=int, default=200, metavar="N", help="how many (default: 200)")
    _add_machine(parser)


def _add_build(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("inputs", nargs="+", metavar="VIDEO|FOLDER", help="anything that FFmpeg reads")
    add("--out", type=Path, required=True, metavar="DIR", help="the corpus to make")
    add("--size", type=str, required=True, metavar="HxW", help="of the frames, such as 64x64")
    add("--fps", type=float, metavar="F", help="resample (default: every frame)")
    add("--fit", choices=("crop", "pad"), default="crop", help="for other shapes (default: crop)")
    add("--drop-actions", action="store_true", help="leave out true actions beside the videos")
    add("--resume", action="store_true", help="go on with an interrupted build")


def _add_record(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("env", metavar="ENV", help="procgen:NAME, or a Gymnasium id such as ALE/Pong-v5")
    add("--out", type=Path, required=True, metavar="DIR", help="the corpus to make")
    add("--frames", type=int, required=True, metavar="N", help="how many")
    add("--size", type=str, metavar="HxW", help="crop and scale to (default: as the game shows)")
    add("--levels", type=str, metavar="A:B", help="levels A to B-1")
    add("--actions", type=str, metavar="A:B", help="play actions A to B-1 only (default: all)")
    add("--hold", type=int, default=30, metavar="N", help="longest hold in frames (default: 30)")
    add("--seed", type=int, default=0, metavar="S", help="default: 0")


def _add_report(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="DIR", help="a corpus")


def _play(values: dict[str, Any]) -> None:
    from genie.play.run import PlayOptions, play

    world = values.pop("world")
    options = PlayOptions(**values)
    # Nothing was said about what to play: the window begins with the choice.
    chosen = (world, options.prompt, options.versus, options.keys, options.frames)
    if all(value is None for value in chosen):
        options = replace(options, gallery=True)
    play(find_world(world), options)


def _replay(values: dict[str, Any]) -> None:
    from genie.replay_file import ReplayOptions, replay

    replay(values.pop("path"), ReplayOptions(**values))


def _export(values: dict[str, Any]) -> None:
    from genie.archive import export_world

    print(f"exported {export_world(find_world(values['world']), values['out'])}")


def _worlds(values: dict[str, Any]) -> None:
    entries = [*list_worlds(), *list_user_worlds()]
    if not entries:
        print("no worlds ship with this installation: give genie play the folder of one")
    for entry in entries:
        print(describe(entry))
    print(f"your own worlds, folders or zips, go into {user_worlds_folder()}")


def _train(values: dict[str, Any]) -> None:
    from train.run import train

    train(**values)


def _evaluate(values: dict[str, Any]) -> None:
    from genie.evaluate.run import evaluate

    evaluate(find_world(values.pop("world")), **values)


def _compare(values: dict[str, Any]) -> None:
    from genie.evaluate.compare import compare

    compare(**values)


def _card(values: dict[str, Any]) -> None:
    from genie.evaluate.card import update_card

    print(f"card in {update_card(values['report'], find_world(values['world']))}")


def _bench(values: dict[str, Any]) -> None:
    from genie.play.bench import bench

    bench(find_world(values.pop("world")), **values)


def _corpus_build(values: dict[str, Any]) -> None:
    from corpus.build import build_corpus, parse_size

    path = build_corpus(size=parse_size(values.pop("size")), **values)
    print(f"corpus in {path}; look at it with: genie corpus report {path}")


def _corpus_record(values: dict[str, Any]) -> None:
    from corpus.build import parse_size
    from corpus.record import parse_actions, parse_levels, record_corpus

    parsers = {"size": parse_size, "levels": parse_levels, "actions": parse_actions}
    for name, parse in parsers.items():
        values[name] = None if values[name] is None else parse(values[name])
    path = record_corpus(**values)
    print(f"corpus in {path}; look at it with: genie corpus report {path}")


def _corpus_report(values: dict[str, Any]) -> None:
    from rich.console import Console

    from corpus.report import render, report

    Console().print(render(report(**values)))


_COMMANDS = {
    ("play",): _play,
    ("worlds",): _worlds,
    ("train",): _train,
    ("evaluate",): _evaluate,
    ("compare",): _compare,
    ("card",): _card,
    ("bench",): _bench,
    ("corpus", "build"): _corpus_build,
    ("corpus", "record"): _corpus_record,
    ("corpus", "report"): _corpus_report,
    ("replay",): _replay,
    ("export",): _export,
}


def _chosen(arguments: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the words of the command, and its values under the names of what it calls."""
    command = arguments["command"]
    values = arguments.get(command) or {}
    if command != "corpus":
        return (command,), values
    word = values["corpus_command"]
    return (command, word), values[word]


def _complain(message: str) -> int:
    print(f"genie: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _plain(message: str) -> str:
    """Say what the parser found wrong in the words of the command line."""
    wrong = re.search(
        r'Parser key "([^"]+)":\s+Expected a <class \'(\w+)\'>. Got value: (.*)', message
    )
    if wrong:
        kinds = {"int": "a whole number", "float": "a number"}
        flag = wrong[1].split(".")[-1].replace("_", "-")
        return f"--{flag} is {wrong[3]!r}: give {kinds.get(wrong[2], wrong[2])}"
    missing = re.search(r"the following arguments are required: (.*)", message)
    if missing:
        return f"missing: {', '.join(name.split('.')[-1] for name in missing[1].split(', '))}"
    if "but it was not provided" in message:
        words = [" ".join(words) for words in _COMMANDS]
        return f"say what to do: one of {', '.join(words)} (see genie --help)"
    return message


def _version() -> str:
    """Return the installed version, or that of the checkout."""
    try:
        return metadata.version("genie-worlds")
    except metadata.PackageNotFoundError:
        import tomllib

        project = Path(__file__).resolve().parents[1] / "pyproject.toml"
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
