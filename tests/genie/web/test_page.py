"""The page in a headless Chromium, driven as a player would."""

import io
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image, ImageSequence

from genie.play.scripted_keys import parse_keys
from genie.world import World

HEAD = "game.player.head"
ACTION = "game.player.frame.action"
FRAMES = "game.player.session.line(game.player.head).map(r => game.player.session.frames[r])"
LINE = f"{FRAMES}.map(frame => [...frame.ids])"


@pytest.fixture(scope="module")
def address(page, browser, runtime):
    with browser.served(page) as address:
        yield address


@pytest.fixture
def opened(address, browser):
    """The page, just opened; afterwards its console is clean and all its requests were its own."""
    browser.events.clear()
    browser.resize(1200, 900)
    browser.open(address)
    browser.address = address
    yield browser
    assert browser.told("Runtime.exceptionThrown", "Runtime.consoleAPICalled") == []
    logged = [entry["entry"] for entry in browser.told("Log.entryAdded")]
    assert [entry for entry in logged if entry["level"] == "error"] == []
    asked = [urlsplit(sent["request"]["url"]) for sent in browser.told("Network.requestWillBeSent")]
    own = {urlsplit(address).netloc, ""}  # "": about:, blob: and data:
    assert len(asked) > 10 and {url.netloc for url in asked} <= own


def stop(browser):
    browser.js("game.commands.pause(true)")
    browser.wait("!game.busy")


def play(browser, frames):
    browser.wait(f"{HEAD} >= {browser.js(HEAD) + frames}")


def test_keys_play(opened):
    opened.key("ArrowRight", down=True)
    play(opened, 3)
    assert opened.js(ACTION) == opened.js("game.world.actions.find(a => a.name === 'right').id")
    opened.key("ArrowRight", down=False)
    play(opened, 2)
    assert opened.js(ACTION) == opened.js("game.world.idle")
    assert opened.js("document.getElementById('backend').textContent") in ("WASM", "WebGPU")
    assert "frames/s" in opened.js("document.getElementById('rate').textContent")
    shown = Image.open(io.BytesIO(opened.screenshot()))
    assert shown.size == (1200, 900) and shown.convert("RGB").getcolors(100) is None


def test_a_finger_plays_on_a_phone(opened):
    opened.resize(390, 844, touch=True)
    assert opened.js("document.documentElement.scrollWidth") <= 390
    opened.touch('.cap[aria-label="left"]')
    play(opened, 3)
    assert opened.js(ACTION) == opened.js("game.world.actions.find(a => a.name === 'left').id")
    opened.lift()
    play(opened, 2)
    assert opened.js(ACTION) == opened.js("game.world.idle")


def test_time_stands_still_goes_back_and_branches(opened):
    play(opened, 5)
    stop(opened)
    end = opened.js(HEAD)
    opened.js("game.commands.back(), game.commands.back()")
    assert opened.js(HEAD) == end - 2
    opened.js("game.commands.forward()")
    assert opened.js(HEAD) == end - 1
    opened.js("game.commands.pause(false)")
    opened.wait(f"{HEAD} > {end}")
    assert opened.js(f"game.player.session.line({HEAD}).includes({end})") is False
    assert opened.js("game.player.nextBranch()[1]") == 2


def test_a_picture_that_was_dropped_is_drawn_again(opened):
    play(opened, 4)
    stop(opened)
    picture = "[...game.player.session.frames[2].picture]"
    shown = opened.js(picture)
    opened.js("game.player.session.frames[2].picture = null")
    opened.js("game.player.goTo(2)")
    opened.wait("game.player.frame.picture !== null")
    assert opened.js(picture) == shown


def test_a_key_can_be_given_to_another_action(opened):
    opened.js("document.querySelectorAll('#keys button')[1].click()")
    opened.key("x", down=True)
    opened.key("x", down=False)
    assert opened.js("game.keys.keysOf(1)") == ["left", "a", "x"]
    opened.open(opened.address)
    assert opened.js("game.keys.action('x')") == 1  # kept
    opened.js("document.getElementById('reset-keys').click()")
    assert opened.js("game.keys.action('x') === undefined")


