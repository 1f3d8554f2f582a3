"""A policy: what it is given, what it answers, and its folder."""

import json

import numpy as np
import pytest
import torch

from genie.agents.policy import (
    Policy,
    PolicyConfig,
    PolicyNetwork,
    choose,
    load_policy,
    save_policy,
)


@pytest.fixture
def policy():
    torch.manual_seed(0)
    network = PolicyNetwork(PolicyConfig(height=16, width=24, num_actions=3, channels=4))
    return Policy(
        network=network.eval().requires_grad_(False),
        buttons=(1, 7, 5), names=("a", "b"), made_of={"world": "w"},
    )  # fmt: skip


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), np.uint8)


def test_a_loaded_policy_acts_as_the_saved_one(policy, frames, tmp_path):
    save_policy(tmp_path / "p", policy)
    loaded = load_policy(tmp_path / "p")
    chances = policy.probabilities(frames, frames[::-1])
    assert torch.equal(loaded.probabilities(frames, frames[::-1]), chances)
    assert loaded.act(frames[0], frames[1]) == int(chances[0].argmax())
    assert (loaded.buttons, loaded.names, loaded.made_of) == ((1, 7, 5), ("a", "b"), {"world": "w"})


def test_both_frames_matter_and_their_order(policy, frames):
    now, before = frames[:1], frames[1:]
    assert not torch.equal(policy.probabilities(now, before), policy.probabilities(before, now))


def test_drawn_actions_follow_their_probabilities():
    chances = torch.tensor([[0.1, 0.9]]).expand(2000, 2)
    drawn = choose(chances, torch.Generator().manual_seed(0))
    assert 0.87 < drawn.float().mean() < 0.93
    assert (choose(chances) == 1).all()


class OnAnotherDevice:
    """Logits of a network on a GPU: no generator of the processor draws from them."""

    def __init__(self, chances):
        self.chances = chances

    def softmax(self, dim):
        return self

    def cpu(self):
        return self.chances


def test_actions_are_drawn_on_the_processor_wherever_the_network_is(policy, frames, monkeypatch):
    chances = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    monkeypatch.setattr(PolicyNetwork, "forward", lambda *_: OnAnotherDevice(chances))
    drawn = choose(policy.probabilities(frames, frames), torch.Generator().manual_seed(0))
    assert drawn.tolist() == [1, 2]
    assert policy.act(frames[0], frames[1], torch.Generator().manual_seed(0)) == 1


def test_frames_of_another_size_or_type_are_refused(policy, frames):
    for wrong in (frames[:, :8], frames.astype(np.float32)):
        with pytest.raises(ValueError, match=r"give uint8 \(B, 16, 24, 3\)"):
            policy.probabilities(wrong, wrong)


def test_a_button_needs_labels_and_an_action_that_exists(policy):
    assert policy.button(1) == 7
    with pytest.raises(ValueError, match="there are 0 to 2"):
        policy.button(3)
    with pytest.raises(ValueError, match="--labels FILE"):
        Policy(network=policy.network).button(0)


@pytest.mark.parametrize(
    "sizes", [{"height": 4}, {"num_actions": 0}, {"patch": 17}, {"hidden": 1e3}]
)
def test_sizes_out_of_range_are_refused(sizes):
    with pytest.raises(ValueError, match="must be|do not fit"):
        PolicyConfig(**{"height": 16, "width": 16, "num_actions": 3, **sizes})


def test_sizes_that_would_fill_the_memory_together_are_refused():
    usual = PolicyConfig(height=1024, width=1024, num_actions=256)
    with torch.device("meta"):
        weights = sum(weight.numel() for weight in PolicyNetwork(usual).parameters())
    assert usual.num_weights == weights
    with pytest.raises(ValueError, match="268,435,456 are allowed: take larger patches"):
        PolicyConfig(height=1024, width=1024, num_actions=3, patch=1, channels=256, hidden=4096)


def test_a_record_that_names_larger_weights_than_there_are_builds_nothing(
    policy, tmp_path, monkeypatch
):
    save_policy(tmp_path, policy)
    record = json.loads((tmp_path / "policy.json").read_text())
    record["config"] |= {"hidden": 4096, "channels": 32}
    (tmp_path / "policy.json").write_text(json.dumps(record))
    built = []
    initialise = torch.nn.Linear.__init__
    monkeypatch.setattr(
        torch.nn.Linear, "__init__",
        lambda layer, *sizes: initialise(layer, *sizes) or built.append(layer.weight.device.type),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"'choose.0.bias' of its weights has the sizes \(128,\)"):
        load_policy(tmp_path)
    assert set(built) == {"meta"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "not a policy of format 1"),
        ({"fingerprint": "0"}, "not those that it names.*: genie train policy --resume writes it"),
        ({"buttons": [1, 2]}, "buttons must be 3 numbers"),
        ({"config": {"height": 1 << 20}}, "holds no policy"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(policy, tmp_path, change, words):
    save_policy(tmp_path, policy)
    record = json.loads((tmp_path / "policy.json").read_text())
    (tmp_path / "policy.json").write_text(json.dumps(record | change))
    with pytest.raises(ValueError, match=words):
        load_policy(tmp_path)
