"""Several worlds on the same clips with the same seeds: differences, and a film to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.building.agreement import SAME_RATE
from corpus.clips import read_clips
from corpus.progress import Progress
from genie.evaluate.clips import CLIP_FRAMES, CLIPS_WANTED, HORIZON, LONGEST_PROMPT
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.errors import Difference, paired_difference
from genie.evaluate.metrics.frechet import score_frechet
from genie.evaluate.metrics.rollouts import (
    RANDOM_DRAWS,
    decode_clips,
    sampled_clips,
    score_rollouts,
)
from genie.evaluate.report.compare_report import lay_out, print_comparison
from genie.evaluate.report.report import finish, write_report
from genie.evaluate.true_frames import check_there, open_true_frames
from genie.evaluate.world_result import WorldResult, WorldUnderTest
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world
from genie.media.recording import Recording, check_target
from genie.media.side_by_side import Panel, draw_side_by_side
from spacetime.partial import check_writable

SHOWN_CLIPS = 8


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
        ValueError: fewer than two worlds, or worlds of different frame sizes or rates.
        OSError: something cannot be found or written.
    """
    if len(worlds) < 2:
        raise ValueError("give at least two worlds to compare, then the corpus")
    if record is not None:
        check_target(record)
    if json is not None:
        check_writable(json, make_folders=True)
    places = [find_world(world) for world in worlds]
    check_there(corpus)
    bundles = [load_bundle(place) for place in places]
    names = unlike_names([bundle.name for bundle in bundles])
    size = check_sizes({name: (b.height, b.width) for name, b in zip(names, bundles, strict=True)})
    check_rates({name: bundle.fps for name, bundle in zip(names, bundles, strict=True)})
    config = EvalConfig(clips=clips, seed=seed)
    with open_true_frames(corpus, size, bundles[0].fps) as frames:
        results = []
        for name, bundle in zip(names, bundles, strict=True):
            context = EvalContext.of_bundle(bundle, frames, config, Progress(visible=True))
            results.append(score_world(WorldUnderTest(name=name, context=context)))
        differences = differences_to_first(results)
        report = finish(lay_out(results, differences, f"--clips {clips} --seed {seed}"))
        if json is not None:
            write_report(report, Path(json))
        if record is not None:
            record_clips(results, Path(record), bundles[0].fps)
    print_comparison(report)
    return report


def unlike_names(names: Sequence[str]) -> list[str]:
    """Number names that occur before: two worlds may be called the same."""
    return [
        name if name not in names[:i] else f"{name} ({names[: i + 1].count(name)})"
        for i, name in enumerate(names)
    ]


def check_sizes(sizes: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Return the frame size that all worlds have.

    Args:
        sizes: height and width by name of the world.

    Raises:
        ValueError: they differ.
    """
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {height}x{width}" for name, (height, width) in sizes.items())
        raise ValueError(
            f"worlds of different frame sizes cannot be scored on the same clips: {listed}"
        )
    return next(iter(sizes.values()))


def check_rates(rates: dict[str, float]) -> None:
    """Raise ValueError if worlds, by name, have different frames per second."""
    if max(rates.values()) / min(rates.values()) - 1 > SAME_RATE:
        listed = ", ".join(f"{name} {rate:g}" for name, rate in rates.items())
        raise ValueError(
            f"worlds of different frames per second cannot be scored on the same clips: {listed}"
        )


def score_world(tested: WorldUnderTest) -> WorldResult:
    """Roll one world out on the clips."""
    context = tested.context
    part, name, clips = context.progress.part, tested.name[:14], len(context.choice)
    _ = context.encoded  # a part of its own
    with part(name, clips * HORIZON * (1 + RANDOM_DRAWS), "frames") as tick:
        scores = score_rollouts(context, tick=tick)
    with part(f"{name}, Fréchet", clips, "clips") as tick:
        frechet = score_frechet(context, scores, tick)
    return WorldResult(tested=tested, scores=scores, frechet=frechet)


def differences_to_first(results: Sequence[WorldResult]) -> list[Difference]:
    """Compare every world but the first with the first, clip by clip."""
    first, seed = results[0].scores.errors, results[0].tested.context.config.seed
    return [paired_difference(other.scores.errors, first, seed) for other in results[1:]]


def panels_by_frame(results: Sequence[WorldResult], clips: int) -> Iterator[list[Panel]]:
    """Show the first clips one after another, from the prompt on.

    Yields:
        The panels of one frame: "real", then the worlds in their order.
    """
    context = results[0].tested.context
    true = read_clips(context.corpus, context.choice.starts[:clips], CLIP_FRAMES)
    true = true[:, LONGEST_PROMPT - 1 :]
    sampled = {
        one.tested.name: decode_clips(
            one.tested.context.bundle, sampled_clips(one.tested.context, one.scores)[:clips]
        )
        for one in results
    }
    for clip in range(len(true)):
        for t in range(true.shape[1]):
            worlds = [Panel(title=name, frame=frames[clip, t]) for name, frames in sampled.items()]
            yield [Panel(title="real", frame=true[clip, t]), *worlds]


def record_clips(
    results: Sequence[WorldResult], path: Path, fps: float, clips: int = SHOWN_CLIPS
) -> Path:
    """Film the panels as a GIF or an MP4, all at once or not at all."""
    with Recording(path, fps) as recording:
        for panels in panels_by_frame(results, clips):
            recording.add(draw_side_by_side(panels))
    return path
