import numpy as np
import pytest

from corpus.curation.duplicates import Duplicates
from corpus.curation.options import CurationOptions, Stretch
from corpus.curation.windows import Index

FPS = 15
WHOLE = CurationOptions()


def keep(frames):
    return [Stretch(0, len(frames), "keep", "")]


def at_hand(recordings):
    """What gives the frames of some recordings, by name."""

    def frames(name, start, stop):
        there = recordings[name]
        return there[start:stop] if 0 <= start <= stop <= len(there) else None

    return frames


def split_all(games, recordings, options=WHOLE, frames=None):
    index = Duplicates(FPS, options)
    named = {f"r{number}": frames for number, frames in enumerate(recordings)}
    return [
        index.split(name, games.measure(part), keep(part), frames or at_hand(named))
        for name, part in named.items()
    ]


def gone_from_hand(name, start, stop):
    return None


def dropped(stretches):
    return sum(s.stop - s.start for s in stretches if s.decision == "drop")


@pytest.mark.parametrize("game", ["scrolling", "walking", "pong"])
@pytest.mark.parametrize("encoded", [False, True])
def test_copy_in_another_recording_is_dropped(games, game, encoded):
    make = getattr(games, game)
    first = make(1, 300)
    copy = games.reencoded(first[90:210]) if encoded else first[90:210]
    second = np.concatenate([make(2, 100), copy, make(3, 100)])
    kept, split = split_all(games, [first, second])
    assert kept == keep(first)
    gone = [s for s in split if s.decision == "drop"]
    # Without a cut at its ends, a copy is known to a second.
    assert abs(gone[0].start - 100) <= FPS and abs(gone[-1].stop - 220) <= FPS
    assert dropped(split) >= 90
    name, seconds = gone[0].reason.removeprefix("duplicate of ").removesuffix(" s").split(" at ")
    assert name == "r0"
    assert abs(float(seconds) - 90 / FPS) < 1


@pytest.mark.parametrize("game", ["scrolling", "walking", "pong"])
def test_games_that_look_alike_are_no_copies(games, game):
    recordings = [getattr(games, game)(seed, 300) for seed in range(6)]
    assert sum(dropped(s) for s in split_all(games, recordings)) == 0


def test_what_is_remembered_is_what_a_search_remembers(games):
    first = games.walking(1, 300)
    second = np.concatenate([games.walking(2, 100), first[90:210], games.walking(3, 100)])
    recordings = {"a": first, "b": second}
    searched, told = Duplicates(FPS, WHOLE), Duplicates(FPS, WHOLE)
    for name, frames in recordings.items():
        m = games.measure(frames)
        told.remember(name, m, searched.split(name, m, keep(frames), at_hand(recordings)))
    for name, array in vars(searched._index).items():
        assert np.array_equal(array, getattr(told._index, name)), name


def test_without_pixels_only_what_is_sure_is_dropped(games):
    first = games.walking(1, 200)
    _, copied = split_all(games, [first, first], frames=gone_from_hand)
    assert dropped(copied) == 200
    _, other = split_all(games, [first, games.walking(2, 200)], frames=gone_from_hand)
    assert dropped(other) == 0


def test_other_sprites_before_the_same_motion_are_no_copy(games):
    """Motion and looks are alike, and only the pixels tell."""
    first = games.walking(1, 200)
    other = first.copy()
    sprite = first.min(3) == 255
    other[sprite] = (255, 0, 0)
    other[:, ::2][sprite[:, ::2]] = (0, 0, 90)
    assert dropped(split_all(games, [first, other])[1]) == 0


def test_uniform_noise_is_compared_in_little_time(games):
    frames = np.random.default_rng(0).integers(0, 256, (600, 16, 24, 3), dtype=np.uint8)
    asked = []

    def counted(name, start, stop):
        asked.append(start)
        return at_hand({"r0": frames})(name, start, stop)

    assert split_all(games, [frames], frames=counted) == [keep(frames)]
    assert len(asked) < 200


def test_copy_inside_a_recording_is_dropped(games):
    part = games.walking(1, 120)
    frames = np.concatenate([part, games.walking(2, 150), part])
    (split,) = split_all(games, [frames])
    gone = [s for s in split if s.decision == "drop"]
    assert abs(gone[0].start - 270) <= FPS
    assert gone[-1].stop == len(frames)
    assert all(s.reason.startswith("duplicate of r0") for s in gone)


def test_copy_is_followed_across_a_cut(games):
    """Both halves are too short to be called copies alone."""
    first = np.concatenate([games.walking(1, 45), games.walking(2, 45)])
    index = Duplicates(FPS, WHOLE)
    frames = at_hand({"a": first, "b": first})
    index.split("a", games.measure(first), keep(first), frames)
    halves = [Stretch(0, 45, "keep", ""), Stretch(45, 90, "keep", "cut")]
    assert dropped(index.split("b", games.measure(first), halves, frames)) == 90
    assert dropped(split_all(games, [first, first[:45]])[1]) == 0


def test_dropped_stretches_stay_as_they_are(games):
    frames = games.walking(1, 200)
    index = Duplicates(FPS, WHOLE)
    hand = at_hand({"a": frames, "b": frames})
    index.split("a", games.measure(frames), keep(frames), hand)
    given = [Stretch(0, 100, "keep", ""), Stretch(100, 200, "drop", "frozen")]
    split = index.split("b", games.measure(frames), given, hand)
    assert split[-1] == given[-1]
    assert split[0].decision == "drop"


def test_switched_off_nothing_is_dropped(games):
    frames = games.walking(1, 200)
    splits = split_all(games, [frames, frames], CurationOptions(duplicates=False))
    assert splits == [keep(frames), keep(frames)]


def test_index_stays_within_its_capacity():
    index, rng = Index(100), np.random.default_rng(0)
    for _ in range(5):
        motion = rng.standard_normal((60, 36)).astype(np.float32)
        index.add(motion, np.zeros((60, 35), np.float32), np.zeros((60, 2), np.int64))
    assert len(index.motion) == 100
    row, stored = index.candidates(motion)
    # The newest are found where they were stored.
    assert set(zip(range(60), [(240 + i) % 100 for i in range(60)], strict=True)) <= set(
        zip(row.tolist(), stored.tolist(), strict=True)
    )
