"""Visitors of one process: each plays as alone, sees only the own frames, and disturbs nobody."""

import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("uvicorn", reason="optional extra serve: uvicorn")

from websockets.exceptions import ConnectionClosed, InvalidStatus

from genie.serve import connection, engine
from genie.serve import play as play_module
from genie.serve.limits import ELSEWHERE, FAILED, FULL, IDLE, TOO_MANY

VISITORS, FRAMES = 8, 12


def test_eight_visitors_at_once_each_play_as_alone(server, world, alone, small, monkeypatch):
    sizes = []
    together = engine.step_together
    monkeypatch.setattr(
        engine,
        "step_together",
        lambda worlds, keys: sizes.append(len(keys)) or together(worlds, keys),
    )
    pages = [server.page() for _ in range(VISITORS)]
    keys = [small.actions_of(FRAMES, seed=number) for number in range(VISITORS)]
    gate = threading.Barrier(VISITORS)

    def visit(number):
        pages[number].start(world, number % 2, seed=number)
        gate.wait()
        return pages[number].play(keys[number])

    with ThreadPoolExecutor(VISITORS) as pool:
        seen = list(pool.map(visit, range(VISITORS)))
    for number in range(VISITORS):
        assert seen[number] == alone(keys[number], number % 2, seed=number)
    assert max(sizes) > 2  # frames were made together


def test_pictures_rewinding_and_edits_are_those_of_a_world(server, world, small):
    page = server.page()
    shown = world.reset(world.bundle.prompts[1], 5)
    result, picture = page.start(world, 1, seed=5)
    assert result == {"record": 0} and picture == shown.tobytes()
    for action in (1, 2, 3):
        result, picture = page.step(action)
        shown = world.step(action)
        assert result["record"] == world.head
        assert np.abs(np.frombuffer(picture, np.uint8) - shown.reshape(-1).astype(int)).max() <= 1
    ids = [5, 4, 3, 2, 1, 0]
    world.go_to(world.session, 2)
    page.ask("go", record=2)
    assert page.ask("edit", record=2, ids=ids)[0] == {"record": 4}
    world.edit(np.array(ids))
    world.step(1)
    assert page.step(1)[0] == {"record": 5, "ids": world.session[5].ids.tolist()}
    assert page.ask("look", ids=ids)[1] == world.picture(np.array([ids])).tobytes()
    pixels = small.draw_prompts(1, seed=9)[0]
    page.socket.send((77).to_bytes(4, "little") + pixels.tobytes())
    assert page.read()[0] == {"number": 77, "result": {"ids": world.see(pixels)[0].tolist()}}


def test_settings_of_one_are_not_those_of_others(server, world, alone):
    one, other = server.page(), server.page()
    one.start(world)
    other.start(world)
    first = [one.step(1, temperature=0.0)[0]["ids"], one.step(1)[0]["ids"]]
    assert other.play([1, 1]) == alone([1, 1]) != first


def test_a_play_survives_a_reload(server, world, alone, small):
    keys = small.actions_of(8)
    page = server.page()
    page.start(world)
    seen = page.play(keys[:4])
    page.socket.close()
    again = server.page(session=page.hello["result"]["session"])
    play = again.hello["result"]["play"]
    assert (play["head"], play["seed"], play["prompt"]) == (4, 7, 0)
    assert play["parents"] == [None, 0, 1, 2, 3]
    assert play["actions"] == [world.bundle.num_actions, *keys[:4]]
    rows = np.frombuffer(again.tokens, "<u2").reshape(5, -1).tolist()
    assert rows == [world.see(world.bundle.prompts[0])[0].tolist(), *seen]
    again.ask("go", record=4)
    assert seen + again.play(keys[4:]) == alone(keys)


def test_an_unknown_session_begins_anew(server):
    page = server.page(session="guessed")
    assert page.hello["result"]["play"] is None
    assert page.hello["result"]["session"] != "guessed"
    with pytest.raises(ValueError, match="no play has been started"):
        page.ask("go", record=0)


def test_a_step_before_the_start_is_refused_without_a_pass_over_frames(server, monkeypatch):
    passes = []
    monkeypatch.setattr(engine, "step_together", lambda *given: passes.append(given))
    with pytest.raises(ValueError, match="no play has been started"):
        server.page().step(1)
    assert passes == []


