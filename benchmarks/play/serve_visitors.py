"""Visitors of a running `genie serve`: their rates, the server's memory, who is refused meanwhile.

    genie serve coinrun --visitors 9
    python benchmarks/play/serve_visitors.py ADDRESS --pid PID [--visitors 8] [--minutes 10]
        [--pace 15] [--checked 200] [--json FILE]

ADDRESS is what the server printed, with its token; one place more than visitors is for those who
misbehave: in the middle of the run, pages of other servers, without a token, with giant messages
and with too many, and 1,000 connections at once. At the end each play is compared with the
server's own log of it, and its first frames with a world that is played alone.
"""

import argparse
import asyncio
import json
import time
import urllib.request
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from genie.library.catalog import find_fingerprint
from genie.serve.limits import RELOAD_SECONDS
from genie.world import World

CROWD, AT_ONCE = 1000, 200
GIANT = 10_000_000


@dataclass(kw_only=True)
class Server:
    """Where it is, and what its page knows of the world."""

    host: str
    token: str
    record: dict[str, Any]
    path: str

    @classmethod
    def at(cls, address: str) -> "Server":
        """Ask the only world of an address for its record."""
        parts = urlsplit(address)
        token = parts.query.removeprefix("token=")
        headers = {"Cookie": f"genie-token-{parts.port or 'any'}={token}"}

        def read(path: str) -> Any:
            request = urllib.request.Request(f"http://{parts.netloc}{path}", headers=headers)
            return urllib.request.urlopen(request)

        path = urlsplit(read("/").url).path
        record = json.load(read(f"{path}world/world.json"))
        return cls(host=parts.netloc, token=token, record=record, path=path)

    def socket(self, origin: str | None = None, token: str | None = None, session: str = "") -> Any:
        """Open a socket, by default as the page does."""
        token = self.token if token is None else token
        place = f"ws://{self.host}{self.path}socket?token={token}&session={session}"
        return connect(place, origin=origin or f"http://{self.host}", max_size=None)


