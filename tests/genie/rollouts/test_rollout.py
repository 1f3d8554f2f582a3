"""The batched engine: neighbours change nothing, and every frame can be drawn again alone."""

import dataclasses

import pytest
import torch

from dynamics.sampler import draw_noise
from genie.rollouts.rollout import Rollout

SEEDS = (7, 3, 11)


@pytest.fixture(scope="module")
def prompts(bundle):
    """ids (3, 2, N) and actions (3, 1): another prompt for each seed."""
    generator = torch.Generator().manual_seed(0)
    shape = (len(SEEDS), 2, bundle.tokenizer.num_tokens)
    ids = torch.randint(bundle.tokenizer.num_codes, shape, generator=generator)
    return ids, torch.tensor([[1], [2], [0]])


@pytest.fixture(scope="module")
def keys(small):
    """Actions (LONG, 3): other keys for each seed."""
    return torch.tensor(small.actions_of(small.LONG * len(SEEDS))).reshape(-1, len(SEEDS))


def play(rollout, ids, actions, keys):
    """Tokens (T, B, N) and frames (T, B, H, W, 3) of the prompt and of all that follows."""
    shown = rollout.reset(ids, actions)
    steps = [rollout.step(row) for row in keys]
    tokens = torch.cat((ids.movedim(1, 0), torch.stack([one for one, _ in steps])))
    frames = torch.cat((shown.movedim(1, 0), torch.stack([frame for _, frame in steps])))
    return tokens, frames


@pytest.fixture(scope="module")
def together(bundle, prompts, keys):
    return play(Rollout(bundle, SEEDS), *prompts, keys)


@pytest.mark.parametrize("index", range(len(SEEDS)))
def test_a_seed_plays_the_same_alone_as_among_neighbours(bundle, prompts, keys, together, index):
    one = slice(index, index + 1)
    tokens, frames = play(
        Rollout(bundle, SEEDS[one]), prompts[0][one], prompts[1][one], keys[:, one]
    )
    assert torch.equal(tokens, together[0][:, one])
    # Another batch size may sum in another order: a byte may round the other way.
    assert (frames.int() - together[1][:, one].int()).abs().max() <= 1


def test_every_frame_is_the_same_drawn_again_alone(bundle, prompts, keys, together):
    tokens, frames = together
    prev_actions = torch.cat((torch.full((1, 3), bundle.num_actions), prompts[1].T, keys))
    for t in (2, 3, 5, 9, len(tokens) - 1):
        rollout = Rollout(bundle, SEEDS)
        shown = rollout.restore(tokens[:t].movedim(0, 1), prev_actions[:t].T)
        assert rollout.frame == t
        assert torch.equal(shown, frames[t - 1])
        assert torch.equal(rollout.draw(prev_actions[t]), tokens[t])


def test_a_history_that_is_cut_too_short_would_be_seen(
    bundle, prompts, keys, together, small, monkeypatch
):
    tokens, frames = together
    prev_actions = torch.cat((torch.full((1, 3), bundle.num_actions), prompts[1].T, keys))
    rollout = Rollout(bundle, SEEDS)
    monkeypatch.setattr(Rollout, "memory", small.BAND)
    shown = rollout.restore(tokens[:-1].movedim(0, 1), prev_actions[:-1].T)
    difference = (shown.int() - frames[-2].int()).abs().max()
    assert difference > 5


def test_what_enters_the_history_again_does_not_grow_with_play(bundle, prompts, keys, together):
    tokens, _ = together
    prev_actions = torch.cat((torch.full((1, 3), bundle.num_actions), prompts[1].T, keys))
    rollout = Rollout(bundle, SEEDS)
    entered = []
    enter = rollout._enter
    rollout._enter = lambda *frame: entered.append(1) or enter(*frame)
    rollout.restore(tokens.movedim(0, 1), prev_actions.T)
    assert len(entered) == 5 < len(tokens)  # 2 layers, 2 frames of the past each, and the last


def test_drawing_alone_leaves_the_history_as_it_was(bundle, prompts):
    rollout = Rollout(bundle, SEEDS)
    rollout.reset(*prompts)
    before = rollout._history.keys.clone(), rollout._history.count, rollout.frame
    first = rollout.draw(torch.tensor([1, 2, 3]))
    assert torch.equal(first, rollout.draw(torch.tensor([1, 2, 3])))
    assert torch.equal(before[0], rollout._history.keys)
    assert before[1:] == (rollout._history.count, rollout.frame)


def test_seed_action_and_prompt_each_matter(bundle, prompts, keys, together):
    tokens, _ = together
    other_seed = play(Rollout(bundle, (8, 4, 12)), *prompts, keys)[0]
    other_keys = play(Rollout(bundle, SEEDS), *prompts, (keys + 1) % bundle.num_actions)[0]
    other_prompt = play(Rollout(bundle, SEEDS), prompts[0].flip(0), prompts[1], keys)[0]
    for other in (other_seed, other_keys, other_prompt):
        assert not torch.equal(other[2:], tokens[2:])


