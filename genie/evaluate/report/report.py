"""The report of an evaluation: one dictionary of json values, written as JSON or as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from genie.evaluate.metrics.errors import CEILING, FROZEN, INFERRED, mean_frame_psnr
from genie.evaluate.metrics.rollouts import RolloutScores
from genie.evaluate.metrics.tokens import CrossEntropy
from spacetime.weights import write_json

FORMAT = 1
# What is pressed in the two halves of long play; format 1 calls the first "random".
KEYS_IN_WORDS = {"random": "inferred keys", "held": "keys held in turn"}


def dynamics_part(
    one: RolloutScores, several: RolloutScores | None, nats: CrossEntropy, seed: int
) -> dict:
    """Lay out the figures of the dynamics; index 0 of a list is t = 1.

    Args:
        one: rollouts from one true frame, with random arms.
        several: rollouts from four true frames, without random arms; None if not measured.
        nats: token cross-entropies.
        seed: of the bootstrap.

    Returns:
        The "dynamics" part of the report.
    """
    errors = one.errors
    prompts = {"1": _prompt_part(one)}
    if several is not None:
        prompts["4"] = _prompt_part(several)
    return {
        **_prompt_part(one),
        "mean_frame_psnr": [mean_frame_psnr(column) for column in errors.of(INFERRED).T],
        "psnr_ci": errors.psnr_interval(INFERRED, seed).tolist(),
        "random_psnr": errors.random_psnr().tolist(),
        "random_psnr_ci": errors.random_interval(seed).tolist(),
        "delta_psnr": errors.delta().tolist(),
        "delta_psnr_ci": errors.delta_interval(seed).tolist(),
        "cross_entropy_first": nats.first,
        "cross_entropy_mean": nats.mean,
        "cross_entropy_by_frame": list(nats.by_frame),
        "cross_entropy_clips": nats.clips,
        "by_prompt_frames": prompts,
    }


def _prompt_part(scores: RolloutScores) -> dict:
    return {
        "psnr": scores.errors.psnr(INFERRED).tolist(),
        "ssim": None if scores.ssim is None else scores.ssim.mean(axis=0).tolist(),
        "frozen_psnr": scores.errors.psnr(FROZEN).tolist(),
        "ceiling_psnr": scores.errors.psnr(CEILING).tolist(),
    }


def clean(value: object, missing: dict[str, str], name: str = "") -> object:
    """Turn a value into plain json values; what is not finite becomes None.

    Args:
        value: dictionaries, sequences, numpy and python scalars.
        missing: gains a reason for each number that is not finite.
        name: dotted name of the value.
    """
    if isinstance(value, Mapping):
        return {str(k): clean(v, missing, f"{name}.{k}".lstrip(".")) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [clean(v, missing, f"{name}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        missing[name] = f"the number was {value}"
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def finish(report: dict) -> dict:
    """Turn the parts of a report into json values without NaN or Infinity.

    Args:
        report: the parts, in their order; "notes" maps dotted names of absent values to reasons.
    """
    missing = dict(report["notes"])
    parts = {key: value for key, value in report.items() if key != "notes"}
    cleaned = clean(parts, missing)
    return {"format": FORMAT, **cleaned, "notes": missing}


def write_report(report: dict, path: Path) -> None:
    """Write the report as JSON, all at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, report)


def record(value: object) -> dict | None:
    """Turn a frozen record into a dictionary; None stays None."""
    return None if value is None else asdict(value)


def print_report(report: dict, names: list[str], console: Console | None = None) -> None:
    """Print the figures that decide, as tables; names of the actions in the order of ids."""
    console = console or Console()
    for table in (_summary(report), _by_time(report["dynamics"]), _by_code(report["lam"], names)):
        console.print(table)
    for reason in report["lam"]["reasons"]:
        console.print(f"latent actions are {report['lam']['verdict']}: {reason}", markup=False)
    for number, remedy in enumerate(report["lam"]["remedies"], start=1):
        console.print(f"  {number}. {remedy}", markup=False)
    for name, reason in report["notes"].items():
        console.print(f"{name}: {reason}", style="dim", markup=False)


def print_minutes(minutes: Mapping[str, float], console: Console | None = None) -> None:
    """Print what each part of an evaluation took, and all together."""
    table = Table(title="Minutes")
    table.add_column("part")
    table.add_column("minutes", justify="right")
    for name, taken in [*minutes.items(), ("all", sum(minutes.values()))]:
        table.add_row(name, f"{taken:.1f}")
    (console or Console()).print(table)


