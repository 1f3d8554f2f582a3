"""True actions beside a recording: NAME.actions.npy, or NAME.jsonl, NAME.json or NAME.csv.

An action is an integer. Other values get a label first: keys that are pressed together are joined
by ``+`` in alphabetical order (``space+w``; nothing pressed is the empty label), of a dict the
names whose value is true count as pressed, and several fields or numbers are joined by ``,``. A
mapping file gives each label its integer; labels that it does not name become -1, unknown.
``number_actions`` makes such a mapping, the most frequent label first, from all files of a build.

A mapping file is json, every part of it optional::

    {"file": "../metadata/{stem}.json",  where the actions of a recording are, from its folder
     "rows": "actions",                  where in a json file the rows are: a list, or {"0": ...}
     "field": "keyboard.keys",           what of a row is the action; a list of several is allowed
     "actions": {"": 0, "w": 1}}         the integer of each label
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from corpus.readers.base import ReadOptions
from corpus.readers.parts.values import ACTION_KEYS, fit_actions

FIELDS = (*ACTION_KEYS, "keyboard.keys")  # the last is that of VPT
SUFFIXES = (".jsonl", ".json", ".csv")
MAP_KEYS = ("file", "rows", "field", "actions")
MOST_BYTES = 500_000_000
MOST_ACTION = 32_767  # the corpus stores 16 bits
UNKNOWN = -1


def read_map(path: Path) -> dict[str, Any]:
    """Read a mapping file, for ``ReadOptions.actions_map``.

    Raises:
        ValueError: it is no such file.
    """
    mapping = _json(_text(path), path)
    if not isinstance(mapping, dict) or not mapping or set(mapping) - set(MAP_KEYS):
        raise ValueError(f"{path} is no mapping of actions: allowed are {', '.join(MAP_KEYS)}")
    fields = mapping.get("field", "")
    numbers = mapping.get("actions", {})
    texts = [mapping.get("file", ""), mapping.get("rows", "")]
    texts += fields if isinstance(fields, list) else [fields]
    if not all(isinstance(text, str) for text in texts) or not isinstance(numbers, dict):
        raise ValueError(f"{path}: file, rows and field are texts, actions is {{label: integer}}")
    for label, number in numbers.items():
        if type(number) is not int or not UNKNOWN <= number <= MOST_ACTION:
            raise ValueError(f"{path}: the action of {label!r} is no integer from -1 to 32767")
    return mapping


def find(path: Path, options: ReadOptions) -> Path | None:
    """The file with the true actions of a recording, or None."""
    if options.drop_actions:
        return None
    path = Path(os.path.abspath(path))  # "." has no name
    stem = path.name if path.is_dir() else path.stem
    if "file" in options.actions_map:
        name = options.actions_map["file"].replace("{stem}", stem).replace("{name}", path.name)
        return path.parent / name if (path.parent / name).is_file() else None
    beside = path.with_name(f"{stem}.actions.npy")
    if beside.is_file():
        return beside
    candidates = (path.with_name(stem + suffix) for suffix in SUFFIXES)
    return next((file for file in candidates if file.is_file() and _speaks(file, options)), None)


def load(file: Path, options: ReadOptions) -> np.ndarray:
    """Read a file of actions: int64, one for each of its rows.

    Raises:
        ValueError: it is damaged, or holds labels that no mapping gives an integer.
    """
    if file.suffix == ".npy":
        return _load_npy(file)
    numbers = options.actions_map.get("actions")
    labels = list(_labels(file, options))
    if numbers is not None:
        return np.array([numbers.get(str(label), UNKNOWN) for label in labels], np.int64)
    other = next((label for label in labels if not isinstance(label, int)), None)
    if other is not None:
        raise ValueError(
            f"{file} holds actions such as {other[:60]!r}: give each an integer in a mapping file"
        )
    if any(not UNKNOWN <= label <= MOST_ACTION for label in labels):
        raise ValueError(f"{file} holds actions outside -1 to {MOST_ACTION}")
    return np.array(labels, np.int64)


def load_fitting(path: Path, frames: int, options: ReadOptions) -> np.ndarray | None:
    """The actions beside a recording of so many frames: int64 (frames - 1,); None without any.

    Files of other programs have a row for each frame, of which the last leads nowhere; ours do not.
    """
    file = find(path, options)
    if file is None:
        return None
    actions = load(file, options)
    if file.suffix != ".npy":
        return fit_actions(actions, frames, file)
    if len(actions) not in (frames, frames - 1):  # a part of it would fit an episode all the same
        raise ValueError(
            f"{path}: an episode of {frames} frames needs {frames - 1} actions, not {len(actions)}"
        )
    return actions


def number_actions(files: Iterable[Path], options: ReadOptions) -> dict[str, int] | None:
    """Give the labels in files of actions integers: the most frequent is 0, ties by alphabet.

    Returns:
        Label -> integer, for ``options.actions_map["actions"]``; None if all actions are integers.
        Damaged files count for nothing: ``load`` names them.
    """
    counts: Counter[str] = Counter()
    needed = False
    for file in files:
        if file.suffix != ".npy":
            try:
                labels = list(_labels(file, options))
            except (ValueError, OSError):  # its recording is left out, with the reason
                continue
            needed = needed or not all(isinstance(label, int) for label in labels)
            counts.update(map(str, labels))
    order = sorted(counts, key=lambda label: (-counts[label], label))
    return {label: at for at, label in enumerate(order[: MOST_ACTION + 1])} if needed else None


def _load_npy(file: Path) -> np.ndarray:
    try:
        # Mapped, as a header that claims more than the file holds would take the memory first.
        actions = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OverflowError) as error:
        raise ValueError(f"{file} is not a readable npy file of integers") from error
    if actions.ndim != 1 or actions.dtype.kind not in "iu":
        raise ValueError(
            f"{file} holds {actions.dtype} {actions.shape}; actions are int64 (frames - 1,)"
        )
    return np.asarray(actions, np.int64)


def _speaks(file: Path, options: ReadOptions) -> bool:
    """Whether a file beside a recording is about actions; a damaged one is for `load` to name."""
    try:
        return next(_rows(file, options), None) is not None
    except ValueError:
        return True


def _labels(file: Path, options: ReadOptions) -> Iterator[int | str]:
    """The integer or label of each row."""
    for at, values in enumerate(_rows(file, options)):
        labels = [_label(value) for value in values]
        if any(label is None for label in labels):
            raise ValueError(
                f"{file} has no action in row {at}, or one that is neither an integer, a text nor "
                "keys: name the field in a mapping file"
            )
        yield labels[0] if len(labels) == 1 else ",".join(map(str, labels))


def _label(value: Any) -> int | str | None:
    """What one value is called."""
    match value:
        case bool() | int():
            return int(value)
        case float() if value.is_integer():
            return int(value)
        case str():
            return int(value) if re.fullmatch(r"-?[0-9]{1,9}", value) else value
        case [int() as only]:
            return int(only)
        case [int(), int(), *_] if all(isinstance(part, int) for part in value):
            return ",".join(map(str, value))
        case list() if all(isinstance(part, str) for part in value):
            return "+".join(sorted(set(value)))
        case dict():
            pressed = (key for key, part in value.items() if isinstance(part, int) and part)
            return "+".join(sorted(pressed))
    return None


def _rows(file: Path, options: ReadOptions) -> Iterator[list[Any]]:
    """The values of the action's fields in each row; nothing if the first row has none."""
    rows: Iterable[Any]
    if file.suffix == ".csv":
        rows = _csv(file)
    elif file.suffix == ".jsonl":
        rows = (_json(line, file) for line in _text(file).split("\n") if line.strip())
    else:
        rows = _json_rows(_json(_text(file), file), file, options)
    wanted = options.actions_map.get("field") or options.actions_key
    fields = [wanted] if isinstance(wanted, str) else wanted
    for at, row in enumerate(rows):
        if not isinstance(row, Mapping):
            yield [row]
            continue
        if at == 0 and fields is None:
            fields = [next((field for field in FIELDS if _get(row, field) is not None), None)]
            if fields == [None]:
                return
        yield [_get(row, field) for field in fields]


