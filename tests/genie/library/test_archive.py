"""A world as one zip: what is packed, what is refused, and playing it."""

import random
import shutil
import stat
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest

from genie import cli
from genie.library.archive import export_world, unpack_world
from genie.library.bundle import load_bundle
from genie.library.catalog import (
    find_fingerprint,
    find_world,
    list_user_worlds,
    playable_folder,
)
from genie.library.contents import check_names
from genie.play.game.gallery import read_gallery


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GENIE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def packed(world_folder, tmp_path):
    return export_world(world_folder, tmp_path / "small.zip")


def test_a_world_comes_back_from_its_zip_file_for_file(packed, world_folder, tmp_path, small):
    found = unpack_world(packed, tmp_path / "unpacked")
    assert small.tree(found) == small.tree(world_folder)
    assert load_bundle(found).fingerprint == load_bundle(world_folder).fingerprint


def test_only_what_cannot_run_code_is_packed(world_folder, tmp_path, small):
    mine = tmp_path / "mine"
    shutil.copytree(world_folder, mine)
    (mine / "README.md").write_text("the card")
    (mine / "evil.py").write_text("1 / 0")
    (mine / ".hidden.json").write_text("{}")
    (mine / "link.json").symlink_to("/etc/hostname")
    export_world(mine, tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert sorted(archive.namelist()) == sorted(small.tree(world_folder))


def test_the_same_world_gives_the_same_bytes_and_replaces_the_file(packed, world_folder):
    before = packed.read_bytes()
    export_world(world_folder, packed)
    assert packed.read_bytes() == before
    assert [path.name for path in packed.parent.glob("*small*")] == ["small.zip"]


@pytest.mark.parametrize(
    "name", ["../evil.json", "/tmp/evil.json", "a/../../evil.json", "..\\evil.json", "C:evil.json"]
)
def test_a_path_that_leads_out_is_refused_and_nothing_is_written(packed, tmp_path, name):
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), "{}")
    with pytest.raises(ValueError, match="holds") as caught:
        unpack_world(packed, tmp_path / "unpacked")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "unpacked").glob("**/*"))
    assert not (tmp_path / "evil.json").exists()


