"""The arguments of each command, and what is wrong with those that were given."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genie.device import DEVICES, PRECISIONS

STAGES = ("tokenizer", "lam", "encode", "dynamics")
"""The stages of a training run, in their order."""
POLICY = "policy"
"""What `genie train` makes beside the stages of a world: a player of one."""
_NOT_OF_POLICY = (
    "recipe", "fresh", "decoder_only", "allow_collapsed", "seeds", "devices", "nodes",
    "strategy",
)  # fmt: skip
LOGGERS = ("csv", "tensorboard", "wandb")
STRATEGIES = ("ddp", "fsdp")
RECIPES = Path(__file__).resolve().parents[1] / "train" / "recipes"


def folder_or_url(text: str | Path) -> Path | str:
    """Read where a corpus is: a folder, or a URL of object storage, which a Path would garble."""
    return text if "://" in str(text) else Path(text)


def count_or_auto(text: str | int) -> int | str:
    """Read how many: a whole number, or "auto"."""
    return text if text == "auto" else int(text)


def add_play(parser: ArgumentParser) -> None:
    """Add the arguments of `genie play`."""
    add = parser.add_argument
    add("world", nargs="?", metavar="WORLD|RUN", help="name or folder; default: see genie worlds")
    add("--headless", action="store_true", help="without a window")
    add("--frames", type=int, metavar="N", help="stop after N frames")
    add("--keys", type=str, metavar="KEYS", help='such as "right*20 jump*5 a0*10"')
    add("--prompt", type=Path, metavar="PNG", help="picture to start from")
    add("--seed", type=int, default=0, metavar="S", help="of everything sampled (default: 0)")
    add("--steps", type=int, metavar="M", help="refinement steps (default: the world's)")
    add("--temperature", type=float, metavar="T", help="of the codes (default: the world's)")
    add_machine(parser)
    add_precision(parser)
    add("--record", type=Path, metavar="FILE", help="a .gif, .mp4, .png (a folder) or .session")
    add("--versus", type=str, metavar="B", help="play beside a world, a .session or a video")
    add(
        "--json",
        dest="timings",
        type=Path,
        metavar="FILE",
        help="write frames, fps, p50_ms, p95_ms",
    )


def add_replay(parser: ArgumentParser) -> None:
    """Add the arguments of `genie replay`."""
    add = parser.add_argument
    add("path", type=Path, metavar="FILE", help="a .session file that play has written")
    add("--record", type=Path, metavar="FILE", help="a .gif, .mp4 or .png (a folder)")
    add("--verify", action="store_true", help="draw every frame from its seed again and compare")
    add("--world", type=str, metavar="OTHER", help="play the keys in another world")
    add("--show-keys", action="store_true", help="write the action into each frame")
    add_machine(parser)


def add_worlds(parser: ArgumentParser) -> None:
    """Add the arguments of `genie worlds`."""
    about = "list the worlds of an index there (https) instead"
    parser.add_argument("--index", type=str, metavar="URL", help=about)


def add_export(parser: ArgumentParser) -> None:
    """Add the arguments of `genie export`."""
    add = parser.add_argument
    add("world", metavar="WORLD|RUN", help="name or folder")
    add("out", nargs="?", type=Path, metavar="ZIP", help="the file to write, replacing it")
    add("--web", type=Path, metavar="DIR", help="write a page for the browser, a new folder")
    add("--runtime", type=Path, metavar="DIR", help="onnxruntime-web for --web; default: by npm")


def add_push(parser: ArgumentParser) -> None:
    """Add the arguments of `genie push`."""
    add = parser.add_argument
    add("world", metavar="WORLD|RUN", help="name or folder")
    add("name", metavar="hf://USER/NAME", help="where it goes; made if it is not there")
    add("--private", action="store_true", help="only you see it")
    add("--revision", type=str, metavar="BRANCH", help="made if it is not there (default: main)")


def add_serve(parser: ArgumentParser) -> None:
    """Add the arguments of `genie serve`."""
    add = parser.add_argument
    add("worlds", nargs="*", metavar="WORLD|RUN", help="names or folders; default: as genie play")
    add("--host", type=str, default="127.0.0.1", metavar="H", help="default: this machine alone")
    add("--port", type=int, default=8000, metavar="P", help="default: 8000; 0: any that is free")
    add("--visitors", type=int, default=8, metavar="N", help="at a time (default: 8)")
    add("--no-token", action="store_true", help="without the secret in the address, locally only")
    add_machine(parser)


def add_plan(parser: ArgumentParser) -> None:
    """Add the arguments of `genie plan`."""
    add = parser.add_argument
    add("world", nargs="?", metavar="WORLD|RUN", help="name or folder; default: see genie worlds")
    picture = "picture to start from (default: the world's first prompt)"
    add("--from", dest="start", type=Path, metavar="PNG", help=picture)
    add("--to", type=Path, required=True, metavar="PNG", help="picture to get to")
    add("--steps", type=int, default=32, metavar="N", help="keys at most, up to 256 (default: 32)")
    add("--frames", type=int, default=256, metavar="N", help="imagined at most (default: 256)")
    add("--seed", type=int, default=0, metavar="S", help="of the play that is recorded")
    add(
        "--out",
        type=Path,
        default=Path("plan"),
        metavar="NAME",
        help="write NAME.gif, .session and .json (default: plan)",
    )
    add_machine(parser)


def add_machine(parser: ArgumentParser) -> None:
    """Add where a world is played, and on how many threads."""
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="auto: CUDA if there is one, else cpu"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads")


def add_precision(parser: ArgumentParser) -> None:
    """Add in which precision a world is played."""
    about = "bfloat16: faster on a processor that multiplies it (default: float32)"
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help=about)


def add_train(parser: ArgumentParser) -> None:
    """Add the arguments of `genie train`."""
    add = parser.add_argument
    add(
        "stage",
        choices=("all", *STAGES, POLICY),
        help="what to train; encode turns the corpus into tokens, policy clones who plays in it",
    )
    add("--corpus", type=folder_or_url, required=True, metavar="DIR|URL", help="from genie corpus")
    names = ", ".join(sorted(file.stem for file in RECIPES.glob("*.yaml")))
    about = f"{names}, or a .yaml file; of all stages but policy"
    add("--recipe", type=str, metavar="NAME", help=about)
    add("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    add("--minutes", type=float, metavar="M", help="length of the stage, or of all together")
    add("--stop-after", type=float, metavar="M", help="stop after M minutes; --resume goes on")
    add("--resume", action="store_true", help="go on with a run")
    add("--seed", type=int, default=0, metavar="S", help="default: 0")
    add(
        "--allow-collapsed",
        action="store_true",
        help="go on although the tokenizer or the latent actions are collapsed",
    )
    add("--from", dest="start", metavar="WORLD", help="begin from a world, not from nothing")
    add("--fresh", action="store_true", help="with --from: a new dynamics beside its other models")
    add("--decoder-only", action="store_true", help="with --from: fit its decoder alone")
    add(
        "--labels", type=Path, metavar="FILE", help="name the actions by those of a few transitions"
    )
    add("--seeds", type=int, default=1, metavar="N", help="fit N action models, keep the best")
    add("--logger", choices=LOGGERS, help="beside the run's own csv files and curves")
    about = "processes on each machine; auto: one for each GPU (default: 1)"
    add("--devices", type=count_or_auto, default=1, metavar="N|auto", help=about)
    add("--nodes", type=int, default=1, metavar="N", help="machines (default: 1)")
    about = "fsdp: each process keeps a part of the model, not all of it (default: ddp)"
    add("--strategy", choices=STRATEGIES, help=about)


def policy_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of `genie train policy`; raises ValueError for what it does not take."""
    for name in _NOT_OF_POLICY:
        if values[name] not in (None, False, 1):
            raise ValueError(f"--{name.replace('_', '-')} is not for genie train policy: drop it")
    if values["start"] is None:
        raise ValueError("genie train policy needs --from WORLD, whose actions it is cloned in")
    return {name: value for name, value in values.items() if name not in (*_NOT_OF_POLICY, "stage")}