def test_a_link_plays_the_same_again(opened):
    opened.key("ArrowLeft", down=True)
    play(opened, 3)
    opened.key("ArrowLeft", down=False)
    opened.js("game.player.settings.temperature = 0.5")
    play(opened, 2)
    opened.js("game.commands.edit()")
    opened.wait("!game.busy")
    change = "Array.from(game.player.frame.ids, (id, n) => n === 2 ? 5 : id)"
    opened.js(f"game.alone(() => game.player.edit({change}))")
    opened.js("game.commands.edit()")
    play(opened, 2)
    stop(opened)
    opened.js("game.commands.link()")
    link, line = opened.js("location.href"), opened.js(LINE)
    opened.open(link)
    opened.wait("!game.script.length && !game.busy")
    assert opened.js(LINE)[: len(line)] == line
    opened.open(link.replace("w=", "w=0"))
    assert "another world" in opened.js("game.screen.notice.textContent")


def test_a_link_shows_what_headless_play_shows(opened, mapped_world):
    world = World.load(mapped_world)
    shown = [world.reset(world.bundle.prompts[0], seed=1)]
    keys = parse_keys("right*12 up*4 left*8", world.bundle.keymap)
    shown += [world.step(key) for key in keys]
    deeds = "*".join(f"{key}x1" for key in keys)
    mark = world.bundle.fingerprint[:16]
    opened.open(f"{opened.address}?backend=wasm#w={mark}&s=1&p=0&k={deeds}")
    opened.wait(f"{HEAD} >= {len(keys)}")
    stop(opened)
    assert opened.js(LINE)[: len(shown)] == world.session.ids(range(len(shown))).tolist()
    pictures = opened.js(f"{FRAMES}.slice(0, {len(shown)}).map(f => [...f.picture])")
    assert np.abs(np.array(pictures) - np.reshape(shown, (len(shown), -1)).astype(int)).max() <= 1


def test_a_picture_of_the_players_is_a_start(opened):
    opened.js(
        """(async () => {
            const canvas = new OffscreenCanvas(300, 200);
            canvas.getContext("2d").fillRect(0, 0, 150, 200);
            const blob = await canvas.convertToBlob();
            await game.gallery.take(new File([blob], "mine.png"));
        })()"""
    )
    assert opened.js("document.querySelectorAll('#gallery button').length") == 3
    assert opened.js("game.player.session.start.prompt.number") is None
    opened.js("game.gallery.take(new File(['no picture'], 'bad.png'))")
    assert "bad.png is no picture" in opened.js("game.screen.notice.textContent")


@pytest.mark.parametrize("finger", [False, True])
def test_a_short_press_between_two_frames_counts_for_one(opened, finger):
    opened.js("game.pace = 1")
    play(opened, 1)  # from here on a frame takes a second
    before = opened.js(HEAD)
    if finger:
        opened.touch('.cap[aria-label="left"]')
        opened.lift()
    else:
        opened.key("ArrowLeft", down=True)
        opened.key("ArrowLeft", down=False)
    play(opened, 2)
    played = f"{FRAMES}.slice({before + 1}).map(frame => game.world.actions[frame.action].name)"
    assert opened.js(played).count("left") == 1


def put_a_piece_down(browser):
    """Open the hand and put down a piece; returns the record before."""
    browser.js("game.commands.edit()")
    browser.wait("!game.busy")
    head = browser.js(HEAD)
    browser.js("game.hand.piece = {top: 0, left: 0, rows: 1, columns: 1, pixels: game.hand.source}")
    box = browser.js("(b => [b.left, b.top])(game.hand.overlay.getBoundingClientRect())")
    for kind in ("mousePressed", "mouseReleased"):
        browser.call(
            "Input.dispatchMouseEvent",
            type=kind, x=box[0] + 200, y=box[1] + 200, button="left", clickCount=1,
        )  # fmt: skip
    browser.wait("game.hand.undo.length === 1")
    return head


def test_after_a_new_start_nothing_of_the_play_before_is_taken_back(opened):
    play(opened, 3)
    put_a_piece_down(opened)
    opened.key("r", down=True)
    opened.key("r", down=False)
    opened.wait(f"!game.busy && {HEAD} === 0")
    opened.key("z", down=True)
    opened.key("z", down=False)
    assert opened.js(HEAD) == 0
    assert opened.js("document.querySelector('#palette button').hidden")
    opened.js("game.commands.edit()")
    play(opened, 2)


