"""Files of records: a kill in the middle of a line costs that line alone."""

import pytest

from benchmarks.lines import add_line, read_lines


def test_records_come_back_in_their_order(tmp_path):
    path = tmp_path / "deep" / "runs.jsonl"
    assert read_lines(path) == []
    for number in range(3):
        add_line(path, {"number": number, "name": "ö"})
    assert [record["number"] for record in read_lines(path)] == [0, 1, 2]
    assert path.read_text().count("\n") == 3


@pytest.mark.parametrize("left", [0, 1, 9])
def test_a_line_that_was_cut_off_is_named_and_the_next_one_is_its_own(tmp_path, capsys, left):
    path = tmp_path / "runs.jsonl"
    add_line(path, {"number": 0})
    whole = path.stat().st_size
    add_line(path, {"number": 1})
    path.write_bytes(path.read_bytes()[: whole + left])
    add_line(path, {"number": 2})
    assert [record["number"] for record in read_lines(path)] == [0, 2]
    said = capsys.readouterr().err
    assert ("line 2 is cut off" in said) == (left > 0) and said.count("\n") == min(left, 1)


def test_a_record_that_lacks_only_the_end_of_its_line_is_whole(tmp_path):
    path = tmp_path / "runs.jsonl"
    add_line(path, {"number": 0})
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    add_line(path, {"number": 1})
    assert [record["number"] for record in read_lines(path)] == [0, 1]
