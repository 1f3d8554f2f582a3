import pytest

from corpus.curation.options import Stretch
from corpus.curation.overrides import decisions_of, lay_over, read_overrides, write_decisions

FPS = 10
DECIDED = [
    Stretch(0, 40, "keep", ""),
    Stretch(40, 60, "drop", "frozen"),
    Stretch(60, 80, "keep", ""),
    Stretch(80, 100, "keep", "cut"),
]


@pytest.fixture
def rows(tmp_path):
    def read(*lines):
        path = tmp_path / "rows.csv"
        path.write_text("\n".join(["file,start,stop,decision,reason", *lines]) + "\n")
        return read_overrides(path)

    return read


def test_decisions_come_back_as_written(tmp_path):
    path = tmp_path / "curation.csv"
    name = 'odd, "name"\nof two lines.mp4'
    written = decisions_of(name, DECIDED, FPS)
    write_decisions(path, written)
    assert read_overrides(path) == written
    assert lay_over([Stretch(0, 100, "keep", "")], written, name, FPS) == DECIDED


def test_drop_and_keep_replace_what_was_decided(rows):
    over = rows("a.mp4,1,2.5,drop,ugly", "a.mp4,3.5,9,keep,all of it", "b.mp4,,,drop,other file")
    assert lay_over(DECIDED, over, "a.mp4", FPS) == [
        Stretch(0, 10, "keep", ""),
        Stretch(10, 25, "drop", "ugly"),
        Stretch(25, 35, "keep", ""),
        Stretch(35, 90, "keep", "cut"),
        Stretch(90, 100, "keep", "cut"),
    ]


def test_cut_splits_an_episode(rows):
    assert lay_over(DECIDED, rows("a.mp4,2,,cut,another level"), "a.mp4", FPS)[:2] == [
        Stretch(0, 20, "keep", ""),
        Stretch(20, 40, "keep", "cut"),
    ]


def test_whole_file(rows):
    assert lay_over(DECIDED, rows("a.mp4,,,drop,not mine"), "a.mp4", FPS) == [
        Stretch(0, 100, "drop", "not mine")
    ]
    assert lay_over(DECIDED, rows("a.mp4,,,keep,"), "a.mp4", FPS) == [Stretch(0, 100, "keep", "")]


def test_later_rows_win(rows):
    over = rows("a.mp4,,,drop,all", "a.mp4,2,4,keep,but this")
    kept = [s for s in lay_over(DECIDED, over, "a.mp4", FPS) if s.decision == "keep"]
    assert kept == [Stretch(20, 40, "keep", "")]


@pytest.mark.parametrize(
    "row, message",
    [
        ("a.mp4,1,2,remove,", "line 3: the decision is 'remove'"),
        ("a.mp4,2,1,drop,", "line 3: it stops at 1.0 s"),
        ("a.mp4,1,,drop,", "line 3: give both start and stop"),
        ("a.mp4,one,2,drop,", "line 3: 'one' is no time"),
        ("a.mp4,-1,2,drop,", "line 3: '-1' is no time"),
        ("a.mp4,nan,2,drop,", "line 3: 'nan' is no time"),
        ("a.mp4,,,cut,", "line 3: a cut needs its start"),
        ("a.mp4,1,2,cut,", "line 3: a cut has no length"),
        ("a.mp4,1,2,drop", "line 3: 4 columns"),
        (",1,2,drop,", "line 3: no file"),
    ],
)
def test_bad_rows_are_refused_with_their_line(rows, row, message):
    with pytest.raises(ValueError, match=message):
        rows("a.mp4,1,2,drop,fine", row)


def test_other_columns_are_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("file,from,to\n")
    with pytest.raises(ValueError, match="line 1: the columns must be"):
        read_overrides(path)


def test_row_behind_the_end_is_refused(rows):
    with pytest.raises(ValueError, match="ends at 10.000 s"):
        lay_over(DECIDED, rows("a.mp4,11,12,drop,"), "a.mp4", FPS)
