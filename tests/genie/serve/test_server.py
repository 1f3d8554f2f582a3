"""Who is answered at all, and how a server starts and ends."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="optional extra serve: uvicorn")

from genie import cli
from genie.serve.app import make_app, served_worlds
from genie.serve.lobby import Lobby
from genie.serve.run import ServeOptions

ROOT = Path(__file__).resolve().parents[3]


def get(host, path, **headers):
    """Status, headers and body of an answer."""
    asked = http.client.HTTPConnection(host, timeout=30)
    asked.request("GET", path, headers=headers)
    answer = asked.getresponse()
    body = answer.read()
    asked.close()
    return answer.status, dict(answer.getheaders()), body


def test_the_token_opens_the_page_and_leaves_the_address(server):
    status, _, body = get(server.host, "/small/")
    assert status == 403 and b"?token=" in body
    assert get(server.host, "/small/?token=guess")[0] == 403
    status, headers, _ = get(server.host, f"/small/?token={server.token}&backend=x")
    assert status == 303 and headers["location"] == "/small/?backend=x"
    cookie = headers["set-cookie"].split(";")[0]
    assert "HttpOnly" in headers["set-cookie"] and "samesite=lax" in headers["set-cookie"].lower()
    for path in ("/small/", "/small/main.js", "/small/world/world.json", "/small/models/server.js"):
        assert get(server.host, path)[0] == 403
        status, headers, body = get(server.host, path, Cookie=cookie)
        assert status == 200 and body
        assert headers["content-security-policy"].startswith("default-src 'none'")
    assert get(server.host, "/", Cookie=cookie)[1]["location"].endswith("/small/")
    assert get(server.host, "/small/world/prompt-00.png", Cookie=cookie)[2][:4] == b"\x89PNG"
    for path in ("/small/world/none.png", "/none/", "/small/../../pyproject.toml"):
        assert get(server.host, path, Cookie=cookie)[0] == 404


def test_a_connection_waits_for_a_page_that_is_loaded_again(server):
    asked = http.client.HTTPConnection(server.host, timeout=30)
    asked.request("GET", "/")
    asked.getresponse().read()
    kept = asked.sock
    time.sleep(6)  # by itself uvicorn cuts it after five
    asked.request("GET", "/")
    assert asked.getresponse().read() and asked.sock is kept
    asked.close()


def test_the_token_leads_to_no_other_server(server):
    status, headers, _ = get(server.host, f"//evil.example/?token={server.token}")
    assert status == 303 and headers["location"].startswith("/evil.example/")


def test_without_a_token_only_names_of_this_machine_are_answered(serve, mapped):
    with serve(mapped, no_token=True) as server:
        port = server.host.split(":")[1]
        assert get(server.host, "/small/")[0] == 200
        for name in ("localhost", "127.0.0.2", "[::1]"):  # whatever --host may be
            assert get(server.host, "/small/", Host=f"{name}:{port}")[0] == 200
        for name in ("evil.example", "["):
            assert get(server.host, "/small/", Host=f"{name}:{port}")[0] == 403
        server.page(query="").socket.close()


def test_worlds_of_one_name_have_paths_of_their_own(bundle):
    worlds = served_worlds([bundle, bundle])
    assert [world.path for world in worlds] == ["small", "small-2"]
    assert all(world.record["others"] for world in worlds)
    assert make_app(worlds, Lobby(1), None)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"host": "0.0.0.0", "no_token": True}, "--no-token is for this machine alone"),
        ({"port": 70_000}, "--port is 70000: give 0 to 65535"),
        ({"visitors": 0}, "--visitors is 0: give 1 to 256"),
        ({"device": "tpu"}, "allowed are auto"),
    ],
)
def test_options_that_nobody_can_serve_are_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        ServeOptions(**options)


def test_a_port_that_is_taken_is_one_line(mapped, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.main(["serve", str(mapped), "--port", port]) == 2
    assert f"port {port} (Address already in use): choose another" in capsys.readouterr().err


def test_a_missing_package_names_its_extra(mapped, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "genie.serve.run")
    assert cli.main(["serve", str(mapped)]) == 2
    assert 'pip install "genie-worlds[serve]"' in capsys.readouterr().err


def test_ctrl_c_ends_it(mapped):
    code = "import sys; from genie.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "serve", str(mapped), "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        address = process.stdout.readline().split()[1]
        assert "for 8 visitors at a time" in process.stdout.readline()
        host, token = address.removeprefix("http://").split("/?token=")
        assert get(host, f"/?token={token}")[0] == 303
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (130, "genie: stopped serving\n")
