import imageio.v3 as imageio
import numpy as np

from genie.evaluate.report.code_pictures import PROMPTS, draw_codes


def test_every_code_has_a_row_of_before_after_and_change(toy, toy_corpus, tmp_path):
    path = draw_codes(toy.make_context(toy_corpus), toy.NAMES, tmp_path / "new")
    assert path == tmp_path / "new" / "codes.png"
    picture = imageio.imread(path)
    width = PROMPTS * (3 * (64 + 2) + 2)  # small frames are enlarged to 64 pixels
    grid, labels = picture[:, -width:], picture[:, :-width]
    assert grid.shape == (4 * (64 + 2) + 2, width, 3)
    for code in range(4):
        row = labels[code * 66 : code * 66 + 66]
        assert (row != 255).any(), "the code's name"
    still = grid[2:66, 2 + 2 * 66 : 66 + 2 * 66]  # the change that code 0 makes, noise apart
    moved = grid[68:132, 2 + 2 * 66 : 66 + 2 * 66]
    assert np.ptp(still.astype(int)) < np.ptp(moved.astype(int))
