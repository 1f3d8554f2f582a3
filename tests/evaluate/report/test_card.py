import copy
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from genie.cli import main
from genie.evaluate.report.card import update_card, write_card
from genie.evaluate.report.provenance import describe_run

ROOT = Path(__file__).resolve().parents[3]
KEYMAP = {
    "format": 1,
    "idle": 0,
    "actions": [
        {"id": i, "name": name, "keys": [name], "effect": {}}
        for i, name in enumerate(("none", "right", "left", "down"))
    ],
}
INFO = {
    "name": "toy",
    "title": "Toy",
    "width": 16,
    "height": 16,
    "fps": 15.0,
    "fingerprint": "w0",
    "commit": "0123456789abcdef",
    "corpus": {"frames": 8640, "episodes": 48, "source": "squares", "licence": "none"},
    "made_with": {"recipe": "cpu", "seed": 3},
}


@pytest.fixture(scope="module")
def report(toy_report):
    return toy_report


@pytest.fixture
def world(tmp_path):
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "world.json").write_text(json.dumps(INFO))
    (folder / "keymap.json").write_text(json.dumps(KEYMAP))
    return folder


def test_the_command_writes_the_card_into_the_world(report, world, tmp_path, capsys):
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report))
    assert main(["card", str(file), str(world)]) == 0
    card = (world / "README.md").read_text()
    assert str(world / "README.md") in capsys.readouterr().out
    assert card.startswith("# Toy\n")
    assert f"{report['dynamics']['delta_psnr'][3]:.2f} dB" in card
    assert f"`{report['meta']['command']}`" in card and "8,640 frames" in card
    assert "Recipe `cpu`, seed 3, commit 0123456789ab" in card
    assert "| left | left, 2 |" in card and "weak" in card
    assert all(reason in card for reason in report["notes"].values())
    assert "allow-collapsed" not in card
    assert {path.name for path in world.iterdir()} == {"world.json", "keymap.json", "README.md"}


def test_a_world_on_collapsed_actions_says_so(report):
    judged = {"verdict": "collapsed", "reasons": ["one code does it all"], "allow_collapsed": True}
    keymap = SimpleNamespace(actions=[])
    card = write_card(report, {**INFO, "latent_actions": judged}, keymap)
    assert "`--allow-collapsed`" in card and "one code does it all" in card
    healthy = {"verdict": "healthy", "reasons": [], "allow_collapsed": True}
    assert "allow-collapsed" not in write_card(report, {**INFO, "latent_actions": healthy}, keymap)


def test_the_levels_are_named_where_they_are_known(report):
    keymap = SimpleNamespace(actions=[])
    assert "not trained on (levels 0 to 47);" in write_card(report, INFO, keymap)
    unknown = copy.deepcopy(report)
    unknown["meta"]["levels"] = None
    assert "not trained on; commit" in write_card(unknown, INFO, keymap)


@pytest.mark.parametrize(
    ("trained", "options", "said"),
    [
        ("c0", {}, "although the world was trained on this corpus"),
        ("all", {"corpus": "all"}, "trained on the corpus that this one is a part of"),
        ("c1", {"corpus": "all"}, "that were not trained on"),
    ],
)
def test_a_corpus_that_the_world_was_trained_on_is_named(
    toy, toy_corpus, report, trained, options, said
):
    card = SimpleNamespace(options=options, fingerprint="c0")
    info = {"commit": "abc", "corpus": {"fingerprint": trained}}
    context, notes = toy.make_context(replace(toy_corpus, card=card), info=info), {}
    describe_run(context, notes)
    noted = {**report, "notes": {**report["notes"], **notes}}
    assert said in write_card(noted, INFO, SimpleNamespace(actions=[]))
    assert ("meta.corpus" in notes) == ("not trained" not in said)


def test_reasons_of_a_verdict_stand_on_the_card(report):
    weak = copy.deepcopy(report)
    weak["lam"]["verdict"], weak["lam"]["reasons"] = "weak", ["code 3 is rare"]
    card = write_card(weak, INFO, SimpleNamespace(actions=[]))
    assert "Why the latent actions are weak:\n\n- code 3 is rare" in card


@pytest.mark.parametrize("name", ["coinrun", "crafter", "miner"])
def test_the_cards_that_ship_come_from_the_reports_that_ship(name, tmp_path):
    shipped = ROOT / "worlds" / name
    for file in ("world.json", "keymap.json"):
        shutil.copy(shipped / file, tmp_path)
    card = update_card(ROOT / "docs" / name / "report.json", tmp_path)
    assert card.read_bytes() == (shipped / "README.md").read_bytes()


def spoil(report, change):
    spoilt = copy.deepcopy(report)
    change(spoilt)
    return spoilt


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.update(format=2), "format 1"),
        (lambda r: r["meta"]["fingerprints"].update(world="other"), "another world"),
        (lambda r: r.pop("speed"), "lacks what a card says"),
    ],
)
def test_a_report_that_does_not_fit_is_one_line_and_leaves_the_card(
    report, world, tmp_path, change, words
):
    (world / "README.md").write_text("old")
    file = tmp_path / "report.json"
    file.write_text(json.dumps(spoil(report, change)))
    with pytest.raises(ValueError, match=words) as caught:
        update_card(file, world)
    assert "\n" not in str(caught.value)
    assert (world / "README.md").read_text() == "old"
