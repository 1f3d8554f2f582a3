"""Measure a world from Python, and roll out one prompt under every action at once."""

import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import torch

from genie import EvalConfig, Rollout, evaluate_world, load_world


def every_action(world, frames: int) -> np.ndarray:
    """Hold each action for some frames, side by side: uint8 (frames, H, A·W, 3)."""
    bundle, count = world.bundle, world.bundle.num_actions
    prompt = torch.from_numpy(bundle.prompts[0]).movedim(-1, 0).float()[None, None] / 255
    ids = bundle.tokenizer.encode(prompt).expand(count, -1, -1)
    rollout = Rollout(bundle, seeds=range(count))
    shown = [rollout.reset(ids, ids.new_empty((count, 0)))[:, 0]]
    shown += [rollout.step(torch.arange(count))[1] for _ in range(frames - 1)]
    return np.stack([np.concatenate(list(frame.numpy()), axis=1) for frame in shown])


def main(run: Path, corpus: Path, config: EvalConfig) -> dict:
    """Print a world's figures, and write what its actions do beside the run."""
    world = load_world(run)
    film = every_action(world, frames=24)
    iio.imwrite(run / "actions.gif", film, duration=1000 / world.bundle.fps, loop=0)
    report = evaluate_world(config, run, corpus)
    print(f"tokenizer {report['tokenizer']['psnr']:.1f} dB; {run / 'actions.gif'}")
    return report


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), EvalConfig(clips=16))
