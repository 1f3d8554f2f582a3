"""The `genie` command. Every heavy import stands in the function that needs it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

from genie import arguments, corpus_commands
from genie.device import bounded_threads, wait_briefly
from genie.library.catalog import describe_worlds, find_world
from genie.values import text
from spacetime.partial import plain

_EXTRAS = {
    "corpus": "train",
    "train": "train",
    "evaluate": "evaluate",
    "compare": "evaluate",
    "export": "web",
    "serve": "serve",
}
"""Which extra of pyproject.toml a command needs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments after the command's name; None takes those of the process.

    Returns:
        Exit status: 0 if all went well, 2 after an error, which is one line on stderr, 130 after
        Ctrl-C.
    """
    wait_briefly()
    handlers = _end_as_ctrl_c()
    try:
        words, values = _chosen(build_parser().parse_args(argv).as_dict())
        _COMMANDS[words](values)
    except SystemExit as stop:  # --help and --version end so
        return stop.code if isinstance(stop.code, int) else 0
    except ArgumentError as error:
        return _complain(arguments.in_plain_words(str(error), _COMMANDS))
    except (ValueError, OSError) as error:
        return _complain(plain(error))
    except ModuleNotFoundError as error:
        if "pip install" in str(error):  # it names the extra itself
            return _complain(str(error))
        extra = _EXTRAS.get(words[0])
        if extra is None:
            raise
        return _complain(
            f'{error.name or error} is not installed: pip install "genie-worlds[{extra}]", or in '
            f'a clone pip install -e ".[{extra}]"'
        )
    except KeyboardInterrupt as stop:
        print(f"genie: {stop if stop.args else 'stopped'}", file=sys.stderr)
        return 130
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return 0


def _end_as_ctrl_c() -> dict[int, Any]:
    """Let SIGTERM and SIGHUP end the command as Ctrl-C does; returns the handlers before."""
    if threading.current_thread() is not threading.main_thread():
        return {}

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt(f"ended by {signal.Signals(number).name}")

    found = {}
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores SIGHUP
            found[number] = signal.signal(number, stop)
    return found


def build_parser() -> ArgumentParser:
    """Return the parser of all commands."""
    parser = _parser("Learn worlds from video, and play them.", prog="genie", version=_version())
    commands = _add_commands(
        parser,
        "command",
        ("play", arguments.add_play, "play a world in a window, or without one"),
        (
            "replay",
            arguments.add_replay,
            "draw a session again, check it, or play its keys elsewhere",
        ),
        ("plan", arguments.add_plan, "find keys that lead from one picture to another"),
        ("worlds", arguments.add_worlds, "list the worlds that ship and the user's own"),
        ("export", arguments.add_export, "write a world as a zip file or a web page"),
        ("serve", arguments.add_serve, "let visitors play worlds in their browsers"),
        ("push", arguments.add_push, "put a world on a Hugging Face hub"),
        ("corpus", None, "make, join, split or report on a corpus of gameplay"),
        ("train", arguments.add_train, "train the stages of a world on a corpus"),
        ("evaluate", arguments.add_evaluate, "measure a world on a corpus"),
        ("compare", arguments.add_compare, "measure worlds on the same clips and seeds"),
        ("card", arguments.add_card, "write a world's card from the report of an evaluation"),
        ("bench", arguments.add_bench, "measure the speed of a world"),
    )
    _add_commands(
        commands["corpus"],
        "corpus_command",
        *((word, add, about) for word, add, _, about in corpus_commands.COMMANDS),
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


def _play(values: dict[str, Any]) -> None:
    from genie.play.run import PlayOptions, play

    world = values.pop("world")
    options = _bounded(PlayOptions(**values))
    # Without anything to play, the window begins with the gallery.
    chosen = (world, options.prompt, options.versus, options.keys, options.frames)
    if all(value is None for value in chosen):
        options = replace(options, gallery=True)
    play(find_world(world), options)


def _bounded(options: Any) -> Any:
    """Return options with no more threads than there are cores."""
    return replace(options, threads=bounded_threads(options.threads))


def _replay(values: dict[str, Any]) -> None:
    from genie.session.replay_command import ReplayOptions, replay

    path = values.pop("path")
    replay(path, _bounded(ReplayOptions(**values)))


def _plan(values: dict[str, Any]) -> None:
    from genie.plan.run import PlanOptions, plan

    world, goal = find_world(values.pop("world")), values.pop("to")
    plan(world, _bounded(PlanOptions(goal=goal, **values)))


def _export(values: dict[str, Any]) -> None:
    from genie.library.archive import export_world

    world, out, page = find_world(values["world"]), values["out"], values["web"]
    if out is None and page is None:
        raise ValueError("say what to write: a name that ends in .zip, or --web and a folder")
    if out is not None:
        print(f"exported {export_world(world, out)}")
    if page is not None:
        from genie.web.export import export_page

        print(f"exported {export_page(world, page, values['runtime'])}")
        print(f"to play it: python -m http.server --directory {page} --bind 127.0.0.1")


def _serve(values: dict[str, Any]) -> None:
    from genie.serve.run import ServeOptions, serve

    worlds = values.pop("worlds") or [None]
    options = _bounded(ServeOptions(**values))
    serve([find_world(world) for world in worlds], options)


def _push(values: dict[str, Any]) -> None:
    from genie.library.push import push_world

    options = {"private": values["private"], "revision": values["revision"]}
    pushed = push_world(find_world(values["world"]), values["name"], **options)
    print(f"pushed to {pushed.address}, commit {pushed.name.revision}")
    print(f"play it: genie play {pushed.name}")


def _worlds(values: dict[str, Any]) -> None:
    if values["index"] is None:
        print("\n".join(describe_worlds()))
        return
    from genie.library.online_index import describe_index

    print("\n".join(describe_index(values["index"])))


def _train(values: dict[str, Any]) -> None:
    if values["stage"] == arguments.POLICY:
        values = arguments.policy_values(values)
        from train.policy.run import train_policy

        train_policy(**values)
        return
    if values["recipe"] is None:
        raise ValueError("missing: recipe")
    from train.pipeline import train

    train(**values)


def _evaluate(values: dict[str, Any]) -> None:
    from genie.evaluate.run import evaluate

    evaluate(find_world(values.pop("world")), **values)


def _compare(values: dict[str, Any]) -> None:
    from genie.evaluate.compare import compare

    compare(**values)


def _card(values: dict[str, Any]) -> None:
    from genie.evaluate.report.card import update_card

    print(f"card in {update_card(values['report'], find_world(values['world']))}")


def _bench(values: dict[str, Any]) -> None:
    from genie.play.bench import bench
    from genie.play.options import PlayOptions

    world = values.pop("world")
    bench(find_world(world), _bounded(PlayOptions(**values)))


_COMMANDS = {
    ("play",): _play,
    ("worlds",): _worlds,
    ("train",): _train,
    ("evaluate",): _evaluate,
    ("compare",): _compare,
    ("card",): _card,
    ("bench",): _bench,
    **{("corpus", word): run for word, _, run, _ in corpus_commands.COMMANDS},
    ("replay",): _replay,
    ("plan",): _plan,
    ("export",): _export,
    ("serve",): _serve,
    ("push",): _push,
}


def _chosen(given: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the words of the command, and its values under the names of what it calls."""
    command = given["command"]
    values = given.get(command) or {}
    if command != "corpus":
        return (command,), values
    word = values["corpus_command"]
    return (command, word), values[word]


def _complain(message: str) -> int:
    print(f"genie: {text(' '.join(message.split()))}", file=sys.stderr)
    return 2


def _version() -> str:
    """Return the installed version, or that of the checkout."""
    try:
        return metadata.version("genie-worlds")
    except metadata.PackageNotFoundError:
        import tomllib

        project = Path(__file__).resolve().parents[1] / "pyproject.toml"
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
