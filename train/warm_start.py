"""Warm start: to begin a fit from a world, on more video of the same game."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from corpus.building.agreement import check_rate
from corpus.clips import draw_clips
from corpus.store import Corpus
from dynamics.model import Dynamics
from dynamics.translate import count_pairs, translate, with_map, with_offsets
from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world
from genie.registry import find_kind, kind_of
from train.data.clips import split_starts, to_float
from train.data.encode import Encoded
from train.data.moves import find_moves
from train.enlarge import enlarge_world, times_larger
from train.export import export_model
from train.loop.checkpoint import has_checkpoint
from train.recipe import FitConfig


def load_start_world(world: str, corpus: Corpus, seed: int = 0) -> Bundle:
    """Load the world that a run begins from.

    Args:
        world: name or folder.
        corpus: the run's.
        seed: of the frames that are looked at where the world is enlarged.

    Returns:
        The world, enlarged where the corpus' frames are larger by a whole factor; a dynamics
        without biases by offset can learn them here, and plays the same.

    Raises:
        FileNotFoundError: there is no such world.
        ValueError: its frames are of another size or rate than the corpus'.
    """
    bundle = load_bundle(find_world(world))
    check_rate(corpus, bundle.fps)
    factor = times_larger(bundle, corpus)
    if factor is None:
        raise ValueError(
            f"{world} has frames of {bundle.height}x{bundle.width}, the corpus has "
            f"{corpus.height}x{corpus.width}: build the corpus with --size "
            f"{bundle.height}x{bundle.width}, or larger by a whole factor"
        )
    if factor > 1:
        bundle = enlarge_world(bundle, corpus, factor, seed)
    if type(bundle.dynamics) is Dynamics and hasattr(bundle.tokenizer, "grid"):
        return replace(bundle, dynamics=with_offsets(bundle.dynamics, bundle.tokenizer.grid))
    return bundle


def copy_models(bundle: Bundle, out: Path, names: Sequence[str]) -> None:
    """Write the world's models of these names into a run that has none of its own."""
    for name in names:
        # The configuration is written last: without it, and without a fit, a copy was cut off.
        folder = out / name
        if not ((folder / "config.json").exists() or has_checkpoint(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            export_model(folder, name, getattr(bundle, name))


def warm_start(model: nn.Module, fit: FitConfig) -> tuple[nn.Module, FitConfig]:
    """Return a copy of a world's model to be fitted further, and how: at lower rates."""
    model = deepcopy(model).train().requires_grad_(True)
    rates = {"lr": fit.lr * fit.warm_start, "matrix_lr": fit.matrix_lr * fit.warm_start}
    return model, replace(fit, **rates)


def check_has_decoder(world: Bundle, kind: str | None) -> None:
    """Refuse to fit on the decoder of an action model that has none, or is of another kind.

    Args:
        world: whose action model it is.
        kind: of the recipe's.

    Raises:
        ValueError: with what to do in its place.
    """
    own, wanted = kind_of("lam", world.lam).name, find_kind("lam", kind).name
    if own == "shrunk" or not hasattr(world.lam, "freeze_encoder"):
        raise ValueError(
            f"the actions of {world.name} are of kind {own}, which has no decoder to fit further: "
            f"leave the stage lam out, or fit new actions without --from"
        )
    if wanted != own:
        raise ValueError(
            f"the actions of {world.name} are of kind {own}, the recipe's of kind {wanted}: take "
            f"the recipe auto, or one with lam: {{kind: {own}}}"
        )


def add_map(model: nn.Module, encoded: Encoded, seed: int) -> nn.Module:
    """Return a dynamics that keeps a map, if actions move the picture by whole tokens.

    Args:
        model: one without a map, or with one of earlier moves, which are found anew; it stays as it
            is where none are found.
        encoded: the corpus that it will be fitted on.
        seed: of the transitions looked at.
    """
    grid = getattr(model.config, "grid", None)
    moves = ()
    has_map = getattr(model, "map_layout", None) is not None
    instead = "keeping the map that the world has" if has_map else "fitting without a map"
    if type(model) is Dynamics and grid is not None:
        ids, actions = encoded.ids, encoded.actions
        moves, fixed = find_moves(ids, actions, encoded.num_actions, grid, seed)
    if any(map(any, moves)):
        try:
            return with_map(model, moves, fixed)
        except ValueError:
            print(f"too few tokens are seen to move with the picture: {instead}")
            print("more video would tell which do")
            return model
    print(f"no action moves the picture by whole tokens: {instead}")
    return model


@torch.no_grad()
def translate_dynamics(
    bundle: Bundle, encoded: Encoded, corpus: Corpus, seed: int, clips: int = 256, frames: int = 16
) -> Dynamics:
    """Return the world's dynamics in the ids of another tokenizer and action model.

    Args:
        bundle: the world.
        encoded: the corpus in the ids of the run.
        corpus: the frames behind them.
        seed: of the choice of clips.
        clips: on how many the ids are compared.
        frames: T of each.

    Raises:
        ValueError: the run's tokenizer has another number of tokens a frame.
    """
    if type(bundle.dynamics) is not Dynamics:
        raise ValueError(
            f"a {type(bundle.dynamics).__name__} cannot be translated into other ids: give --fresh"
        )
    tokens, wanted = bundle.dynamics.config.num_tokens, encoded.ids.shape[1]
    if tokens != wanted:
        raise ValueError(
            f"{bundle.name} has {tokens} tokens a frame, the tokenizer of this run {wanted}: only "
            f"ids of the same positions can be translated; begin without --from"
        )
    starts, _ = split_starts(encoded.episode_ends, frames, seed)
    index = draw_clips(starts, clips, seed, 0)[:, None] + np.arange(frames)
    tokens = torch.zeros(encoded.num_codes, bundle.tokenizer.num_codes)
    actions = torch.zeros(encoded.num_actions, bundle.lam.config.num_actions)
    for row in index:
        clip = to_float(torch.from_numpy(corpus.read(row[0], row[-1] + 1))[None])
        old, new = bundle.tokenizer.encode(clip)[0], torch.from_numpy(encoded.ids[row])
        tokens += count_pairs(old, new, tokens.shape[1], len(tokens))
        inferred, read = bundle.lam.infer(clip)[0], torch.from_numpy(encoded.actions[row[:-1]])
        actions += count_pairs(inferred, read, actions.shape[1], len(actions))
    return translate(bundle.dynamics, tokens, actions)