def _summary(report: dict) -> Table:
    tokens, dynamics, lam = report["tokenizer"], report["dynamics"], report["lam"]
    drift, speed = report["drift"], report["speed"]
    table = Table(title=f"{report['meta']['world']} on {report['meta']['corpus']}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    rows = [
        ("tokenizer PSNR, dB", tokens["psnr"]),
        ("tokenizer SSIM", tokens["ssim"]),
        ("codes used, share", tokens["codes_used_share"]),
        ("code perplexity", tokens["perplexity"]),
        ("cross-entropy, first draft, nats", dynamics["cross_entropy_first"]),
        ("cross-entropy, mean of 8 ratios, nats", dynamics["cross_entropy_mean"]),
        ("latent actions: verdict", lam["verdict"]),
        ("latent actions: one-step delta PSNR, dB", lam["delta_psnr_1"]),
        ("latent actions: one-step PSNR / frozen, dB", (lam["psnr_1"], lam["frozen_psnr_1"])),
        ("latent actions: nearer to the next frame", lam["nearer_next"]),
        ("latent actions: consistency", lam["consistency"]),
        ("latent actions: perplexity", lam["perplexity"]),
        *_agreement_rows(lam["agreement"]),
    ]
    for name, half in drift.items():
        keys = KEYS_IN_WORDS[name]
        rows += [
            (f"{keys}: moving pixels, first and last", _ends(half, "moving_share")),
            (f"{keys}: moving pixels of real clips", half["real_moving_share"]),
            (f"{keys}: read back, first and last", _ends(half, "round_trip")),
            (f"{keys}: left the corpus at frame", half["left_at"]),
        ]
    frechet = report["frechet"]
    rows += [
        ("stuck, share of rollouts", report["stuck"]["share"]),
        *_revisit_rows(report["revisit"]),
        (f"Fréchet distance ({frechet['feature']}, d = {frechet['d']})", frechet["value"]),
        ("Fréchet distance, ceiling and frozen", (frechet["ceiling"], frechet["frozen"])),
        ("frames/s", speed["fps"]),
        ("frames/s around frame 100 and 2,000", (speed["fps_at_100"], speed["fps_at_2000"])),
        ("ms a frame, p50 and p95", (speed["p50_ms"], speed["p95_ms"])),
        ("peak memory, MB", speed["peak_mb"]),
    ]
    for name, value in rows:
        table.add_row(name, show(value))
    return table


def _revisit_rows(revisit: Mapping) -> list[tuple[str, object]]:
    if revisit["with_map"] is None:
        return []
    return [
        (
            f"the same after {steps} steps away, {name}, with and without map",
            (found[key], revisit["without_map"][steps][key]),
        )
        for steps, found in revisit["with_map"].items()
        for name, key in (("tokens", "same_tokens"), ("PSNR, dB", "psnr"))
    ]


def _agreement_rows(agreement: Mapping) -> list[tuple[str, object]]:
    weak = " (weak)" if agreement["weak_ceiling"] else ""
    return [
        ("agreement: balanced accuracy", agreement["balanced_accuracy"]),
        (f"agreement: ceiling of a supervised probe{weak}", agreement["ceiling"]),
        ("agreement: share of the ceiling", agreement["share_of_ceiling"]),
        ("agreement: normalised mutual information", agreement["nmi"]),
    ]


def _ends(half: dict, key: str) -> tuple[float, float]:
    return half[key][0], half[key][-1]


def show(value: object) -> str:
    """Write a value for a table: numbers short, an absent value as a dash."""
    if value is None:
        return "-"
    if isinstance(value, (tuple, list)):
        return " / ".join(show(item) for item in value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _by_time(dynamics: dict) -> Table:
    table = Table(title="Rollouts from one true frame, dB")
    columns = ("t", "inferred", "random", "frozen", "ceiling", "delta", "95 % interval")
    for name in columns:
        table.add_column(name, justify="right")
    keys = ("psnr", "random_psnr", "frozen_psnr", "ceiling_psnr", "delta_psnr")
    for t in range(len(dynamics["psnr"])):
        low, high = dynamics["delta_psnr_ci"][t]
        cells = [f"{dynamics[key][t]:.2f}" for key in keys]
        table.add_row(str(t + 1), *cells, f"{low:.2f} to {high:.2f}")
    return table


def _by_code(lam: dict, names: list[str]) -> Table:
    table = Table(title="Codes")
    for name in ("code", "name", "share", "read back, held", "read back, random"):
        table.add_column(name, justify="right")
    for code, name in enumerate(names):
        held, random = (lam["round_trip"][keys][code] for keys in ("held", "random"))
        table.add_row(str(code), name, show(lam["code_share"][code]), show(held), show(random))
    return table
