"""Draw a long screen recording as people have them: two games in turn, menus, cuts, a webcam.

    python -m benchmarks.play.screen_recording CORPUS CORPUS --minutes 60 --out hour.mkv
    genie corpus build hour.mkv --out footage --size 64x64
    python -m benchmarks.play.screen_recording --judge footage --out hour.mkv

The first writes the recording, and beside it, as ``hour-scenes.json``, what happens when. The last
says how much of that the build found.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.curation.scenes import menu
from corpus.building.source_records import read_records
from corpus.store import Corpus

SCREEN, TICKS = (360, 640), 30  # height and width; ticks of its clock a second
CAMERA = (0.3, 0.25)  # height and width of the webcam, in the corner at the bottom right
ROOM, PERSON = (220, 118, 135), (110, 115, 150)  # brightness and colours
GAME_SECONDS, MENU_SECONDS = (20, 90), (5, 12)
NEAR = 2  # frames by which a cut may be off
SHORTEST = 40  # frames of an episode that is played


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is on the screen for a while: an episode of a game, or a menu."""

    name: str
    frames: np.ndarray  # uint8 (n, h, w, 3)


def scenes(
    games: dict[str, list[np.ndarray]], rng: np.random.Generator, fps: float
) -> Iterator[Scene]:
    """Play the games in turn without end, each for some episodes and with a menu after it.

    Args:
        games: name -> its episodes, uint8 (n, h, w, 3) each.
        rng: draws everything.
        fps: frames per second of the games.
    """
    todo: dict[str, list[np.ndarray]] = {name: [] for name in games}
    while True:
        for name, episodes in games.items():
            left = rng.uniform(*GAME_SECONDS) * fps
            while left > 0:
                if not todo[name]:  # none is seen twice before all were seen
                    todo[name] = [episodes[index] for index in rng.permutation(len(episodes))]
                frames = todo[name].pop()
                yield Scene(name, frames)
                left -= len(frames)
            frames = menu(rng, round(rng.uniform(*MENU_SECONDS) * fps), None)
            beside = round(frames.shape[2] * (SCREEN[1] / SCREEN[0] - 1) / 2)
            wide = np.pad(frames, ((0, 0), (0, 0), (beside, beside), (0, 0)), "edge")
            yield Scene("menu", wide)


def write_recording(
    path: Path,
    games: dict[str, list[np.ndarray]],
    seconds: float,
    seed: int = 0,
    fps: float = 15,
    screen: tuple[int, int] = SCREEN,
) -> list[tuple[str, int, int]]:
    """Write a recording of variable frame rate.

    Args:
        path: the video to make.
        games: name -> its episodes, uint8 (n, h, w, 3) each.
        seconds: how long it is.
        seed: of all that is drawn.
        fps: frames per second of the games; the recorder takes some of them early or late.
        screen: height and width of the video, even numbers.

    Returns:
        (name, first frame, frame behind the last) of each scene.
    """
    import av

    rng, tick, count, drawn = np.random.default_rng(seed), 0, 0, []
    steps = round(TICKS / fps)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=TICKS, options={"crf": "23", "preset": "veryfast"})
        stream.height, stream.width = screen
        stream.pix_fmt = "yuv420p"
        for scene in scenes(games, rng, fps):
            start = count
            for frame in scene.frames:
                if tick >= seconds * TICKS:
                    break
                picture = _screen(frame, tick, screen)
                picture.pts = tick
                out.mux(stream.encode(picture))
                tick += steps + int(rng.choice([-1, 0, 1], p=[0.1, 0.85, 0.05]))
                count += 1
            drawn.append((scene.name, start, count))
            if tick >= seconds * TICKS:
                break
        out.mux(stream.encode(None))
    return [scene for scene in drawn if scene[1] < scene[2]]


def _screen(frame: np.ndarray, tick: int, size: tuple[int, int]) -> object:
    """Fill the screen with a picture of the game, and lay the webcam over it: an av.VideoFrame."""
    import av

    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    shape = {"height": size[0], "width": size[1], "format": "yuv420p"}
    picture = picture.reformat(**shape, interpolation="POINT", threads=1)
    middle = 0.5 + 0.15 * np.sin(tick / 11)  # of somebody's head, across the webcam
    for plane, room, person in zip(picture.planes, ROOM, PERSON, strict=True):
        seen = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]
        high, wide = round(plane.height * CAMERA[0]), round(plane.width * CAMERA[1])
        camera = seen[-high:, -wide:]
        camera[:] = room
        left, right = round((middle - 0.17) * wide), round((middle + 0.17) * wide)
        camera[high // 4 :, left:right] = person + tick % 16
    return picture


def judge(corpus: Path, drawn: list[tuple[str, int, int]]) -> dict[str, float]:
    """Compare a build's decisions with what was drawn; shares of changes, menus and game frames."""
    (record,) = read_records(corpus)
    stretches = record.decided()
    dropped = np.zeros(drawn[-1][2], bool)
    for stretch in stretches:
        dropped[stretch.start : stretch.stop] = stretch.decision == "drop"
    changes = np.array([start for _, start, _ in drawn[1:]])
    inside = dropped[changes - 1] & dropped[changes]  # no episode crosses those either
    apart = np.abs(np.array([stretch.start for stretch in stretches[1:]])[:, None] - changes)
    cuts = [stretch.decision == "keep" and stretch.reason == "cut" for stretch in stretches[1:]]
    menus = [dropped[start:stop].mean() for name, start, stop in drawn if name == "menu"]
    game = [dropped[start:stop] for name, start, stop in drawn if name != "menu"]
    return {
        "frames": len(dropped),
        "changes": len(changes),
        "changes_found": float(((apart.min(0) <= NEAR) | inside).mean()),
        "cuts_right": float((apart.min(1) <= NEAR)[cuts].mean()),
        "menus": len(menus),
        "menus_dropped": float((np.array(menus) > 0.8).mean()),
        "game_dropped": float(np.concatenate(game).mean()),
    }


def main() -> None:
    """Draw a recording, or judge what was built of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", type=Path, help="one for each game")
    parser.add_argument("--out", type=Path, required=True, help="the recording")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--judge", type=Path, metavar="CORPUS", help="what was built of it")
    given = parser.parse_args()
    truth = given.out.with_name(f"{given.out.stem}-scenes.json")
    if given.judge:
        print(json.dumps(judge(given.judge, json.loads(truth.read_text())), indent=1))
        return
    games = {}
    for path in given.corpora:
        corpus = Corpus.open(path)
        spans = map(corpus.episode, range(corpus.num_episodes))
        games[path.name] = [corpus.read(*span) for span in spans if span[1] - span[0] >= SHORTEST]
    truth.write_text(json.dumps(write_recording(given.out, games, given.minutes * 60)))


if __name__ == "__main__":
    main()
