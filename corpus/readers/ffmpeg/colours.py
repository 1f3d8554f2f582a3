"""Colours by the tags of a video, and high dynamic range brought down to what screens show."""

from __future__ import annotations

import functools

import numpy as np

PQ, HLG = 16, 18  # AVColorTransferCharacteristic
HDR = {PQ: "PQ", HLG: "HLG"}
# AVColorSpace 1, 4, 7, 9 have a meaning of their own in swscale; the others are BT.601 or RGB.
MATRICES = {1: "bt709", 4: "fcc", 7: "smpte240m", 9: "bt2020"}
SETTLED = {0, 2, 5, 6, *MATRICES}
WHITE = 203.0  # cd/m2 that a white page has in HDR, ITU-R BT.2408
KNEE = 0.75  # of that white, in light; darker than it nothing is changed
# Linear light, BT.2020 to BT.709; ITU-R BT.2087.
TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)


def settle_matrix(frame: object) -> None:
    """Change a tag that swscale refuses: to a near one, or to none, which means BT.601."""
    space = int(frame.colorspace)
    if space not in SETTLED:
        frame.colorspace = 9 if space == 10 else 2


def matrix_and_range(frame: object) -> tuple[str, str]:
    """Return libavfilter's names of a frame's YUV matrix and range.

    Without tags they are BT.601 and limited, as FFmpeg takes them.
    """
    full = int(frame.color_range) == 2 or frame.format.name.startswith("yuvj")
    return MATRICES.get(int(frame.colorspace), "bt601"), "full" if full else "limited"


def tone_map(picture: np.ndarray, transfer: int) -> np.ndarray:
    """Bring a picture in PQ or HLG with BT.2020 colours to SDR with BT.709 colours.

    Light up to three quarters of a page's white stays as it is; brighter light is compressed, so
    that highlights keep their hue and some of their drawing.

    Args:
        picture: uint16 (h, w, 3), RGB 0-65535.
        transfer: ``PQ`` or ``HLG``.

    Returns:
        uint8 (h, w, 3), RGB 0-255.
    """
    light = _light_table(transfer)[picture]
    if transfer == HLG:
        luma = light @ np.array([0.2627, 0.678, 0.0593], np.float32)
        light = light * (1000 / WHITE) * np.maximum(luma, 1e-6)[..., None] ** np.float32(0.2)
    light = np.maximum(light @ TO_BT709.T, 0)
    peak = light.max(-1, keepdims=True)
    above = np.maximum(peak - KNEE, 0) / (1 - KNEE)
    light = light * (
        (np.minimum(peak, KNEE) + (1 - KNEE) * above / (1 + above)) / np.maximum(peak, 1e-6)
    )
    return np.rint(255 * np.clip(light, 0, 1) ** np.float32(1 / 2.4)).astype(np.uint8)


@functools.cache
def _light_table(transfer: int) -> np.ndarray:
    """Linear light of each of 65,536 values: PQ in units of ``WHITE``, HLG of the scene."""
    value = np.arange(65536) / 65535
    if transfer == HLG:  # ITU-R BT.2100, table 5
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12).astype("f4")
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875  # table 4
    power = value ** (1 / m2)
    light = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return (light / WHITE).astype(np.float32)
