"""Worlds on a hub: pushed, fetched and played, and what is refused."""

import json
import shutil
import sys

import pytest

from genie import cli
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world
from genie.library.hub_client import HubName
from genie.library.push import push_world
from genie.world import World

NAME = "hf://u/small"


@pytest.fixture
def pushed(hub, world_folder):
    """The small world on the hub; the commit's hash."""
    return push_world(world_folder, NAME).name.revision


def change(data, place=-3):
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def test_a_world_is_pushed_and_played_bit_for_bit(hub, world_folder, small, capsys):
    assert cli.main(["push", str(world_folder), NAME]) == 0
    said, commit = capsys.readouterr().out, hub.sha("u/small")
    assert f"/u/small, commit {commit}" in said and f"genie play {NAME}@{commit}" in said
    found = find_world(NAME)
    assert small.tree(found) == small.tree(world_folder)
    actions = small.actions_of(6)
    plays = []
    for place in (NAME, world_folder):
        world = World.load(place)
        world.reset(world.bundle.prompts[0], seed=5)
        plays.append(small.play(world, actions))
    assert small.same(*plays)
    assert cli.main(["play", f"{NAME}@{commit}", "--headless", "--frames", "1"]) == 0


def test_what_a_zip_gets_is_pushed_and_a_card_with_the_hubs_header(hub, folder, small):
    (folder / "evil.py").write_text("1 / 0")
    (folder / ".hidden.json").write_text("{}")
    (folder / "README.md").write_text("# Small\n\nPlay it: `genie play small`.\n")
    before = small.tree(folder)
    push_world(folder, NAME)
    files = hub.files("u/small")
    expected = {*before, ".gitattributes"} - {"evil.py", ".hidden.json"}
    assert set(files) == expected
    card = files["README.md"].decode()
    assert card.startswith("---\nlibrary_name: genie-worlds\ntags:\n- world-model\n")
    assert f"# Small\n\nPlay it: `genie play {NAME}`." in card
    assert small.tree(folder) == before


@pytest.mark.parametrize(
    ("license", "line"), [("Apache-2.0", "license: apache-2.0\n"), ("x\nevil: 1", ""), (7, "")]
)
def test_a_licence_that_the_hub_knows_is_in_the_header(hub, folder, license, line):
    file = folder / "world.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"license": license}))
    push_world(folder, NAME)
    assert hub.files("u/small")["README.md"].decode().startswith(f"---\n{line}library_name")


def test_a_second_push_replaces_prompts_that_are_gone(hub, pushed, folder, small):
    first = find_world(NAME)
    (folder / "prompts" / "01.png").unlink()
    push_world(folder, NAME)
    second = find_world(NAME)
    assert second != first and small.tree(second) == small.tree(folder)
    assert find_world(f"{NAME}@{pushed}") == first


def test_a_branch_is_pushed_and_fetched_by_its_name(hub, pushed, folder, small):
    small.write_world(folder, small.make_models(seed=9))
    assert cli.main(["push", str(folder), NAME, "--revision", "dev/next"]) == 0
    push_world(folder, NAME, revision="dev/next")
    assert load_bundle(f"{NAME}@dev/next").fingerprint == load_bundle(folder).fingerprint
    assert find_world(NAME).name == pushed


def test_a_private_world_needs_its_owner(hub, world_folder, monkeypatch, capsys):
    assert cli.main(["push", str(world_folder), NAME, "--private"]) == 0
    find_world(NAME)
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    capsys.readouterr()
    assert cli.main(["play", NAME, "--headless", "--frames", "1"]) == 2
    assert "hf auth login" in one_line(capsys)


def one_line(capsys):
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("genie: ")
    return said


def test_a_private_push_to_a_public_name_sends_nothing(hub, pushed, folder):
    with pytest.raises(ValueError, match="is public: nothing was sent"):
        push_world(folder, NAME, private=True)
    assert hub.sha("u/small") == pushed


