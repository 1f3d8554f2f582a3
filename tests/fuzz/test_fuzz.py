"""Damaged and hostile inputs: each is read, or refused in one line; quickly, and in little memory.

Plain mutations from fixed seeds. GENIE_FUZZ_SECONDS=600 tries other seeds for so long per kind.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import pytest

from corpus.readers.base import ReadOptions
from corpus.readers.layout import Shaping
from corpus.readers.read import read_frames
from corpus.readers.registry import reader_for
from corpus.readers.video import VideoReader
from corpus.store import Corpus
from corpus.verify import verify
from genie import cli
from genie.library.archive import open_world, unpack_world
from genie.library.bundle import load_bundle, world_fingerprint
from genie.library.card import read_card
from genie.media.pictures import read_picture, read_prompts
from genie.session.log import Session
from genie.session.state import State
from genie.world import World
from spacetime.weights import model_fingerprint
from train.recipe import load_recipe

SECONDS = float(os.environ.get("GENIE_FUZZ_SECONDS", 0))
MOST_SECONDS, MOST_KILOBYTES = 5.0, 500_000
HOSTILE = [
    None, True, False, -1, 0, 1, 2.5, 1e308, 10**30, -(10**30), float("nan"), float("inf"), "",
    "\x1b[2J\x07", "\udcff", "x" * 5000, "../../up", "/etc/passwd", [], {}, [[[[]]]], {"a": {}},
    [1] * 1000,
]  # fmt: skip


def mangle(data, rng):
    """Return bytes with one to three random injuries."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at, length = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8, 40))
        match rng.randrange(6):
            case 0 if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case 1:
                del data[at:]
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = rng.randbytes(length)
            case 4:
                data[at : at + length] = rng.choice((b"\xff", b"\0", b"[", b"9")) * length
            case 5:
                other = rng.randrange(len(data) + 1)
                data[at : at + length] = data[other : other + length]
    return bytes(data)


def injure(record, rng):
    """Replace, remove or double one value somewhere in a json record."""
    places = []

    def walk(part):
        for key in list(part) if isinstance(part, dict) else range(len(part)):
            places.append((part, key))
            if isinstance(part[key], dict | list) and len(part[key]) < 100:
                walk(part[key])

    walk(record)
    part, key = rng.choice(places)
    match rng.randrange(8):
        case 0:
            del part[key]
        case 1:
            other, at = rng.choice(places)
            part[key] = json.loads(json.dumps(other[at])) if at in other or at == 0 else None
        case _:
            part[key] = rng.choice(HOSTILE)


def mangle_json(file, rng):
    try:
        record = json.loads(file.read_text())
        injure(record, rng)
        file.write_text(json.dumps(record))
    except (LookupError, TypeError):
        file.write_bytes(mangle(file.read_bytes(), rng))


def forge(folder):
    """Make the fingerprints right again, as a stranger would."""
    try:
        world = json.loads((folder / "world.json").read_text())
        for role, part in world["models"].items():
            part["fingerprint"] = model_fingerprint(folder / f"{role}.safetensors", part["config"])
        world["fingerprint"] = world_fingerprint(world["models"])
        (folder / "world.json").write_text(json.dumps(world))
    except (ValueError, LookupError, TypeError, AttributeError, OSError):
        return


def damage_one_file(folder, rng):
    file = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    if file.suffix == ".json" and rng.random() < 0.8:
        mangle_json(file, rng)
    else:
        file.write_bytes(mangle(file.read_bytes(), rng))


def world(place, rng):
    if rng.random() < 0.5:
        mangle_json(place / "world.json", rng)
    else:
        damage_one_file(place, rng)
    forge(place)
    played = World(load_bundle(place))
    played.reset(played.bundle.prompts[0])
    played.step(0)


def damaged_zip(place, rng):
    if rng.random() < 0.5:
        place.write_bytes(mangle(place.read_bytes(), rng))
    else:
        shutil.unpack_archive(place, place.parent / "inside")
        damage_one_file(place.parent / "inside", rng)
        shutil.make_archive(place.with_suffix(""), "zip", place.parent / "inside")
    with open_world(place) as inside:
        card = read_card(inside)
        read_prompts(inside / "prompts", card.height, card.width)
    unpack_world(place, place.parent / "unpacked")


def picture(place, rng):
    file = rng.choice(sorted(place.iterdir()))
    file.write_bytes(mangle(file.read_bytes(), rng))
    if rng.random() < 0.2:
        read_prompts(place, 16, 16)
    read_picture(file)


def session(place, rng):
    place.write_bytes(mangle(place.read_bytes(), rng))
    read = Session.read(place)
    for record in range(len(read)):
        read[record]
    read.problems()


def state(place, rng):
    damage_one_file(place, rng)
    State.load(place)


