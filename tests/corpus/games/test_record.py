"""What a recording of a game holds, and which arguments are refused."""

import numpy as np
import pytest

import corpus.games.record
from corpus.store import Corpus


def test_a_recording_has_the_asked_frames_in_whole_episodes(tmp_path, gymnasium, counting):
    corpus = Corpus.open(counting.record(tmp_path / "out"))
    assert (corpus.num_frames, corpus.height, corpus.width, corpus.fps) == (100, 10, 14, 20.0)
    lengths = np.diff(corpus.episode_ends, prepend=0)
    assert lengths.max() == counting.LENGTH + 1 and lengths.min() >= 2
    assert corpus.source == "Count-v0" and corpus.card.options["hold"] == 30
    assert all(game.closed for game in gymnasium.made)


def test_an_episode_never_shows_a_frame_of_the_next_one(tmp_path, gymnasium, counting):
    corpus = Corpus.open(counting.record(tmp_path / "out", 120, num_games=3))
    for index in range(corpus.num_episodes):
        steps = corpus.read(*corpus.episode(index))[:, 0, 0, 0]
        assert steps.tolist() == list(range(len(steps)))


def test_true_actions_lead_from_their_frame_to_the_next(tmp_path, gymnasium, counting):
    corpus = Corpus.open(counting.record(tmp_path / "out", 120))
    actions = corpus.true_actions()
    shown = corpus.read(0, corpus.num_frames)[:, 0, 0, 1].astype(int)
    inside = np.setdiff1d(np.arange(corpus.num_frames), corpus.episode_ends - 1)
    assert (actions[inside] == shown[inside + 1] - counting.Discrete.start).all()
    assert (actions[corpus.episode_ends - 1] == -1).all()
    assert set(actions[inside]) == {0, 1, 2}


def test_a_recording_is_a_function_of_its_seed(tmp_path, gymnasium, counting):
    prints = [
        Corpus.open(counting.record(tmp_path / name, seed=seed)).fingerprint
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_levels_are_the_seeds_of_the_resets(tmp_path, gymnasium, counting):
    corpus = Corpus.open(counting.record(tmp_path / "out", 160, levels=(5, 9)))
    assert {record["level"] for record in corpus.provenance} == {5, 6, 7, 8}
    for index, record in enumerate(corpus.provenance):
        assert corpus.frames[corpus.episode(index)[0], 0, 0, 2] == record["level"]


def test_long_episodes_are_cut_so_that_memory_stays_bounded(
    tmp_path, gymnasium, monkeypatch, counting
):
    monkeypatch.setattr(corpus.games.record, "MAX_EPISODE", 4)
    read = Corpus.open(counting.record(tmp_path / "out", 80, num_games=2))
    assert np.diff(read.episode_ends, prepend=0).max() == 4
    steps = read.read(0, 80)[:, 0, 0, 0]
    assert set(steps[np.append(0, read.episode_ends[:-1])]) == {0, 4}


def test_frames_can_be_scaled_while_recording(tmp_path, gymnasium, counting):
    read = Corpus.open(counting.record(tmp_path / "out", 20, size=(5, 7)))
    assert (read.height, read.width) == (5, 7)


def test_the_size_can_be_left_to_a_look_at_the_game(tmp_path, gymnasium, counting):
    said = []
    read = Corpus.open(counting.record(tmp_path / "auto", 20, size="auto", tell=said.append))
    assert "--size auto takes 8x8" in said[0] and len(said) == 1
    given = Corpus.open(counting.record(tmp_path / "given", 20, size=(8, 8)))
    assert read.fingerprint == given.fingerprint
    assert all(game.closed for game in gymnasium.made)


@pytest.mark.parametrize("frames", [2, 3, 17])
def test_short_recordings_work(tmp_path, gymnasium, counting, frames):
    read = Corpus.open(counting.record(tmp_path / "out", frames))
    assert frames - 1 <= read.num_frames <= frames


def test_only_the_asked_actions_are_played(tmp_path, gymnasium, counting):
    corpus = Corpus.open(counting.record(tmp_path / "out", 120, actions=(1, 3)))
    inside = np.setdiff1d(np.arange(corpus.num_frames), corpus.episode_ends - 1)
    assert set(corpus.true_actions()[inside].tolist()) == {1, 2}
    assert corpus.card.options["actions"] == [1, 3]


def test_actions_that_the_game_has_not_are_refused(tmp_path, gymnasium, counting):
    with pytest.raises(ValueError, match="--actions 2:5: Count-v0 has 3"):
        counting.record(tmp_path / "out", actions=(2, 5))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"frames": 1}, "--frames"),
        ({"hold": 0}, "--hold"),
        ({"seed": -1}, "--seed"),
        ({"num_games": 0}, "--games"),
        ({"levels": (4, 4)}, "--levels"),
        ({"levels": (-1, 4)}, "--levels"),
        ({"levels": (0, 2**31)}, "--levels"),
        ({"frames": 10**18}, "--frames"),
        ({"hold": 10**18}, "--hold"),
        ({"seed": 10**40}, "--seed"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path, gymnasium, counting, options, word):
    with pytest.raises(ValueError, match=word):
        counting.record(tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_an_existing_out_is_refused(tmp_path, gymnasium, counting):
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="exists"):
        counting.record(tmp_path / "out")