def test_the_commit_that_is_here_is_played_without_asking(hub, pushed):
    found = find_world(NAME)
    hub.asked.clear()
    assert find_world(f"{NAME}@{pushed}") == found
    assert hub.asked == []
    assert find_world(NAME) == found
    assert hub.asked == ["GET /api/models/u/small"]


@pytest.mark.parametrize("how", ["down", "away"])
def test_without_a_network_the_last_copy_is_played_and_said(
    hub, pushed, monkeypatch, capsys, how, tmp_path
):
    found = find_world(NAME)
    if how == "down":
        hub.down = True
    else:
        import huggingface_hub

        def fail(*args, **options):
            raise huggingface_hub.errors.HTTPError("no route to host")

        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", fail)
    capsys.readouterr()
    assert find_world(NAME) == found
    assert "cannot be reached" in (said := capsys.readouterr().err)
    assert f"playing {NAME} as it came before, {pushed[:12]}" in said
    assert cli.main(["play", "hf://u/other", "--headless", "--frames", "1"]) == 2
    assert "is not here from an earlier play" in one_line(capsys)
    file = found / "keymap.json"
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(ValueError, match=r"keymap\.json is damaged"):
        find_world(f"{NAME}@{pushed}")


def test_a_closed_port_is_one_line(hub, monkeypatch, capsys):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert cli.main(["play", NAME, "--headless", "--frames", "1"]) == 2
    assert "http://127.0.0.1:9 cannot be reached" in one_line(capsys)


@pytest.mark.parametrize("damage", ["lose", "flip", "add"])
def test_a_damaged_copy_is_fetched_again(hub, pushed, world_folder, small, damage):
    found = find_world(NAME)
    file = found / "prompts" / ("02.png" if damage == "add" else "01.png")
    if damage == "lose":
        file.unlink()
    else:
        file.write_bytes(b"new" if damage == "add" else change(file.read_bytes()))
    assert find_world(f"{NAME}@{pushed}") == found
    assert small.tree(found) == small.tree(world_folder)


def test_other_files_are_not_fetched(hub, pushed, world_folder, small, tmp_path):
    others = (
        *("evil.py", "weights.pt", "pytorch_model.bin", "x.pkl", "config.json", "a.safetensors"),
        *("prompts/.x.png", "prompts/a/b.png", "prompts/x.py", "old/world.json", "World.json"),
        *("../world.json", "prompts/../../x.png", "prompts\\x.png", "C:world.json"),
    )
    hub.commit("u/small", dict.fromkeys(others, b"evil"))
    hub.asked.clear()
    found = find_world(NAME)
    assert small.tree(found) == small.tree(world_folder)
    assert sorted(hub.downloads()) == sorted(small.tree(world_folder))
    kinds = {file.suffix for file in (tmp_path / "home").rglob("*") if file.is_file()}
    assert kinds == {".json", ".png", ".safetensors", ""}  # "": the branch's commit


@pytest.mark.parametrize(
    "file", ["world.json", "keymap.json", "tokenizer.safetensors", "dynamics.safetensors"]
)
def test_a_tampered_file_is_refused_by_its_name(hub, pushed, file, capsys):
    data = hub.files("u/small")[file]
    hub.commit("u/small", {file: change(data) if file[-1] == "s" else b"{}"})
    assert cli.main(["play", NAME, "--headless", "--frames", "1"]) == 2
    assert file in one_line(capsys)


@pytest.mark.parametrize("file", ["statistics.json", "lam.safetensors", "prompts/00.png"])
def test_a_file_that_changes_on_the_way_is_refused_by_its_name(hub, pushed, file, tmp_path):
    hub.altered[file] = change(hub.files("u/small")[file])
    with pytest.raises(ValueError, match=f"{file} of {NAME}@{pushed} is not the file"):
        find_world(NAME)
    assert not list((tmp_path / "home").rglob("*.png"))