@dataclass(kw_only=True)
class Visitor:
    """One play: what was pressed, what came, and when."""

    seed: int
    prompt: int
    keys: list[int] = field(default_factory=list)
    tokens: list[list[int]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    session: str = ""
    foreign: int = 0


async def read(socket: Any) -> tuple[dict[str, Any], bytes]:
    """Read an answer and what follows its json."""
    message = await socket.recv()
    size = int.from_bytes(message[:4], "little")
    return json.loads(message[4 : 4 + size]), message[4 + size :]


async def ask(socket: Any, number: int, task: str, **values: Any) -> dict[str, Any]:
    """Ask one thing; returns its result."""
    await socket.send(json.dumps({"number": number, "task": task, **values}))
    answer, _ = await read(socket)
    assert answer["number"] == number, answer
    return answer["result"]


async def visit(server: Server, visitor: Visitor, until: float, pace: float) -> None:
    """Hold random keys for random whiles, as fast as `pace`, until a time."""
    rng, world = np.random.default_rng(visitor.seed), server.record
    async with server.socket() as socket:
        hello, _ = await read(socket)
        visitor.session = hello["result"]["session"]
        ids = world["prompts"][visitor.prompt]["ids"]
        await ask(socket, 1, "start", ids=ids, seed=visitor.seed, prompt=visitor.prompt)
        key = 0
        while (begin := time.monotonic()) < until:
            if rng.random() < 0.1:
                key = int(rng.integers(len(world["actions"])))
            number = len(visitor.keys) + 1
            made = await ask(socket, number + 1, "step", action=key, settings=world["settings"])
            visitor.foreign += made["record"] != number
            visitor.keys.append(key)
            visitor.tokens.append(made["ids"])
            visitor.times.append(time.monotonic())
            await asyncio.sleep(max(0.0, 1 / pace - (time.monotonic() - begin)))


async def attempt(opening: Any, message: str | bytes | None = None, times: int = 1) -> str:
    """Return how the server ends a connection: a status before it opens, or a close code."""
    try:
        async with opening as socket:
            for _ in range(times if message else 0):
                await socket.send(message)
            while True:
                await socket.recv()
    except InvalidStatus as error:
        return f"status {error.response.status_code}"
    except ConnectionClosed as error:
        return f"code {error.rcvd.code if error.rcvd else None}"
    except OSError as error:
        return type(error).__name__


async def misbehave(server: Server) -> dict[str, Any]:
    """Try what must be refused; returns how each attempt ended."""
    found: dict[str, Any] = {
        "another origin": await attempt(server.socket(origin="http://evil.example")),
        "no token": await attempt(server.socket(token="")),
    }
    for name, message, times in (
        ("a giant message", b"x" * GIANT, 1),
        ("too many messages", "{}", 1000),
    ):
        found[name] = await attempt(server.socket(), message, times)
        await asyncio.sleep(RELOAD_SECONDS + 1)  # until the place is free again
    async with server.socket() as last:  # now all places are taken
        await read(last)
        turn = asyncio.Semaphore(AT_ONCE)

        async def come() -> str:
            async with turn:
                return await attempt(server.socket())

        begin = time.monotonic()
        found["connections"] = Counter(await asyncio.gather(*(come() for _ in range(CROWD))))
        found["seconds"] = (begin, time.monotonic())
    return found


async def logged(server: Server, visitor: Visitor) -> bool:
    """Whether the server's log of a play holds what the visitor saw."""
    async with server.socket(session=visitor.session) as socket:
        answer, data = await read(socket)
    play = answer["result"]["play"]
    rows = np.frombuffer(data, "<u2").reshape(len(play["actions"]), -1)
    return np.array_equal(rows[1:], visitor.tokens) and play["actions"][1:] == visitor.keys


def differing(world: World, visitor: Visitor, frames: int) -> int:
    """Return how many of a play's first frames differ from those of a world played alone."""
    world.reset(world.bundle.prompts[visitor.prompt], visitor.seed)
    count = 0
    for key, ids in zip(visitor.keys[:frames], visitor.tokens, strict=False):
        world.step(key)
        count += world.session[world.head].ids.tolist() != ids
    return count


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def gaps(visitors: list[Visitor], begin: float, end: float) -> dict[str, float]:
    """Return milliseconds from frame to frame within a time."""
    found = [
        1000 * (after - before)
        for visitor in visitors
        for before, after in zip(visitor.times, visitor.times[1:], strict=False)
        if begin <= before and after <= end
    ]
    names = (("p50", 50), ("p95", 95), ("max", 100))
    return {name: round(float(np.percentile(found, part)), 1) for name, part in names if found}


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Let all play, some misbehave, and compare."""
    server = Server.at(options.address)
    prompts = len(server.record["prompts"])
    visitors = [Visitor(seed=n, prompt=n % prompts) for n in range(options.visitors)]
    begin, seconds = time.monotonic(), 60 * options.minutes
    first = memory(options.pid)
    plays = [
        asyncio.create_task(visit(server, one, begin + seconds, options.pace)) for one in visitors
    ]
    await asyncio.sleep(min(30, seconds / 4))
    settled = memory(options.pid)
    await asyncio.sleep(seconds / 4)
    refused = await misbehave(server)
    await asyncio.gather(*plays)
    last = memory(options.pid)
    attack = refused.pop("seconds")
    return {
        "world": server.record["name"],
        "minutes": options.minutes,
        "frames": [len(one.keys) for one in visitors],
        "frames_per_second": [round(len(one.keys) / seconds, 2) for one in visitors],
        "memory_mb": {"before": first, "settled": settled, "end": last},
        "milliseconds": gaps(visitors, begin, begin + seconds),
        "milliseconds_in_the_crowd": gaps(visitors, attack[0] - 1, attack[1] + 1),
        "refused": refused | {"crowd_seconds": round(attack[1] - attack[0], 1)},
        "out_of_turn": sum(one.foreign for one in visitors),
        "logs_equal": [await logged(server, one) for one in visitors],
        "plays": [asdict(one) for one in visitors],
    }


def main() -> None:
    """Parse the command line, measure, compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address")
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pace", type=float, default=15)
    parser.add_argument("--checked", type=int, default=200, help="frames a visitor, played alone")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = asyncio.run(run(options))
    plays = [Visitor(**play) for play in found.pop("plays")]
    world = World.load(find_fingerprint(Server.at(options.address).record["fingerprint"]))
    found["checked"] = sum(min(options.checked, len(one.keys)) for one in plays)
    found["not_ones_own"] = sum(differing(world, one, options.checked) for one in plays)
    print(json.dumps(found, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
