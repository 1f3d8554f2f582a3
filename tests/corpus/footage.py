"""A folder of footage as people have it, with every accident, and what should come of it.

By hand, with an hour and 200 small files, and the figures printed:

    python tests/corpus/footage.py --minutes 60 --small 200
"""

import argparse
import dataclasses
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
from PIL import Image

HEIGHT, WIDTH, FPS = 96, 128, 15
SIZE = (48, 64)


@dataclasses.dataclass
class Planted:
    """What should become of one file.

    Attributes:
        good: (start, stop) of its good stretches, in seconds of the file.
        reason: a word of the reason why it is left out as a whole, or "".
        bad: a word of the reason -> (start, stop) of each stretch that should be dropped.
        note: a word that a note should have, or "".
    """

    good: list = dataclasses.field(default_factory=list)
    reason: str = ""
    bad: list = dataclasses.field(default_factory=list)
    note: str = ""


def scene(seed, seconds, fps=FPS, height=HEIGHT, width=WIDTH):
    """A little game: a level of coloured blocks, a camera that wanders, sprites that run about."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(40, 216, (40, 3))
    blocks = colours[rng.integers(0, 40, (2 * height // 16, 40 + round(3 * seconds)))]
    level = blocks.repeat(16, 0).repeat(16, 1).astype(np.uint8)
    count = round(seconds * fps)
    top = _wander(rng, count, 25 / fps, level.shape[0] - height)
    left = _wander(rng, count, 40 / fps, level.shape[1] - width)
    sprites = [
        (_wander(rng, count, 60 / fps, height - 12), _wander(rng, count, 60 / fps, width - 12),
         rng.integers(0, 256, 3))
        for _ in range(3)
    ]  # fmt: skip
    frames = np.empty((count, height, width, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[:] = level[top[number] :, left[number] :][:height, :width]
        for down, right, colour in sprites:
            frame[down[number] : down[number] + 12, right[number] : right[number] + 12] = colour
    return frames


def _wander(rng, count, speed, room):
    """Positions in 0 to `room`: runs of random lengths, which turn around at the ends."""
    turns = np.cumsum(rng.integers(5, 40, count))
    ways = rng.choice([-1, 0, 1, 1], count + 1)[np.searchsorted(turns, np.arange(count))]
    path = rng.uniform(0, room) + np.cumsum(speed * ways)
    return (room - np.abs(path % (2 * room) - room)).astype(int)


def menu(seed, seconds, fps=FPS):
    """A menu: lines of text-like blocks that stand still, and a cursor that blinks."""
    rng = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH, 3), rng.integers(20, 60, 3), np.uint8)
    for row in range(12, HEIGHT - 12, 16):
        for column in range(20, 20 + int(rng.integers(30, 80)), 6):
            picture[row : row + 8, column : column + 4] = 230
    frames = np.repeat(picture[None], round(seconds * fps), 0)
    for number, frame in enumerate(frames):
        if number // (fps // 2) % 2:
            frame[12:20, 10:16] = 250
    return frames


def write(path, frames, fps=FPS, codec="libx264", pix_fmt="yuv420p", pts=None, rotate=None, **set_):
    """Encode frames; `set_` are the codec's options."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"crf": "18"} if codec in ("libx264", "libx265") else {}
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=fps, options=options | set_.pop("options", {}))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for name, value in set_.items():
            setattr(stream.codec_context, name, value)
        if rotate is not None:
            stream.set_display_rotation(rotate)
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            if pts is not None:
                frame.pts = pts[number]
            if set_.get("flags"):
                frame = frame.reformat(format=pix_fmt)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def write_audio(path):
    """A second of silence, without pictures."""
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=44100)
        samples = np.zeros((1, 44100), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 44100
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def parts(*pieces):
    """Join (word, frames) pieces; return all frames, and the good and the bad stretches."""
    good, bad, at = [], [], 0
    for word, frames in pieces:
        span = (at / FPS, (at + len(frames)) / FPS)
        bad.append((word, span)) if word else good.append(span)
        at += len(frames)
    return np.concatenate([frames for _, frames in pieces]), good, bad


def make(folder, minutes, small):
    """Write the folder; return name -> `Planted`. `minutes` long is the long file."""
    folder.mkdir(parents=True)
    expected = {}

    def plain(name, seed, seconds=4, note="", **options):
        write(folder / name, scene(seed, seconds), **options)
        expected[name] = Planted(good=[(0, seconds)], note=note)

    plain("plain.mp4", 1, 6)
    plain("ten-bit.mkv", 2, codec="libx265", pix_fmt="yuv420p10le")
    plain("full-chroma.mkv", 3, pix_fmt="yuv444p")
    plain("long-gop.mkv", 4, 8, gop_size=100_000)
    plain("vp9.webm", 5, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})
    plain("old.avi", 6, codec="mpeg4", bit_rate=2_000_000)
    plain("apple.mov", 7)
    plain("deeper/and/deeper/UPPER.MP4", 8)
    plain('it\'s a "test" %20 [x] 🎮 ゲーム.mp4', 9)
    plain("really-matroska.mkv", 10)
    (folder / "really-matroska.mkv").rename(folder / "wrong-extension.mp4")
    expected["wrong-extension.mp4"] = expected.pop("really-matroska.mkv")
    plain("animation.gif", 11, codec="gif", pix_fmt="rgb8")
    _odd_shapes(folder, expected)
    _odd_times(folder, expected, minutes)
    _bad_stretches(folder, expected)
    _bad_files(folder, expected)
    for number in range(small):
        name = f"small/{number:03d}.mp4"
        write(folder / name, scene(1000 + number, 1.0, height=48, width=64))
        expected[name] = Planted(good=[(0, 1.0)])
    (folder / "pictures").mkdir()
    for number, frame in enumerate(scene(40, 3)):
        Image.fromarray(frame).save(folder / "pictures" / f"frame-{number}.png")
    expected["pictures"] = Planted(good=[(0, 3)])
    (folder / "notes.txt").write_text("not footage")
    return expected