def _json_rows(data: Any, file: Path, options: ReadOptions) -> list[Any]:
    """The rows of a json file: a list, or a dict whose keys count up."""
    where = options.actions_map.get("rows")
    if where is None and isinstance(data, dict):
        where = next((key for key in ACTION_KEYS if isinstance(data.get(key), list | dict)), None)
    rows = data if where is None else _get(data, where)
    if isinstance(rows, list):
        return rows
    if isinstance(rows, dict) and rows and all(re.fullmatch("[0-9]{1,9}", key) for key in rows):
        order = sorted(rows, key=int)
        if int(order[-1]) - int(order[0]) == len(rows) - 1:
            return [rows[key] for key in order]
    if where is None:
        return []  # some other json file
    raise ValueError(f"{file} has no list of rows at {where!r}")


def _get(row: Any, dotted: str) -> Any:
    """Follow ``keyboard.keys`` into a dict; a key with the dots in it comes first."""
    if not isinstance(row, Mapping) or dotted in row:
        return row.get(dotted) if isinstance(row, Mapping) else None
    first, _, rest = dotted.partition(".")
    return _get(row.get(first), rest) if rest else None


def _csv(file: Path) -> Iterator[dict]:
    try:
        yield from csv.DictReader(io.StringIO(_text(file), newline=""))
    except csv.Error as error:
        raise ValueError(f"{file} is a damaged csv file ({error})") from None


def _text(file: Path) -> str:
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file} is larger than {MOST_BYTES // 1_000_000} MB: no file of actions")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{file} is no UTF-8 text") from None


def _json(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        line = " ".join(str(error).split())[:100]
        raise ValueError(f"{file} is damaged json ({line})") from None
