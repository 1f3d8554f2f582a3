"""A world as one zip: what is packed, what is refused, and playing it."""

import stat
import zipfile

import pytest

from genie import cli
from genie.library.archive import export_world, unpack_world
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world, list_user_worlds


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
    import shutil

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
    monkeypatch.setattr("genie.library.archive._MOST_BYTES", 1000)
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


@pytest.mark.parametrize("target", ["out.tar", "none/out.zip"])
def test_a_target_that_cannot_be_is_one_line(world_folder, tmp_path, monkeypatch, target, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", str(world_folder), target]) == 2
    assert capsys.readouterr().err.count("\n") == 1
