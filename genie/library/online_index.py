"""An index of worlds at a URL: what `genie worlds --index` lists.

Only the list is fetched. A world of it is fetched by `genie play` and its address, as any other.
"""

from __future__ import annotations

import http.client
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from genie.library.card import parse_object
from genie.library.catalog import check_index_format
from genie.library.hub_client import HubName
from genie.loopback import is_loopback
from genie.values import text

MOST_BYTES = 1 << 20
MOST_WORLDS = 1000
MOST_LETTERS = 200  # of a name, a title or a source
_SECONDS = 10.0  # to connect, and until more comes
_SECONDS_IN_ALL = 30.0


@dataclass(frozen=True, kw_only=True)
class ListedWorld:
    """A world of an index at a URL."""

    name: str
    title: str  # for people
    source: str  # what it was learnt from
    address: HubName


def describe_index(url: str) -> list[str]:
    """Return lines about the worlds of an index, and how to play each; raises as `fetch_index`."""
    lines = []
    for world in fetch_index(url):
        lines.append(f"{world.name:<16} {world.title:<20} learnt from {world.source}")
        lines.append(f"{'':<16} genie play {world.address}")
    return lines or [f"{url} lists no worlds"]


def fetch_index(url: str) -> list[ListedWorld]:
    """Fetch an index of worlds.

    Args:
        url: https://…, or http://… on this machine.

    Raises:
        ValueError: if the address is of another kind, or what comes is no index of worlds.
        OSError: if it cannot be fetched.
    """
    _check_address(url)
    index = parse_object(_fetch(url), url, hint="it is no index of worlds")
    check_index_format(index, url)
    entries = index.get("worlds")
    if not isinstance(entries, list) or len(entries) > MOST_WORLDS:
        raise ValueError(f"{url} is no index: it needs a list 'worlds' of at most {MOST_WORLDS}")
    return [_listed(entry, f"world {n} of {url}") for n, entry in enumerate(entries, start=1)]


def _listed(entry: Any, source: str) -> ListedWorld:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{source} must be an object, got {type(entry).__name__}")
    values = {}
    for field in ("name", "title", "source", "address"):
        value = entry.get(field)
        if not isinstance(value, str) or not 0 < len(value) <= MOST_LETTERS:
            raise ValueError(f"{source} needs {field!r}, a text of 1 to {MOST_LETTERS} letters")
        values[field] = text(value)
    try:
        address = HubName.parse(values.pop("address"))
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    return ListedWorld(**values, address=address)


def _check_address(url: str, before: str = "") -> None:
    """Refuse an address that is neither https nor on this machine.

    Args:
        url: the address.
        before: the one that led to it; https leads to nothing less.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:  # such as an open bracket, or a port that is no number
        parts, host = urlsplit(""), ""
    local = parts.scheme == "http" and is_loopback(host) and not before.startswith("https:")
    plain = url.isascii() and url.isprintable() and " " not in url
    if not (host and plain and "@" not in parts.netloc and (parts.scheme == "https" or local)):
        leads = f"{before} leads to {url!r}" if before else repr(url)
        raise ValueError(
            f"{leads}, which is no address of an index: give https://…, or http://127.0.0.1…"
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows only where the user could have pointed, too."""

    def redirect_request(self, req: Any, *answer: Any) -> urllib.request.Request | None:
        """Return the next request; the last part of an answer is its address."""
        _check_address(answer[-1], before=req.full_url)
        return super().redirect_request(req, *answer)


def _fetch(url: str) -> bytes:
    """Return what lies at an address, up to a byte more than is allowed."""
    # None for http, which is for this machine only.
    proxies = {kind: at for kind, at in urllib.request.getproxies().items() if kind == "https"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _Redirects)
    request = urllib.request.Request(url, headers={"User-Agent": "genie-worlds"})
    until = time.monotonic() + _SECONDS_IN_ALL
    data = b""
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            while part := answer.read1(1 << 16):
                data += part
                if len(data) > MOST_BYTES:
                    raise ValueError(f"{url} is larger than {MOST_BYTES >> 20} MiB: it is no index")
                if time.monotonic() > until:
                    raise TimeoutError(f"it takes longer than {_SECONDS_IN_ALL:g} seconds")
    except HTTPError as error:
        error.close()
        raise OSError(f"{url} cannot be fetched (it answers {error.code})") from None
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        reason = " ".join(str(getattr(error, "reason", error) or error).split())[:200]
        raise OSError(f"{url} cannot be fetched ({reason or type(error).__name__})") from None
    return data
