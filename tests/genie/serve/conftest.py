"""A server of a small world in a thread, and pages without a browser."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from genie.library.bundle import load_bundle
from genie.serve import lobby
from genie.world import World

SEED = 7


class Page:
    """What a page does, over a real socket."""

    def __init__(self, server, session=None, origin=None, query=None, **options):
        from websockets.sync.client import connect

        query = f"token={server.token}" if query is None else query
        query += f"&session={session}" if session else ""
        self.socket = connect(
            f"ws://{server.host}/small/socket?{query}",
            origin=origin or f"http://{server.host}",
            **options,
        ).__enter__()
        self.number = 0
        self.hello, self.tokens = self.read()

    def read(self):
        message = self.socket.recv(timeout=120)
        size = int.from_bytes(message[:4], "little")
        return json.loads(message[4 : 4 + size]), message[4 + size :]

    def ask(self, task, **values):
        """The result of a task, and the bytes of its picture; an error is raised."""
        self.number += 1
        self.socket.send(json.dumps({"number": self.number, "task": task, **values}))
        answer, data = self.read()
        assert answer["number"] == self.number
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"], data

    def start(self, world, number=0, seed=SEED):
        ids = world.see(world.bundle.prompts[number])[0].tolist()
        return self.ask("start", prompt=number, ids=ids, seed=seed)

    def step(self, action, **changed):
        settings = {"steps": 2, "order": "confidence", "temperature": 1.0, **changed}
        return self.ask("step", action=action, settings=settings)

    def play(self, actions):
        return [self.step(action)[0]["ids"] for action in actions]

    def closed(self):
        """The code and the words with which the server closes it."""
        from websockets.exceptions import ConnectionClosed

        with pytest.raises(ConnectionClosed) as caught:
            while True:
                self.socket.recv(timeout=120)
        return caught.value.rcvd.code, caught.value.rcvd.reason


class Served:
    """A running server: its host and port, its token."""

    def __init__(self, host, token):
        self.host, self.token = host, token
        self.pages = []

    def page(self, **options):
        self.pages.append(Page(self, **options))
        return self.pages[-1]


@contextmanager
def serving(folder, **options):
    from genie.serve.run import ServeOptions, listen, make_server

    options = ServeOptions(port=0, **options)
    server, token = make_server([folder], options)
    with listen(options.host, 0) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        yield Served(host, token)
        server.should_exit = True
        thread.join(60)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def mapped(small, tmp_path_factory):
    """A small world with a map, on disk."""
    models = small.make_models(grid=(2, 3), moves=((0, 0), (0, -1), (0, 1), (-1, 0)))
    return small.write_world(tmp_path_factory.mktemp("served") / "small", models)


@pytest.fixture(scope="session")
def serve():
    """Starts a server, as a context."""
    return serving


@pytest.fixture(scope="module")
def running(mapped):
    # No place waits for a page that is loaded again: the next test takes it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lobby, "RELOAD_SECONDS", 0)
        with serving(mapped) as server:
            yield server


@pytest.fixture
def server(running):
    """A server with eight places, all of them free."""
    yield running
    for page in running.pages:
        page.socket.close()
    running.pages.clear()


@pytest.fixture(scope="session")
def mapped_bundle(mapped):
    """The same world, loaded for others than the server."""
    return load_bundle(mapped)


@pytest.fixture
def world(mapped_bundle):
    """The same world, for one player."""
    return World(mapped_bundle)


@pytest.fixture
def alone(mapped_bundle):
    """Plays keys in a `World` of one's own; returns the tokens of each frame."""

    def play(actions, number=0, seed=SEED):
        world = World(mapped_bundle)
        world.reset(mapped_bundle.prompts[number], seed)
        for action in actions:
            world.step(action)
        return world.session.ids(np.arange(1, len(actions) + 1)).tolist()

    return play
