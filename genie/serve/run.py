"""A server from start to end: what `genie serve` calls."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from genie.device import DEVICES, pick_device
from genie.library.bundle import load_bundle
from genie.loopback import is_loopback
from genie.serve.app import make_app, message_limit, served_worlds
from genie.serve.lobby import Lobby

MOST_VISITORS = 256
_PATIENCE = 60.0  # seconds in which a browser must answer a ping; it cannot while it asks
_SHUTDOWN_SECONDS = 10
_KEEP_ALIVE_SECONDS = 75  # a page that is loaded again would find the browser's connections cut
_STOPPED = "stopped serving"


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How worlds are served; see `genie serve --help`."""

    host: str = "127.0.0.1"
    port: int = 8000  # 0: any that is free
    visitors: int = 8
    no_token: bool = False
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be served."""
        for flag, value, least, most in (
            ("port", self.port, 0, (1 << 16) - 1),
            ("visitors", self.visitors, 1, MOST_VISITORS),
            ("threads", self.threads, 1, 1 << 16),
        ):
            if value is not None and not least <= value <= most:
                raise ValueError(f"--{flag} is {value}: give {least} to {most}")
        if self.device not in DEVICES:
            raise ValueError(f"--device is {self.device!r}: allowed are {', '.join(DEVICES)}")
        if self.no_token and not is_loopback(self.host):
            raise ValueError(
                f"--no-token is for this machine alone, and --host {self.host} opens it to others: "
                "leave out one of them"
            )


def serve(folders: Sequence[Path], options: ServeOptions) -> None:
    """Serve worlds until Ctrl-C.

    Raises:
        KeyboardInterrupt: at the end, with what to say.
        ValueError: if a world is damaged or the device is not there.
        OSError: if a file is missing, or the address cannot be had.
    """
    listening = listen(options.host, options.port)
    try:
        server, token = make_server(folders, options)
        _announce(listening, options, token)
        server.run(sockets=[listening])
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(*(stop.args or (_STOPPED,))) from None
    finally:
        listening.close()
    raise KeyboardInterrupt(_STOPPED)  # where a shell lets its background jobs ignore Ctrl-C


def make_server(
    folders: Sequence[Path], options: ServeOptions
) -> tuple[uvicorn.Server, str | None]:
    """Load the worlds; returns the server, and the token if it asks for one."""
    import torch

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    device = pick_device(options.device)
    bundles = [load_bundle(folder, device) for folder in folders]
    token = None if options.no_token else secrets.token_urlsafe(24)
    app = make_app(served_worlds(bundles), Lobby(options.visitors), token)
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,  # addresses hold secrets
        server_header=False,
        ws_max_size=message_limit(bundles),
        ws_ping_timeout=_PATIENCE,
        ws_per_message_deflate=not is_loopback(options.host),
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    return uvicorn.Server(config), token


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; OSError says what else to try."""
    try:
        (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        reason = str(error.strerror or error).split(" (while")[0]
        raise OSError(
            f"cannot listen on {host}, port {port} ({reason}): choose another with --port or --host"
        ) from None


def _announce(listening: socket.socket, options: ServeOptions, token: str | None) -> None:
    port = listening.getsockname()[1]
    host = f"[{options.host}]" if ":" in options.host else options.host
    if options.host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    secret = "" if token is None else f"?token={token}"
    print(f"open http://{host}:{port}/{secret}", flush=True)
    places = "one visitor" if options.visitors == 1 else f"{options.visitors} visitors at a time"
    print(f"for {places}; Ctrl-C ends it", flush=True)