def recipe(place, rng):
    place.write_bytes(mangle(place.read_bytes(), rng))
    load_recipe(str(place))


def corpus(place, rng):
    damage_one_file(place, rng)
    opened = Corpus.open(place)
    opened.read(0, min(opened.num_frames, 16))
    verify(place, progress=False)


def video(place, rng):
    file = rng.choice(sorted(place.iterdir()))
    data = file.read_bytes()
    # Headers are where sizes stand.
    head = rng.choice((100, 1000, len(data)))
    file.write_bytes(mangle(data[:head], rng) + data[head:])
    (source,) = VideoReader().sources(file, file.name, ReadOptions())
    fps = rng.choice((None, Fraction(15)))
    for _ in islice(read_frames(source, ReadOptions(), Shaping(size=(16, 16)), fps), 1000):
        pass


def footage(place, rng):
    recording = rng.choice(sorted(item for item in place.iterdir() if item.suffix != ".jsonl"))
    recording = recording / "data" / "main_data.hdf5" if recording.name == "minari" else recording
    if recording.suffix == ".npy" and rng.random() < 0.5:
        damage = recording.with_suffix(".jsonl")
    elif recording.is_dir():
        damage = rng.choice(sorted(path for path in recording.rglob("*") if path.is_file()))
    else:
        damage = recording
    data = damage.read_bytes()
    # ArrayRecord files are mostly padding; headers are where sizes stand.
    head = rng.choice((100, 1000, len(data)))
    damage.write_bytes(mangle(data[:head], rng) + data[head:])
    keys = [None, f"observation.images.{rng.choice(('front', 'small'))}"]
    options = ReadOptions(frames_key=keys[recording.name.startswith("lerobot")])
    try:
        reader = reader_for(recording)
        if reader is None:
            raise ValueError("no reader knows it")
        for source in reader.sources(recording, "x", options):
            reader.actions(source, options)
            for _ in islice(reader.pictures(source, options), 1000):
                pass
    except ModuleNotFoundError as error:
        raise ValueError("its library is not installed") from error


KINDS = {
    world: ("world", 80),
    damaged_zip: ("world.zip", 120),
    picture: ("pictures", 300),
    session: ("s.session", 400),
    state: ("state", 150),
    recipe: ("recipe.yaml", 30),
    corpus: ("corpus", 80),
    video: ("videos", 150),
    footage: ("footage", 100),
}


def copy(source, target):
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return target


@pytest.fixture(autouse=True)
def outside(tmp_path, monkeypatch):
    """The working folder and the user's folder, in neither of which anything may appear."""
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    monkeypatch.setenv("GENIE_HOME", str(outside))
    yield outside
    assert not list(outside.iterdir())


@pytest.mark.parametrize("read", KINDS, ids=lambda read: read.__name__)
def test_an_injured_input_is_read_or_refused_in_one_line(sound, tmp_path, read):
    name, count = KINDS[read]
    until, refused, seed = time.monotonic() + SECONDS, 0, 0
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while seed < count or time.monotonic() < until:
        folder = tmp_path / "in"
        folder.mkdir()
        place, begun = copy(sound / name, folder / name), time.monotonic()
        try:
            read(place, random.Random(f"{read.__name__} {seed}"))
        except (ValueError, OSError) as error:
            refused += 1
            assert str(error) and "\n" not in str(error), f"seed {seed}: {error}"
        except Exception as error:
            raise AssertionError(f"seed {seed} of {read.__name__}: {error!r}") from error
        assert time.monotonic() - begun < MOST_SECONDS, f"seed {seed}"
        shutil.rmtree(folder)
        seed += 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown < MOST_KILOBYTES
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    print(f"{read.__name__}: {seed} tried, {refused} refused, {grown // 1000} MB")
    assert 0 < refused < seed


COMMANDS = {
    "world": ["play", "{}", "--headless", "--frames", "2"],
    "world.zip": ["export", "{}", "x.zip"],
    "pictures/jpeg.png": ["play", "{world}", "--headless", "--frames", "2", "--prompt", "{}"],
    "s.session": ["replay", "{}", "--verify"],
    "corpus": ["corpus", "report", "{}", "--verify"],
    "videos": ["corpus", "build", "{}", "--size", "16x16", "--out", "c"],
    "recipe.yaml": ["train", "all", "--corpus", "c", "--recipe", "{}", "--out", "run"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_with_one_line_and_status_2(sound, tmp_path, name, capsys):
    place = copy(sound / name, tmp_path / Path(name).name)
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    for file in files:
        file.write_bytes(file.read_bytes()[:20] + b"\x1b[2J\xff")
    line = [word.format(place, world=sound / "world") for word in COMMANDS[name]]
    assert cli.main(line) == 2
    said = capsys.readouterr().err
    assert said.startswith("genie: ") and said.count("\n") == 1 and "\x1b" not in said
