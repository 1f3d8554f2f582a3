"""Fit the project's tokenizer in a loop of one's own; nothing but torch drives it."""

import sys
from pathlib import Path

import torch

from corpus.clips import clip_starts, draw_clips, split_episodes
from corpus.store import Corpus
from tokenizer import Tokenizer, TokenizerConfig
from tokenizer.losses import reconstruction_loss


def main(folder: Path, steps: int = 200, batch: int = 8) -> float:
    """Fit a small tokenizer; return its PSNR in dB on held-out episodes."""
    corpus = Corpus.open(folder)
    train, held_out = split_episodes(len(corpus.episode_ends), seed=0)
    starts = clip_starts(corpus.episode_ends, 2, train)

    def clips(begin) -> torch.Tensor:
        frames = torch.stack([torch.from_numpy(corpus.read(int(t), int(t) + 2)) for t in begin])
        return frames.movedim(-1, -3).float() / 255  # (B, 2, 3, H, W)

    torch.manual_seed(0)
    config = TokenizerConfig(
        height=corpus.height, width=corpus.width, levels=(5, 5, 5), dim=32, heads=2
    )
    model = Tokenizer(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(steps):
        frames = clips(draw_clips(starts, batch, 0, step))
        latents, _ = model.quantize(frames)
        loss = reconstruction_loss(frames, model.render(latents), config.patch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    held = clip_starts(corpus.episode_ends, 2, held_out if len(held_out) else train)
    with torch.inference_mode():
        frames = clips(draw_clips(held, 32, 0, 0))
        error = (model.decode(model.encode(frames)) - frames).square().mean()
    return float(-10 * error.log10())


if __name__ == "__main__":
    print(f"held-out PSNR: {main(Path(sys.argv[1])):.1f} dB")
