import numpy as np
import pytest

from genie.media.side_by_side import GAP, TITLE_HEIGHT, Panel, draw_side_by_side


def frame(value, height=64, width=64):
    return np.full((height, width, 3), value, np.uint8)


def test_panels_stand_in_their_order_with_sharp_pixels():
    checks = np.indices((64, 64)).sum(axis=0)[..., None].repeat(3, axis=2) % 2 * 255
    panels = [
        Panel(title="real", frame=checks.astype(np.uint8)),
        Panel(title="world", frame=frame(90)),
    ]
    picture = draw_side_by_side(panels)
    assert picture.shape == (TITLE_HEIGHT + 256 + GAP, 2 * 256 + 3 * GAP, 3)
    first = picture[TITLE_HEIGHT:-GAP, GAP : GAP + 256]
    assert (first == checks.repeat(4, axis=0).repeat(4, axis=1)).all()
    assert (picture[TITLE_HEIGHT:-GAP, 2 * GAP + 256 : -GAP] == 90).all()


def test_titles_are_written_above_their_panels_and_cut_to_their_width():
    def titles(*names):
        return draw_side_by_side([Panel(title=n, frame=frame(0)) for n in names])[:TITLE_HEIGHT]

    assert (titles("a", "b") != titles("a", "c")).any(axis=(0, 2)).argmax() > 256
    assert (titles("x" * 200, "b")[:, GAP + 256 : 2 * GAP + 256] == titles("", "")[0, 0]).all()


def test_worlds_of_different_sizes_fit_side_by_side():
    panels = [Panel(title="a", frame=frame(1, 16, 24)), Panel(title="b", frame=frame(2, 40, 20))]
    picture = draw_side_by_side(panels, scale=2)
    assert picture.shape == (TITLE_HEIGHT + 80 + GAP, 48 + 40 + 3 * GAP, 3)
    assert (picture[TITLE_HEIGHT : TITLE_HEIGHT + 32, GAP : GAP + 48] == 1).all()


@pytest.mark.parametrize("bad", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8)])
def test_what_is_no_picture_is_refused(bad):
    with pytest.raises(ValueError, match="uint8"):
        Panel(title="a", frame=bad)


def test_no_panel_is_refused():
    with pytest.raises(ValueError, match="at least one panel"):
        draw_side_by_side([])
