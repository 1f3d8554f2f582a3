import pytest
import torch

from benchmarks.latent_actions.entries import ENTRIES, find_entry
from benchmarks.latent_actions.entries.beta_vae import normal_divergence
from benchmarks.latent_actions.entries.jepa import sigreg
from benchmarks.latent_actions.entries.laom import Laom, augment
from benchmarks.latent_actions.entries.representation import RepresentationConfig
from benchmarks.latent_actions.fit import count_parameters, fit_entry
from benchmarks.latent_actions.reading import read_codes
from benchmarks.latent_actions.record import corpus_path
from corpus.store import Corpus
from genie.registry import new_model
from train.export import load_model

WHOLE_FRAMES = [name for name in ENTRIES if name not in ("player_sprite", "auto")]


@pytest.mark.parametrize("name", WHOLE_FRAMES)
def test_an_entry_trains_reads_codes_and_loads_again(name, quick, data, square, tmp_path):
    entry, folder = quick(ENTRIES[name]), corpus_path(data, square, "train")
    lam = fit_entry(entry, folder, tmp_path / "run", seed=1)
    corpus = Corpus.open(folder)
    codes = read_codes(lam, corpus, progress=False)
    inside = torch.ones(corpus.num_frames, dtype=torch.bool)
    inside[corpus.episode_ends - 1] = False
    assert codes.shape == (corpus.num_frames,) and (codes[~inside] == -1).all()
    assert codes[inside].min() >= 0 and codes.max() < lam.config.num_actions
    assert codes[inside].unique().numel() > 1
    again = load_model(tmp_path / "run" / "lam", "lam")
    assert torch.equal(read_codes(again, corpus, progress=False), codes)


@pytest.mark.parametrize("name", [name for name in ENTRIES if name != "auto"])
def test_an_entry_has_at_most_a_million_parameters(name):
    entry = find_entry(name)
    entry.register()
    stage = entry.stage()
    box = {"box": (26, 30, 11, 4)} if name == "player_sprite" else {}
    lam = new_model("lam", stage.get("kind"), stage["model"], height=104, width=80, **box)
    assert 10_000 < count_parameters(lam) <= 1_000_000


def test_an_unknown_entry_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="genie_vq, lapo"):
        find_entry("mine")


def test_the_encoder_of_the_vq_learns_through_its_codes():
    entry = find_entry("genie_vq")
    entry.register()
    lam = new_model("lam", entry.name, {"channels": 4}, height=16, width=16)
    predicted, _, _ = lam.reconstruct(*torch.rand(2, 16, 3, 16, 16))
    predicted.square().mean().backward()
    assert lam.encoder.head[-1].weight.grad.abs().sum() > 0


def test_lapo_sees_the_frame_before():
    entry = find_entry("lapo")
    entry.register()
    torch.manual_seed(0)
    lam = new_model("lam", entry.name, {"channels": 4}, height=16, width=16).eval()
    lam.start_codes(torch.randn(64, lam.config.latent) * 0.1)
    frames = torch.rand(32, 3, 3, 16, 16)
    other = torch.cat((torch.rand(32, 1, 3, 16, 16), frames[:, 1:]), dim=1)
    assert not torch.equal(lam.infer(frames)[:, 1], lam.infer(other)[:, 1])


def test_the_target_of_laom_follows_its_encoder_without_a_gradient():
    lam = Laom(RepresentationConfig(height=16, width=16, channels=4, dim=8))
    with torch.no_grad():
        for weight in lam.encoder.frames.parameters():
            weight.add_(1.0)
    before = [weight.clone() for weight in lam.target.parameters()]
    lam.update_target()
    for old, new in zip(before, lam.target.parameters(), strict=True):
        torch.testing.assert_close(new - old, torch.full_like(old, 0.01))
        assert not new.requires_grad


def test_augmentation_treats_the_frames_of_a_clip_alike():
    clips = torch.rand(4, 1, 3, 16, 16).expand(-1, 3, -1, -1, -1)
    changed = augment(clips)
    assert changed.shape == clips.shape
    torch.testing.assert_close(changed[:, 0], changed[:, 2])
    assert (changed - clips).abs().mean() > 0.01
    assert not torch.allclose(changed[0] - clips[0], changed[1] - clips[1], atol=0.01)


def test_sigreg_tells_a_normal_distribution_from_others():
    torch.manual_seed(0)
    normal = torch.randn(256, 8)
    fits = sigreg(normal)
    for other in (0.1 * normal, 3 * normal, normal + 1, normal * torch.tensor([1.0, 0] * 4)):
        assert sigreg(other) > 3 * fits


def test_divergence_from_the_normal_distribution_is_zero_only_there():
    zeros = torch.zeros(5, 3)
    assert normal_divergence(zeros, zeros) == 0
    assert normal_divergence(zeros + 2, zeros).item() == pytest.approx(3 * 2)
    assert normal_divergence(zeros, zeros - 1) > 0
