"""Whether the tokenizer of a run is worth encoding a corpus with."""

from dataclasses import replace

import torch
from torch import Tensor

from corpus.background import still_background
from corpus.clips import draw_clips, read_clips
from corpus.store import Corpus
from genie.device import device_of
from genie.interfaces import FrameTokenizer
from tokenizer.health import (
    Reconstruction,
    TokenizerHealth,
    assess_tokenizer,
    measure_reconstruction,
)
from train.data.clips import FrameClips, to_bytes, to_float

PAIRS = 128


@torch.no_grad()
def reconstruct(
    tokenizer: FrameTokenizer, frames: Tensor, background: Tensor
) -> tuple[Reconstruction, Tensor]:
    """Measure a tokenizer on clips uint8 (B, T, H, W, 3), and return their reconstructions."""
    ids = tokenizer.encode(to_float(frames))
    rendered = to_bytes(tokenizer.decode(ids))
    found = measure_reconstruction(frames, rendered, ids, tokenizer.num_codes, background)
    return found, rendered


def measure_tokenizer_health(
    tokenizer: FrameTokenizer, corpus: Corpus, seed: int
) -> TokenizerHealth:
    """Measure a tokenizer, in evaluation mode, on 128 held-out pairs of frames.

    Args:
        tokenizer: of the run.
        corpus: of the run.
        seed: of the run: it chooses the held-out episodes.
    """
    device = device_of(tokenizer)
    background = torch.from_numpy(still_background(corpus)).to(device)
    clips = FrameClips(corpus, 2, seed)
    starts = draw_clips(clips.held_out_starts, PAIRS, 0, 0)
    # From disk: the frames of the corpus are not held in memory for this.
    pairs = torch.from_numpy(read_clips(corpus, starts, 2))
    return assess_tokenizer(reconstruct(tokenizer, pairs.to(device), background)[0])


def require_healthy_tokenizer(
    health: TokenizerHealth, allow_collapsed: bool, few: str | None = None
) -> None:
    """Raise ValueError for a collapsed tokenizer, unless it is allowed.

    Args:
        health: its state.
        allow_collapsed: whether to go on all the same.
        few: that the model had too few steps to be judged; it is said first.
    """
    # A world on top of it would have a small loss and draw nothing that moves.
    if health.state == "collapsed" and not allow_collapsed:
        raise ValueError(
            f"{few + '. Now ' if few else ''}the tokenizer is collapsed: "
            f"{'; '.join(health.reasons)}. First {health.remedies[0]}; or give --allow-collapsed "
            "to go on all the same"
        )


def check_kept_tokenizer(
    tokenizer: FrameTokenizer, world: str, corpus: Corpus, seed: int, allow_collapsed: bool
) -> None:
    """Say whether a world's tokenizer, which a run keeps as it is, draws the run's corpus.

    Args:
        tokenizer: of the world.
        world: its name, as it was given.
        corpus: of the run.
        seed: of the run.
        allow_collapsed: whether to go on with a collapsed one.

    Raises:
        ValueError: it is collapsed on this corpus, and that is not allowed.
    """
    health = measure_tokenizer_health(tokenizer, corpus, seed)
    if health.state == "healthy":
        return
    # Only the decoder: it comes further in as many steps, and tokens stay (lab notes, 2026-11-29).
    learn_on = (
        f"let its decoder learn on with this corpus, as its pictures are others: genie train "
        f"tokenizer --from {world} --decoder-only, then this command with --resume"
    )
    health = replace(health, remedies=(learn_on,))
    require_healthy_tokenizer(health, allow_collapsed)
    print(health)
