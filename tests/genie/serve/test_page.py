"""The page in a headless Chromium, with its models on the server."""

from urllib.parse import urlsplit

import pytest

pytest.importorskip("uvicorn", reason="optional extra serve: uvicorn")

HEAD, PICTURE = "game.player.head", "[...game.player.frame.picture]"
READY = "globalThis.game?.player.session && document.getElementById('loading').hidden"


@pytest.fixture(autouse=True)
def leave(browser):
    """Leave the page at the end, or it goes on asking a server that is gone."""
    yield
    browser.call("Page.navigate", url="about:blank")


def play(browser, frames):
    browser.wait(f"{HEAD} >= {browser.js(HEAD) + frames}")


def test_the_page_plays_edits_fades_and_goes_on_after_a_reload(server, browser):
    browser.events.clear()
    browser.resize(1200, 900)
    browser.open(f"http://{server.host}/small/?token={server.token}")
    assert browser.js("location.search") == ""
    before = browser.js(PICTURE)
    browser.key("ArrowRight", down=True)
    play(browser, 3)
    action = "game.world.actions.find(a => a.name === 'right').id"
    assert browser.js("game.player.frame.action") == browser.js(action)
    assert browser.js(PICTURE) != before
    browser.key("ArrowRight", down=False)
    play(browser, 1)
    browser.js("game.commands.edit()")
    browser.wait("!game.busy")
    change = "Array.from(game.player.frame.ids, (id, n) => n === 2 ? 5 : id)"
    browser.js(f"game.alone(() => game.player.edit({change}))")
    browser.js("game.commands.edit()")
    play(browser, 2)
    browser.js("game.commands.fade()")
    browser.wait("!game.player.fade")
    assert browser.js("game.player.session.frames.filter(f => f.edited).length") == 9
    browser.js("game.commands.pause(true)")
    browser.wait("!game.busy")
    rows = "game.player.session.frames.map(f => [f.parent, f.action, f.edited, ...f.ids])"
    line, picture = browser.js(rows), browser.js(PICTURE)
    browser.call("Page.reload")
    browser.wait(READY)
    browser.wait(f"game.player.session.frames.length > {len(line)}")
    assert browser.js(rows)[: len(line)] == line
    browser.js("game.commands.pause(true)")
    browser.wait("!game.busy")
    browser.js(f"game.player.goTo({len(line) - 1})")
    browser.wait("game.player.frame.picture")
    assert browser.js(PICTURE) == picture
    assert browser.told("Runtime.exceptionThrown", "Runtime.consoleAPICalled") == []
    logged = [entry["entry"] for entry in browser.told("Log.entryAdded")]
    assert [entry for entry in logged if entry["level"] == "error"] == []
    asked = [urlsplit(sent["request"]["url"]) for sent in browser.told("Network.requestWillBeSent")]
    sockets = [urlsplit(made["url"]) for made in browser.told("Network.webSocketCreated")]
    assert len(asked) > 20 and len(sockets) == 2
    assert {url.netloc for url in (*asked, *sockets)} <= {server.host, ""}
    assert not [url for url in asked if "worker" in url.path or "engine" in url.path]


def test_a_full_server_says_so_on_the_page(serve, mapped, browser):
    with serve(mapped, visitors=1) as full:
        other = full.page()
        browser.call("Page.navigate", url=f"http://{full.host}/small/?token={full.token}")
        browser.wait("document.getElementById('loading')?.textContent.includes('1 of 1 play')")
        other.socket.close()
        browser.js("document.querySelector('#loading button').click()")
        browser.wait(READY)
    browser.wait("document.getElementById('loading').textContent.includes('was lost')")