def test_the_action_between_prompt_frames_matters(bundle, prompts, keys):
    one = play(Rollout(bundle, SEEDS), prompts[0], prompts[1], keys[:4])[0]
    other = play(Rollout(bundle, SEEDS), prompts[0], (prompts[1] + 1) % 4, keys[:4])[0]
    assert not torch.equal(one[2:], other[2:])


def test_the_prompt_is_shown_as_the_tokenizer_draws_it(bundle, prompts):
    shown = Rollout(bundle, SEEDS).reset(*prompts)
    drawn = bundle.tokenizer.decode(prompts[0]).mul(255).round().movedim(2, -1)
    assert (shown.float() - drawn).abs().max() <= 1
    assert shown.dtype == torch.uint8


def test_settings_change_from_the_next_frame_on(bundle, prompts, keys, together):
    rollout = Rollout(bundle, SEEDS)
    rollout.reset(*prompts)
    first, _ = rollout.step(keys[0])
    assert torch.equal(first, together[0][2])
    rollout.settings = dataclasses.replace(rollout.settings, temperature=0.0, steps=1)
    second, _ = rollout.step(keys[1])
    leading = Rollout(bundle, SEEDS, rollout.settings)
    leading.reset(*prompts)
    assert not torch.equal(second, together[0][3])
    assert bundle.settings.steps == 2
    assert not torch.equal(leading.step(keys[0])[0], first)


def test_generated_pixels_are_never_encoded_again(bundle, prompts, keys, monkeypatch):
    rollout = Rollout(bundle, SEEDS)
    rollout.reset(*prompts)

    def refuse(*_):
        raise AssertionError("pixels were encoded")

    monkeypatch.setattr(type(bundle.tokenizer), "quantize", refuse)
    rollout.step(keys[0])


def test_a_step_before_reset_is_refused(bundle):
    with pytest.raises(ValueError, match="step before reset"):
        Rollout(bundle, [0]).step(torch.tensor([0]))


def test_a_reset_forgets_everything(bundle, prompts, keys, together):
    rollout = Rollout(bundle, SEEDS)
    play(rollout, prompts[0].flip(0), prompts[1], keys)
    assert torch.equal(play(rollout, *prompts, keys)[0], together[0])


def test_noise_of_a_frame_depends_on_its_seed_and_number_only():
    both = draw_noise([5, 6], frame=9, steps=3, tokens=4)
    assert torch.equal(both[1:], draw_noise([6], frame=9, steps=3, tokens=4))
    assert not torch.equal(both[1:], draw_noise([6], frame=10, steps=3, tokens=4))
    assert not torch.equal(both[0], both[1])


def test_each_frame_is_drawn_with_the_noise_of_its_own_number(bundle, prompts, keys, monkeypatch):
    asked = []

    def noted(seeds, frame, *sizes):
        asked.append((tuple(seeds), frame))
        return draw_noise(seeds, frame, *sizes)

    monkeypatch.setattr("genie.rollouts.rollout.draw_noise", noted)
    play(Rollout(bundle, SEEDS), *prompts, keys[:3])
    assert asked == [(SEEDS, 2), (SEEDS, 3), (SEEDS, 4)]


@pytest.mark.parametrize("after", [1, 9])
def test_a_copy_goes_on_as_the_original_would_and_leaves_it_alone(bundle, prompts, keys, after):
    rollout, plain = Rollout(bundle, SEEDS), Rollout(bundle, SEEDS)
    play(rollout, *prompts, keys[:after])
    play(plain, *prompts, keys[:after])
    fork = rollout.fork()
    drawn = [fork.step(row) for row in keys[after : after + 5]]
    for one, row in zip(drawn, keys[after : after + 5], strict=True):
        assert all(map(torch.equal, one, plain.step(row)))
    again = [rollout.step(row) for row in keys[after : after + 5]]
    assert all(torch.equal(one[0], two[0]) for one, two in zip(drawn, again, strict=True))


def test_what_is_replaced_in_a_copy_stays_in_the_original(bundle, prompts, keys):
    rollout, plain = Rollout(bundle, SEEDS), Rollout(bundle, SEEDS)
    ids, none = prompts[0][:1], torch.full((1, 2), bundle.num_actions)
    for one in (rollout, plain):
        play(one, *prompts, keys[:2])
        one.replace([0], [5], ids, none, [2])  # from here on each is at a frame of its own
    rollout.fork().replace([1], [9], ids, none, [2])
    for row in keys[2:6]:
        assert torch.equal(rollout.step(row)[0], plain.step(row)[0])
