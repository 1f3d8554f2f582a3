import numpy as np

from genie.library import prompt_choice
from genie.library.prompt_choice import (
    candidate_frames,
    candidate_rounds,
    choose_prompts,
    evenly,
    obedience,
    still_actions,
)


def frames_at(toy, *places):
    return np.stack([toy.draw(np.array(place)) for place in places])


def stuck_at_left(toy):
    """A world whose player cannot leave the column at the left."""

    class Stuck(toy.PerfectRollout):
        def next(self, actions):
            return toy.torch.where(self.ids[:, :1] > 0, toy.move(self.ids, actions), self.ids)

    return Stuck


def bundle_of(toy):
    keymap = toy.SimpleNamespace(idle=0, name_of=lambda action: toy.NAMES[action])
    return toy.make_bundle(keymap=keymap)


def bundle_that_reads_every_key(toy):
    """A world whose action model reads the key that is held, whatever the frames show."""

    class ReadsTheKeyAnyway(toy.ToyLam):
        def infer(self, frames):
            keys = toy.torch.arange(1, 4).repeat(len(frames) // 3)
            return keys[:, None].expand(-1, frames.shape[1] - 1)

    bundle = bundle_of(toy)
    bundle.lam = ReadsTheKeyAnyway()
    return bundle


def test_every_key_obeyed_scores_one(toy):
    frames = frames_at(toy, (0, 0), (2, 1))
    assert obedience(bundle_of(toy), toy.PerfectRollout, frames).tolist() == [1.0, 1.0]


def test_a_place_where_no_key_does_anything_scores_nothing_and_comes_last(toy):
    frames = frames_at(toy, (0, 2), (2, 2), (0, 1), (3, 3), (1, 1), (2, 0))
    scores = obedience(bundle_of(toy), stuck_at_left(toy), frames)
    assert (scores[[0, 2]] == 0).all() and (scores[[1, 3, 4, 5]] > 0).all()
    chosen = choose_prompts(bundle_of(toy), stuck_at_left(toy), [frames], 4)
    assert len(chosen) == 4
    stuck = [(frame == bad).all() for frame in chosen for bad in frames[[0, 2]]]
    assert not any(stuck)


def test_running_on_the_spot_counts_for_nothing_though_it_reads_back(toy):
    bundle = bundle_that_reads_every_key(toy)
    scores = obedience(bundle, stuck_at_left(toy), frames_at(toy, (0, 2), (2, 2)))
    assert scores[0] == 0 and scores[1] > 0.3


def test_a_pit_where_jumps_do_all_loses_to_ground_where_each_key_does_something():
    pit, ground = evenly(np.array([[1.0, 0.9, 0.0, 0.0], [0.5, 0.4, 0.4, 0.5]]))
    assert ground > pit
    assert evenly(np.array([[1.0, 1.0], [0.0, 0.0]])).tolist() == [1.0, 0.0]


def test_a_place_where_one_key_does_nothing_is_not_good(toy):
    """At the left edge two keys obey as ever, and the third by chance once in eight steps."""
    frames = frames_at(toy, (0, 2), (2, 2), (1, 1))

    class Edge(toy.PerfectRollout):
        steps = 0

        def next(self, actions):
            self.steps += 1
            moved = toy.move(self.ids, actions)
            blocked = (self.ids[:, :1] == 0) & (actions == 3)[:, None] & (self.steps % 8 > 0)
            return toy.torch.where(blocked, self.ids, moved)

    scores = obedience(bundle_of(toy), Edge, frames)
    assert 0.3 < scores[0] < prompt_choice.GOOD * scores.max() and scores[1] > 0.8 * scores.max()


def test_a_key_that_acts_nowhere_does_not_leave_the_choice_to_chance(toy):
    frames = frames_at(toy, *((row, column) for row in range(4) for column in range(4)))

    class DeadKey(toy.PerfectRollout):
        """*down* moves once in eight steps, and from one place only."""

        steps = 0

        def next(self, actions):
            self.steps += 1
            lucky = (self.ids == toy.torch.tensor([2, 2])).all(dim=1) & (self.steps % 8 == 1)
            dead = (actions == 3) & ~lucky
            return toy.torch.where(dead[:, None], self.ids, toy.move(self.ids, actions))

    scores = obedience(bundle_of(toy), DeadKey, frames)
    assert (scores >= prompt_choice.GOOD * scores.max()).all()


def test_candidates_come_from_inside_of_episodes_one_each(toy_corpus):
    frames = candidate_frames(toy_corpus, np.array([3, 5, 7]), seed=0)
    inside = [
        toy_corpus.frames[180 * episode + 18 : 180 * (episode + 1) - 18] for episode in (3, 5, 7)
    ]
    for frame, episode in zip(frames, inside, strict=True):
        assert (frame == episode).all(axis=(1, 2, 3)).any()
    assert (frames == candidate_frames(toy_corpus, np.array([3, 5, 7]), seed=0)).all()


def test_no_more_frames_come_back_than_there_are(toy):
    frames = frames_at(toy, (1, 1), (2, 2))
    assert len(choose_prompts(bundle_of(toy), toy.PerfectRollout, [frames], 8)) == 2


def test_good_frames_are_chosen_unlike_each_other(toy, monkeypatch):
    class Codes(toy.ToyTokenizer):
        """Tokens that tell rows apart, and not columns."""

        def encode(self, frames):
            return super().encode(frames)[..., 1:].expand(*frames.shape[:2], 2)

    bundle = bundle_of(toy)
    frames = frames_at(toy, (0, 1), (1, 1), (2, 1), (3, 1), (0, 2), (1, 3))
    assert (obedience(bundle, toy.PerfectRollout, frames) == 1).all()
    monkeypatch.setattr(prompt_choice, "obedience", lambda *_: np.ones(len(frames)))
    bundle.tokenizer = Codes()
    chosen = choose_prompts(bundle, toy.PerfectRollout, [frames], 3)
    rows = [int(np.argwhere(frame[..., 0] == 200)[0, 0]) // toy.CELL for frame in chosen]
    assert sorted(rows) == [1, 2, 3]


def test_what_is_good_by_luck_is_found_out_at_another_look(toy, monkeypatch):
    frames, looks = frames_at(toy, (0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1)), []
    lucky, bad = frames[0], frames[5]

    def look(bundle, make_rollout, part, seed):
        looks.append((len(part), seed))
        scores = np.full(len(part), 0.8)
        scores[[(frame == lucky).all() for frame in part]] = 1.0 if seed == 7 else 0.1
        scores[[(frame == bad).all() for frame in part]] = 0.3
        return scores

    monkeypatch.setattr(prompt_choice, "obedience", look)
    chosen = choose_prompts(bundle_of(toy), toy.PerfectRollout, [frames], 5, seed=7)
    assert len(chosen) == 4
    assert not any((frame == other).all() for frame in chosen for other in (lucky, bad))
    assert looks == [(6, 7), (6, 8), (6, 9)]


def test_more_candidates_are_asked_for_while_too_few_are_good(toy):
    stuck, free = frames_at(toy, (0, 2), (0, 1), (0, 0)), frames_at(toy, (2, 2), (3, 3), (1, 1))
    asked = []

    def rounds():
        for frames in (stuck, free, stuck, free):
            asked.append(len(frames))
            yield frames

    chosen = choose_prompts(bundle_of(toy), stuck_at_left(toy), rounds(), 2)
    assert len(asked) == 2 and all((frame == free).all(axis=(1, 2, 3)).any() for frame in chosen)
    choose_prompts(bundle_of(toy), toy.PerfectRollout, rounds(), 3)
    assert len(asked) == 3


def test_where_too_few_are_good_there_are_fewer_prompts(toy):
    free = frames_at(toy, (2, 2), (3, 3), (1, 1), (3, 1), (1, 3))
    stuck = frames_at(toy, (0, 2), (0, 1), (0, 0), (0, 3))
    for good, bad, expected in ((5, 4, 5), (2, 4, 4), (2, 1, 3), (0, 4, 4)):
        candidates = np.concatenate((free[:good], stuck[:bad]))
        chosen = choose_prompts(bundle_of(toy), stuck_at_left(toy), [candidates], 8)
        assert len(chosen) == expected
        told = [(frame == free).all(axis=(1, 2, 3)).any() for frame in chosen]
        assert sum(told) == good


def test_a_frame_that_is_drawn_again_is_no_other_candidate(toy):
    frames = frames_at(toy, (2, 2), (3, 3))
    chosen = choose_prompts(bundle_of(toy), toy.PerfectRollout, [frames, frames], 4)
    assert len(chosen) == 2


def test_rounds_of_candidates_are_other_frames_of_the_same_episodes(toy_corpus):
    episodes = np.array([3, 5, 7])
    first, second, *more = candidate_rounds(toy_corpus, episodes, 3, seed=0)
    assert len(more) == 1 and (first != second).any()
    assert (first == candidate_frames(toy_corpus, episodes, seed=0)).all()


def test_one_episode_gives_several_candidates(toy_corpus):
    frames = candidate_frames(toy_corpus, np.array([3, 3, 3, 3]), seed=0)
    assert len(np.unique(frames.reshape(4, -1), axis=0)) == 4


def test_actions_under_which_nothing_moves_are_found(toy):
    class Dead(toy.PerfectRollout):
        def next(self, actions):
            return self.ids

    bundle, prompts = bundle_of(toy), list(frames_at(toy, (1, 1), (2, 2)))
    assert still_actions(bundle, Dead, prompts) == list(range(bundle.num_actions))
    assert still_actions(bundle, toy.PerfectRollout, prompts) == [0]


def test_what_moves_by_itself_is_no_obedience(toy):
    class Flickers(toy.PerfectRollout):
        """A ball moves at each step, whatever is played; the player is stuck."""

        def next(self, actions):
            return toy.move(self.ids, toy.torch.full_like(actions, 3))

    bundle = bundle_that_reads_every_key(toy)
    assert obedience(bundle, Flickers, frames_at(toy, (0, 2), (2, 2))).tolist() == [0.0, 0.0]
