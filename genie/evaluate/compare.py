"""Several worlds on the same clips with the same seeds: differences, and a video to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from corpus.clips import read_clips
from genie.evaluate.batched_rollouts import MakeRollout
from genie.evaluate.clips import (
    CLIP_FRAMES,
    CLIPS_WANTED,
    HORIZON,
    LONGEST_PROMPT,
    ClipChoice,
    CorpusLike,
    EncodedClips,
    choose_clips,
    encode_clips,
    first_frame,
)
from genie.evaluate.metrics.errors import Difference, paired_difference
from genie.evaluate.metrics.frechet import Frechet, score_frechet
from genie.evaluate.metrics.rollouts import (
    RANDOM_DRAWS,
    RolloutScores,
    decode_clips,
    drawn_clips,
    score_rollouts,
)
from genie.evaluate.progress import NoProgress, ProgressBars
from genie.evaluate.report.compare_report import lay_out, print_comparison
from genie.evaluate.report.report import finish, write_report
from genie.evaluate.true_frames import open_pictures
from genie.media.recording import Recording, check_target
from genie.media.side_by_side import Panel, draw_side_by_side

SHOWN_CLIPS = 8


@dataclass(frozen=True, kw_only=True)
class WorldUnderTest:
    """One of the worlds that are compared.

    Attributes:
        name: unlike that of any other.
        bundle: its parts (genie.library.bundle.Bundle).
        make_rollout: builds its batched engine for a sequence of seeds.
    """

    name: str
    bundle: object
    make_rollout: MakeRollout


@dataclass(frozen=True, kw_only=True)
class WorldResult:
    """How one of the worlds did.

    Attributes:
        tested: the world.
        encoded: what its models read in the clips.
        scores: of its rollouts from one frame.
        frechet: distance of what it drew.
    """

    tested: WorldUnderTest
    encoded: EncodedClips
    scores: RolloutScores
    frechet: Frechet


def compare(
    worlds: Sequence[Path | str],
    corpus: Path | str,
    clips: int = CLIPS_WANTED,
    seed: int = 0,
    json: Path | str | None = None,
    record: Path | str | None = None,
) -> dict:
    """Compare worlds on the same clips and seeds, print the differences, write what was asked for.

    Args:
        worlds: two or more names or folders; each of the others is compared with the first.
        corpus: folder of a corpus that none of them was trained on, or of videos.
        clips: how many; 256 for intervals as on a card.
        seed: of every choice.
        json: file for the figures.
        record: .gif or .mp4 of eight clips: the real frames and every world's, side by side.

    Returns:
        The figures, json values.

    Raises:
        ValueError: fewer than two worlds, or worlds of different frame sizes.
        OSError: something cannot be found or written.
    """
    from genie.library.bundle import load_bundle
    from genie.library.catalog import find_world
    from genie.rollout import Rollout

    if len(worlds) < 2:
        raise ValueError("give at least two worlds to compare, then the corpus")
    if record is not None:
        check_target(record)
    bundles = [load_bundle(find_world(world)) for world in worlds]
    names = unlike_names([bundle.name for bundle in bundles])
    worlds_under_test = [
        WorldUnderTest(name=name, bundle=bundle, make_rollout=partial(Rollout, bundle))
        for name, bundle in zip(names, bundles, strict=True)
    ]
    size = check_sizes(worlds_under_test)
    with open_pictures(Path(corpus), size, bundles[0].fps) as pictures, ProgressBars() as bars:
        choice = choose_clips(pictures.episode_ends, clips, seed)
        first_frame(pictures, choice, *size)
        results = [score_world(one, pictures, choice, seed, bars) for one in worlds_under_test]
        differences = differences_to_first(results, seed)
        report = finish(
            lay_out(results, differences, choice, pictures, f"--clips {clips} --seed {seed}")
        )
        if json is not None:
            write_report(report, Path(json))
        if record is not None:
            record_clips(results, pictures, choice, Path(record), bundles[0].fps)
    print_comparison(report)
    return report


def unlike_names(names: Sequence[str]) -> list[str]:
    """Number names that occur before: two worlds may be called the same."""
    return [
        name if name not in names[:i] else f"{name} ({names[: i + 1].count(name)})"
        for i, name in enumerate(names)
    ]


def check_sizes(worlds_under_test: Sequence[WorldUnderTest]) -> tuple[int, int]:
    """Return the frame size of all worlds.

    Raises:
        ValueError: they differ.
    """
    sizes = {(one.bundle.height, one.bundle.width) for one in worlds_under_test}
    if len(sizes) > 1:
        listed = ", ".join(
            f"{one.name} {one.bundle.height}x{one.bundle.width}" for one in worlds_under_test
        )
        raise ValueError(
            f"worlds of different frame sizes cannot be scored on the same clips: {listed}"
        )
    return sizes.pop()


def score_world(
    tested: WorldUnderTest,
    corpus: CorpusLike,
    choice: ClipChoice,
    seed: int,
    progress: NoProgress,
) -> WorldResult:
    """Roll one world out on the clips.

    Args:
        tested: the world.
        corpus: the corpus.
        choice: the clips, the same for every world.
        seed: of sampling and of the random actions, the same for every world.
        progress: who is told.

    Returns:
        Its errors, tokens and distance.

    """
    bundle, clips = tested.bundle, len(choice)
    encoded = encode_clips(bundle, corpus, choice)
    with progress.part(tested.name[:14], clips * HORIZON * (1 + RANDOM_DRAWS)) as tick:
        scores = score_rollouts(
            bundle, tested.make_rollout, corpus, choice, encoded, seed=seed, tick=tick
        )
    frechet = score_frechet(bundle, corpus, choice, encoded, scores)
    return WorldResult(tested=tested, encoded=encoded, scores=scores, frechet=frechet)


def differences_to_first(results: Sequence[WorldResult], seed: int) -> list[Difference]:
    """Compare every world but the first with the first, clip by clip."""
    first = results[0].scores.errors
    return [paired_difference(other.scores.errors, first, seed) for other in results[1:]]


def moments(
    results: Sequence[WorldResult], corpus: CorpusLike, choice: ClipChoice, clips: int
) -> Iterator[list[Panel]]:
    """Show clips one after another: the real frame and every world's, from the prompt on.

    Args:
        results: of the worlds.
        corpus: the corpus.
        choice: the clips.
        clips: how many of them to show.

    Yields:
        The panels of one frame: "real", then the worlds in their order.
    """
    true = read_clips(corpus, choice.starts[:clips], CLIP_FRAMES)[:, LONGEST_PROMPT - 1 :]
    drawn = {
        one.tested.name: decode_clips(
            one.tested.bundle, drawn_clips(one.encoded, one.scores)[:clips]
        )
        for one in results
    }
    for clip in range(len(true)):
        for t in range(true.shape[1]):
            worlds = [Panel(title=name, frame=frames[clip, t]) for name, frames in drawn.items()]
            yield [Panel(title="real", frame=true[clip, t]), *worlds]


def record_clips(
    results: Sequence[WorldResult],
    corpus: CorpusLike,
    choice: ClipChoice,
    path: Path,
    fps: float,
    clips: int = SHOWN_CLIPS,
) -> Path:
    """Write the moments as a GIF or an MP4, all at once or not at all."""
    with Recording(path, fps) as recording:
        for panels in moments(results, corpus, choice, clips):
            recording.add(draw_side_by_side(panels))
    return path
