"""Who may ask the server at all: the token, the origin of sockets, and headers for the browser."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import Message, Receive, Scope, Send

from genie.loopback import is_loopback

HEADERS = {
    # Only this server, scripts and pictures that the page itself makes, and no frames around it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; media-src blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_YEAR = 365 * 24 * 3600
_ASK = "Open the whole address that genie serve printed: it ends in ?token=…"


class Guard:
    """ASGI middleware.

    With a token, requests need it: in the address at first, then in a cookie, so that a link that
    is passed on does not contain it. Without one, only names of this machine are answered, since a
    page elsewhere whose name resolves to this machine would pass for our own (DNS rebinding).
    """

    def __init__(self, app: Callable, token: str | None) -> None:
        """Wrap an application; `token` None asks for none."""
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app = self._refusal(HTTPConnection(scope)) or self._app
        await app(scope, receive, send_guarded)

    def _refusal(self, asked: HTTPConnection) -> Any:
        """Return the application that refuses, or sets the cookie; None if all is well."""
        websocket = asked.scope["type"] == "websocket"
        if self._token is None:
            if not is_loopback(host_of(asked.headers)):
                return _refuse(websocket, "Only this machine is answered, at http://127.0.0.1.")
        elif not websocket and self._is_token(asked.query_params.get("token")):
            return self._keep_token(asked)
        elif not any(map(self._is_token, self._tokens(asked))):
            return _refuse(websocket, _ASK)
        if websocket and not same_origin(asked.headers):
            return _refuse(websocket, "A page of another server may not ask.")
        return None

    def _tokens(self, asked: HTTPConnection) -> tuple[str | None, str | None]:
        return asked.cookies.get(self._cookie(asked)), asked.query_params.get("token")

    def _is_token(self, given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), self._token.encode())

    def _keep_token(self, asked: HTTPConnection) -> RedirectResponse:
        """Send the visitor to the same place without the token, which a cookie then holds."""
        query = [pair for pair in parse_qsl(asked.url.query) if pair[0] != "token"]
        place = asked.url.path + (f"?{urlencode(query)}" if query else "")
        # From the path alone, and one that begins with one slash: never to another server.
        response = RedirectResponse("/" + place.lstrip("/"), status_code=303)
        response.set_cookie(
            self._cookie(asked), self._token, max_age=_YEAR, httponly=True, samesite="lax"
        )
        return response

    @staticmethod
    def _cookie(asked: HTTPConnection) -> str:
        """Return its name: browsers do not tell ports of a host apart."""
        return f"genie-token-{asked.url.port or 'any'}"


def host_of(headers: Headers) -> str:
    """Return the name under which the server was asked, without the port."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:  # such as an open bracket
        return ""


def same_origin(headers: Headers) -> bool:
    """Whether a page of the server's own opens a socket; browsers always say whose page it is."""
    own = headers.get("host", "").lower()
    return headers.get("origin", "").lower() in (f"http://{own}", f"https://{own}")


def _refuse(websocket: bool, words: str) -> Any:
    if not websocket:
        return PlainTextResponse(f"{words}\n", status_code=403)

    async def close(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: status 403

    return close