def add_evaluate(parser: ArgumentParser) -> None:
    """Add the arguments of `genie evaluate`."""
    add = parser.add_argument
    add("world", metavar="WORLD|RUN", help="name or folder")
    add(
        "corpus", type=folder_or_url, metavar="CORPUS", help="not trained on; or a folder of videos"
    )
    add(
        "--clips",
        type=int,
        default=256,
        metavar="N",
        help="how many; fewer than 32 shorten every part (default: 256)",
    )
    add("--seed", type=int, default=0, metavar="S", help="of every choice (default: 0)")
    add("--long", action="store_true", help="play 10,000 frames instead of 1,000")
    add("--action-groups", type=Path, metavar="FILE", help="json: true actions that do the same")
    add("--json", type=Path, metavar="FILE", help="write the report")
    add("--plots", type=Path, metavar="DIR", help="write plots, contact sheet and GIFs")


def add_compare(parser: ArgumentParser) -> None:
    """Add the arguments of `genie compare`."""
    add = parser.add_argument
    add("worlds", nargs="+", metavar="WORLD", help="two or more names or folders")
    add(
        "corpus", type=folder_or_url, metavar="CORPUS", help="not trained on; or a folder of videos"
    )
    add("--clips", type=int, default=256, metavar="N", help="how many (default: 256)")
    add("--seed", type=int, default=0, metavar="S", help="of every choice (default: 0)")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--record", type=Path, metavar="FILE", help="write a .gif or .mp4, side by side")


def add_card(parser: ArgumentParser) -> None:
    """Add the arguments of `genie card`."""
    add = parser.add_argument
    add("report", type=Path, metavar="JSON", help="from genie evaluate --json")
    add("world", metavar="WORLD|RUN", help="name or folder of the world that was evaluated")


def add_bench(parser: ArgumentParser) -> None:
    """Add the arguments of `genie bench`."""
    add = parser.add_argument
    add("world", nargs="?", metavar="WORLD|RUN", help="name or folder; default: see genie worlds")
    add("--frames", type=int, default=200, metavar="N", help="how many (default: 200)")
    add_machine(parser)
    add_precision(parser)


def in_plain_words(message: str, commands: Iterable[tuple[str, ...]]) -> str:
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
        words = [" ".join(words) for words in commands]
        return f"say what to do: one of {', '.join(words)} (see genie --help)"
    return message
