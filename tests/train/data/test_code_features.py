"""What codes look like, and what codes with the same features have in common."""

import numpy as np
import pytest
import torch

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from dynamics.model import Dynamics, DynamicsConfig
from spacetime.quantize import FiniteScalarQuantizer
from train.data.code_features import (
    ByFeatures,
    code_digits,
    code_looks,
    share_by_features,
    without_features,
)
from train.data.frames import Frames
from train.loop.clock import Clock

GRID, PATCH, CODES = (2, 3), 4, 6
CONFIG = DynamicsConfig(num_tokens=6, num_codes=CODES, num_actions=2, dim=8, heads=2, layers=1)


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """Frames of patches of a colour each, and their tokens: 0 to 3 are greys, 5 never occurs."""
    rng = np.random.default_rng(0)
    ids = rng.choice([0, 1, 2, 3, 4], (40, 6))
    colours = np.array([(20,) * 3, (24,) * 3, (200,) * 3, (204,) * 3, (250, 0, 0), (0, 0, 0)])
    frames = colours[ids].reshape(-1, *GRID, 3).repeat(PATCH, 1).repeat(PATCH, 2)
    path = tmp_path_factory.mktemp("painted") / "c"
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, frames.shape[1:3], card, False)
    for part in np.split(frames.astype(np.uint8), 4):
        writer.add(part)
        writer.end_episode({"file": "x"}, None)
    writer.finish()
    return Frames(Corpus.open(path)), ids


def test_codes_that_show_the_same_have_looks_side_by_side(painted):
    looks = code_looks(*painted, GRID, CODES, clip=2, seed=0)
    apart = torch.cdist(looks, looks)
    assert apart[0, 1] < 0.1 * apart[0, 2] and apart[2, 3] < 0.1 * apart[2, 4]
    assert looks[5].eq(0).all()  # it was not seen
    assert torch.equal(looks, code_looks(*painted, GRID, CODES, clip=2, seed=0))


def test_digits_are_those_that_scalar_quantization_counts_by():
    quantizer = FiniteScalarQuantizer((3, 2))
    digits = code_digits(quantizer.levels)
    assert digits.shape == (6, 5) and digits.sum(dim=1).eq(2).all()
    places = quantizer.lookup(torch.arange(6))
    for channel, columns in enumerate((digits[:, :3], digits[:, 3:])):
        alike = places[:, None, channel] == places[None, :, channel]
        assert torch.equal(columns @ columns.T > 0, alike)


def test_where_all_codes_look_alike_nothing_is_shared(painted):
    frames, ids = painted
    looks = code_looks(frames, np.full_like(ids, 3), GRID, CODES, clip=2, seed=0)
    assert looks.shape == (CODES, 0)
    model = Dynamics(CONFIG)
    share_by_features(model, looks)
    assert set(without_features(model).state_dict()) == set(Dynamics(CONFIG).state_dict())


def test_a_rare_code_learns_from_those_that_look_like_it(painted):
    looks = code_looks(*painted, GRID, CODES, clip=2, seed=0)
    shared = ByFeatures(looks, 4)
    table = torch.zeros(CODES + 1, 4)
    shared(table)[0].sum().backward()  # a step on code 0 alone
    with torch.no_grad():
        shared.shared -= shared.shared.grad
        moved = shared(table).abs().sum(dim=1)
    assert moved[1] > 0.5 * moved[0] and moved[5] == moved[CODES] == 0


@pytest.mark.parametrize("moves", [None, ((0, 0), (0, 1))])
def test_what_is_written_is_plain_and_computes_the_same(painted, moves):
    torch.manual_seed(0)
    grid = None if moves is None else GRID
    config = DynamicsConfig(
        num_tokens=6, num_codes=CODES, num_actions=2, dim=8, heads=2, layers=1, grid=grid,
        moves=moves,
    )  # fmt: skip
    model = Dynamics(config)
    ids, known = torch.randint(CODES, (2, 3, 6)), {}
    if moves is not None:
        torch.nn.init.normal_(model.recalled.weight)
        known = {"recalled": ids}
    clips = ids, torch.randint(2, (2, 2)), torch.ones(2, 3, 6, dtype=torch.bool)
    begun = model(*clips, **known)
    share_by_features(model, code_looks(*painted, GRID, CODES, clip=2, seed=0))
    assert torch.equal(model(*clips, **known), begun)  # at first they have nothing in common
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("shared"):
                weight.normal_()
    learned, plain = model(*clips, **known), without_features(model)
    assert set(plain.state_dict()) == set(Dynamics(config).state_dict())
    torch.testing.assert_close(plain(*clips, **known), learned)
    assert not torch.allclose(learned, begun)
    model.load_state_dict(model.state_dict())  # the copy took nothing from it
    assert torch.equal(model(*clips, **known), learned)


def test_a_fit_that_was_begun_without_features_goes_on_without(tiny, tmp_path):
    """Checkpoints of the version before have none."""
    new = tiny.make_module("dynamics", None)
    old = tiny.make_module("dynamics", None, Clock(total_steps=4))
    old.before_resume(())
    assert old.shares_features is False
    names = set(Dynamics(old.model.config).state_dict())
    assert set(old.model.state_dict()) == set(old.average.state_dict()) == names
    tiny.fit(old, tmp_path)
    tiny.fit(new, tmp_path)
    assert set(new.model.state_dict()) == names and new.clock.finished
    assert new.exported() is new.average
