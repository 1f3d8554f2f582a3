"""What a stage writes for the next one, and the world at the end."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from corpus.clips import read_clips, split_episodes
from corpus.store import Corpus
from genie.drift import TokenLayout, build_statistics
from genie.library.bundle import Bundle
from genie.library.prompt_choice import candidate_rounds, choose_prompts, still_actions
from genie.library.writer import write_bundle
from genie.registry import build_model, model_record
from genie.rollouts.rollout import Rollout
from genie.settings import Settings
from lam.keymap.displacement import Measure
from lam.keymap.keymap import Keymap, derive_keymap
from lam.keymap.labels import name_by_labels
from spacetime.weights import model_fingerprint, read_json, read_weights, write_json, write_weights
from train.data.encode import Encoded
from train.fit_dynamics import DynamicsMethod


def export_model(folder: Path, role: str, model: nn.Module) -> None:
    """Write the weights and the record of a model; `folder` is RUN/tokenizer, for instance."""
    record = model_record(role, model)
    kind = {"kind": record["kind"]} if "kind" in record else {}
    write_weights(folder / "weights.safetensors", model.state_dict())
    write_json(folder / "config.json", kind | record["config"])


def load_model(folder: Path, role: str) -> nn.Module:
    """Load what `export_model` wrote, in evaluation mode.

    Raises:
        FileNotFoundError: if the stage has not been fitted.
        ValueError: if the weights are damaged or of other sizes.
    """
    if not (folder / "weights.safetensors").exists():
        raise FileNotFoundError(
            f"{folder} holds no exported weights: run genie train {folder.name} first"
        )
    kind, config = _read_record(folder)
    try:
        model = build_model(role, {"kind": kind, "config": config})
        model.load_state_dict(read_weights(folder / "weights.safetensors"))
    except (TypeError, RuntimeError, KeyError) as error:
        line = " ".join(str(error).split())[:200]
        raise ValueError(f"{folder} does not hold a {role}: {line}") from None
    return model.eval().requires_grad_(False)


def fingerprint(folder: Path) -> str:
    """Return the identity of an exported stage."""
    return model_fingerprint(folder / "weights.safetensors", _read_record(folder)[1])


def _read_record(folder: Path) -> tuple[str | None, dict[str, Any]]:
    """Return the kind and the configuration of an exported model."""
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise ValueError(f"{folder / 'config.json'} must hold an object: run that stage again")
    return config.pop("kind", None), config


def find_keymap(
    corpus: Corpus,
    encoded: Encoded,
    seed: int,
    pairs: int = 4000,
    onset: int = 5,
    measure: Measure | None = None,
) -> Keymap:
    """Name the actions by what they do in the first frames after they are pressed.

    Args:
        corpus: the frames.
        encoded: their inferred actions.
        seed: of the choice of transitions.
        pairs: how many are measured, as many for each action.
        onset: how many frames after the press.
        measure: finds what moved, if the action model knows better than whole frames do.
    """
    rng, fresh = np.random.default_rng(seed), held_for(encoded.actions) < onset
    chosen = []
    for action in range(encoded.num_actions):
        (starts,) = np.nonzero((encoded.actions == action) & fresh)
        chosen.append(rng.permutation(starts)[: pairs // encoded.num_actions])
    chosen = np.sort(np.concatenate(chosen))
    clips = read_clips(corpus, chosen, 2)  # (P, 2, H, W, 3)
    frames = torch.from_numpy(clips).movedim(-1, -3)
    actions = torch.from_numpy(encoded.actions[chosen])
    return derive_keymap(frames[:, 0], frames[:, 1], actions, encoded.num_actions, measure)


def held_for(actions: np.ndarray) -> np.ndarray:
    """Count for how many frames each action has been the same one.

    Args:
        actions: integers (frames,), −1 at an episode's last frame.

    Returns:
        int64 (frames,), 0 where an action is new.
    """
    index = np.arange(len(actions))
    new = np.concatenate(([True], actions[1:] != actions[:-1]))
    return index - np.maximum.accumulate(np.where(new, index, 0))


def demo_keys(keymap: Keymap) -> str:
    """Return keys that show every action: each held for a second or so, idle in between."""
    idle = keymap.name_of(keymap.idle)
    parts = [f"{action.name}*20 {idle}*5" for action in keymap.actions if action.id != keymap.idle]
    return " ".join(parts)


def export_world(
    out: Path,
    corpus: Corpus,
    encoded: Encoded,
    models: dict[str, nn.Module],
    settings: Settings,
    info: dict[str, Any],
    seed: int,
    method: DynamicsMethod,
) -> None:
    """Write the world that is played.

    Args:
        out: RUN/world.
        corpus: prompts, keymap and card come from it.
        encoded: its ids and inferred actions.
        models: tokenizer, lam and dynamics.
        settings: how the world is played.
        info: name and title, and what else the record should say.
        seed: of the choice of prompts and transitions.
        method: how many of both.
    """
    measure = getattr(models["lam"], "measure_player", None)
    keymap = find_keymap(corpus, encoded, seed, method.keymap_pairs, method.keymap_onset, measure)
    if named := getattr(models["lam"].config, "names", ()):
        keymap = name_by_labels(keymap, named)
    layout = TokenLayout(
        num_codes=encoded.num_codes,
        num_actions=encoded.num_actions,
        grid=getattr(models["tokenizer"], "grid", None) or (1, encoded.ids.shape[1]),
    )
    statistics = build_statistics(encoded.ids, encoded.actions, encoded.episode_ends, layout, seed)
    record = {
        **info,
        "fps": corpus.fps,
        "height": corpus.height,
        "width": corpus.width,
        "corpus": {
            "source": corpus.source,
            "licence": corpus.licence,
            "frames": corpus.num_frames,
            "episodes": corpus.num_episodes,
            "fingerprint": corpus.fingerprint,
        },
    }
    _, held_out = split_episodes(corpus.num_episodes, seed)
    episodes = held_out if len(held_out) else np.arange(corpus.num_episodes)
    candidates = candidate_rounds(corpus, episodes, method.prompt_candidates, seed)
    world = Bundle(
        **models,
        settings=settings,
        keymap=keymap,
        statistics=statistics,
        prompts=[],
        info=record,
    )
    for model in models.values():
        model.to(world.device)
    prompts = choose_prompts(world, partial(Rollout, world), candidates, method.prompts, seed)
    # The corpus named the keys; where the world does not move, they would promise too much.
    still = still_actions(world, partial(Rollout, world), prompts, seed)
    # A label may say of the idle action that it moves nothing.
    keymap = keymap.without_names(set(still) - {keymap.idle} if named else still)
    write_bundle(
        out,
        models,
        settings=settings,
        keymap=keymap,
        statistics=statistics,
        prompts=prompts,
        info=record | {"demo_keys": demo_keys(keymap)},
    )