@pytest.mark.parametrize("claim", [300 << 20, None])
def test_what_is_too_large_is_refused_before_it_is_fetched(hub, pushed, claim):
    hub.claims["tokenizer.safetensors"] = claim
    hub.asked.clear()
    with pytest.raises(ValueError, match="more than 256 MiB" if claim else "how large"):
        find_world(NAME)
    assert hub.downloads() == []


def test_too_many_files_are_refused_before_they_are_fetched(hub, pushed):
    hub.commit("u/small", {f"prompts/{number:03d}.png": b"" for number in range(100)})
    hub.asked.clear()
    with pytest.raises(ValueError, match="100 files"):
        find_world(NAME)
    assert hub.downloads() == []


def test_a_repository_without_a_world_is_one_line(hub, pushed):
    hub.commit("u/small", {"world.json": None})
    with pytest.raises(ValueError, match=r"holds no world\.json at its top"):
        find_world(NAME)


def test_what_is_not_there_is_named(hub, pushed):
    with pytest.raises(FileNotFoundError, match="no world at hf://u/none"):
        find_world("hf://u/none")
    with pytest.raises(FileNotFoundError, match="hf://u/small has no revision 'v9'"):
        find_world(f"{NAME}@v9")


def test_a_bad_name_is_refused_before_the_hub_is_asked(hub, world_folder):
    for name in (
        *("hf://", "hf://x", "hf://a/b/c", "hf://a b/c", "hf://a/b@", "hf://a/b@x y", "hf://../b"),
        *("hf://a/..", "hf://a/b@../c", "hf://-a/b", "hf://a/b?x=1", "hf://a/b\n", "hf://ä/b"),
    ):
        with pytest.raises(ValueError, match="names no world on a hub"):
            find_world(name)
        with pytest.raises(ValueError, match="names no world on a hub"):
            push_world(world_folder, name)
    assert hub.asked == []


def test_names_are_read():
    assert HubName.parse("hf://a/b@v1.0/x") == HubName(repo="a/b", revision="v1.0/x")
    assert [HubName.parse(f"hf://a/b@{'a' * n}").pinned for n in (39, 40)] == [False, True]


def test_a_push_without_a_login_or_a_right_says_so(hub, world_folder, monkeypatch, capsys):
    push = ["push", str(world_folder), NAME]
    assert cli.main(["push", str(world_folder), "hf://other/small"]) == 2
    assert "no right" in one_line(capsys)
    monkeypatch.setenv("HF_TOKEN", "hf_stale")
    assert cli.main(push) == 2
    assert "hf auth login" in one_line(capsys)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    hub.asked.clear()
    assert cli.main(push) == 2
    assert "not logged in" in one_line(capsys)
    assert cli.main(["push", "nowhere", NAME]) == 2
    assert "no world is called 'nowhere'" in one_line(capsys)
    assert cli.main(["push", str(world_folder), f"{NAME}@dev"]) == 2
    assert "--revision" in one_line(capsys)
    assert hub.asked == [] and hub.repos == {}


def test_a_push_to_a_hub_that_is_down_is_one_line(hub, world_folder, capsys):
    hub.down = True
    assert cli.main(["push", str(world_folder), NAME]) == 2
    assert "cannot be reached" in one_line(capsys)


def test_without_the_package_its_extra_is_named(hub, pushed, monkeypatch, capsys, world_folder):
    find_world(NAME)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for line in (["play", NAME, "--headless"], ["push", str(world_folder), NAME]):
        assert cli.main(line) == 2
        assert 'huggingface_hub is not installed: pip install "genie-worlds[hub]"' in one_line(
            capsys
        )
    find_world(f"{NAME}@{pushed}")


def test_two_hubs_keep_their_worlds_apart(hub, pushed, monkeypatch, tmp_path):
    found = find_world(NAME)
    shutil.move(found.parents[2], tmp_path / "home" / "data" / "hub" / "elsewhere")
    hub.down = True
    with pytest.raises(OSError, match="is not here from an earlier play"):
        find_world(NAME)
