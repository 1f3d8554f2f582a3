"""Indexes of worlds at a URL: what is listed, and what is refused."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genie import cli
from genie.library import online_index
from genie.library.online_index import fetch_index

CAVE = {"name": "cave", "title": "Cave", "source": "Caveflyer", "address": "hf://u/cave@v1"}
INDEX = {"format": 1, "default": "cave", "worlds": [CAVE, {**CAVE, "address": "hf://u/b"}]}


class Handler(BaseHTTPRequestHandler):
    """Answers with what `server.pages` has at a path: status, headers and parts of the body."""

    def log_message(self, *args):
        """Keep quiet."""

    def do_GET(self):  # noqa: N802
        status, headers, parts = self.server.pages.get(self.path, (404, {}, []))
        self.send_response(status)
        for header in headers.items():
            self.send_header(*header)
        self.end_headers()
        for number, part in enumerate(parts):
            time.sleep(0.2 if number else 0)
            self.wfile.write(part)
            self.wfile.flush()


@pytest.fixture
def site(monkeypatch):
    """A web server; `site(value)` puts a page there and returns its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.pages = {}
    server.handle_error = lambda *args: None  # who is refused hangs up
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # this machine is asked without it

    def put(value=INDEX, status=200, headers=None, parts=None):
        path = f"/{len(server.pages)}.json"
        parts = parts or [value if isinstance(value, bytes) else json.dumps(value).encode()]
        server.pages[path] = (status, headers or {}, parts)
        return f"http://127.0.0.1:{server.server_port}{path}"

    yield put
    server.shutdown()
    server.server_close()


def complaint(capsys, url):
    assert cli.main(["worlds", "--index", url]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_worlds_of_an_index_are_listed_with_how_to_play_each(site, capsys):
    moved = site(status=302, headers={"Location": site()})
    assert cli.main(["worlds", "--index", moved]) == 0
    first, play, _, play_second = capsys.readouterr().out.splitlines()
    assert first.split() == ["cave", "Cave", "learnt", "from", "Caveflyer"]
    assert (play.strip(), play_second.strip()) == (
        "genie play hf://u/cave@v1",
        "genie play hf://u/b",
    )
    assert cli.main(["worlds", "--index", site({"format": 1, "worlds": []})]) == 0
    assert "lists no worlds" in capsys.readouterr().out


def test_a_terminal_obeys_nothing_of_it(site):
    (world,) = fetch_index(site({"format": 1, "worlds": [{**CAVE, "title": "\x1b[2Jx"}]}))
    assert world.title == "?[2Jx"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"{", "not valid json"),
        (b"\xff", "not valid json"),
        (b"[" * 100_000, "not valid json"),
        (b"[]", "must hold an object"),
        ({}, "has format None, this version reads 1"),
        ({"format": 2, "worlds": []}, "has format 2"),
        ({"format": 1}, "needs a list 'worlds'"),
        ({"format": 1, "worlds": {"cave": CAVE}}, "needs a list 'worlds'"),
        ({"format": 1, "worlds": [{}] * 1001}, "at most 1000"),
        ({"format": 1, "worlds": [CAVE, "hf://u/b"]}, "world 2 of http.* must be an object"),
        (
            {"format": 1, "worlds": [{**CAVE, "name": ""}]},
            "needs 'name', a text of 1 to 200 letters",
        ),
        ({"format": 1, "worlds": [{**CAVE, "title": "x" * 201}]}, "needs 'title'"),
        ({"format": 1, "worlds": [{**CAVE, "source": 7}]}, "needs 'source'"),
        ({"format": 1, "worlds": [{**CAVE, "address": None}]}, "needs 'address'"),
        ({"format": 1, "worlds": [{**CAVE, "address": "/etc"}]}, "names no world on a hub"),
        ({"format": 1, "worlds": [{**CAVE, "address": "hf://u/b; rm x"}]}, "names no world on"),
    ],
)
def test_what_is_no_index_is_refused(site, page, words):
    with pytest.raises(ValueError, match=words):
        fetch_index(site(page))


def test_an_index_as_large_as_is_allowed_is_read_and_a_byte_more_is_refused(site):
    page = json.dumps(INDEX).encode()
    assert len(fetch_index(site(page.ljust(online_index.MOST_BYTES)))) == 2
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        fetch_index(site(page.ljust(online_index.MOST_BYTES + 1)))


@pytest.mark.parametrize(
    "url",
    [
        *("worlds.json", "/etc/passwd", "file:///etc/passwd", "ftp://127.0.0.1/x", "hf://u/b", ""),
        *("http://example.org/x", "https://", "https://u:p@127.0.0.1/x", "https://[::1/x"),
        *("https://127.0.0.1:x/", "https://127.0.0.1/a b", "https://127.0.0.1/\n", "https://ä.de/"),
        *("http://127.0.0.1.example.org/x", "http://localhost@example.org/x"),
    ],
)
def test_other_addresses_are_refused_before_anything_is_asked(monkeypatch, capsys, url):
    monkeypatch.setattr(online_index, "_fetch", None)
    assert "give https://" in complaint(capsys, url)


@pytest.mark.parametrize(
    "target", ["http://example.org/x", "file:///etc/passwd", "//example.org/x"]
)
def test_a_redirect_leads_only_where_a_user_could_point(site, capsys, target):
    line = complaint(capsys, site(status=302, headers={"Location": target}))
    assert "leads to" in line or "answers 302" in line


def test_https_leads_to_nothing_less():
    online_index._check_address("https://example.org/x", before="https://example.com/x")
    with pytest.raises(ValueError, match="leads to"):
        online_index._check_address("http://127.0.0.1/x", before="https://example.com/x")


def test_servers_that_fail_are_one_line(site, capsys, monkeypatch):
    url = site()
    assert "answers 404" in complaint(capsys, url.replace("0.json", "none"))
    assert "cannot be fetched" in complaint(capsys, "http://127.0.0.1:9/x")
    assert "cannot be fetched" in complaint(capsys, f"https://{'a' * 64}.example/x")
    assert "cannot be fetched" in complaint(capsys, url.replace("http://", "https://"))
    slow = site(parts=[b"{", b" ", b"}"])
    monkeypatch.setattr(online_index, "_SECONDS_IN_ALL", 0.1)
    assert "takes longer than 0.1 seconds" in complaint(capsys, slow)
    monkeypatch.setattr(online_index, "_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "timed out" in complaint(capsys, f"http://127.0.0.1:{silent.getsockname()[1]}/x")
