"""Clips continued by the latent action model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from train.imagine import imagine_clips

FRAMES, COUNT = 6, 40


@pytest.fixture(scope="module")
def models(tiny):
    return tiny.make_readers()


@pytest.fixture(scope="module")
def encoded(tiny):
    return tiny.make_encoded()


def imagine(encoded, models, starts=(0, 25, 60), seed=0):
    return imagine_clips(
        encoded.ids, encoded.actions, np.array(starts), models,
        frames=FRAMES, count=COUNT, seed=seed,
    )  # fmt: skip


def test_the_first_half_is_recorded(encoded, models):
    ids, actions = imagine(encoded, models)
    assert (ids.shape, ids.dtype) == ((2 * COUNT, FRAMES, encoded.ids.shape[1]), np.uint16)
    assert (actions.shape, actions.dtype) == ((2 * COUNT, FRAMES - 1), np.int8)
    known = {encoded.ids[s : s + 3].tobytes(): encoded.actions[s : s + 2] for s in (0, 25, 60)}
    for clip, leads in zip(ids[:COUNT], actions, strict=False):
        assert np.array_equal(leads[:2], known[clip[:3].astype(np.int64).tobytes()])


def test_what_is_imagined_bears_the_actions_that_are_read_in_it(encoded, models):
    ids, actions = imagine(encoded, models)
    tokenizer, lam = models
    for clips, leads, first in (
        (ids[:COUNT], actions[:COUNT], 2),
        (ids[COUNT:], actions[COUNT:], 0),
    ):
        drawn = tokenizer.decode(torch.from_numpy(clips[:, first:].astype(np.int64)))
        assert np.array_equal(leads[:, first:], lam.infer(drawn).numpy())


def test_the_second_clip_follows_the_first(encoded, models):
    ids, _ = imagine(encoded, models)
    tokenizer, lam = models
    last = tokenizer.decode(torch.from_numpy(ids[:COUNT, -1:].astype(np.int64)))[:, 0]
    following = torch.stack(
        [
            tokenizer.encode(lam.predict(last, torch.full((COUNT,), action))[:, None])[:, 0]
            for action in range(lam.config.num_actions)
        ]
    )
    first = torch.from_numpy(ids[COUNT:, 0].astype(np.int64))
    assert (following == first).all(dim=-1).any(dim=0).all()  # one of the actions led there


def test_every_action_is_asked_for_from_the_same_frame(encoded, models):
    ids, _ = imagine(encoded, models, starts=(0,))
    following = {clip[3].tobytes() for clip in ids[:COUNT]}
    assert len(following) > 1  # one recorded frame, several things that happen next


def test_clips_begin_where_they_may(encoded, models):
    ids, _ = imagine(encoded, models, starts=(40,))
    assert (ids[:COUNT, :3] == encoded.ids[40:43]).all()


def test_the_same_seed_imagines_the_same(encoded, models):
    one, same, other = (imagine(encoded, models, seed=seed) for seed in (4, 4, 5))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize(("batch", "imagined"), [(6, 2), (3, 1), (1, 0)])
def test_a_third_of_a_training_batch_is_imagined(tiny, corpus, batch, imagined):
    stage = tiny.make_stage("dynamics", corpus, batch=batch)
    clips = np.full((5, 4, tiny.TOKENS), tiny.CODES - 1, np.uint16)
    leads = np.full((5, 3), tiny.ACTIONS - 1, np.int8)
    stage.encoded = replace(stage.encoded, imagined_ids=clips, imagined_actions=leads)
    ids, actions, hidden, history = stage.draw(0)
    assert len(ids) == len(actions) == len(hidden) == len(history) == batch
    assert int((ids == tiny.CODES - 1).all(dim=(1, 2)).sum()) == imagined
    assert int((actions == tiny.ACTIONS - 1).all(dim=1).sum()) == imagined
    again = stage.draw(0)
    assert torch.equal(ids, again[0]) and torch.equal(actions, again[1])


def test_an_encoding_without_imagined_clips_trains_on_recorded_ones(tiny, corpus):
    stage = tiny.make_stage("dynamics", corpus, batch=6)
    known = {clip.tobytes() for s in stage.starts for clip in [stage.encoded.ids[s : s + 4]]}
    assert all(clip.numpy().tobytes() in known for clip in stage.draw(0)[0])
