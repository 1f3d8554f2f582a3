import io

import numpy as np
import pytest
from PIL import Image

from corpus.readers.base import ReadOptions
from corpus.readers.pictures import PicturesReader, decode_picture

READER = PicturesReader()


def write(folder, frames, names, **options):
    folder.mkdir(parents=True, exist_ok=True)
    for frame, name in zip(frames, names, strict=True):
        Image.fromarray(frame).save(folder / name, **options)
    return folder


def read(source):
    return np.stack([picture for _, picture in READER.pictures(source, ReadOptions())])


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "PNG"])
def test_lossless_pictures_come_back_in_natural_order(tmp_path, drawn, suffix):
    frames = drawn.noise(12)
    names = [f"frame{number}.{suffix}" for number in range(12)]
    options = {"lossless": True} if suffix == "webp" else {}
    folder = write(tmp_path / "run", frames, names, **options)
    (folder / "notes.txt").write_text("x")
    assert READER.matches(folder)
    (source,) = READER.sources(folder, "run", ReadOptions(fps=20))
    assert (source.name, source.height, source.width, source.fps) == ("run", 16, 24, 20)
    assert (read(source) == frames).all() and not source.notes


def test_jpegs_are_turned_as_the_camera_says(tmp_path, drawn):
    exif = Image.Exif()
    exif[0x0112] = 6
    folder = write(tmp_path / "run", drawn.noise(2), ["1.jpg", "2.jpg"], exif=exif, quality=95)
    (source,) = READER.sources(folder, "run", ReadOptions())
    assert (source.height, source.width) == (24, 16) and read(source).shape == (2, 24, 16, 3)


def test_a_missing_number_starts_a_new_recording_and_is_said(tmp_path, drawn):
    numbers = [*range(10, 50, 10), *range(70, 120, 10)]
    frames = drawn.noise(len(numbers))
    folder = write(tmp_path / "run", frames, [f"{number:05}.png" for number in numbers])
    np.save(tmp_path / "run.actions.npy", np.arange(len(numbers)))
    found = READER.sources(folder, "run", ReadOptions())
    assert [(source.name, source.frames) for source in found] == [("run#0", 4), ("run#1", 5)]
    assert found[0].notes == (
        "numbers are missing (40 to 70): a new recording starts there",
    )  # fmt: skip
    assert (read(found[1]) == frames[4:]).all()
    assert READER.actions(found[0], ReadOptions()).tolist() == [0, 1, 2]
    assert READER.actions(found[1], ReadOptions()).tolist() == [4, 5, 6, 7]


def test_time_stamps_are_no_frame_numbers(tmp_path, drawn):
    stamps = np.cumsum(np.random.default_rng(0).integers(30, 50, 20))
    folder = write(tmp_path / "run", drawn.noise(20), [f"{stamp}.png" for stamp in stamps])
    (source,) = READER.sources(folder, "run", ReadOptions())
    assert "uneven numbers" in source.notes[0] and source.frames == 20


def test_each_name_before_the_number_is_a_recording(tmp_path, drawn):
    names = [f"level{level}_{number}.png" for level in (2, 10) for number in range(3)]
    frames = drawn.noise(6)
    found = READER.sources(write(tmp_path / "run", frames, names), "run", ReadOptions())
    assert len(found) == 2 and (read(found[1]) == frames[3:]).all()


def test_names_without_numbers_are_one_recording(tmp_path, drawn):
    folder = write(tmp_path / "run", drawn.noise(3), ["a.png", "b.png", "c.png"])
    (source,) = READER.sources(folder, "run", ReadOptions())
    assert source.frames == 3 and "in the order of their names" in source.notes[0]


def test_a_folder_with_other_files_is_not_taken(tmp_path, drawn):
    folder = write(tmp_path / "run", drawn.noise(2), ["1.png", "2.png"])
    (folder / "a.mp4").write_bytes(b"x")
    assert not READER.matches(folder)
    assert not READER.matches(tmp_path) and not READER.matches(tmp_path / "none")


def test_another_size_in_the_middle_is_named(tmp_path, drawn):
    folder = write(tmp_path / "run", drawn.noise(2), ["1.png", "2.png"])
    write(folder, drawn.noise(1, 8, 8), ["3.png"])
    (source,) = READER.sources(folder, "run", ReadOptions())
    with pytest.raises(ValueError, match="3.png has 8x8 pixels, the first picture 24x16"):
        read(source)


def encoded(image, kind):
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0", "is no picture that is read here"),
        (encoded(Image.new("RGB", (4, 4)), "GIF"), "is no picture that is read here"),
        (encoded(Image.new("RGB", (40, 40)), "PNG")[:60], "is a damaged picture"),
        (encoded(Image.new("1", (16_000, 16_000)), "PNG"), "scale it down"),
        (encoded(Image.new("I;16", (4, 4)), "PNG"), "convert it to 8 bits"),
        (b"", "is no picture"),
    ],
)
def test_hostile_pictures_are_refused_in_one_line(data, said):
    with pytest.raises(ValueError, match=said) as caught:
        decode_picture(data, "x.png")
    assert "\n" not in str(caught.value) and str(caught.value).startswith("x.png")
