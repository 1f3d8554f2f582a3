"""Clips that nobody recorded: what the latent action model says would have happened.

A latent action is read off a motion, so a corpus never shows it where it could not happen: nobody
walks into a wall. A dynamics that has only seen the corpus lets such places overrule the key. The
action model's decoder, which sees one frame and no history, moves any picture by any action; its
predictions, drawn again from tokens at every step, show the dynamics every action everywhere.
"""

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from corpus.record import HeldActions
from lam.model import LatentActionModel
from tokenizer.model import Tokenizer

CLIPS_PER_BATCH = 64


@torch.inference_mode()
def imagine_clips(
    ids: np.ndarray,
    actions: np.ndarray,
    starts: np.ndarray,
    models: tuple[Tokenizer, LatentActionModel],
    *,
    frames: int,
    count: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Continue recorded clips under actions of which the corpus knows nothing there.

    Half a clip is recorded; from there on actions are drawn uniformly and held for a while, for a
    clip and a half. The second clip therefore begins in places that only actions led to. Each
    imagined transition bears the action that is read in it, which is not always the one asked for:
    in a plain sky no motion can be seen.

    Args:
        ids: int (F, N), tokens of the corpus.
        actions: int (F,), inferred; entry t leads from frame t to frame t+1.
        starts: int (S,), where clips of T frames may start.
        models: tokenizer and latent action model, in evaluation mode.
        frames: T, frames a clip, at least 2.
        count: M, recorded clips to continue.
        seed: of the choice of clips and actions.

    Returns:
        ids uint16 (2M, T, N) and actions int8 (2M, T−1): M clips half recorded, half imagined, then
        the M that follow them.

    Source: our choice (lab notes, 2026-11-21).
    """
    rng = np.random.default_rng([seed, 3])
    recorded = max(1, frames // 2)
    index = rng.choice(starts, count)[:, None] + np.arange(recorded)
    imagined = 2 * frames - recorded
    policy = HeldActions(count, models[1].config.num_actions, 2 * frames, rng)
    keys = np.stack([policy.next() for _ in range(imagined)], axis=1)  # (M, imagined)
    tokens = np.empty((count, 2 * frames, ids.shape[1]), np.uint16)
    leads = np.empty((count, 2 * frames - 1), np.int8)
    tokens[:, :recorded], leads[:, : recorded - 1] = ids[index], actions[index[:, :-1]]
    device = next(models[0].parameters()).device
    for a in track(range(0, count, CLIPS_PER_BATCH), description="imagine"):
        part = slice(a, a + CLIPS_PER_BATCH)
        shown = torch.from_numpy(tokens[part, recorded - 1].astype(np.int64)).to(device)
        tail, read = _play(*models, shown, torch.from_numpy(keys[part]).to(device))
        tokens[part, recorded:], leads[part, recorded - 1 :] = tail.cpu(), read.cpu()
    clips = np.concatenate((tokens[:, :frames], tokens[:, frames:]))
    return clips, np.concatenate((leads[:, : frames - 1], leads[:, frames:]))


def _play(
    tokenizer: Tokenizer, lam: LatentActionModel, ids: Tensor, keys: Tensor
) -> tuple[Tensor, Tensor]:
    """Play `keys` int64 (B, t) from frames `ids` (B, N): ids (B, t, N), and the actions read."""
    drawn, tokens = [tokenizer.decode(ids[:, None])[:, 0]], []
    for action in keys.unbind(1):
        following = lam.predict(drawn[-1], action)
        tokens.append(tokenizer.encode(following[:, None])[:, 0])
        drawn.append(tokenizer.decode(tokens[-1][:, None])[:, 0])
    return torch.stack(tokens, dim=1), lam.infer(torch.stack(drawn, dim=1))
