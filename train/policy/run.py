"""`genie train policy`: clone what is played in a corpus, in the latent actions of a world."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lightning.fabric.loggers import Logger

from corpus.lock import Lock
from corpus.store import Corpus
from corpus.verify import quick_check
from genie.agents.buttons import map_codes
from genie.agents.policy import Policy, PolicyConfig, PolicyNetwork, save_policy
from genie.arguments import POLICY
from genie.device import pick_device
from train.data.encode import NO_ACTION, read_actions
from train.data.frames import Frames
from train.labelled.labels import Labels, read_labels
from train.loop.clock import Clock
from train.loop.loggers import make_loggers
from train.loop.module import FitPlan
from train.loop.trainer import fit
from train.options import TrainOptions
from train.policy.beginning import check_beginning, write_beginning
from train.policy.fit import PolicyModule
from train.policy.method import FIT, PolicyMethod
from train.run_record import open_out
from train.warm_start import load_start_world


def train_policy(
    corpus: Path | str,
    start: str,
    out: Path | str,
    *,
    labels: Path | None = None,
    minutes: float | None = None,
    stop_after: float | None = None,
    resume: bool = False,
    seed: int = 0,
    logger: str | Logger | Sequence[Logger] | None = None,
) -> None:
    """Fit a policy, and write it to RUN/policy.

    Args:
        corpus: folder of a built corpus, of somebody who plays well.
        start: the world whose action model reads what is played.
        out: RUN.
        labels: a file of true actions of a few transitions, which name the game's button of each
            latent action; nothing else of this opens actions. None: it plays in the world only.
        minutes: of the fit; None: its steps.
        stop_after: minutes after which this slice ends.
        resume: go on with a policy that is begun.
        seed: of every draw.
        logger: of `TrainOptions`.

    Raises:
        ValueError: the world is not of the corpus' size, labels do not fit the corpus, no action
            but the idle one is read off it, or this policy was begun with another world, corpus or
            seed. Nothing is written then, and another world or corpus may take the same RUN.
            Later also as `train.loop.trainer.fit`: what the last checkpoint holds stays.
        FileExistsError: RUN/policy exists and `resume` is not given.
        LockedError: if another program fits it.
    """
    began, out, opened = time.monotonic(), Path(out), Corpus.open(corpus)
    TrainOptions(minutes=minutes, stop_after=stop_after).check("all")
    world = load_start_world(start, opened, seed)
    named = None if labels is None else read_labels(Path(labels), opened, least_each=0)
    quick_check(opened, seed)
    folder = out / POLICY
    open_out(out, POLICY, resume)
    with Lock(folder):
        made_of = {"world": world.fingerprint, "corpus": opened.fingerprint, "seed": str(seed)}
        check_beginning(folder, made_of, "choose another --out")
        frames = Frames(opened)
        actions = read_actions(frames, world.lam.to(pick_device()))
        buttons = None if named is None else buttons_of(actions, named, world.num_actions)
        clock = Clock(
            total_steps=FIT.steps,
            total_seconds=None if minutes is None else minutes * 60,
            slice_seconds=_left(began, stop_after),
        )
        fitted = without_idle(actions, world.keymap.idle)
        module = new_module(frames, fitted, world.num_actions, clock, seed)
        # Only now: what is refused up to here has not begun, and its advice is to begin otherwise.
        write_beginning(folder, made_of)

        def export(done: PolicyModule) -> None:
            names = () if named is None else named.names
            made = Policy(network=done.chosen, buttons=buttons, names=names, made_of=made_of)
            save_policy(folder, made)

        loggers = make_loggers(logger, out, POLICY)
        fit(module, folder, export=export, logs=out / "logs" / POLICY, logger=loggers)


def new_module(
    frames: Frames, actions: np.ndarray, num_actions: int, clock: Clock, seed: int
) -> PolicyModule:
    """Return what fits a policy.

    Args:
        frames: of the corpus.
        actions: integers (N,), what leads from each frame to the next; −1: none.
        num_actions: A.
        clock: how far.
        seed: of the weights and of every draw.

    Raises:
        ValueError: no transition of the training episodes has an action, or a policy of frames of
            this size is not allowed.
    """
    torch.manual_seed(seed)
    height, width = frames.corpus.height, frames.corpus.width
    config = PolicyConfig(height=height, width=width, num_actions=num_actions)
    plan = FitPlan(fit=FIT, clock=clock, seed=seed, method=PolicyMethod())
    return PolicyModule(PolicyNetwork(config), plan, frames, actions)


def without_idle(actions: np.ndarray, idle: int) -> np.ndarray:
    """Leave out the transitions in which nothing was read; −1 stands for no action.

    A key at a wall moves nothing and is read so. A clone of it would stop there for good; without
    it, it goes on by what it would do elsewhere (lab notes, 2026-11-29).

    Args:
        actions: integers (N,).
        idle: the world's idle action.
    """
    return np.where(actions == idle, NO_ACTION, actions)


def buttons_of(actions: np.ndarray, labels: Labels, num_actions: int) -> tuple[int, ...]:
    """Return the button of each latent action.

    Args:
        actions: integers (N,), read off every transition; −1: none.
        labels: of a few of them.
        num_actions: A.
    """
    codes = actions[labels.transitions]
    return tuple(map_codes(codes, labels.actions, num_actions, labels.num_actions).tolist())


def _left(began: float, stop_after: float | None) -> float | None:
    """Return the seconds that are left of a slice; None: it has no end."""
    return None if stop_after is None else max(0.0, began + stop_after * 60 - time.monotonic())
