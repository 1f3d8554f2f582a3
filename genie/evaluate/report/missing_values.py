"""Why values of a report are absent: every null has a note under its name or above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from genie.evaluate.metrics.frechet import LEAST_PER_DIMENSION

SMALL_FRAMES = "frames are smaller than the 11-pixel window"


def explain_absent(report: Mapping, missing: dict[str, str]) -> None:
    """Say why values that a world or a corpus cannot have are null.

    Args:
        report: the parts of the report.
        missing: gains the reasons, by dotted name.
    """
    if report["tokenizer"]["ssim"] is None:
        for name in ("tokenizer.ssim", "dynamics.ssim"):
            missing[name] = SMALL_FRAMES
        for frames in report["dynamics"]["by_prompt_frames"]:
            missing[f"dynamics.by_prompt_frames.{frames}.ssim"] = SMALL_FRAMES
    _explain_speed(report["speed"], missing)
    _explain_codes(report["lam"], missing)
    for name, half in report["drift"].items():
        _explain_drift(f"drift.{name}", half, missing)
    _explain_revisit(report["revisit"], missing)
    frechet = report["frechet"]
    if frechet["n"] < LEAST_PER_DIMENSION * frechet["d"]:
        missing["frechet"] = (
            f"{frechet['n']:,} frames are few for {frechet['d']} features: the distance is biased "
            "upwards"
        )


def _explain_revisit(revisit: Mapping, missing: dict[str, str]) -> None:
    if revisit["with_map"] is None:
        missing["revisit"] = "no key moves the picture by whole tokens: the world keeps no map"
        return
    for arm, by_steps in revisit.items():
        for steps, found in by_steps.items():
            if None in found.values():
                missing[f"revisit.{arm}.{steps}"] = (
                    "too few rollouts went out of sight and back, or the scene was another one"
                )


def unexplained(report: Mapping) -> list[str]:
    """List the dotted names of the nulls of a finished report that no note explains."""
    notes = report["notes"]
    parts = {name: part for name, part in report.items() if name != "notes"}
    return [name for name in _nulls(parts, "") if not any(_covers(n, name) for n in notes)]


def _covers(note: str, name: str) -> bool:
    return name == note or name.startswith((f"{note}.", f"{note}["))


def _nulls(value: object, name: str) -> Iterator[str]:
    if value is None:
        yield name
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _nulls(item, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _nulls(item, f"{name}[{i}]")


def _explain_speed(speed: Mapping, missing: dict[str, str]) -> None:
    for key in ("fps_at_100", "fps_at_2000"):
        if speed[key] is None:
            missing[f"speed.{key}"] = f"only {speed['frames']} frames were timed"
    if speed["peak_mb"] is None:
        missing["speed.peak_mb"] = "this system does not tell"


def _explain_codes(lam: Mapping, missing: dict[str, str]) -> None:
    for keys, shares in lam["round_trip"].items():
        if None in shares:
            missing[f"lam.round_trip.{keys}"] = "null: a key that was never pressed"


def _explain_drift(name: str, half: Mapping, missing: dict[str, str]) -> None:
    if half["distance"] is None:
        reason = "the world has no token statistics; export it again"
        missing["drift.distance"] = reason
        for key in ("distance", "threshold", "left_at", "left_at_each"):
            missing[f"{name}.{key}"] = reason
        return
    if half["threshold"] is None:
        for key in ("threshold", "left_at", "left_at_each"):
            missing[f"{name}.{key}"] = "the world's token statistics hold no threshold"
        return
    if None in half["left_at_each"]:
        missing[f"{name}.left_at_each"] = "null: a rollout that did not leave the corpus"
    if half["left_at"] is None:
        missing[f"{name}.left_at"] = "fewer than half of the rollouts left the corpus"
