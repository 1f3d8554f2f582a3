import json
from pathlib import Path

import numpy as np
import pytest

from corpus.readers import sidecar
from corpus.readers.base import ReadOptions


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def vpt(*pressed):
    """Rows as OpenAI's contractor recordings have them."""
    rows = []
    for keys in pressed:
        keyboard = {"keys": [f"key.keyboard.{key}" for key in keys], "newKeys": [], "chars": ""}
        mouse = {"x": 640.0, "y": 360.0, "dx": 0.5, "dy": 0.0, "buttons": []}
        rows.append({"mouse": mouse, "keyboard": keyboard, "isGuiOpen": False, "tick": len(rows)})
    return lines(rows)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".jsonl", lines([{"action": 2, "t": 0}, {"action": 0}, {"action": -1}])),
        (".jsonl", "2\n0\n-1\n"),
        (".json", json.dumps([2, 0, -1])),
        (".json", json.dumps({"fps": 3, "actions": [2, 0, -1]})),
        (".json", json.dumps([{"action": [2]}, {"action": [0]}, {"action": [-1]}])),
        (".json", json.dumps({"actions": {"0": {"action": 2}, "1": [0], "2": -1}})),
        (".csv", "frame,action\n0,2\n1,0\n2,-1\n"),
    ],
)  # fmt: skip
def test_integers_are_read_from_each_kind_of_file(tmp_path, suffix, text):
    file = write(tmp_path / f"a{suffix}", text)
    assert sidecar.find(tmp_path / "a.mp4", ReadOptions()) == file
    actions = sidecar.load(file, ReadOptions())
    assert actions.dtype == np.int64 and actions.tolist() == [2, 0, -1]


def test_one_action_per_frame_loses_the_last_and_other_counts_are_refused(tmp_path):
    assert sidecar.load_fitting(tmp_path / "a.mp4", 3, ReadOptions()) is None
    write(tmp_path / "a.jsonl", "1\n2\n3\n")
    assert sidecar.load_fitting(tmp_path / "a.mp4", 3, ReadOptions()).tolist() == [1, 2]
    assert sidecar.load_fitting(tmp_path / "a.mp4", 4, ReadOptions()).tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="a.jsonl has 3 actions for 9 frames.*--drop-actions"):
        sidecar.load_fitting(tmp_path / "a.mp4", 9, ReadOptions())


def test_npy_comes_first_and_nothing_is_looked_for_when_actions_are_dropped(tmp_path):
    np.save(tmp_path / "a.actions.npy", np.arange(3, dtype=np.uint8))
    write(tmp_path / "a.jsonl", "1\n")
    assert sidecar.find(tmp_path / "a.mp4", ReadOptions()).name == "a.actions.npy"
    assert sidecar.load(tmp_path / "a.actions.npy", ReadOptions()).tolist() == [0, 1, 2]
    assert sidecar.find(tmp_path / "a.mp4", ReadOptions(drop_actions=True)) is None


def test_an_npy_of_another_length_is_refused_also_where_a_part_of_it_would_fit(tmp_path):
    np.save(tmp_path / "a.actions.npy", np.arange(5))
    for frames in (5, 6):
        assert len(sidecar.load_fitting(tmp_path / "a.npz", frames, ReadOptions())) == 5
    for frames in (4, 7):
        with pytest.raises(ValueError, match=f"a.npz: an episode of {frames} frames needs"):
            sidecar.load_fitting(tmp_path / "a.npz", frames, ReadOptions())


def test_files_about_something_else_are_left_alone(tmp_path):
    write(tmp_path / "a.json", json.dumps({"title": "a video", "tags": []}))
    write(tmp_path / "a.csv", "time,score\n0,1\n")
    assert sidecar.find(tmp_path / "a.mp4", ReadOptions()) is None


def test_keys_of_vpt_are_numbered_by_how_often_they_are_pressed(tmp_path):
    a = write(tmp_path / "a.jsonl", vpt([], ["w"], ["w", "space"], ["w"], []))
    b = write(tmp_path / "b.jsonl", vpt(["w"], ["space", "w"], ["a"]))
    assert sidecar.find(tmp_path / "a.mp4", ReadOptions()) == a
    with pytest.raises(ValueError, match="give each an integer in a mapping file"):
        sidecar.load(b, ReadOptions())
    numbers = sidecar.number_actions([a, b], ReadOptions())
    names = [label.replace("key.keyboard.", "") for label in numbers]
    assert names == ["w", "", "space+w", "a"] and list(numbers.values()) == [0, 1, 2, 3]
    options = ReadOptions(actions_map={"actions": numbers})
    assert sidecar.load(b, options).tolist() == [0, 2, 3]