def test_a_second_tab_takes_the_play_over(server, world):
    page = server.page()
    page.start(world)
    server.page(session=page.hello["result"]["session"]).ask("go", record=0)
    assert page.closed() == (ELSEWHERE, "this play goes on in another tab")


def test_who_comes_too_many_or_without_right_is_refused_while_others_play(server, world, alone):
    pages = [server.page() for _ in range(VISITORS)]
    pages[0].start(world)
    seen = pages[0].play([1])
    for _ in range(50):
        code, words = crowd_out(server)
        assert code == FULL and words == "the server is full: 8 of 8 play; try again"
    for wrong in ({"origin": "http://evil.example"}, {"query": ""}, {"query": "token=guess"}):
        with pytest.raises(InvalidStatus, match="403"):
            server.page(**wrong)
    pages[1].socket.send(b"x" * 10_000)
    assert pages[1].closed()[0] == 1009
    assert seen + pages[0].play([2, 3]) == alone([1, 2, 3])


def crowd_out(server):
    from websockets.sync.client import connect

    url = f"ws://{server.host}/small/socket?token={server.token}"
    with connect(url, origin=f"http://{server.host}") as socket:
        try:
            socket.recv(timeout=30)
        except Exception as error:
            return error.rcvd.code, error.rcvd.reason


def test_who_asks_too_fast_is_dropped(server):
    page = server.page()
    page.socket.send("x")
    assert page.read()[0]["number"] == 0
    with contextlib.suppress(ConnectionClosed):  # it may be dropped before it has asked so often
        for _ in range(300):
            page.socket.send("{}")
    code, words = page.closed()
    assert code == TOO_MANY and "too much at once" in words


def test_who_plays_nothing_leaves_the_place(server, monkeypatch):
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.05)
    assert server.page().closed()[0] == IDLE


def test_an_error_of_the_models_ends_one_play_only(server, world, alone, monkeypatch, capsys):
    together = engine.step_together

    def fail(worlds, keys):
        if any(each.session.header.seed == 666 for each in worlds):
            raise RuntimeError("the model broke")
        return together(worlds, keys)

    bad, good = server.page(), server.page()
    bad.start(world, seed=666)
    good.start(world)
    monkeypatch.setattr(engine, "step_together", fail)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(lambda: (ask_step(bad), bad.closed())[1])
        assert good.play([1, 2, 3]) == alone([1, 2, 3])
    code, words = ended.result()
    assert code == FAILED and "ended with an error" in words
    assert "RuntimeError: the model broke" in capsys.readouterr().err
    assert server.page(session=bad.hello["result"]["session"]).hello["result"]["play"] is None


def ask_step(page):
    settings = {"steps": 2, "order": "confidence", "temperature": 1.0}
    page.socket.send(json.dumps({"number": 9, "task": "step", "action": 1, "settings": settings}))


def test_a_play_is_of_bounded_length(server, world, monkeypatch):
    page = server.page()
    page.start(world)
    page.step(0)
    monkeypatch.setattr(play_module, "MOST_FRAMES", 2)
    with pytest.raises(ValueError, match="at most 2 frames"):
        page.step(0)
    page.start(world)
    page.step(0)


@pytest.mark.parametrize(
    ("question", "complaint"),
    [
        ({"task": "close"}, "no task 'close'"),
        ({"task": "__init__"}, "no task"),
        ({"task": "go"}, "record"),
        ({"task": "go", "record": 9}, "from 0 to 0"),
        ({"task": "start", "ids": [0] * 6, "seed": -1}, "0 to"),
        ({"task": "start", "ids": [16] * 6, "seed": 1}, "0 to 15"),
        ({"task": "start", "ids": [0] * 7, "seed": 1}, "6 tokens"),
        ({"task": "encode", "pixels": "x"}, "16x24 pixels"),
        ({"task": "step", "action": 4}, "out of range|settings"),
        ({"task": "step", "action": 1, "settings": {"steps": 9}}, "settings lack"),
        (
            {"task": "step", "action": 1,
             "settings": {"steps": 9, "order": "random", "temperature": 1}},
            "at most 8",
        ),
        ({"task": "step", "play": 1}, "play"),
    ],
)  # fmt: skip
def test_what_no_page_asks_is_answered_in_words(server, world, alone, question, complaint):
    page = server.page()
    page.start(world)
    with pytest.raises(ValueError, match=complaint):
        page.ask(**question)
    assert page.play([1]) == alone([1])
