"""Pictures inside a page: PNG as data URLs, and charts as SVG."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np

GAP = 2  # pixels between the frames of a strip
COLOURS = {"keep": "#4c9f70", "drop": "#d1495b"}


def image(frame: np.ndarray, zoom: int = 1, title: str = "") -> str:
    """A picture, uint8 (H, W, 3), as an ``img`` of ``zoom`` screen pixels a pixel."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(frame).save(data, format="PNG")
    coded = base64.b64encode(data.getvalue()).decode("ascii")
    height, width = frame.shape[:2]
    return (
        f'<img src="data:image/png;base64,{coded}" width="{width * zoom}" '
        f'height="{height * zoom}" alt="{escape(title)}" title="{escape(title)}">'
    )


def strip(frames: np.ndarray) -> np.ndarray:
    """Frames (n, H, W, 3) side by side, white between them."""
    padded = np.pad(frames, ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=255)
    return np.concatenate(list(padded), axis=1)[:, :-GAP]


def heat(values: np.ndarray) -> np.ndarray:
    """Values (H, W) as a picture from black over red to yellow."""
    scaled = np.sqrt(values / max(float(values.max()), 1e-9))
    red, green = np.clip(2 * scaled, 0, 1), np.clip(2 * scaled - 1, 0, 1)
    rgb = np.stack([red, green, np.zeros_like(red)], -1)
    return (rgb * 255).round().astype(np.uint8)


def bars(counts: np.ndarray, labels: tuple[str, str, str]) -> str:
    """A histogram; the labels stand at its left end, at its right end, and below it."""
    width, height = 480, 96
    step, most = width / len(counts), max(1, int(counts.max()))
    parts = [f'<svg viewBox="0 0 {width} {height + 34}" width="{width}" role="img">']
    for index, count in enumerate(counts.tolist()):
        tall = height * count / most
        parts.append(
            f'<rect x="{index * step:.1f}" y="{height - tall:.1f}" width="{step - 1:.1f}" '
            f'height="{tall:.1f}" fill="{COLOURS["keep"]}"><title>{count:,}</title></rect>'
        )
    left, right, below = map(escape, labels)
    parts.append(f'<text x="0" y="{height + 14}">{left}</text>')
    parts.append(f'<text x="{width}" y="{height + 14}" text-anchor="end">{right}</text>')
    parts.append(f'<text x="{width / 2}" y="{height + 30}" text-anchor="middle">{below}</text>')
    return "".join(parts) + "</svg>"


def timeline(stretches: Sequence[Sequence], fps: float) -> str:
    """What was kept and dropped of a recording, along its time; (start, stop, decision, reason)."""
    width, height = 640, 18
    total = max(1, stretches[-1][1])
    parts = [f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img">']
    for start, stop, decision, reason in stretches:
        left, wide = start / total * width, max(1.0, (stop - start) / total * width - 1)
        words = f"{start / fps:.1f} to {stop / fps:.1f} s: {decision} {reason}".strip()
        parts.append(
            f'<rect x="{left:.1f}" width="{wide:.1f}" height="{height}" '
            f'fill="{COLOURS[decision]}"><title>{escape(words)}</title></rect>'
        )
    return "".join(parts) + "</svg>"
