"""What an export of a world replaces, and what a failed one leaves."""

import errno
import subprocess
import sys

import imageio.v3 as iio
import pytest

from genie.library import writer as bundle_writer
from genie.library.bundle import load_bundle


def full_disk(after):
    """`write_atomic` that fails once `after` files are written."""
    written = []

    def write(path, data):
        if len(written) == after:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        path.write_bytes(data)

    return write


@pytest.mark.parametrize("after", range(6))
def test_a_full_disk_leaves_the_world_that_was_there(small, folder, monkeypatch, after):
    before = small.tree(folder)
    monkeypatch.setattr("spacetime.weights.write_atomic", full_disk(after))
    with pytest.raises(OSError, match="No space left") as caught:
        small.write_world(folder, small.make_models(seed=1))
    assert "\n" not in str(caught.value)
    assert small.tree(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["w"]  # and no half of another


def test_a_full_disk_while_pictures_are_written_leaves_nothing(small, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(iio, "imwrite", fail)
    with pytest.raises(OSError, match="No space left"):
        small.write_world(tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_rename_puts_the_world_back(small, folder, monkeypatch):
    before, replace = small.tree(folder), bundle_writer.os.replace

    def fail(source, target):
        if str(source).endswith(".partial"):
            raise OSError(errno.EIO, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(bundle_writer.os, "replace", fail)
    with pytest.raises(OSError, match="Input/output error"):
        small.write_world(folder, small.make_models(seed=1))
    assert small.tree(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["w"]


def test_an_export_replaces_the_world_and_keeps_its_card(small, folder):
    (folder / "README.md").write_text("the card")
    first = load_bundle(folder).fingerprint
    small.write_world(folder, small.make_models(seed=1), prompts=small.draw_prompts(1))
    again = load_bundle(folder)
    assert again.fingerprint != first and len(again.prompts) == 1
    assert (folder / "README.md").read_text() == "the card"
    assert [path.name for path in folder.parent.iterdir()] == ["w"]


def test_what_a_killed_export_left_is_removed_by_the_next(small, tmp_path):
    code = "import sys, pathlib, spacetime.partial as p; p.partial_path(pathlib.Path(sys.argv[1]))"
    code += ".mkdir()"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "w")], check=True)
    assert [path.suffix for path in tmp_path.iterdir()] == [".partial"]
    load_bundle(small.write_world(tmp_path / "w"))
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_a_card_outlives_a_kill_between_the_two_renames(small, folder):
    (folder / "README.md").write_text("the card")
    folder.rename(folder.with_name(".w.old"))
    small.write_world(folder, small.make_models(seed=1))
    assert (folder / "README.md").read_text() == "the card"
    assert [path.name for path in folder.parent.iterdir()] == ["w"]
