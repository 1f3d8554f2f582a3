"""The comparison of worlds as json values and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from genie.evaluate.metrics.errors import CEILING, FROZEN, INFERRED, Difference
from genie.evaluate.report.provenance import corpus_record, machine_and_date
from genie.evaluate.world_result import WorldResult

SHOWN_TIMES = (1, 2, 4, 8, 16)


def lay_out(results: Sequence[WorldResult], differences: Sequence[Difference], flags: str) -> dict:
    """Lay the figures out; index 0 of a list is t = 1.

    Args:
        results: of the worlds, in their order.
        differences: of every world but the first to the first.
        flags: of the command.

    Returns:
        The report, to be finished.
    """
    names = [one.tested.name for one in results]
    context = results[0].tested.context
    choice, (folder, fingerprint, _) = context.choice, corpus_record(context.corpus)
    return {
        "worlds": [_world(one) for one in results],
        "differences": [
            {
                "world": name,
                "to": names[0],
                "psnr": apart.psnr,
                "psnr_ci": apart.psnr_ci,
                "delta_psnr": apart.delta,
                "delta_psnr_ci": apart.delta_ci,
            }
            for name, apart in zip(names[1:], differences, strict=True)
        ],
        "meta": {
            "corpus": folder,
            "fingerprint": fingerprint,
            "command": f"genie compare {' '.join(names)} {folder} {flags}",
            "clips": len(choice),
            "episodes": len(set(choice.episodes.tolist())),
            **machine_and_date(),
        },
        "notes": choice.missing,
    }


def _world(one: WorldResult) -> dict:
    errors, bundle = one.scores.errors, one.tested.context.bundle
    return {
        "name": one.tested.name,
        "fingerprint": bundle.fingerprint,
        "settings": bundle.settings.to_json(),
        "num_actions": bundle.num_actions,
        "psnr": errors.psnr(INFERRED),
        "random_psnr": errors.random_psnr(),
        "frozen_psnr": errors.psnr(FROZEN),
        "ceiling_psnr": errors.psnr(CEILING),
        "delta_psnr": errors.delta(),
        "frechet": asdict(one.frechet),
    }


def print_comparison(report: dict, console: Console | None = None) -> None:
    """Print what each world scores, then how far each is from the first."""
    console = console or Console()
    console.print(_scores(report))
    for apart in report["differences"]:
        console.print(_difference(apart))
    for place, reason in report["notes"].items():
        console.print(f"{place}: {reason}", style="dim", markup=False)


def _scores(report: dict) -> Table:
    meta = report["meta"]
    table = Table(title=f"{meta['clips']} clips of {meta['corpus']}, dB")
    table.add_column("figure")
    for world in report["worlds"]:
        table.add_column(world["name"], justify="right")
    rows = (
        ("rollout PSNR", "psnr"),
        ("random actions", "random_psnr"),
        ("frozen", "frozen_psnr"),
        ("tokenizer ceiling", "ceiling_psnr"),
        ("delta PSNR", "delta_psnr"),
    )
    for label, key in rows:
        for t in SHOWN_TIMES:
            cells = (f"{world[key][t - 1]:.2f}" for world in report["worlds"])
            table.add_row(f"{label}, t = {t}", *cells)
    distances = (f"{world['frechet']['value']:.4f}" for world in report["worlds"])
    table.add_row("Fréchet distance", *distances)
    return table


def _difference(apart: dict) -> Table:
    table = Table(title=f"{apart['world']} less {apart['to']}, dB, 95 % intervals of paired clips")
    for name in ("t", "rollout PSNR", "interval", "delta PSNR", "interval"):
        table.add_column(name, justify="right")
    for t in SHOWN_TIMES:
        cells = [str(t)]
        for key in ("psnr", "delta_psnr"):
            low, high = apart[f"{key}_ci"][t - 1]
            cells += [f"{apart[key][t - 1]:+.2f}", f"{low:+.2f} to {high:+.2f}"]
        table.add_row(*cells)
    return table
