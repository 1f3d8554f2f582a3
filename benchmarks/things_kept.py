"""Does a world keep the things of an Atari game: in its tokens, and after a hundred frames of play?

    python -m benchmarks.things_kept pong WORLD CORPUS [--frames 1000] [--rollouts 64] [--steps 100]
        [--keys random|inferred]

Things are found by their colour, in the part of the screen where they belong. `tokenized`: of the
frames of the corpus that show a thing, the share whose reconstruction shows it too, of at least
half its size and within two pixels. `invented`: of the frames without it, the share whose
reconstruction has one. `played`: how often the last ten frames of a rollout show one such thing,
and no more; `corpus`: how often true frames do; `redrawn`: how often their reconstructions do,
which is what the tokenizer leaves to the dynamics.

Keys decide how often a thing is there: Breakout serves a ball for a key that its codes do not tell
from rest, and random codes rest less often than random buttons. With `--keys inferred` rollouts
play the keys that are inferred from true episodes, from the same prompts, and `corpus` and
`redrawn` are of the ten true frames that came then.
"""

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from corpus.clips import clip_starts, draw_clips, read_clips
from corpus.progress import progress_bar
from corpus.store import Corpus
from genie.frames import to_models, to_uint8
from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world
from genie.rollouts.batched_rollouts import (
    BATCH_ROLLOUTS,
    encode_prompts,
    infer_actions,
    play_keys,
)
from genie.rollouts.rollout import Rollout

SCREEN = (210, 160)  # the sizes below are in pixels of the console's screen
LEAST_MIX = 0.2  # of a thing's colour with the background's
LEAST_COSINE = 0.9  # of the directions from the background to a pixel and to a thing's colour
USUAL = (5, 95)  # percentiles of the sizes of a thing: a part of it may be off the screen
LEAST_SIZE, LARGEST_SIZE = 0.5, 1.5  # of the smallest and the largest usual one
FARTHEST = 2.0  # pixels
HOLD, LAST = 8, 10  # frames


@dataclass(frozen=True)
class Thing:
    """What is looked for, and between which rows and columns of the screen."""

    name: str
    colour: tuple[int, int, int]
    rows: tuple[int, int]
    columns: tuple[int, int] = (0, 160)


@dataclass(frozen=True)
class Screen:
    """A game's background and things."""

    background: tuple[int, int, int]
    things: tuple[Thing, ...]


SCREENS = {
    "pong": Screen(
        (144, 72, 17),
        (
            Thing("ball", (236, 236, 236), (35, 193)),
            Thing("paddle", (92, 186, 92), (35, 193), (136, 150)),
            Thing("opponent", (213, 130, 74), (35, 193), (10, 24)),
        ),
    ),
    # Ball and paddle have one colour, and so has a row of bricks: the ball counts below them.
    "breakout": Screen(
        (0, 0, 0),
        (
            Thing("ball", (200, 72, 72), (95, 187), (10, 150)),
            Thing("paddle", (200, 72, 72), (188, 195), (10, 150)),
        ),
    ),
}


@dataclass(frozen=True)
class Found:
    """A thing in each of B frames: size in whole pixels, middle, and how far it spreads."""

    size: np.ndarray  # (B,)
    middle: np.ndarray  # (B, 2), row and column; NaN where there is none
    spread: np.ndarray  # (B,), pixels


def find_thing(frames: np.ndarray, screen: Screen, thing: Thing) -> Found:
    """Find a thing by its colour in frames uint8 (B, H, W, 3)."""
    background = np.array(screen.background, np.float32)
    height, width = frames.shape[1:3]
    top, bottom = (round(row * height / SCREEN[0]) for row in thing.rows)
    left, right = (round(column * width / SCREEN[1]) for column in thing.columns)
    change = frames[:, top:bottom, left:right].astype(np.float32) - background
    colours = sorted({other.colour for other in screen.things})
    towards = np.array(colours, np.float32) - background  # (C, 3)
    unit = towards / np.linalg.norm(towards, axis=1, keepdims=True)
    length = np.linalg.norm(change, axis=-1)
    cosines = (change @ unit.T) / np.maximum(length, 1e-6)[..., None]  # (B, h, w, C)
    own = colours.index(thing.colour)
    # A pixel that lies between two is a mixture of thing and background.
    mix = np.minimum(length * cosines[..., own] / np.linalg.norm(towards[own]), 1)
    is_own = (cosines.argmax(-1) == own) & (cosines[..., own] >= LEAST_COSINE)
    mix = np.where(is_own & (mix >= LEAST_MIX), mix, 0)
    size = mix.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = mix / size[:, None, None]
    places = np.stack(np.mgrid[top:bottom, left:right], axis=-1).astype(np.float32)  # (h, w, 2)
    middle = np.einsum("bhw,hwc->bc", share, places)
    off = np.square(places[None] - middle[:, None, None]).sum(-1)
    spread = np.sqrt(np.einsum("bhw,bhw->b", share, off))
    return Found(size=size, middle=middle, spread=spread)


@dataclass(frozen=True)
class Usual:
    """How large a thing is in true frames, and how far it spreads at most."""

    smallest: float
    largest: float
    spread: float

    @classmethod
    def of(cls, found: Found) -> "Usual":
        """Measure it where it is seen."""
        seen = found.size > 0
        if not seen.any():
            return cls(smallest=np.inf, largest=np.inf, spread=np.inf)
        low, high = np.percentile(found.size[seen], USUAL)
        return cls(smallest=low, largest=high, spread=np.percentile(found.spread[seen], USUAL[1]))

    def is_there(self, found: Found) -> np.ndarray:
        """Mark the frames that show the thing: bool (B,)."""
        return found.size >= LEAST_SIZE * self.smallest

    def is_one(self, found: Found) -> np.ndarray:
        """Mark the frames that show one such thing and no more: bool (B,)."""
        few = found.size <= LARGEST_SIZE * self.largest
        return self.is_there(found) & few & (found.spread <= LARGEST_SIZE * self.spread)


