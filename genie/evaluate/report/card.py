"""The card of a world: its README, written from the report of an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genie.evaluate.report.report import FORMAT, KEYS_IN_WORDS, show
from lam.keymap.keymap import Keymap
from spacetime.partial import write_atomic
from spacetime.weights import read_json

CARD = "README.md"


def update_card(report: Path, world: Path) -> Path:
    """Write README.md into a world's folder, from the json of `genie evaluate --json`.

    Raises:
        ValueError: the file is no report of this format, or one of another world.
        OSError: something cannot be read or written.
    """
    figures, info = read_json(report), read_json(world / "world.json")
    if not isinstance(figures, dict) or figures.get("format") != FORMAT or "meta" not in figures:
        raise ValueError(
            f"{report} is no report of format {FORMAT}: write one with genie evaluate --json"
        )
    measured = figures["meta"]["fingerprints"]["world"]
    if measured != info["fingerprint"]:
        raise ValueError(
            f"{report} was measured on another world (fingerprint {str(measured)[:12]}, {world} "
            f"has {info['fingerprint'][:12]}): evaluate this world first"
        )
    keymap = Keymap.from_json(read_json(world / "keymap.json"))
    try:
        card = write_card(figures, info, keymap)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f"{report} lacks what a card says ({error}): evaluate the world again with this version"
        ) from None
    write_atomic(world / CARD, card.encode())
    return world / CARD


def write_card(report: Mapping[str, Any], info: Mapping[str, Any], keymap: Keymap) -> str:
    """Return the card in Markdown, given a finished report and the record in world.json."""
    corpus = info.get("corpus", {})
    parts = [
        f"# {info['title']}",
        f"A world of {info['width']}×{info['height']} pixels at {info['fps']:g} frames/s, learnt "
        f"from {corpus.get('frames', 0):,} frames of unlabelled video in "
        f"{corpus.get('episodes', 0):,} episodes. Play it: `genie play {info['name']}`.",
        *_warning(info),
        "## Keys",
        _keys(report, keymap),
        "## Figures",
        _conditions(report),
        _figures(report),
        *_verdict(report["lam"]),
        "## Rollouts",
        "PSNR in dB from one true frame, under the actions inferred from the true clip and under "
        "random ones; the frozen frame and the tokenizer's ceiling beside them.",
        _rollouts(report["dynamics"]),
        *_notes(report["notes"]),
        "## Made of",
        _origin(report, info),
    ]
    return "\n\n".join(parts) + "\n"


def _warning(info: Mapping[str, Any]) -> list[str]:
    """Say that the dynamics was trained on collapsed latent actions, where it was."""
    judged = info.get("latent_actions", {})
    if not judged.get("allow_collapsed") or judged.get("verdict") != "collapsed":
        return []
    reasons = "; ".join(judged["reasons"])
    return [
        f"**Trained with `--allow-collapsed`**: its latent actions are collapsed ({reasons}), so "
        "keys may do nothing."
    ]


def _conditions(report: Mapping[str, Any]) -> str:
    meta = report["meta"]
    settings = ", ".join(f"{name} {show(value)}" for name, value in report["settings"].items())
    known = report["notes"].get("meta.corpus")
    seen = "that were not trained on" if known is None else f"**although {known}**"
    return (
        f"`{meta['command']}`, {meta['clips']} clips from {meta['episodes']} episodes "
        f"{seen}{_levels(meta['levels'])}; commit {str(meta['commit'])[:12]}, "
        f"{meta['machine']}, torch {meta['torch']}, {meta['date']}. Settings: {settings}. Every "
        "figure means what docs/metrics.md says."
    )


def _levels(levels: Sequence[int] | None) -> str:
    """Name the levels, where the corpus says them as (first, one past the last)."""
    return "" if levels is None else f" (levels {levels[0]:,} to {levels[1] - 1:,})"


def _origin(report: Mapping[str, Any], info: Mapping[str, Any]) -> str:
    corpus, made = info.get("corpus", {}), info.get("made_with", {})
    return (
        f"Source: {corpus.get('source', 'unknown')}. Licence: {corpus.get('licence', 'unknown')}. "
        f"Recipe `{made.get('recipe', 'unknown')}`, seed {made.get('seed', 'unknown')}, commit "
        f"{str(info.get('commit'))[:12]}. Fingerprint of the world: "
        f"`{report['meta']['fingerprints']['world'][:16]}`, of the corpus it was trained on: "
        f"`{str(corpus.get('fingerprint'))[:16]}`."
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _keys(report: Mapping[str, Any], keymap: Keymap) -> str:
    lam, rows = report["lam"], []
    for action in keymap.actions:
        held, random = (lam["round_trip"][arm][action.id] for arm in ("held", "random"))
        keys = ", ".join((*action.keys, str(action.id)))
        shares = (show(value) for value in (lam["code_share"][action.id], held, random))
        rows.append((action.name, keys, *shares))
    head = ("action", "keys", "share of transitions", "read back, held", "read back, random keys")
    return _table(head, rows)


def _figures(report: Mapping[str, Any]) -> str:
    tokens, dynamics, lam = report["tokenizer"], report["dynamics"], report["lam"]
    low, high = dynamics["delta_psnr_ci"][3]
    speed, agreement, frechet = report["speed"], lam["agreement"], report["frechet"]
    weak = ", a weak one" if agreement["weak_ceiling"] else ""
    rows = [
        ("tokenizer PSNR / SSIM", f"{tokens['psnr']:.2f} dB / {show(tokens['ssim'])}"),
        ("codes used / perplexity", show((tokens["codes_used_share"], tokens["perplexity"]))),
        ("share of the rarest latent action", show(min(lam["code_share"]))),
        ("latent actions, one-step ΔPSNR", f"{lam['delta_psnr_1']:.2f} dB ({lam['verdict']})"),
        (
            f"agreement, balanced accuracy: codes / supervised probe{weak}",
            show((agreement["balanced_accuracy"], agreement["ceiling"])),
        ),
        (
            "agreement, share of the way from chance to the probe",
            show(agreement["share_of_ceiling"]),
        ),
        ("Δ₄PSNR", f"{dynamics['delta_psnr'][3]:.2f} dB ({low:.2f} to {high:.2f})"),
        (
            "rollout PSNR at t = 4 / frozen",
            f"{dynamics['psnr'][3]:.2f} / {dynamics['frozen_psnr'][3]:.2f} dB",
        ),
        (
            "rollout PSNR at t = 4 from four true frames",
            f"{dynamics['by_prompt_frames']['4']['psnr'][3]:.2f} dB",
        ),
        ("cross-entropy, first draft / mean", _pair(dynamics, "first", "mean") + " nats"),
        (
            f"Fréchet distance ({frechet['feature']}) / ceiling / frozen",
            show((frechet["value"], frechet["ceiling"], frechet["frozen"])),
        ),
        *_long_rows(report["drift"]),
        *_stuck_row(report.get("stuck")),
        *_revisit_rows(report.get("revisit")),
        ("frames/s, drawn", f"{speed['fps']:.1f}"),
        ("frames/s at frame 100 / 2,000", show((speed["fps_at_100"], speed["fps_at_2000"]))),
        ("key to drawn frame, p50 / p95", f"{speed['p50_ms']:.1f} / {speed['p95_ms']:.1f} ms"),
        ("peak memory", f"{show(speed['peak_mb'])} MB"),
    ]
    return _table(("figure", "value"), rows)


def _pair(dynamics: Mapping[str, Any], first: str, second: str) -> str:
    return show((dynamics[f"cross_entropy_{first}"], dynamics[f"cross_entropy_{second}"]))


def _long_rows(drift: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for keys, half in drift.items():
        word = KEYS_IN_WORDS[keys]
        moving, read = half["moving_share"], half["round_trip"]
        rows += [
            (
                f"moving pixels, first / last 100 frames, {word}",
                f"{show((moving[0], moving[-1]))} (real clips {show(half['real_moving_share'])})",
            ),
            (f"keys read back, first / last 100 frames, {word}", show((read[0], read[-1]))),
            (f"left the corpus' statistics at frame, {word}", show(half["left_at"])),
        ]
    return rows


def _stuck_row(stuck: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Say how many rollouts end where no key leads out; reports of older versions do not."""
    if stuck is None:
        return []
    return [("stuck, share of rollouts", f"{show(stuck['share'])} of {stuck['rollouts']}")]


