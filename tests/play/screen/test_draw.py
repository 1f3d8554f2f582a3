import numpy as np
import pygame
import pytest

from genie.play.adaptive_steps import FrameTime
from genie.play.game.view import ActionLine, DriftGauge, Hud, View
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.actions import paint_actions
from genie.play.screen.drawing.draw import first_window_size, paint, picture_area, split_window
from genie.play.screen.drawing.hud import _parts_that_fit
from genie.play.screen.drawing.text import shorten, text, width_of, wrap


def pixels(surface, area):
    """uint8 (H, W, 3) of a part of a surface."""
    return np.swapaxes(pygame.surfarray.array3d(surface.subsurface(area)), 0, 1)


def noise(height=12, width=16):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def hud(**changes):
    values = {
        "title": "Toy",
        "fps": 15.0,
        "fps_wanted": 15.0,
        "times": FrameTime(model=0.02, decode=0.004, draw=0.002),
        "steps": (2, 2),
        "too_slow": False,
        "adaptive": True,
        "temperature": 0.5,
        "frame": 7,
        "seconds": 0.5,
        "actions": (
            ActionLine(name="none", keys=("0",), active=True),
            ActionLine(name="left", keys=("left", "a", "1"), active=False),
        ),
        "drift": DriftGauge(distance=0.5, threshold=1.0, drifted=False),
    }
    return Hud(**{**values, **changes})


@pytest.mark.parametrize("size", [(320, 240), (501, 333), (640, 1000), (1920, 1080)])
@pytest.mark.parametrize("shown", [None, hud()])
def test_the_picture_grows_by_whole_pixels_and_stands_in_the_middle(size, shown):
    surface, frame = pygame.Surface(size), noise()
    area = paint(surface, View(frame=frame, hud=shown))
    scale = area.width // 16
    assert scale > 1
    assert (area.width, area.height) == (16 * scale, 12 * scale)
    assert (pixels(surface, area) == frame.repeat(scale, 0).repeat(scale, 1)).all()
    room, _ = split_window(size, shown is not None)
    assert abs(area.centerx - room.centerx) <= 1
    assert 16 * (scale + 1) > room.width or 12 * (scale + 1) > room.height


def test_a_frame_of_one_size_fits_exactly_where_it_can():
    assert picture_area(pygame.Rect(0, 0, 64, 64), 64, 64) == (pygame.Rect(0, 0, 64, 64), 1)
    assert picture_area(pygame.Rect(0, 0, 128, 127), 64, 64)[1] == 1
    assert picture_area(pygame.Rect(0, 0, 20, 20), 64, 64)[1] == 1


def test_figures_stand_beside_the_picture_or_give_it_the_room():
    room, sidebar = split_window((900, 600), True)
    assert (room.right, sidebar.right) == (sidebar.left, 900)
    assert split_window((900, 600), False) == (pygame.Rect(0, 0, 900, 600), None)
    assert split_window((300, 600), True)[1] is None


