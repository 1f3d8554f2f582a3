"""The application: each world's page, its pictures, and the sockets of those who play."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from genie.library.bundle import Bundle
from genie.serve.connection import Connection
from genie.serve.engine import Engine
from genie.serve.guard import Guard
from genie.serve.lobby import Lobby
from genie.serve.messages import most_bytes
from genie.serve.play import Play
from genie.web.record import PAGE, page_record, prompt_files

_LIST = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<title>genie-worlds</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{first}/page.css">
</head>
<body>
<header><h1>Worlds</h1><p id="about">learned from video alone, their keys too</p></header>
<main id="worlds">{worlds}</main>
</body>
</html>
"""
_WORLD = '<a href="{path}/"><img src="{path}/world/{picture}" alt=""><span>{title}</span></a>'


@dataclass(frozen=True, kw_only=True)
class ServedWorld:
    """A world as the server shows it.

    Attributes:
        path: its place in addresses, such as "coinrun".
        record: the page's world.json.
        pictures: PNG files by name.
    """

    path: str
    bundle: Bundle
    record: dict[str, Any]
    pictures: dict[str, bytes]


def served_worlds(bundles: Sequence[Bundle]) -> list[ServedWorld]:
    """Give each world a path, and its page what it shows."""
    found: dict[str, ServedWorld] = {}
    for bundle in bundles:
        name = re.sub(r"[^a-z0-9]+", "-", bundle.name.lower()).strip("-") or "world"
        while name in found:
            name += "-2"
        pictures, prompts = prompt_files(bundle)
        record = page_record(bundle, prompts, models="server") | {"others": len(bundles) > 1}
        found[name] = ServedWorld(path=name, bundle=bundle, record=record, pictures=pictures)
    return list(found.values())


def message_limit(bundles: Sequence[Bundle]) -> int:
    """Return the length of the longest message that a page of these worlds sends, in bytes."""
    sizes = [(each.height, each.width, each.dynamics.config.num_tokens) for each in bundles]
    return max(most_bytes(*size) for size in sizes)


def make_app(worlds: Sequence[ServedWorld], lobby: Lobby, token: str | None) -> Guard:
    """Return the ASGI application; its lifespan runs the thread that computes."""
    engine = None

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        nonlocal engine
        engine = Engine()
        yield
        engine.close()

    def socket(world: ServedWorld) -> Any:
        async def play(websocket: WebSocket) -> None:
            connection = Connection(websocket, lobby, engine)
            device = "CPU" if world.bundle.device.type == "cpu" else "GPU"
            await connection.serve(world.path, lambda: Play(world.bundle), device)

        return play

    routes = [Route("/", lambda request: _first_page(worlds))]
    for world in worlds:
        routes.append(Mount(f"/{world.path}", routes=[*_files(world, socket(world))]))
    return Guard(Starlette(routes=routes, lifespan=lifespan), token)


def _files(world: ServedWorld, socket: Any) -> list[Any]:
    def picture(request: Request) -> Response:
        data = world.pictures.get(request.path_params["name"])
        return Response(data or b"", 200 if data else 404, media_type="image/png")

    return [
        WebSocketRoute("/socket", socket),
        Route("/world/world.json", lambda request: JSONResponse(world.record)),
        Route("/world/{name}", picture),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]


def _first_page(worlds: Sequence[ServedWorld]) -> Response:
    """Return the only world, or a choice."""
    if len(worlds) == 1:
        return RedirectResponse(f"/{worlds[0].path}/")
    shown = [
        _WORLD.format(
            path=world.path,
            picture=world.record["prompts"][0]["file"],
            title=html.escape(world.bundle.title),
        )
        for world in worlds
    ]
    return HTMLResponse(_LIST.format(first=worlds[0].path, worlds="".join(shown)))
