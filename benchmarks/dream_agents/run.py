"""One game and one seed: learn in the dream and in the game, and let all play the real one."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.dream_agents.games import Game, GameTask
from benchmarks.dream_agents.paid import COPIES, paid_wrongly
from benchmarks.dream_agents.record import Play
from benchmarks.policy_from_video.judge import Player, policy_player, random_player
from genie.agents.buttons import map_codes
from genie.frames import to_models
from genie.library.bundle import Bundle
from train.dream.learn import DreamMethod, learn
from train.dream.reward import LabelledFrames, RewardHead, fit_reward, precision_and_recall
from train.dream.task import Dream, encode_frames

UPDATES, EPISODES = 60, 16
BUTTON_LABELS, HELD_OUT = 200, 0.2


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """What the labels of random play teach.

    Attributes:
        buttons: of each latent action.
        frames: tokens, latent actions and whether something was earned, of every frame.
        starts: uint8 (S, H, W, 3), frames to begin dreams at.
    """

    buttons: list[int]
    frames: LabelledFrames
    starts: np.ndarray


def read_labels(bundle: Bundle, play: Play, num_buttons: int, seed: int) -> Labelled:
    """Find out what the latent actions mean, by `BUTTON_LABELS` transitions, and what earns."""
    copies, length = play.buttons.shape
    whole = [(g, t) for g in range(copies) for t in range(length - 1) if not play.ended[g, t]]
    rng = np.random.default_rng(seed)
    chosen = np.array(whole)[rng.choice(len(whole), BUTTON_LABELS, replace=False)]
    pairs = np.stack([play.frames[g, t : t + 2] for g, t in chosen])
    with torch.inference_mode():
        codes = bundle.lam.infer(to_models(pairs, bundle.device))[:, 0].cpu().numpy()
    pressed = play.buttons[chosen[:, 0], chosen[:, 1]]
    buttons = map_codes(codes, pressed, bundle.num_actions, num_buttons)
    moved = codes != bundle.keymap.idle
    actions = _codes_of(codes[moved], pressed[moved], num_buttons, bundle.keymap.idle)
    frames = play.frames.reshape(-1, *play.frames.shape[2:])
    labelled = LabelledFrames(
        tokens=encode_frames(bundle, frames),
        actions=torch.from_numpy(actions[play.buttons.reshape(-1)]),
        earned=torch.from_numpy(play.earned.reshape(-1)),
    )
    return Labelled(buttons=buttons.tolist(), frames=labelled, starts=frames)


def _codes_of(codes: np.ndarray, pressed: np.ndarray, buttons: int, idle: int) -> np.ndarray:
    """Return the latent action that each button was read as most often, else the idle one."""
    found = np.full(buttons, idle)
    for button in np.unique(pressed):
        found[button] = np.bincount(codes[pressed == button]).argmax()
    return found


def fit_head(
    bundle: Bundle, labelled: LabelledFrames, copies: int, seed: int
) -> tuple[RewardHead, dict[str, float]]:
    """Fit a reward on most copies of the play, and measure it on the others."""
    length = len(labelled) // copies
    edge = int(copies * (1 - HELD_OUT)) * length
    head = fit_reward(bundle, labelled[:edge], seed=seed)
    precision, recall = precision_and_recall(head, labelled[edge:])
    return head, {"precision": precision, "recall": recall, "positives": int(labelled.earned.sum())}


def run_seed(
    game: Game, bundle: Bundle, play: Play, agents: Path, seed: int, updates: int, copies: int
) -> dict[str, Any]:
    """Return the scores (copies,) of each player of one seed, and what the world paid wrongly.

    Args:
        game: what is played.
        bundle: its world.
        play: random play of the game.
        agents: where checkpoints and films lie, and are gone on with if they learned in the same.
        seed: of all that is drawn.
        updates: of each agent.
        copies: of the game that each player plays.

    Raises:
        ValueError: an agent that is there learned with another world, play, reward or number of
            updates, or nothing was earned in the play.
    """
    labels = read_labels(bundle, play, game.random[1], seed)
    head, judged = fit_head(bundle, labels.frames, len(play.frames), seed)
    dream = Dream(bundle, labels.starts, head.reward, EPISODES, ends=game.once, seed=seed)
    real = GameTask(game, labels.buttons, EPISODES, "train", seed)
    method = DreamMethod(length=game.length)
    scores, rewards, wrong, actions = {}, {}, {}, range(bundle.num_actions)
    by_button = random_player(game.random, game.hold, copies, seed)
    scores["random"] = play_game(game, by_button, None, copies, seed)
    by_action = random_player((0, bundle.num_actions), 1, COPIES, seed)
    wrong["random"] = paid_wrongly(game, dream, by_action, labels.buttons)
    learned_in = made_of(game, bundle, play, labels.buttons, head)
    for name, task in (("dream", dream), ("game", real)):
        folder = agents / f"{game.world}-{seed}-{name}"
        size = play.frames.shape[2:4]
        agent, rewards[name] = learn(
            task, size, folder, updates=updates, method=method, seed=seed, made_of=learned_in[name]
        )
        player = policy_player(agent, actions, seed)
        scores[name] = play_game(game, player, labels.buttons, copies, seed)
        player, film = policy_player(agent, actions, seed), folder.with_suffix(".gif")
        wrong[name] = paid_wrongly(game, dream, player, labels.buttons, film)
    return {
        "game": game.world, "seed": seed, "updates": updates, "buttons": labels.buttons,
        "reward": judged, "rewards": rewards, "wrong": wrong,
        "scores": {name: found.tolist() for name, found in scores.items()},
    }  # fmt: skip


def made_of(
    game: Game, bundle: Bundle, play: Play, buttons: list[int], head: RewardHead
) -> dict[str, dict[str, str]]:
    """Return by task what an agent learns in: the world, and digests of the play and the reward."""
    arrays = (play.frames, play.buttons, play.earned, play.ended)
    shared = {"world": bundle.fingerprint, "game": game.env, "play": _digest(arrays)}
    weights = (weight.cpu().numpy() for weight in head.state_dict().values())
    return {
        "dream": shared | {"reward": _digest(weights)},
        "game": shared | {"buttons": str(buttons)},
    }


def _digest(arrays: Iterable[np.ndarray]) -> str:
    found = sha256()
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array))
    return found.hexdigest()


def play_game(
    game: Game,
    player: Player,
    buttons: list[int] | None,
    copies: int,
    seed: int,
    part: str = "test",
) -> np.ndarray:
    """Let a player play copies of a game, each from a level of its own.

    Args:
        game: what is played, and what counts.
        player: who plays.
        buttons: of its actions; None: it presses buttons itself.
        copies: G.
        seed: of the levels; the same one gives every player the same.
        part: of the levels.

    Returns:
        float64 (G,), the score of each copy.
    """
    buttons = buttons or range(game.random[1])
    task = GameTask(game, buttons, copies, part, seed, again=False)
    frames, before = task.begin(0)
    scores, over = np.zeros(copies), np.zeros(copies, bool)
    for _ in range(game.steps):
        outcome = task.step(player(frames, before))
        scores += np.where(over, 0, outcome.rewards)
        if game.once:
            over |= outcome.ended | (outcome.rewards > 0)
        frames, before = task.begin(0)
    return scores
