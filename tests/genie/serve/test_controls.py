"""Keys, buttons and sliders of the page in a headless Chromium, with its models on the server."""

import pytest

pytest.importorskip("uvicorn", reason="optional extra serve: uvicorn")

HEAD, ACTION = "game.player.head", "game.player.frame.action"
READY = "globalThis.game?.player.session && document.getElementById('loading').hidden"


@pytest.fixture
def page(server, browser):
    """The page, just opened; afterwards it is left, and it has thrown nothing."""
    browser.events.clear()
    browser.resize(1200, 900)
    browser.open(f"http://{server.host}/small/?token={server.token}")
    yield browser
    browser.call("Page.navigate", url="about:blank")
    assert browser.told("Runtime.exceptionThrown", "Runtime.consoleAPICalled") == []


def play(page, frames):
    page.wait(f"{HEAD} >= {page.js(HEAD) + frames}")


def key(page, name, code, down):
    page.call(
        "Input.dispatchKeyEvent", type="keyDown" if down else "keyUp", key=name, code=code
    )  # fmt: skip


def test_a_command_wins_over_the_key_that_a_keymap_gives_an_action(page):
    page.js("game.world.actions[1].keys.push('e'), game.keys.reset()")
    for open in (True, False):
        key(page, "e", "KeyE", down=True)
        key(page, "e", "KeyE", down=False)
        assert page.js("game.hand.open") is open


def test_a_key_that_has_another_name_when_it_goes_up_is_let_go(page):
    key(page, "1", "Digit1", down=True)
    play(page, 2)
    assert page.js(ACTION) == 1
    key(page, "!", "Digit1", down=False)
    play(page, 2)
    assert page.js(ACTION) == page.js("game.world.idle")


def test_arrows_play_after_the_time_was_dragged(page):
    play(page, 3)
    box = page.js(
        "(b => [b.left, b.top + b.height / 2])(game.commands.time.getBoundingClientRect())"
    )
    for kind in ("mousePressed", "mouseReleased"):
        page.call(
            "Input.dispatchMouseEvent",
            type=kind, x=box[0] + 5, y=box[1], button="left", clickCount=1,
        )  # fmt: skip
    assert page.js("game.paused")
    page.js("game.commands.pause(false)")
    page.key("ArrowRight", down=True)
    play(page, 2)
    assert page.js(ACTION) == page.js("game.world.actions.find(a => a.name === 'right').id")
    page.key("ArrowRight", down=False)


def test_a_frame_without_a_picture_is_drawn_again_under_the_hand(page):
    play(page, 3)
    page.js("game.commands.edit()")
    page.wait("!game.busy")
    page.js("game.player.frame.picture = null")
    page.wait("game.player.frame.picture !== null", seconds=30)
    assert page.js("game.hand.open")


def test_the_sliders_show_the_settings_of_a_play_that_goes_on_and_of_a_link(page):
    shown = "['temperature', 'temperature-shown'].map(id => document.getElementById(id).value)"
    page.js("game.player.settings.temperature = 0.5")
    play(page, 2)
    page.call("Page.reload")
    page.wait(READY)
    assert page.js(shown) == ["0.5", "0.5"]
    page.js("game.replay({seed: 1, prompt: {number: 0, ids: game.world.prompts[0].ids},"
            "deeds: [{setting: {temperature: 0.7}}, {action: 1, count: 1}]})")  # fmt: skip
    page.wait("!game.script.length && !game.busy")
    assert page.js(shown) == ["0.7", "0.7"]
