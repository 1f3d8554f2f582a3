"""Makes frames fit one size: colours, rotation, cropping or padding, area scaling.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

FITS = ("crop", "pad")
SQUARE = Fraction(1)


class Shaper:
    """Makes frames fit one size; keeps FFmpeg's scaler between them.

    Args:
        size: (H, W) of the result in pixels.
        fit: how another shape is made to fit: ``crop`` or ``pad``.
    """

    def __init__(self, size: tuple[int, int], fit: str) -> None:
        """Take the size and the fit; see the class."""
        from av.video.reformatter import VideoReformatter

        self.size, self.fit = size, fit
        self._to_rgb, self._scale = VideoReformatter(), VideoReformatter()

    def __call__(self, frame: object, aspect: Fraction) -> np.ndarray:
        """Shape one av.VideoFrame; ``aspect`` is the width of its pixels over their height."""
        turns = round(frame.rotation / 90) % 4  # degrees counter-clockwise
        return self.shape(np.rot90(self._rgb(frame), turns), 1 / aspect if turns % 2 else aspect)

    def shape(self, image: np.ndarray, aspect: Fraction = SQUARE) -> np.ndarray:
        """Make one frame fit.

        Args:
            image: uint8 (h, w, 3), RGB 0-255.
            aspect: the width of a pixel over its height.

        Returns:
            uint8 (H, W, 3); untouched if it has the size already.
        """
        if image.shape[:2] == self.size and aspect == 1:
            return np.ascontiguousarray(image)
        return self._crop(image, aspect) if self.fit == "crop" else self._pad(image, aspect)

    def _rgb(self, frame: object) -> np.ndarray:
        """Convert to RGB at the stored size, by the tags of the frame."""
        from av.video.reformatter import ColorRange, Colorspace

        # AVColorSpace 1, 4, 7, 9, 10 keep their meaning in swscale; the others are BT.601 or RGB.
        spaces = {1: Colorspace.ITU709, 4: Colorspace.FCC, 7: Colorspace.SMPTE240M}
        spaces |= {9: Colorspace.BT2020, 10: Colorspace.BT2020}
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        rgb = self._to_rgb.reformat(
            frame,
            format="rgb24",
            src_colorspace=spaces.get(int(frame.colorspace), Colorspace.ITU601),
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=_exact("BICUBIC"),
        )
        return rgb.to_ndarray()

    def _crop(self, image: np.ndarray, aspect: Fraction) -> np.ndarray:
        """Cut the largest middle part of the target's shape, then scale it."""
        (height, width), (high, wide) = image.shape[:2], self.size
        shape = Fraction(wide, high) / aspect  # width over height, in stored pixels
        keep_w = min(width, max(1, round(height * shape)))
        keep_h = min(height, max(1, round(width / shape)))
        top, left = (height - keep_h) // 2, (width - keep_w) // 2
        return self._area(image[top : top + keep_h, left : left + keep_w], high, wide)

    def _pad(self, image: np.ndarray, aspect: Fraction) -> np.ndarray:
        """Scale the whole image into the target, black around it."""
        (height, width), (high, wide) = image.shape[:2], self.size
        shape = Fraction(width, height) * aspect  # width over height, as shown
        new_w = min(wide, max(1, round(high * shape)))
        new_h = min(high, max(1, round(wide / shape)))
        out = np.zeros((high, wide, 3), np.uint8)
        top, left = (high - new_h) // 2, (wide - new_w) // 2
        out[top : top + new_h, left : left + new_w] = self._area(image, new_h, new_w)
        return out

    def _area(self, image: np.ndarray, height: int, width: int) -> np.ndarray:
        """Scale by area averaging."""
        import av

        image = np.ascontiguousarray(image)
        if image.shape[:2] == (height, width):
            return image
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        scaled = self._scale.reformat(frame, width, height, interpolation=_exact("AREA"))
        return scaled.to_ndarray()


def _exact(name: str) -> int:
    """Flags of swscale: one algorithm, rounded the same way on every processor.

    Without full chroma on input, swscale halves the colour of RGB images before it scales them.
    """
    from av.video.reformatter import Interpolation as Flag

    full = Flag.FULL_CHR_H_INT | Flag.FULL_CHR_H_INP
    return int(Flag[name] | Flag.ACCURATE_RND | Flag.BITEXACT | full)
