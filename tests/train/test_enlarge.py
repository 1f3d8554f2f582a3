"""Runs that begin from a world of smaller frames."""

import numpy as np
import pytest
import torch

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from genie.library.bundle import load_bundle
from lam.shrunk.model import ShrunkActionModel
from train.enlarge import find_shrinking, is_enlarged, times_larger
from train.pipeline import train
from train.run_directory import RunDirectory
from train.warm_start import load_start_world


def write_large(path, small, change=lambda frames: frames):
    """The frames of a corpus with each pixel repeated, changed."""
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (2 * small.height, 2 * small.width), card, False)
    for index in range(small.num_episodes):
        frames = small.read(*small.episode(index))
        writer.add(change(frames.repeat(2, axis=1).repeat(2, axis=2)))
        writer.end_episode({"file": str(index)}, None)
    writer.finish()
    return Corpus.open(path)


@pytest.fixture(scope="module")
def large(finished, tmp_path_factory):
    return write_large(tmp_path_factory.mktemp("large") / "c", finished.corpus)


@pytest.fixture(scope="module")
def enlarged(finished, large, tmp_path_factory):
    out, world = tmp_path_factory.mktemp("enlarged") / "run", str(finished.out / "world")
    train("all", large.path, finished.recipe, out, start=world, allow_collapsed=True)
    return out


def test_the_tokens_and_actions_of_the_world_are_kept(finished, large, enlarged):
    before, after = (load_bundle(path / "world") for path in (finished.out, enlarged))
    assert (after.height, after.width) == (large.height, large.width)
    assert (after.info["height"], after.prompts[0].shape) == (
        large.height,
        (large.height, large.width, 3),
    )
    assert isinstance(after.lam, ShrunkActionModel)
    small, big = (torch.from_numpy(c.read(0, 20)[None]) for c in (finished.corpus, large))
    small, big = (clip.movedim(-1, -3).float() / 255 for clip in (small, big))
    assert torch.equal(after.lam.infer(big), before.lam.infer(small))
    same = after.tokenizer.encode(big) == before.tokenizer.encode(small)
    assert same.float().mean() > 0.98


def test_only_the_decoder_of_its_tokenizer_is_fitted(finished, large, enlarged):
    begun = load_start_world(str(finished.out / "world"), large)
    after = load_bundle(enlarged / "world").tokenizer.state_dict()
    moved = {n for n, w in begun.tokenizer.state_dict().items() if not torch.equal(w, after[n])}
    assert "to_pixels.weight" in moved
    assert not any(name.startswith(begun.tokenizer.ENCODER) for name in moved)
    assert (enlarged / "logs" / "tokenizer").exists() and not (enlarged / "logs" / "lam").exists()


def test_the_dynamics_goes_on_without_a_translation(finished, large, enlarged, monkeypatch):
    begun = load_start_world(str(finished.out / "world"), large)
    assert is_enlarged(begun) and not is_enlarged(load_bundle(enlarged / "world"))
    run = RunDirectory(out=enlarged, corpus=large, frames=None, recipe=None, options=None)
    assert run.same_codes(begun)
    begun.tokenizer.to_latent.bias.data += 0.1
    assert not run.same_codes(begun)


def test_minutes_are_shared_by_what_is_fitted(finished, large, tmp_path, capsys):
    world = str(finished.out / "world")
    train(
        "all", large.path, finished.recipe, tmp_path / "run", start=world, minutes=0.02,
        allow_collapsed=True,
    )  # fmt: skip
    assert "0.02 minutes: tokenizer 0.00667, dynamics 0.0133; encoding" in capsys.readouterr().out


def test_frames_that_are_no_whole_times_as_large_are_refused(finished, tiny, tmp_path):
    odd = tiny.write_corpus(tmp_path / "c", size=(32, 48))
    world = load_bundle(finished.out / "world")
    assert (times_larger(world, odd), times_larger(world, finished.corpus)) == (None, 1)
    with pytest.raises(ValueError, match="or larger by a whole factor"):
        load_start_world(str(finished.out / "world"), odd)


class KnownFrames(torch.nn.Module):
    """A tokenizer that has a token for each frame that it has seen, and knows no others."""

    def __init__(self, known):
        super().__init__()
        self.known = torch.nn.Parameter(known, requires_grad=False)

    def encode(self, frames):
        return torch.cdist(frames.flatten(2).flatten(0, 1), self.known.flatten(1)).argmin(dim=1)

    def decode(self, ids):
        return self.known[ids][:, None]


def speckle(frames):
    noise = np.random.default_rng(0).integers(0, 256, frames.shape, np.uint8)
    noise[:, 1::2, 1::2] = frames[:, 1::2, 1::2]
    return noise


def move_light_within_blocks(frames):
    moved = frames.astype(int)
    room = np.minimum(moved, 255 - moved)[:, ::2, ::2]
    by = np.minimum(np.random.default_rng(0).integers(0, 100, room.shape), room)
    moved[:, ::2, ::2] += by
    moved[:, 1::2, 1::2] -= by
    return moved.astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "wanted"), [(speckle, "middle"), (move_light_within_blocks, "mean")]
)
def test_pictures_are_shrunk_as_the_tokenizer_knows_them(finished, tmp_path, change, wanted):
    small = finished.corpus
    known = torch.from_numpy(small.read(0, small.num_frames)).movedim(-1, -3).float() / 255
    large = write_large(tmp_path / "c", small, change)
    assert find_shrinking(KnownFrames(known), large, 2, 0) == wanted


def test_an_enlarged_action_model_has_no_decoder_to_fit_on(finished, large, enlarged, tmp_path):
    world = str(enlarged / "world")
    with pytest.raises(ValueError, match="of kind shrunk, which has no decoder"):
        train("lam", large.path, finished.recipe, tmp_path / "run", start=world, decoder_only=True)