def test_a_damaged_file_numbers_nothing(tmp_path):
    damaged = write(tmp_path / "a.jsonl", '"w"\n"a"\n{')
    sound = write(tmp_path / "b.jsonl", '"a"\n')
    assert sidecar.number_actions([damaged, sound], ReadOptions()) == {"a": 0}


def test_actions_of_the_folder_that_one_is_in_are_found(tmp_path, monkeypatch):
    (tmp_path / "shots" / "below").mkdir(parents=True)
    np.save(tmp_path / "shots.actions.npy", np.arange(3))
    for here, path in (("shots", "."), ("shots/below", "..")):
        monkeypatch.chdir(tmp_path / here)
        assert sidecar.find(Path(path), ReadOptions()) == tmp_path / "shots.actions.npy"


def test_integers_need_no_numbers(tmp_path):
    file = write(tmp_path / "a.jsonl", "1\n2\n")
    assert sidecar.number_actions([file], ReadOptions()) is None


def test_a_mapping_file_finds_the_actions_of_gf_minecraft(tmp_path):
    steps = [{"ws": 1, "ad": 0, "scs": 0, "pitch_delta": 0.0}, {"ws": 0, "ad": 2, "scs": 1}]
    text = json.dumps({"biome": "plains", "actions": {str(at): s for at, s in enumerate(steps)}})
    file = write(tmp_path / "metadata" / "seed_1.json", text)
    mapping = {
        "file": "../metadata/{stem}.json",
        "rows": "actions",
        "field": ["ws", "ad", "scs"],
        "actions": {"0,0,0": 0, "1,0,0": 1},
    }
    options = ReadOptions(
        actions_map=sidecar.read_map(write(tmp_path / "map.json", json.dumps(mapping)))
    )
    (tmp_path / "video").mkdir()
    assert sidecar.find(tmp_path / "video" / "seed_1.mp4", options).resolve() == file
    assert sidecar.find(tmp_path / "video" / "seed_2.mp4", options) is None
    assert sidecar.load(file, options).tolist() == [1, -1]


def test_several_numbers_are_one_label_in_their_order(tmp_path):
    file = write(tmp_path / "a.jsonl", lines([{"action": [2, 0]}, {"action": [0, 2]}, "x\u2028y"]))
    assert sidecar.number_actions([file], ReadOptions()) == {"0,2": 0, "2,0": 1, "x\u2028y": 2}


def test_a_dict_of_flags_is_the_names_that_are_true(tmp_path):
    rows = [{"action": {"jump": 1, "left": False, "camera": [0.0, 1.0]}}, {"action": {"jump": 0}}]
    file = write(tmp_path / "a.jsonl", lines(rows))
    assert sidecar.number_actions([file], ReadOptions()) == {"": 0, "jump": 1}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", "{", "is damaged json"),
        ("a.jsonl", lines([{"action": 1}, {"other": 1}]), "has no action in row 1"),
        ("a.jsonl", lines([{"action": [0.5, 1.0]}]), "has no action in row 0"),
        ("a.jsonl", "99999\n", "outside -1 to 32767"),
        ("a.json", "[" * 100_000, "is damaged json"),
        ("a.csv", "action\nleft\n", "actions such as 'left'"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, name, text, said):
    file = write(tmp_path / name, text)
    assert sidecar.find(tmp_path / "a.mp4", ReadOptions()) == file
    with pytest.raises(ValueError, match=said) as caught:
        sidecar.load(file, ReadOptions())
    assert "\n" not in str(caught.value) and name in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no mapping of actions: allowed are file, rows, field, actions"),
        ('{"sufix": ".x"}', "no mapping of actions"),
        ('{"actions": {"w": "one"}}', "the action of 'w' is no integer"),
        ('{"field": 3}', "are texts"),
    ],
)
def test_a_wrong_mapping_file_is_refused(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        sidecar.read_map(write(tmp_path / "map.json", text))