def _odd_shapes(folder, expected):
    """Bars, rotation, interlacing, HDR, a HUD and a webcam."""
    wide = np.zeros((60, HEIGHT + 48, WIDTH, 3), np.uint8)
    wide[:, 24:-24] = scene(12, 4)
    write(folder / "letterbox.mp4", wide)
    expected["letterbox.mp4"] = Planted(good=[(0, 4)], note="borders")
    upright = scene(13, 4).transpose(0, 2, 1, 3)[:, ::-1]
    write(folder / "rotated.mp4", upright, rotate=-90)
    expected["rotated.mp4"] = Planted(good=[(0, 4)])
    write(
        folder / "interlaced.mpg", scene(14, 4), fps=25, codec="mpeg2video", bit_rate=4_000_000,
        flags=1 << 29 | 1 << 18,
    )  # fmt: skip
    expected["interlaced.mpg"] = Planted(good=[(0, 60 / 25)], note="interlaced")
    write(
        folder / "hdr.mkv", scene(15, 4), codec="libx265", pix_fmt="yuv420p10le",
        color_trc=16, color_primaries=9, colorspace=9,
    )  # fmt: skip
    expected["hdr.mkv"] = Planted(good=[(0, 4)], note="HDR")
    frames = scene(16, 6)
    frames[:, :12] = (30, 30, 60)
    frames[:, 3:9, 4:40] = 240
    frames[:, -32:, -36:] = (250, 244, 235)  # a bright room, and somebody's head
    for number, frame in enumerate(frames):
        side = -24 + round(10 * np.sin(number / 4))
        frame[-22:, side : side + 12] = (150 + number % 20, 100, 80)
    write(folder / "overlays.mp4", frames)
    expected["overlays.mp4"] = Planted(good=[(0, 6)], note="webcam")


def _odd_times(folder, expected, minutes):
    """A variable frame rate, and a long file at a low rate."""
    times = np.cumsum(np.random.default_rng(1).choice([1, 2], 120))
    write(folder / "variable.mkv", scene(17, 8)[:120], fps=30, pts=times - times[0])
    expected["variable.mkv"] = Planted(good=[(0, (times[-1] - times[0]) / 30)], note="variable")
    seconds = round(60 * minutes)
    write(folder / "long.mkv", scene(18, seconds, fps=5), fps=5)
    expected["long.mkv"] = Planted(good=[(0, seconds)])


