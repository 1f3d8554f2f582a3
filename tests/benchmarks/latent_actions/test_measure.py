import json
from pathlib import Path

import pytest
import torch

from benchmarks.latent_actions import reading
from benchmarks.latent_actions.common_decoder import additivity, fit_decoder, score_one_step
from benchmarks.latent_actions.measure import groups_of_codes, held_runs, measure, read_back
from benchmarks.latent_actions.reading import ceiling_of, label, read_codes
from benchmarks.latent_actions.record import corpus_path
from benchmarks.lines import read_lines
from corpus.store import Corpus
from genie.evaluate.metrics.probe import PROBE, Ceiling

PERFECT = Ceiling(balanced_accuracy=1.0, labelled=1000, weak=True)


@pytest.fixture
def perfect_probe(monkeypatch, data, square):
    """A probe that costs no time; returns how often it was fitted."""
    calls = []
    monkeypatch.setattr(reading, "fit_ceiling", lambda *_: calls.append(1) or PERFECT)
    yield calls
    corpus_path(data, square, "test").with_name("square-test.ceiling.json").unlink(missing_ok=True)


def test_perfect_codes_have_perfect_figures(perfect_probe, readers, square, data):
    found = measure(readers.mark, square, data, decoder_steps=40, progress=False)
    assert found["share_of_ceiling"] == pytest.approx(1)
    assert found["read_back"] == found["blocked"] == 1
    assert found["blocked_transitions"] > 50 and found["code_shares"][3] == 0
    assert found["delta_psnr"] > 0.3


def test_codes_of_motion_read_no_key_at_a_wall(perfect_probe, readers, square, data):
    found = measure(readers.motion, square, data, decoder_steps=1, progress=False)
    assert found["blocked"] == 0
    assert 0.2 < found["share_of_ceiling"] < 0.95
    assert 0 < found["read_back"] < 0.9


def test_held_keys_are_read_back_on_test_levels_only(
    perfect_probe, readers, square, data, tmp_path
):
    for split in ("train", "test"):
        (tmp_path / f"square-{split}").symlink_to(corpus_path(data, square, split))
    (tmp_path / "square-dev").symlink_to(corpus_path(data, square, "test"))
    found = measure(readers.mark, square, tmp_path, "dev", decoder_steps=1, progress=False)
    assert found["read_back"] is None


def test_a_hold_is_thirty_equal_actions_and_its_first_thirty_count():
    actions = torch.tensor([0] * 29 + [1] * 31 + [-1] + [2] * 30 + [-1] * 40)
    assert held_runs(actions).tolist() == [29, 61]
    codes = actions.clone()
    codes[59] = 0  # the 31st of its hold
    assert read_back(codes, actions, actions, torch.arange(3)) == 1
    codes[61:76] = 0  # half of the other hold
    assert read_back(codes, actions, actions, torch.arange(3)) == pytest.approx(0.75)
    assert read_back(codes[:29], actions[:29], actions[:29], torch.arange(3)) is None


def test_read_back_weighs_groups_alike():
    actions = torch.tensor([0] * 30 + [1] * 30 + [0] * 30 + [2] * 30)
    codes = torch.where(actions == 0, 0, 1)
    groups = torch.tensor([0, 1, 1])[actions]
    assert read_back(codes, actions, groups, torch.tensor([0, 0])) == pytest.approx(0.5)


def test_a_code_that_the_map_never_saw_goes_to_no_group():
    groups = groups_of_codes((1, 0, 2), torch.tensor([0, 2, 2]), 5)
    assert groups.tolist() == [1, -1, 2, -1, -1]


def brighten(frames, codes):
    return frames + 0.1 * (codes[:, None, None, None] - 1)


def test_exact_opposites_are_additive_and_equal_codes_are_not():
    frames = torch.rand(8, 3, 16, 16)
    assert additivity(brighten, frames, [([0], [2])]) == pytest.approx(1)
    assert additivity(brighten, frames, [([2], [2])]) == 0
    assert additivity(brighten, frames, [([0], [2]), ([2], [2])]) == pytest.approx(0.5)
    assert additivity(brighten, frames, [([0], [2, 3])]) < 0.9


def test_additivity_needs_codes_on_both_sides_that_change_something():
    frames = torch.rand(8, 3, 16, 16)
    assert additivity(brighten, frames, [([0], [])]) is None
    assert additivity(brighten, frames, [([1], [1])]) is None


