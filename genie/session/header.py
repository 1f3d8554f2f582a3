"""The first line of a session log: json that ends with its own checksum."""

from __future__ import annotations

import contextlib
import json
import platform
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie.inputs import MOST_SEED, check_seed
from genie.library.card import NamedAction, WorldCard
from genie.session.format import MOST_CODES, SUFFIX
from genie.session.repair import flipped_bits, undo
from genie.values import number, text, whole

# 1.1: a checksum, prompt_frames, records that are marked as missing; 1.2: as edited
FORMAT, MINOR = 1, 2
KIND = "genie-session"
_LONGEST = 1 << 20
_TAIL = b', "check": "........"}\n'
# The tail is found although one of its bytes is damaged.
_DAMAGED_TAIL = re.compile(
    b"|".join(_TAIL[:i] + b"." + _TAIL[i + 1 :] for i in range(len(_TAIL))), re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Header:
    """What all frames of a session share.

    Attributes:
        card: the world that was played; its path is where it lay then.
        fingerprint: of that world.
        tokens: N, tokens a frame.
        seed: of everything sampled.
        machine: what is drawn depends on: torch's version, the machine, device, threads, and the
            precision of products if it is not float32.
        prompt_frames: frames that each line starts from.
    """

    card: WorldCard
    fingerprint: str
    tokens: int
    seed: int
    machine: Mapping[str, Any]
    prompt_frames: int = 1

    @property
    def precision(self) -> str:
        """Of products; logs from before there was another than float32 do not say it."""
        return self.machine.get("precision", "float32")

    def draws_like(self, other: Header) -> bool:
        """Whether frames of one session could have been sampled in another of the same world."""
        return self._draws_by() == other._draws_by()

    def check_takes(self, other: Header) -> None:
        """Raise ValueError if frames of another session cannot become frames of this one."""
        if other.fingerprint != self.fingerprint:
            raise ValueError(
                f"this was played in another world ({other.card.title}, fingerprint "
                f"{other.fingerprint[:12]}): play that world to go on from it"
            )
        if not self.draws_like(other):  # or they could not be sampled again
            pairs = zip(other._draws_by().items(), self._draws_by().values(), strict=True)
            differ = [f"{name} {its}, not {ours}" for (name, its), ours in pairs if its != ours]
            raise ValueError(
                f"this play has {'; '.join(differ)}: go on with it in a session of its own"
            )

    def _draws_by(self) -> dict[str, Any]:
        """Return by name what frames are sampled by, beside the world and its settings."""
        shared = {"seed": self.seed, "prompt frames": self.prompt_frames}
        return {**shared, "precision": self.precision}


@dataclass(frozen=True, kw_only=True)
class FoundHeader:
    """A header as it was read.

    Attributes:
        header: what it says.
        size: how many bytes it takes.
        has_check: whether it has a checksum; older logs have none.
        damaged: whether it did not match its checksum.
    """

    header: Header
    size: int
    has_check: bool
    damaged: bool


def header_bytes(header: Header) -> bytes:
    """Return the first line of a log."""
    record = {
        "kind": KIND,
        "format": FORMAT,
        "minor": MINOR,
        "world": {
            **header.card.record(),
            "fingerprint": header.fingerprint,
            "tokens": header.tokens,
        },
        "seed": header.seed,
        "prompt_frames": header.prompt_frames,
        "machine": dict(header.machine),
    }
    body = json.dumps(record, allow_nan=False).encode()[:-1]
    return body + _tail(body)


def read_header(path: Path | str) -> FoundHeader:
    """Read the header of a log; a flipped bit in it is repaired.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no session log, of a newer format, or damaged beyond reading.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no session at {path}: give a {SUFFIX} file that play has written")
    with open(path, "rb") as file:
        start = file.read(_LONGEST)
    line, size, intact = _checked_line(start)
    try:
        record = json.loads(line)
        kind, found, minor = record["kind"], record["format"], record.get("minor", 0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        kind, found, minor = None, None, 0
    if kind != KIND or not line.endswith(b"\n"):
        raise ValueError(f"{path} is not a session log: give a {SUFFIX} file that play has written")
    if found != FORMAT:
        raise ValueError(
            f"{path} has session format {found!r}, this version reads {FORMAT}: update genie-worlds"
        )
    return FoundHeader(
        header=_parse(path, record),
        size=size,
        has_check=bool(minor),
        damaged=bool(minor) and not intact,
    )


def new_header(
    bundle: Any, seed: int, path: Path | str = "", device: object = "cpu", prompt_frames: int = 1
) -> Header:
    """Return the header of a new session.

    Args:
        bundle: the world, as genie.library.bundle.Bundle.
        seed: of everything that will be sampled, 0 … 2^64 - 1.
        path: folder of the world.
        device: that it plays on.
        prompt_frames: frames that each line starts from.

    Raises:
        ValueError: if the world has more codes than the log's 16 bits can name, or the seed is not
            0 to 2^64 - 1.
    """
    import torch

    sizes = bundle.dynamics.config
    if sizes.num_codes > MOST_CODES:
        raise ValueError(f"a log holds up to {MOST_CODES} codes, this world has {sizes.num_codes}")
    card = WorldCard(
        path=Path(path).resolve() if path else Path(),  # found again from any folder
        name=bundle.name,
        title=bundle.title,
        fps=bundle.fps,
        height=bundle.height,
        width=bundle.width,
        idle=bundle.keymap.idle,
        actions=tuple(NamedAction(name=a.name, keys=a.keys) for a in bundle.keymap.actions),
    )
    machine = {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "device": str(device),
        "threads": torch.get_num_threads(),
    }
    if bundle.precision != "float32":  # absent in logs from before there was another
        machine["precision"] = bundle.precision
    return Header(
        card=card,
        fingerprint=bundle.fingerprint,
        tokens=sizes.num_tokens,
        seed=check_seed(seed),
        machine=machine,
        prompt_frames=prompt_frames,
    )


def _checked_line(start: bytes) -> tuple[bytes, int, bool]:
    """Return the header's line, repaired; its size in the file; whether it was intact."""
    found = _DAMAGED_TAIL.search(start)
    if found is None:
        line = start[: start.find(b"\n") + 1]
        return line, len(line), False
    body, bits = start[: found.start()], None
    with contextlib.suppress(ValueError):  # a digit may be damaged
        bits = flipped_bits(body, int(found[0][12:20], 16))
    intact = bits == () and found[0] == _tail(body)
    return undo(body, bits or ()) + b"}\n", found.end(), intact


def _tail(body: bytes) -> bytes:
    return _TAIL.replace(b"........", b"%08x" % zlib.crc32(body))


def _parse(path: Path, record: Mapping[str, Any]) -> Header:
    try:
        world = record["world"]
        actions = tuple(
            NamedAction(name=text(action["name"]), keys=tuple(map(text, action["keys"])))
            for action in world["actions"]
        )
        card = WorldCard(
            path=Path(world["path"]),
            name=text(world["name"]),
            title=text(world["title"]),
            fps=number(world["fps"], 1e-3, 1e3),
            height=whole(world["height"], 1, 1 << 16),
            width=whole(world["width"], 1, 1 << 16),
            idle=whole(world["idle"], 0, len(actions) - 1),
            actions=actions,
        )
        return Header(
            card=card,
            fingerprint=text(world["fingerprint"]),
            tokens=whole(world["tokens"], 1, 1 << 16),
            seed=whole(record["seed"], 0, MOST_SEED),
            machine={name: _machine_value(value) for name, value in record["machine"].items()},
            prompt_frames=whole(record.get("prompt_frames", 1), 1, 1 << 16),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"the header of {path} lacks or misspells {error}") from None


def _machine_value(value: object) -> Any:
    return value if type(value) in (int, float, bool) else text(value)