def _bad_stretches(folder, expected):
    """Cuts, menus, black, frozen, duplicates."""
    rng = np.random.default_rng(2)
    for number in range(3):
        pieces = [("", scene(50 + 10 * number + i, rng.uniform(2, 5))) for i in range(7)]
        frames, good, _ = parts(*pieces)
        write(folder / f"cuts-{number}.mp4", frames)
        expected[f"cuts-{number}.mp4"] = Planted(good=good)
    dark = np.zeros((45, HEIGHT, WIDTH, 3), np.uint8)
    start, end = scene(90, 4), scene(91, 4)
    still = np.repeat(start[-1:], 75, 0)
    for name, word, bad in (
        ("menu.mp4", "menu", menu(3, 12)),
        ("black.mp4", "black", dark),
        ("frozen.mp4", "frozen", still),
    ):
        start, end = scene(len(name) * 7 + 90, 4), scene(len(name) * 7 + 91, 4)
        if word == "frozen":
            bad = np.repeat(start[-1:], 75, 0)
        frames, good, dropped = parts(("", start), (word, bad), ("", end))
        write(folder / name, frames)
        expected[name] = Planted(good=good, bad=dropped)
    (folder / "z-copy.mp4").write_bytes((folder / "plain.mp4").read_bytes())
    expected["z-copy.mp4"] = Planted(bad=[("duplicate", (0, 6))])
    small = scene(1, 6)[:, ::2, ::2]
    write(folder / "z-smaller.mp4", small, options={"crf": "30"})
    expected["z-smaller.mp4"] = Planted(bad=[("duplicate", (0, 6))])
    again, good, dropped = parts(("", scene(92, 4)), ("duplicate", scene(4, 8)[30:105]))
    write(folder / "z-copied-part.mp4", again)
    expected["z-copied-part.mp4"] = Planted(good=good, bad=dropped)


def _bad_files(folder, expected):
    """Files that give nothing."""
    (folder / "empty.mp4").touch()
    expected["empty.mp4"] = Planted(reason="empty")
    write(folder / "truncated.mp4", scene(30, 6))
    data = (folder / "truncated.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(data[: len(data) // 2])
    expected["truncated.mp4"] = Planted(reason="cut short")
    write_audio(folder / "audio-only.mp4")
    expected["audio-only.mp4"] = Planted(reason="no video")
    (folder / "text.mp4").write_text("this is no video " * 100)
    expected["text.mp4"] = Planted(reason="not a readable video")
    write(folder / "bit-rot.mkv", scene(31, 8), codec="mpeg4", bit_rate=1_000_000)
    data = bytearray((folder / "bit-rot.mkv").read_bytes())
    at = len(data) // 2
    data[at : at + 400] = np.random.default_rng(3).bytes(400)
    (folder / "bit-rot.mkv").write_bytes(data)
    expected["bit-rot.mkv"] = Planted(reason="damaged")
    (folder / "loop").symlink_to(folder)
    expected["loop"] = Planted(reason="link to a folder")
    (folder / "gone.mp4").symlink_to(folder / "nowhere.mp4")
    expected["gone.mp4"] = Planted(reason="link to nothing")


def main():
    """Make the folder, build it, and print what is wrong and how good curation is."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from footage_check import compare

    from genie.cli import main as genie

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--small", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        expected = make(Path(place) / "footage", options.minutes, options.small)
        began = time.monotonic()
        words = [str(Path(place) / "footage"), "--out", str(Path(place) / "out"), "--size", "48x64"]
        status = genie(["corpus", "build", *words, "--fps", str(FPS)])
        print(f"{len(expected)} files, exit status {status}, {time.monotonic() - began:.0f} s")
        wrong, figures = compare(Path(place) / "out", expected)
    print("\n".join(wrong) or "nothing is wrong")
    for kind, (precision, recall) in figures.items():
        print(f"{kind}: precision {precision:.3f}, recall {recall:.3f}")


if __name__ == "__main__":
    main()