def test_a_piece_is_picked_and_put_down(opened):
    head = put_a_piece_down(opened)
    assert opened.js("game.player.frame.edited") and opened.js(HEAD) > head
    opened.js("document.querySelector('#palette button').click()")
    assert opened.js(HEAD) == head


def test_a_picture_fades_in_and_its_link_plays_the_same(opened):
    opened.key("ArrowRight", down=True)
    play(opened, 2)
    opened.key("c", down=True)
    opened.key("c", down=False)
    assert "picture 2 fades in" in opened.js("game.screen.notice.textContent")
    opened.wait("!game.player.fade")
    edited = opened.js("game.player.session.frames.filter(f => f.edited).map(f => f.action)")
    assert edited == [opened.js("game.world.actions.find(a => a.name === 'right').id")] * 8
    opened.key("ArrowRight", down=False)
    play(opened, 2)
    stop(opened)
    line, scene = opened.js(LINE), opened.js("[...game.world.prompts[1].ids]")
    whole = opened.js("[...game.player.session.frames.findLast(f => f.edited).ids]")
    assert whole == scene and scene in line
    opened.js("game.commands.link()")
    opened.open(opened.js("location.href"))
    opened.wait("!game.script.length && !game.busy")
    assert opened.js(LINE)[: len(line)] == line


def test_a_chosen_picture_fades_in_and_going_back_ends_it(opened):
    play(opened, 2)
    opened.js("game.pace = 5")
    opened.js("document.getElementById('fades').click()")
    opened.js("document.querySelectorAll('#gallery button')[1].click()")
    opened.wait("game.player.fade?.left < 7")
    assert opened.js("game.player.session.start.prompt.number") == 0
    stop(opened)
    opened.js("game.commands.back()")
    frames = opened.js("game.player.session.frames.length")
    opened.js("game.commands.pause(false)")
    opened.wait(f"game.player.session.frames.length >= {frames + 3}")
    assert opened.js(f"game.player.session.frames.slice({frames}).some(f => f.edited)") is False


@pytest.mark.parametrize("kind", ["GIF", "WebM"])
def test_a_film_is_saved(opened, tmp_path, kind):
    opened.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    play(opened, 6)
    opened.key("l", down=True)
    opened.key("l", down=False)
    opened.wait("game.filming.open && !game.busy")
    head, frames = opened.js(HEAD), opened.js("game.filming.pictures.map(p => [...p])")
    opened.key("ArrowRight", down=True)  # does nothing now
    opened.key("ArrowRight", down=False)
    assert opened.js(HEAD) == head and len(frames) >= 6
    kinds = "[...document.querySelectorAll('#film-kinds button')]"
    opened.js(f"{kinds}.find(b => b.textContent === '{kind}').click()")
    opened.wait("game.screen.notice.textContent.includes('among your downloads')")
    play(opened, 1)
    (path,) = wait_for(lambda: [*tmp_path.glob(f"small.{kind.lower()}")])
    assert path.stat().st_size > 1000
    if kind == "GIF":
        compare(path, frames, fps=15)


def compare(path, frames, fps):
    """A GIF has the frames that the page showed, enlarged, for as long as the play took."""
    with Image.open(path) as film:
        assert film.n_frames == len(frames)
        duration = 0
        for shown, kept in zip(frames, ImageSequence.Iterator(film), strict=True):
            duration += kept.info["duration"]
            small = np.array(kept.convert("RGB")).astype(int)[8::16, 8::16]
            assert np.abs(small - np.reshape(shown, small.shape)).mean() < 3
        assert film.size == (384, 256)
    assert abs(duration - 1000 * len(frames) / fps) <= 10


def wait_for(look, seconds=30):
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_no_request_may_leave_the_page(opened):
    tried = opened.js("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert tried == "refused"
    logged = [entry["entry"]["text"] for entry in opened.told("Log.entryAdded")]
    assert any("Content Security Policy" in text for text in logged)
    opened.events[:] = [e for e in opened.events if e["method"] != "Log.entryAdded"]