def test_the_common_decoder_tells_good_codes_from_shuffled_ones(readers, data, square):
    corpus = Corpus.open(corpus_path(data, square, "train"))
    codes = read_codes(readers.mark, corpus, progress=False)
    shuffled = codes.clone()
    inside = codes >= 0
    shuffled[inside] = codes[inside][torch.randperm(int(inside.sum()))]
    good, bad = (
        score_one_step(fit_decoder(corpus, given, 3, 40, progress=False), corpus, given, 3)
        for given in (codes, shuffled)
    )
    assert good.delta_psnr > bad.delta_psnr + 0.3
    assert good.inferred_psnr > good.frozen_psnr
    assert good.decided.share > 0.5
    assert good.decided.nearer > 0.8


def test_an_episode_is_read_in_pieces_as_in_one(readers, data, square, monkeypatch):
    corpus = Corpus.open(corpus_path(data, square, "train"))
    lam = readers.mark
    marks = lam.infer
    # What was pressed before: it needs the frame before each transition.
    lam.infer = lambda frames: torch.cat((marks(frames)[:, :1], marks(frames)[:, :-1]), dim=1)
    whole = read_codes(lam, corpus, progress=False)
    monkeypatch.setattr(reading, "PIECE", 7)
    assert torch.equal(read_codes(lam, corpus, progress=False), whole)
    monkeypatch.setattr(reading, "CONTEXT", 0)
    assert not torch.equal(read_codes(lam, corpus, progress=False), whole)


def test_episode_readers_read_whole_episodes(readers, data, square, monkeypatch):
    corpus, lam = Corpus.open(corpus_path(data, square, "train")), readers.mark
    lengths = []
    lam.observe = lambda frames: lam.infer(frames)[..., None].float()
    lam.read = lambda seen, episodes=None: lengths.append(seen.shape[1]) or seen[..., 0].long()
    plain = read_codes(type(lam)(), corpus, progress=False)
    monkeypatch.setattr(reading, "PIECE", 7)
    assert torch.equal(read_codes(lam, corpus, progress=False), plain)
    assert sum(lengths) == corpus.num_frames - corpus.num_episodes


def test_the_ceiling_is_fitted_once_for_a_corpus_and_its_groups(perfect_probe, data, square):
    corpus = Corpus.open(corpus_path(data, square, "test"))
    true = label(corpus, square)
    for _ in range(2):
        assert ceiling_of(corpus, square, true, progress=False) == PERFECT
    assert len(perfect_probe) == 1
    from dataclasses import replace

    other = replace(square, groups={"left": [1], "right": [2]}, resting=())
    ceiling_of(corpus, other, label(corpus, other), progress=False)
    assert len(perfect_probe) == 2


def test_the_ceiling_of_a_recording_that_is_the_shipped_one_is_not_fitted_again(
    perfect_probe, data, square, tmp_path, monkeypatch
):
    corpus = Corpus.open(corpus_path(data, square, "test"))
    true = label(corpus, square)
    ceiling_of(corpus, square, true, progress=False)
    beside = corpus.path.with_name("square-test.ceiling.json")
    kept = json.loads(beside.read_text())
    beside.unlink()
    shipped = {"balanced_accuracy": 0.7, "labelled": 9, "weak": True}
    monkeypatch.setattr(reading, "SHIPPED", tmp_path / "ceilings.json")
    for key, expected in ((kept["key"], Ceiling(**shipped)), ("another recording", PERFECT)):
        reading.SHIPPED.write_text(json.dumps({"square": shipped | {"key": key}}))
        assert ceiling_of(corpus, square, true, progress=False) == expected
    assert len(perfect_probe) == 2


def test_shipped_ceilings_are_those_of_the_lines_of_the_table():
    lines = read_lines(Path(reading.__file__).with_name("results.jsonl"))
    figures = [(line["game"], line["figures"]) for line in lines if line["outcome"] == "found"]
    for game, shipped in json.loads(reading.SHIPPED.read_text()).items():
        mine = [found for name, found in figures if name == game and found.get("probe") == PROBE]
        assert mine and all(found["ceiling"] == shipped["balanced_accuracy"] for found in mine)
        assert all(found["weak_ceiling"] == shipped["weak"] for found in mine)