CHANGES = {
    "title": "Other",
    "fps": 12.5,
    "times": None,
    "steps": (1, 2),
    "too_slow": True,
    "adaptive": False,
    "temperature": 0.8,
    "frame": 8,
    "actions": (ActionLine(name="none", keys=("0",), active=False),),
    "drift": None,
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_figure_is_seen(name):
    shown = []
    for figures in (hud(), hud(**{name: CHANGES[name]})):
        surface = pygame.Surface((900, 620))
        paint(surface, View(frame=noise(), hud=figures))
        shown.append(pygame.surfarray.array3d(surface))
    assert (shown[0] != shown[1]).any()


def test_a_world_of_many_actions_still_shows_its_drift():
    actions = tuple(ActionLine(name=f"a{i}", keys=(str(i),), active=False) for i in range(40))
    shown = []
    for drift in (None, hud().drift):
        surface = pygame.Surface((900, 620))
        paint(surface, View(frame=noise(), hud=hud(actions=actions, drift=drift)))
        shown.append(pygame.surfarray.array3d(surface))
    assert (shown[0] != shown[1]).any()


NAMES = ("none", "up-right-2", "action-13", "left", "jump")


def many(count, active=None, lit=None, renamed=None):
    """Actions as worlds have them, long names among them."""
    return tuple(
        ActionLine(
            name="other" if i == renamed else NAMES[i % len(NAMES)],
            keys=("left", "a", "3") if i % 3 == 0 else (str(i),) if i < 10 else (),
            active=i == active,
            lit=i == lit,
        )
        for i in range(count)
    )


@pytest.mark.parametrize("count", [2, 5, 9, 15, 40])
@pytest.mark.parametrize("size", [theme.SMALLEST_WINDOW, (900, 272), (1200, 500), (720, 620)])
def test_every_action_its_name_and_its_light_are_seen_in_any_window(size, count):
    def sidebar(**changes):
        surface = pygame.Surface(size)
        paint(surface, View(frame=noise(), hud=hud(actions=many(count, **changes))))
        return pygame.surfarray.array3d(surface)[-theme.SIDEBAR :].tobytes()

    tried = {0, count // 2, count - 2, count - 1}
    shown = [sidebar()]
    for action in tried:
        shown += [sidebar(**{what: action}) for what in ("active", "lit", "renamed")]
    assert len(set(shown)) == 1 + 3 * len(tried)


@pytest.mark.parametrize("size", [theme.SMALLEST_WINDOW, (1200, 500), (720, 520)])
def test_nothing_beside_the_picture_lies_on_anything_else(size):
    area = split_window(size, True)[1]
    for count in (3, 5, 15, 40):
        room = pygame.Rect(area.left, 0, area.width - theme.MARGIN, size[1])
        parts, height = _parts_that_fit(hud(actions=many(count)), room.width, size[1] - 144)
        surface = pygame.Surface(size)
        surface.fill(theme.GROUND)
        place = pygame.Rect(room.left, 80, room.width, height)
        paint_actions(surface, place, many(count, active=1, lit=2))
        painted = (pygame.surfarray.array3d(surface) != theme.GROUND).any(-1)
        painted[place.left : place.right, place.top : place.bottom] = False
        assert not painted.any(), parts


def test_drift_beyond_the_threshold_takes_the_accent():
    counts = []
    for drifted in (False, True):
        surface = pygame.Surface((900, 620))
        gauge = DriftGauge(distance=1.5, threshold=1.0, drifted=drifted)
        paint(surface, View(frame=noise(), hud=hud(drift=gauge)))
        counts.append((pygame.surfarray.array3d(surface) == theme.ACCENT).all(-1).sum())
    assert counts[1] > counts[0] + 100


def test_message_badges_and_the_recording_dot_lie_on_the_picture():
    black = np.zeros((12, 16, 3), np.uint8)
    plain = View(frame=black, hud=None)
    shown = []
    for changes in ({}, {"message": "saved"}, {"badges": ("paused",)}, {"recording": 61.0}):
        surface = pygame.Surface((640, 480))
        paint(surface, View(**{**vars(plain), **changes}))
        shown.append(pygame.surfarray.array3d(surface).tobytes())
    assert len(set(shown)) == 4
    dot = np.frombuffer(shown[3], np.uint8).reshape(-1, 3)
    assert (dot == theme.ACCENT).all(-1).sum() > 50


def test_a_new_window_has_room_for_a_large_picture_and_the_figures(card):
    size = first_window_size(card)
    room, sidebar = split_window(size, True)
    assert sidebar is not None
    assert picture_area(room, card.height, card.width)[1] >= theme.FIRST_PICTURE // 16


@pytest.mark.parametrize("words", ["CoinRun", "12.5 ms · 64x64 …", "Ålesund – größer →"])
def test_text_of_any_letters_is_seen_where_it_is_anchored(words):
    surface = pygame.Surface((400, 60))
    places = [text(surface, words, (200, 30), 15, (255, 255, 255), a) for a in ("left", "right")]
    assert places[0].left == places[1].right == 200
    for place in places:
        assert pixels(surface, place).max() > 200
        assert place.centery == 30


def test_long_text_is_wrapped_or_cut_to_its_room():
    words = "going back and playing on is a branch"
    lines = wrap(words, 15, 120)
    assert " ".join(lines) == words
    assert all(width_of(line, 15) <= 120 for line in lines)
    assert width_of(shorten(words, 15, 120), 15) <= 120
    assert shorten(words, 15, 120).endswith("…")
    assert shorten("short", 15, 120) == "short"
