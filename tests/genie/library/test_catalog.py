import json

import pytest

from genie.library.catalog import describe, find_world, list_worlds, read_card


def write_world(path, name="toy"):
    path.mkdir(parents=True)
    config = {"height": 48, "width": 64}
    models = {"tokenizer": {"config": config}}
    info = {"name": name, "title": "Toy", "fps": 15, "fingerprint": "f" * 64, "models": models}
    actions = [
        {"id": 1, "name": "left", "keys": ["left", "a"], "effect": {}},
        {"id": 0, "name": "none", "keys": [], "effect": {}},
    ]
    (path / "world.json").write_text(json.dumps(info))
    (path / "keymap.json").write_text(json.dumps({"format": 1, "idle": 0, "actions": actions}))
    return path


@pytest.fixture
def worlds(tmp_path):
    """Two worlds that ship, and one that the index names but that is not there."""
    folder = tmp_path / "worlds"
    write_world(folder / "a")
    write_world(folder / "second", name="b")
    entries = [
        {"name": "a", "title": "World A", "path": "a"},
        {"name": "b", "title": "World B", "path": "second"},
        {"name": "gone", "title": "Gone", "path": "gone"},
    ]
    index = {"format": 1, "default": "b", "worlds": entries}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def test_no_name_is_the_default_of_the_index(worlds):
    assert find_world(None, worlds) == worlds / "second"


def test_a_name_a_world_and_a_run_are_found(worlds, tmp_path):
    mine = write_world(tmp_path / "mine")
    inside = write_world(tmp_path / "run" / "world")
    assert find_world("a", worlds) == worlds / "a"
    assert find_world(str(mine), worlds) == mine
    assert find_world(mine, worlds) == mine
    assert find_world(tmp_path / "run", worlds) == inside


def test_a_name_goes_before_a_folder_and_dot_slash_is_the_folder(worlds, tmp_path, monkeypatch):
    write_world(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    assert find_world("a", worlds) == worlds / "a"
    assert find_world("./a", worlds).resolve() == tmp_path / "a"


def test_an_unknown_name_lists_the_known_ones_in_one_line(worlds):
    with pytest.raises(FileNotFoundError) as error:
        find_world("pong", worlds)
    assert "'pong'" in str(error.value)
    assert "a, b, gone" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_world_says_what_is_missing(worlds, tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(FileNotFoundError, match="neither world.json nor world/world.json"):
        find_world(tmp_path / "run", worlds)


def test_a_listed_world_that_is_not_there_says_so(worlds):
    with pytest.raises(FileNotFoundError, match="'gone' is listed but .* is missing"):
        find_world("gone", worlds)


def test_without_an_index_there_is_no_world_and_no_default(tmp_path):
    assert list_worlds(tmp_path) == []
    with pytest.raises(FileNotFoundError, match="no default world"):
        find_world(None, tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format":2}', '{"format":1}', '{"format":1,"default":"a","worlds":[{}]}']
)
def test_a_damaged_index_is_one_line(tmp_path, text):
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(ValueError, match=r"index\.json") as error:
        list_worlds(tmp_path)
    assert "\n" not in str(error.value)


def test_worlds_are_listed_in_the_order_of_the_index(worlds):
    cards = list_worlds(worlds)
    assert [card.alias for card in cards] == ["a", "b", "gone"]
    assert [card.default for card in cards] == [False, True, False]
    lines = [describe(card) for card in cards]
    assert "48x64, 15 fps, actions: none left" in lines[0]
    assert lines[1].endswith("(default)")
    assert "cannot be played" in lines[2]


def test_a_card_is_read_without_weights(worlds):
    card = read_card(worlds / "a")
    assert (card.name, card.title, card.fps, card.height, card.width) == ("toy", "Toy", 15, 48, 64)
    assert [(action.name, action.keys) for action in card.actions] == [
        ("none", ()),
        ("left", ("left", "a")),
    ]


@pytest.mark.parametrize("name", ["world.json", "keymap.json"])
@pytest.mark.parametrize("text", [None, "{", "[]", "{}"])
def test_a_damaged_card_is_one_line(worlds, name, text):
    file = worlds / "a" / name
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match="json") as error:
        read_card(worlds / "a")
    assert "\n" not in str(error.value)