def _revisit_rows(revisit: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Say how places look after an absence; worlds without a map have no such rows."""
    if revisit is None or revisit["with_map"] is None:
        return []
    without, rows = revisit["without_map"], []
    for steps, found in revisit["with_map"].items():
        away = f"after {steps} steps away and back, with / without map / by chance"
        same = (found["same_tokens"], without[steps]["same_tokens"], found["by_chance"])
        rows.append((f"the same tokens {away}", show(same)))
        if "psnr" in found:  # reports of before have none
            seen = (found["psnr"], without[steps]["psnr"], found["psnr_by_chance"])
            rows.append((f"PSNR {away}, dB", show(seen)))
    return rows


def _verdict(lam: Mapping[str, Any]) -> list[str]:
    if not lam["reasons"]:
        return []
    reasons = "\n".join(f"- {reason}" for reason in lam["reasons"])
    return [f"Why the latent actions are {lam['verdict']}:\n\n{reasons}"]


def _rollouts(dynamics: Mapping[str, Any]) -> str:
    keys = ("psnr", "random_psnr", "frozen_psnr", "ceiling_psnr", "delta_psnr")
    rows = []
    for t in range(len(dynamics["psnr"])):
        low, high = dynamics["delta_psnr_ci"][t]
        cells = (f"{dynamics[key][t]:.2f}" for key in keys)
        rows.append((str(t + 1), *cells, f"{low:.2f} to {high:.2f}"))
    head = ("t", "inferred", "random", "frozen", "ceiling", "Δ", "95 % interval of Δ")
    return _table(head, rows)


def _notes(missing: Mapping[str, str]) -> list[str]:
    """List what was not measured, or measured under other conditions."""
    if not missing:
        return []
    return ["## Notes", "\n".join(f"- {name}: {reason}" for name, reason in missing.items())]