def test_a_link_and_a_script_are_refused(packed, tmp_path):
    link = zipfile.ZipInfo("prompts/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    for entry in (link, zipfile.ZipInfo("setup.py"), zipfile.ZipInfo("weights.pt")):
        path = tmp_path / "bad.zip"
        path.write_bytes(packed.read_bytes())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(entry, "/etc/passwd")
        with pytest.raises(ValueError, match="holds"):
            unpack_world(path, tmp_path / "unpacked")


def test_a_zip_that_claims_to_be_huge_is_refused(packed, tmp_path, monkeypatch):
    monkeypatch.setattr("genie.library.contents.MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="unpacks to more"):
        unpack_world(packed, tmp_path / "unpacked")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04nothing", b"{}"])
def test_what_is_no_zip_is_one_line(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(ValueError, match="not a zip") as caught:
        unpack_world(tmp_path / "x.zip", tmp_path / "unpacked")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "unpacked").glob("*"))


def test_a_zip_without_a_world_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("inner/world.json", "{}")
    with pytest.raises(ValueError, match=r"no world\.json at its top"):
        unpack_world(tmp_path / "x.zip", tmp_path / "unpacked")


def test_a_zip_is_unpacked_once_and_another_of_its_name_apart(packed, tmp_path, small):
    first = unpack_world(packed, tmp_path / "unpacked")
    assert unpack_world(packed, tmp_path / "unpacked") == first
    small.write_world(tmp_path / "other", small.make_models(seed=9))
    export_world(tmp_path / "other", packed)
    assert unpack_world(packed, tmp_path / "unpacked") != first


def test_an_exported_zip_is_played_by_path_and_from_the_users_folder(
    world_folder, tmp_path, home, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", str(world_folder), "w.zip"]) == 0
    assert cli.main(["play", "w.zip", "--headless", "--frames", "2"]) == 0
    (home / "data" / "worlds").mkdir()
    (tmp_path / "w.zip").rename(home / "data" / "worlds" / "mine.zip")
    assert [card.alias for card in list_user_worlds()] == ["mine"]
    assert (find_world("mine") / "world.json").is_file()
    capsys.readouterr()
    assert cli.main(["worlds"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mine ")]
    assert "16x24, 15 fps" in line


def test_a_zip_whose_name_ends_in_capitals_is_a_zip_everywhere(world_folder, tmp_path, home):
    mine = home / "data" / "worlds" / "MINE.ZIP"
    mine.parent.mkdir(parents=True)
    assert cli.main(["export", str(world_folder), str(mine)]) == 0
    assert cli.main(["play", str(mine), "--headless", "--frames", "2"]) == 0
    (card,) = list_user_worlds()
    assert (card.alias, card.name, card.unreadable) == ("MINE", "small", "")
    assert (find_world("MINE") / "world.json").is_file()
    assert "MINE" in [world.card.alias for world in read_gallery()]
    assert playable_folder(mine) == find_world(mine)


@pytest.mark.parametrize("target", ["out.tar", "none/out.zip"])
def test_a_target_that_cannot_be_is_one_line(world_folder, tmp_path, monkeypatch, target, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", str(world_folder), target]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_listing_reads_the_card_inside_a_zip_and_unpacks_nothing(packed, home, small):
    (home / "data" / "worlds").mkdir(parents=True)
    packed.rename(home / "data" / "worlds" / "mine.zip")
    before = small.tree(home)
    (card,) = list_user_worlds()
    assert (card.name, card.height, card.unreadable) == ("small", 16, "")
    (shown,) = [world for world in read_gallery() if world.card.alias == "mine"]
    assert all(map(np.array_equal, shown.prompts, small.draw_prompts()))
    assert small.tree(home) == before
    assert find_fingerprint(card.fingerprint).parent == home / "data" / "unpacked"


@pytest.mark.parametrize("damage", ["lose", "flip", "empty"])
def test_a_damaged_unpacked_copy_is_renewed(packed, tmp_path, world_folder, small, damage):
    found = unpack_world(packed, tmp_path / "unpacked")
    file = found / "dynamics.safetensors"
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.unlink() if damage == "lose" else file.write_bytes(data if damage == "flip" else b"")
    assert unpack_world(packed, tmp_path / "unpacked") == found
    assert small.tree(tmp_path / "unpacked") == {
        f"{found.name}/{name}": data for name, data in small.tree(world_folder).items()
    }


def test_four_first_plays_of_one_zip_at_once_find_one_world(packed, tmp_path):
    command = (
        "import sys; from genie.library.archive import unpack_world as u; print(u(*sys.argv[1:]))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", command, str(packed), str(tmp_path / "unpacked")],
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    said = {process.communicate(timeout=60)[0] for process in started}
    assert len(said) == 1 and all(process.returncode == 0 for process in started)
    assert [path.is_dir() for path in (tmp_path / "unpacked").iterdir()] == [True]


def test_damage_inside_a_zip_is_one_line(packed, tmp_path):
    whole, rng = packed.read_bytes(), random.Random(0)
    for _ in range(40):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (tmp_path / "x.zip").write_bytes(data)
        try:
            unpack_world(tmp_path / "x.zip", tmp_path / "unpacked")
        except (ValueError, OSError) as error:
            assert "\n" not in str(error)
    assert not list((tmp_path / "unpacked").glob(".*"))


@pytest.mark.parametrize("name", ["world.json", "a//b.json", "./a.json", "//", "a/"])
def test_a_name_twice_or_misspelt_is_refused(packed, tmp_path, name):
    with zipfile.ZipFile(packed, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(zipfile.ZipInfo(name), "{}" if name[-1] != "/" else "")
    if name == "a/":
        unpack_world(packed, tmp_path / "unpacked")
        return
    with pytest.raises(ValueError, match="holds"):
        unpack_world(packed, tmp_path / "unpacked")


def test_a_card_in_a_handmade_zip_is_left_aside(packed, tmp_path):
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("README.md", "the card")
    assert not (unpack_world(packed, tmp_path / "unpacked") / "README.md").exists()


def test_too_many_files_are_refused_before_their_table_is_read(packed, tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(5_000):
            archive.writestr(f"{number:0200d}.json", "")
    with pytest.raises(ValueError, match="too many files"):
        unpack_world(tmp_path / "many.zip", tmp_path / "unpacked")
    with zipfile.ZipFile(packed, "a") as archive:
        for number in range(100):
            archive.writestr(f"{number:0200d}.json", "")
    with pytest.raises(ValueError, match="100 files"):
        unpack_world(packed, tmp_path / "unpacked")


def test_names_are_looked_at_once_they_are_few_and_then_counted_once(packed, tmp_path):
    with zipfile.ZipFile(packed, "a") as archive:
        for number in range(100):
            archive.writestr(f"{number}.exe", "")
    with pytest.raises(ValueError, match="100 files"):
        unpack_world(packed, tmp_path / "unpacked")

    class Names(list):
        def count(self, name):
            raise AssertionError("each of many names is counted among all of them")

    check_names("a zip", Names(f"{number}/" for number in range(9_000)))
    with pytest.raises(ValueError, match="'a.png' twice"):
        check_names("a zip", Names(["a.png", "b.png", "a.png"]))


def test_what_could_not_be_unpacked_is_not_exported(world_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("genie.library.contents.MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="unpacks to more"):
        export_world(world_folder, tmp_path / "x.zip")
    assert not list(tmp_path.glob("*x.zip*"))


@pytest.mark.parametrize("world_json", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "{" * 3])
def test_one_bad_world_is_listed_with_its_reason_and_stops_nothing(
    world_folder, home, tmp_path, capsys, world_json
):
    worlds = home / "data" / "worlds"
    for name in ("bad", "good", "name\udcff"):
        shutil.copytree(world_folder, worlds / name)
    (worlds / "bad" / "world.json").write_text(world_json)
    (worlds / "name\udcff" / "keymap.json").write_text("\x1b[2J")
    with zipfile.ZipFile(worlds / "evil\x1b[2J.zip", "w") as archive:
        archive.writestr("world.json", world_json)
        archive.writestr("keymap.json", "{}")
    assert cli.main(["worlds"]) == 0
    said = capsys.readouterr().out
    assert said.count("cannot be played") == 3 and "good " in said and "\x1b" not in said
    aliases = [world.card.alias for world in read_gallery()]
    assert "good" in aliases and "bad" not in aliases


def test_a_bad_prompt_takes_only_its_own_world_from_the_start_screen(world_folder, home):
    for name in ("bad", "good"):
        shutil.copytree(world_folder, home / "data" / "worlds" / name)
    huge = bytes.fromhex("89504e470d0a1a0a0000000d49484452000186a0000186a00802000000")
    (home / "data" / "worlds" / "bad" / "prompts" / "00.png").write_bytes(huge + b"\0" * 40)
    aliases = [world.card.alias for world in read_gallery()]
    assert "good" in aliases and "bad" not in aliases
