"""What each stage draws and what its loss is taken on: the trap is a loss on something else."""

import pytest
import torch
from torch import nn

from train.data.clips import to_float
from train.fit_dynamics import DynamicsMethod


class Answers(nn.Module):
    """In place of a dynamics: it is sure of the ids that `answer` makes of its arguments."""

    def __init__(self, answer, num_codes):
        super().__init__()
        self.answer, self.num_codes = answer, num_codes

    def forward(self, ids, actions, masked, history):
        answer = self.answer(ids, actions, masked, history)
        return 50.0 * nn.functional.one_hot(answer, self.num_codes).float()


@pytest.fixture
def dynamics(tiny, corpus):
    return tiny.make_module("dynamics", corpus, batch=32)


def loss_of(stage, answer):
    stage.model = Answers(answer, stage.encoded.num_codes)
    return stage.loss(*stage.draw(0))[0].item()


def test_the_dynamics_is_scored_on_the_ids_before_they_are_masked_or_corrupted(dynamics):
    dynamics.method = DynamicsMethod(corruption=0.9)
    assert loss_of(dynamics, lambda ids, actions, masked, history: ids) < 1e-6
    assert loss_of(dynamics, lambda ids, actions, masked, history: history) > 1
    assert loss_of(dynamics, lambda ids, *_: ids.roll(1, dims=1)) > 1
    assert loss_of(dynamics, lambda ids, *_: (ids + 1) % 9) > 1


def flaws(stage, method):
    """Where the history of a batch is not the true tokens, which are the targets, (B, T, N)."""
    stage.method, histories = method, []

    def keep(ids, actions, masked, history):
        histories.append(history != ids)
        return ids

    assert loss_of(stage, keep) < 1e-6
    return histories[0]


def test_own_draws_are_the_history_of_a_part_of_the_clips_and_never_the_target(dynamics):
    found = flaws(dynamics, DynamicsMethod(corruption=0.0, own_draws=0.25))
    assert dynamics.own_clips(32).tolist() == list(range(3, 32, 4))
    own = torch.zeros(32, dtype=torch.bool).index_fill_(0, dynamics.own_clips(32), True)
    assert found[own, 1:].float().mean() > 0.3
    assert not found[~own].any() and not found[:, 0].any()


def test_pasted_blocks_are_in_the_history_of_a_part_of_the_clips_and_never_a_target(dynamics):
    found = flaws(dynamics, DynamicsMethod(corruption=0.0, pasted=0.5))
    assert 4 < found.flatten(1).any(dim=1).sum() < 28
    assert not flaws(dynamics, DynamicsMethod(corruption=0.0)).any()


def test_visible_tokens_and_the_first_frame_bear_no_loss(dynamics):
    def right_where_it_counts(ids, actions, masked, history):
        counts = masked.clone()
        counts[:, 0] = False
        return torch.where(counts, ids, (ids + 1) % 9)

    assert loss_of(dynamics, right_where_it_counts) < 1e-6


def test_the_ids_of_a_clip_are_the_corpus_and_its_actions_lead_to_the_next_frame(dynamics):
    dynamics.method = DynamicsMethod(actions_dropped=0.0)
    encoded, frames = dynamics.encoded, dynamics.fit_config.frames
    ids, actions, _, _ = dynamics.draw(5)
    assert ids.shape == (32, frames, encoded.ids.shape[1])
    for clip, clip_actions in zip(ids.numpy(), actions.numpy(), strict=True):
        first = next(
            start
            for start in range(len(encoded.ids) - frames + 1)
            if (encoded.ids[start : start + frames] == clip).all()
        )
        assert (clip_actions == encoded.actions[first : first + frames - 1]).all()
        assert (clip_actions >= 0).all()  # −1 would be a step across an episode's end


def test_a_fraction_of_its_actions_is_withheld(dynamics):
    actions = torch.cat([dynamics.draw(step)[1].flatten() for step in range(60)])
    assert (actions == dynamics.encoded.num_actions).float().mean() == pytest.approx(
        DynamicsMethod.actions_dropped, abs=0.02
    )


def test_latent_actions_are_scored_on_the_next_frame(tiny, corpus, monkeypatch):
    stage = tiny.make_module("lam", corpus)
    (frames,) = stage.draw(0)
    before, after = to_float(frames).unbind(dim=1)
    losses = {}
    for name, answer in (("next", after), ("same", before), ("grey", after * 0 + 0.5)):
        monkeypatch.setattr(type(stage.model.decoder), "forward", lambda *_, a=answer: a)
        losses[name] = stage.loss(frames)[0].item()
    assert losses["next"] < 0.01 * min(losses["same"], losses["grey"])


def test_the_tokenizer_is_scored_on_its_own_frame(tiny, corpus, monkeypatch):
    stage = tiny.make_module("tokenizer", corpus)
    (frames,) = stage.draw(0)
    own = to_float(frames)
    losses = {}
    for name, answer in (("own", own), ("other", own.flip(1)), ("grey", own * 0 + 0.5)):
        monkeypatch.setattr(stage.model, "render", lambda _, a=answer: a)
        losses[name] = stage.loss(frames)[0].item()
    assert losses["own"] < 0.01 * min(losses["other"], losses["grey"])
