"""A world for frames that are larger by a whole factor, on the tokens of a smaller one."""

from dataclasses import replace

import torch

from corpus.clips import draw_clips, read_clips
from corpus.store import Corpus
from genie.interfaces import FrameTokenizer
from genie.library.bundle import Bundle
from lam.bases import BASES
from lam.shrunk.config import ShrunkConfig
from lam.shrunk.model import ShrunkActionModel
from spacetime.pixels import SHRINKINGS, shrink
from tokenizer.enlarge import enlarge
from tokenizer.model import Tokenizer
from train.data.clips import split_starts, to_float

FRAMES = 64
"""On how many frames of the corpus the ways of shrinking are compared."""


def times_larger(world: Bundle, corpus: Corpus) -> int | None:
    """Return how many times as high and as wide the corpus' frames are; None: no whole number."""
    factor = corpus.height // world.height
    if (factor * world.height, factor * world.width) != (corpus.height, corpus.width):
        return None
    return factor


def is_enlarged(world: Bundle) -> bool:
    """Return whether a world's frames are larger than those of the folder it was loaded from."""
    return world.height != world.info.get("height", world.height)


def enlarge_world(world: Bundle, corpus: Corpus, factor: int, seed: int) -> Bundle:
    """Return a world of the corpus' frames, whose tokens and actions mean what the world's do.

    Its tokenizer draws each pixel of the world `factor` times in each direction, until its decoder
    is fitted on the corpus; its actions are read off shrunk frames; its dynamics is the same.

    Args:
        world: stays as it is.
        corpus: of frames `factor` times as large.
        factor: at least 2.
        seed: of the frames that are looked at.

    Raises:
        ValueError: the world's tokenizer or actions are of a kind that cannot be enlarged.
    """
    if type(world.tokenizer) is not Tokenizer or type(world.lam.config) not in BASES.values():
        raise ValueError(
            f"{world.name} cannot be enlarged: its tokenizer is a "
            f"{type(world.tokenizer).__name__}, its action model a {type(world.lam).__name__}; "
            f"build the corpus with --size {world.height}x{world.width}"
        )
    shrinking = find_shrinking(world.tokenizer, corpus, factor, seed)
    config = ShrunkConfig(base=world.lam.config, factor=factor, shrinking=shrinking)
    lam = ShrunkActionModel(config).to(world.device)
    lam.base.load_state_dict(world.lam.state_dict())
    tokenizer = enlarge(world.tokenizer, factor, shrinking)
    for model in (tokenizer, lam):
        model.eval().requires_grad_(False)
    return replace(world, tokenizer=tokenizer, lam=lam)


@torch.no_grad()
def find_shrinking(tokenizer: FrameTokenizer, corpus: Corpus, factor: int, seed: int) -> str:
    """Return the way of shrinking after which a tokenizer draws most of a corpus' variance."""
    starts = draw_clips(split_starts(corpus.episode_ends, 1, seed)[0], FRAMES, seed, 0)
    device = next(tokenizer.parameters()).device
    large = to_float(torch.from_numpy(read_clips(corpus, starts, 1))).to(device)
    errors = {}
    for shrinking in SHRINKINGS:
        small = shrink(large, factor, shrinking)
        drawn = tokenizer.decode(tokenizer.encode(small))
        errors[shrinking] = float((drawn - small).square().mean() / small.var())
    return min(errors, key=errors.get)
