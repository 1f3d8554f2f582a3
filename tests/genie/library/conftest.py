"""Worlds that are spoilt, and a hub that speaks as much of the protocol as huggingface_hub uses."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

from genie.library.bundle import load_bundle

TOKEN = "hf_of_the_test"


class Hub:
    """What lies on the hub, and what was asked for.

    Attributes:
        repos: per repository the commits by hash, each its files, and the commits of its branches.
        asked: "METHOD path" of every request.
        claims: sizes in the listing in place of the true ones, by file name.
        altered: contents that are sent in place of the true ones, by file name.
        down: whether every request is answered 503.
    """

    def __init__(self):
        self.repos, self.asked, self.claims, self.altered = {}, [], {}, {}
        self.down = False
        self.private = set()

    def commit(self, repo, changed, branch="main"):
        """Change files of a branch (bytes, or None to delete); returns the commit's hash."""
        found = self.repos[repo]
        files = {**found["commits"][found["branches"][branch]], **changed}
        files = {name: data for name, data in files.items() if data is not None}
        listing = repr(sorted((name, hashlib.sha1(data).digest()) for name, data in files.items()))
        sha = hashlib.sha1(listing.encode() + b"%d" % len(found["commits"])).hexdigest()
        found["commits"][sha] = files
        found["branches"][branch] = sha
        return sha

    def create(self, repo):
        start = {"0" * 40: {".gitattributes": b"*.safetensors filter=lfs\n"}}
        self.repos[repo] = {"commits": start, "branches": {"main": "0" * 40}}

    def files(self, repo, revision="main"):
        found = self.repos[repo]
        return found["commits"].get(found["branches"].get(revision, revision))

    def sha(self, repo, revision="main"):
        return self.repos[repo]["branches"].get(revision, revision)

    def downloads(self):
        return [line.split("/", 5)[-1] for line in self.asked if line.startswith("GET /u/")]


class Handler(BaseHTTPRequestHandler):
    """One request; `server.hub` is the hub."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet: two would wait for each other
    disable_nagle_algorithm = True

    def log_message(self, *args):
        """Keep quiet."""

    def answer(self, status, body=b"", headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **dict(headers)}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def refuse(self, status, code):
        self.answer(status, {"error": code}, {"X-Error-Code": code})

    def handle_any(self):
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            data = b"".join(parts)
        hub.asked.append(f"{self.command} {path}")
        if hub.down:
            return self.answer(503)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.command == "POST":
            if token != TOKEN:
                return self.answer(401, {"error": "Invalid username or password."})
            return self.post(hub, path, data)
        return self.get(hub, path, token)

    do_GET = do_HEAD = do_POST = handle_any  # noqa: N815

    def post(self, hub, path, data):
        if path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            asked = json.loads(data)
            repo = f"{asked['organization']}/{asked['name']}"
            if asked["organization"] != "u":
                return self.answer(403, {"error": "not yours"})
            about = {"url": f"http://{self.headers['Host']}/{repo}"}
            if repo in hub.repos:
                return self.answer(409, about)
            hub.create(repo)
            if asked.get("visibility") == "private" or asked.get("private"):
                hub.private.add(repo)
            return self.answer(200, about)
        repo, what, revision = re.fullmatch(
            r"/api/models/([^/]+/[^/]+)/(preupload|commit|branch)/(.+)", path
        ).groups()
        if what == "branch":
            branches = hub.repos[repo]["branches"]
            if revision in branches:
                return self.answer(409, {"error": "exists"})
            branches[revision] = branches["main"]
            return self.answer(200)
        if what == "preupload":
            files = json.loads(data)["files"]
            modes = [{"uploadMode": "regular", "shouldIgnore": False} for _ in files]
            pairs = zip(files, modes, strict=True)
            return self.answer(200, {"files": [{"path": f["path"], **mode} for f, mode in pairs]})
        changed = {}
        for line in map(json.loads, data.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                changed[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                changed[value["path"]] = None
        sha = hub.commit(repo, changed, revision)
        where = f"http://{self.headers['Host']}/{repo}/commit/{sha}"
        return self.answer(200, {"success": True, "commitOid": sha, "commitUrl": where})

    def get(self, hub, path, token):
        info = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if not info and not file:
            return self.refuse(404, "unknown")
        repo, revision = (info or file)[1], (info or file)[2] or "main"
        if repo not in hub.repos or (repo in hub.private and token != TOKEN):
            return self.refuse(401, "RepoNotFound")
        files = hub.files(repo, revision)
        if files is None:
            return self.refuse(404, "RevisionNotFound")
        sha = hub.sha(repo, revision)
        if info:
            siblings = [self.listed(hub, name, data) for name, data in files.items()]
            about = {"id": repo, "sha": sha, "private": repo in hub.private, "siblings": siblings}
            return self.answer(200, about)
        if file[3] not in files:
            return self.refuse(404, "EntryNotFound")
        data = hub.altered.get(file[3], files[file[3]])
        etag = f'"{hashlib.sha1(data).hexdigest()}"'
        return self.answer(200, data, {"ETag": etag, "X-Repo-Commit": sha})

    @staticmethod
    def listed(hub, name, data):
        size = hub.claims.get(name, len(data))
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        listed = {"rfilename": name, "size": size, "blobId": git}
        if name.endswith(".safetensors"):
            sha256 = hashlib.sha256(data).hexdigest()
            listed["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 130}
        return listed


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub to which the user of the test is logged in."""
    from huggingface_hub import constants

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hub = Hub()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("GENIE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    # A token of the developer's own is not used, nor a list asked for of the public hub.
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    (tmp_path / "agents").write_text('{"harnesses": {}, "standardEnvVars": []}')
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "agents"), raising=False)
    yield server.hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def refused():
    """Loads a world that is spoilt; returns the one line that loading ends with."""

    def load_spoilt(folder, kind=ValueError):
        with pytest.raises(kind) as caught:
            load_bundle(folder)
        line = str(caught.value)
        assert line and "\n" not in line
        return line

    return load_spoilt


@pytest.fixture
def edit():
    """Loads a json file, lets `change` spoil it, writes it."""

    def change_record(file, change):
        record = json.loads(file.read_text())
        file.write_text(json.dumps(change(record) or record))

    return change_record
