"""What the json files of a world say: refused in one line when damaged, misspelt or too new."""

import json
import lzma
from base64 import b64encode

import numpy as np
import pytest

from genie.drift import TokenLayout, build_statistics
from genie.library.bundle import load_bundle
from genie.library.card import read_card


def test_a_newer_format_says_what_to_do(folder, refused, edit):
    edit(folder / "world.json", lambda world: world.update(format=2))
    line = refused(folder)
    assert "format 2" in line and "update" in line


@pytest.mark.parametrize(
    "key",
    ["format", "name", "title", "fps", "settings", "models", "fingerprint", "demo_keys"],
)
def test_a_missing_key_of_the_record_is_named(folder, refused, edit, key):
    edit(folder / "world.json", lambda world: world.pop(key) and None)
    assert key in refused(folder)


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (("models", "lam"), None),
        (("models", "lam", "config"), None),
        (("models", "lam", "fingerprint"), None),
        (("models",), []),
        (("models",), "all"),
        (("models", "tokenizer"), "small"),
        (("models", "tokenizer", "config"), []),
        (("settings",), []),
        (("settings",), {"steps": 0, "order": "random", "temperature": 1.0}),
        (("settings",), {"steps": "two", "order": "random", "temperature": 1.0}),
        (("settings", "steps"), None),
        (("settings", "speed"), 3),
    ],
)
def test_a_misspelt_record_is_one_line(folder, refused, edit, way, value):
    def change(record):
        *where, last = way
        for word in where:
            record = record[word]
        record[last] = value
        if value is None:
            del record[last]

    edit(folder / "world.json", change)
    refused(folder)


@pytest.mark.parametrize("file", ["world.json", "keymap.json", "statistics.json"])
@pytest.mark.parametrize("text", ["", "{", "\xff", '{"format": 1'])
def test_damaged_json_names_the_file(folder, refused, file, text):
    (folder / file).write_bytes(text.encode("latin-1"))
    assert file in refused(folder)


@pytest.mark.parametrize("text", ["[]", "3", "{}", '{"format": "1"}', "null"])
def test_json_that_is_no_record_is_one_line(folder, refused, text):
    (folder / "world.json").write_text(text)
    assert "world.json" in refused(folder)


BAD_GAPS = [(3, 0), (16 * 16,), (250, 10), (2**63, 2**63)]


def pack_gaps(*gaps):
    return b64encode(lzma.compress(np.array(gaps, "<u8").tobytes())).decode()


WRONG = {
    ("world.json", "fps"): ["8", None, 0, -1, float("nan"), float("inf"), True, 10**400],
    ("world.json", "title"): [None, 3, ["t"]],
    ("world.json", "name"): [None, {}],
    ("world.json", "demo_keys"): [None, 7],
    ("world.json", "settings", "steps"): [2.5, True, "2", 1 << 70],
    ("world.json", "settings", "temperature"): [True, "1", float("nan"), -1],
    ("world.json", "settings", "prompt_frames"): [0.5, 0, 10**18],
    ("keymap.json", "idle"): [True, 1.0, "0", 9],
    ("keymap.json", "actions", 0, "name"): ["a\x1b[2J", "", 3],
    ("keymap.json", "actions", 1, "keys"): [[3], ["\x07"], "left", None],
    ("statistics.json", "codes"): [[1] * 3, ["x"] * 16, [float("nan")] * 16, [-1] * 16, None, 5],
    ("statistics.json", "pairs"): [
        None,
        {"right": pack_gaps(), "below": None},
        *({"right": pack_gaps(*gaps), "below": pack_gaps()} for gaps in BAD_GAPS),
        {"right": "no base64!", "below": pack_gaps()},
        {"right": "AAAA", "below": pack_gaps()},
        {"right": pack_gaps(1, 1)[:-8], "below": pack_gaps()},
        {"right": pack_gaps(*[0] * 1_000_000), "below": pack_gaps()},
    ],
    ("statistics.json", "grid"): [[6], [2, 3, 1], [0, 6], "ab", [3, 3]],
    ("statistics.json", "motion"): [[0.5], [2.0] * 3, None],
    ("statistics.json", "window"): [0, 10**12, True, 64.5],
    ("statistics.json", "most"): [None, [1] * 3, [-1] * 16, [7] * 16, [0.5] * 16],
    ("statistics.json", "scales"): [
        None,
        {"strange": [1.0, 1.0]},
        *(
            {"strange": wrong, "crowded": [1.0, 1.0]}
            for wrong in (1.0, [1.0], [0.0, 1.0], "ab", None)
        ),
    ],
    ("statistics.json", "moving_tokens"): [None, -1.0],
    ("statistics.json", "threshold"): ["high", float("inf")],
}


@pytest.mark.parametrize("way", WRONG)
def test_a_value_of_the_wrong_kind_is_one_line_that_names_the_file(folder, small, refused, way):
    ids, layout = (
        np.arange(1200).reshape(200, 6) % 16,
        TokenLayout(num_codes=16, num_actions=4, grid=(2, 3)),
    )
    statistics = build_statistics(ids, np.arange(200) % 4, np.array([100, 200]), layout)
    (folder / "statistics.json").write_text(json.dumps(statistics))
    load_bundle(folder)
    file, *where, last = way
    whole = (folder / file).read_text()
    for value in WRONG[way]:
        record = part = json.loads(whole)
        for word in where:
            part = part[word]
        part[last] = value
        (folder / file).write_text(json.dumps(record))
        refused(folder)


@pytest.mark.parametrize("version", [1, 2])
def test_statistics_of_an_earlier_version_are_left_out(folder, version):
    (folder / "statistics.json").write_text(f'{{"format": {version}, "window": 64, "codes": [1]}}')
    assert load_bundle(folder).statistics == {"format": version}


def test_a_title_is_printed_without_what_a_terminal_would_obey(folder, edit):
    edit(folder / "world.json", lambda world: world.update(title="\x1b]0;evil\x07Höhle"))
    assert load_bundle(folder).title == read_card(folder).title == "?]0;evil?Höhle"