def compare_things(true: np.ndarray, drawn: np.ndarray, screen: Screen) -> dict[str, dict]:
    """Say of each thing how many of the true frames' are drawn: uint8 (B, H, W, 3) each."""
    figures = {}
    for thing in screen.things:
        known, seen = (find_thing(frames, screen, thing) for frames in (true, drawn))
        usual = Usual.of(known)
        there, none = usual.is_there(known), known.size == 0
        far = np.linalg.norm(known.middle - seen.middle, axis=1)
        kept = (seen.size >= LEAST_SIZE * known.size) & (far <= FARTHEST)
        figures[thing.name] = {
            "frames": int(there.sum()),
            "tokenized": float(kept[there].mean()) if there.any() else None,
            "invented": float(usual.is_there(seen)[none].mean()) if none.any() else None,
        }
    return figures


def count_things(true: np.ndarray, played: np.ndarray, screen: Screen) -> dict[str, dict]:
    """Say of each thing how often true and played frames, uint8 (B, H, W, 3), show one."""
    figures = {}
    for thing in screen.things:
        known, seen = (find_thing(frames, screen, thing) for frames in (true, played))
        usual = Usual.of(known)
        figures[thing.name] = {
            "corpus": float(usual.is_one(known).mean()),
            "played": float(usual.is_one(seen).mean()),
        }
    return figures


@torch.inference_mode()
def reconstruct(bundle: Bundle, frames: np.ndarray) -> np.ndarray:
    """Return frames uint8 (B, H, W, 3) as the tokenizer draws them, each as a clip of its own."""
    drawn = []
    for part in np.array_split(frames, max(1, len(frames) // 64)):
        # Each alone: the decoder sees the frames before, and these have nothing to do with it.
        ids = bundle.tokenizer.encode(to_models(part[:, None], bundle.device))
        drawn.append(to_uint8(bundle.tokenizer.decode(ids))[:, 0])
    return np.concatenate(drawn)


def random_keys(bundle: Bundle, rollouts: int, steps: int, seed: int) -> np.ndarray:
    """Draw random codes, each held for 8 frames: int64 (R, steps)."""
    drawn = np.random.default_rng(seed).integers(
        0, bundle.num_actions, (rollouts, -(-steps // HOLD))
    )
    return drawn.repeat(HOLD, axis=1)[:, :steps]


def infer_keys(
    bundle: Bundle, corpus: Corpus, starts: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Infer the keys of true episodes.

    Returns:
        int64 (R, steps), and the last ten of the true frames, uint8 (R·10, H, W, 3).
    """
    keys, last = [], []
    with progress_bar("read keys", len(starts), True) as tick:
        for part in np.array_split(starts, -(-len(starts) // BATCH_ROLLOUTS)):
            frames = read_clips(corpus, part, steps + 1)
            keys.append(infer_actions(bundle, frames))
            last.append(frames[:, -LAST:].reshape(-1, *frames.shape[2:]))
            tick(len(part))
    return np.concatenate(keys), np.concatenate(last)


def play(bundle: Bundle, corpus: Corpus, starts: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Play int64 (R, steps) from the frames at `starts`: the last ten, uint8 (R·10, H, W, 3)."""
    make_rollout, last = partial(Rollout, bundle), []
    with progress_bar("play", actions.size, True) as tick:
        for first in range(0, len(starts), BATCH_ROLLOUTS):
            rows = slice(first, min(first + BATCH_ROLLOUTS, len(starts)))
            ids, seeds = encode_prompts(bundle, corpus, starts[rows]), range(rows.start, rows.stop)
            frames = play_keys(bundle, make_rollout, ids, actions[rows], seeds, tick)
            last.append(frames[:, -LAST:].reshape(-1, *frames.shape[2:]))
    return np.concatenate(last)


def main() -> None:
    """Print a table, or the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("game", choices=sorted(SCREENS))
    parser.add_argument("world", help="a name, a folder, or a run")
    parser.add_argument("corpus", type=Path, help="of the game, with frames of the world's size")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--rollouts", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--keys", choices=("random", "inferred"), default="random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    screen, corpus = SCREENS[options.game], Corpus.open(options.corpus)
    bundle = load_bundle(find_world(options.world))
    starts = draw_clips(clip_starts(corpus.episode_ends, 1), options.frames, options.seed, 0)
    true = read_clips(corpus, starts, 1)[:, 0]
    drawn = reconstruct(bundle, true)
    found = compare_things(true, drawn, screen)
    length = 1 + options.steps if options.keys == "inferred" else 1
    starts = draw_clips(clip_starts(corpus.episode_ends, length), options.rollouts, options.seed, 1)
    if options.keys == "inferred":
        actions, true = infer_keys(bundle, corpus, starts, options.steps)
        drawn = reconstruct(bundle, true)
    else:
        actions = random_keys(bundle, options.rollouts, options.steps, options.seed)
    for name, figures in count_things(true, drawn, screen).items():
        found[name]["redrawn"] = figures["played"]
    played = play(bundle, corpus, starts, actions)
    for name, figures in count_things(true, played, screen).items():
        found[name] |= figures
    columns = ("frames", "tokenized", "invented", "corpus", "redrawn", "played")
    print(f"| thing | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, figures in found.items():
        cells = ("–" if (value := figures[key]) is None else f"{value:.3g}" for key in columns)
        print(f"| {name} | {' | '.join(cells)} |")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
