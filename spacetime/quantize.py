"""Quantizers: finite scalar quantization, and a learned codebook."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from spacetime.ranks import gather_rows

# k-means from random members sometimes ends in a poor optimum; the best of these runs is kept.
KMEANS_STARTS = 16


class FiniteScalarQuantizer(nn.Module):
    """Round every channel to a few levels; a code is the mixed-radix number of its channels.

    Source: Finite Scalar Quantization (Mentzer et al. 2023), with the symmetric grid of Scaling
    Transformers for Low-Bitrate High-Quality Speech Coding (Parker et al. 2024), section 3.2: on
    the first one's grid two levels can round to the same one.
    """

    def __init__(self, levels: tuple[int, ...]) -> None:
        """Build the quantizer; `levels` is the number of levels of each channel, 2 or more."""
        super().__init__()
        if not levels or min(levels) < 2:
            raise ValueError(f"levels must be whole numbers of 2 or more, got {tuple(levels)}")
        self.num_codes = math.prod(levels)
        self.channels = len(levels)
        digits = [math.prod(levels[:channel]) for channel in range(len(levels))]
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        self.register_buffer("digits", torch.tensor(digits), persistent=False)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Quantize with a straight-through gradient.

        Args:
            latents: float (B, N, channels), unbounded.

        Returns:
            Quantized latents of the same shape in [-1, 1], and ids int64 (B, N).
        """
        steps = self.levels - 1
        level = steps * (torch.tanh(latents) + 1) / 2 + 0.5
        level = level + (level.floor() - level).detach()
        quantized = 2.0 / steps * level - 1
        ids = ((quantized + 1) / (2.0 / steps) * self.digits).sum(dim=-1).round()
        return quantized, ids.long()

    def lookup(self, ids: Tensor) -> Tensor:
        """Return the quantized latents, float (..., channels), of int64 ids (...)."""
        return ids[..., None] // self.digits % self.levels * (2.0 / (self.levels - 1)) - 1


@dataclass(frozen=True, kw_only=True)
class CodebookConfig:
    """Shape and learning of a codebook.

    Attributes:
        num_codes: number of codes, 2 or more.
        channels: channels per code.
        decay: of the moving averages by which a code follows its members.
        dead_fraction: a code that is used less than this fraction of 1/num_codes (a running
            average) is replaced by a latent of the batch.
        commitment: weight of the loss that pulls latents to their code.
    """

    num_codes: int
    channels: int
    decay: float = 0.99
    dead_fraction: float = 0.05
    commitment: float = 0.25

    def __post_init__(self) -> None:
        """Refuse values that would fail silently."""
        if self.num_codes < 2 or self.channels < 1:
            raise ValueError(
                f"a codebook needs 2 codes and 1 channel or more, got {self.num_codes} codes of "
                f"{self.channels} channels"
            )
        if not 0 < self.decay < 1 or not 0 <= self.dead_fraction < 1:
            raise ValueError(
                f"decay must lie in (0, 1) and dead_fraction in [0, 1), got {self.decay} and "
                f"{self.dead_fraction}"
            )


class VectorQuantizer(nn.Module):
    """A learned codebook that follows its members and replaces dead codes (`revived` counts them).

    It draws from torch's global generator: seed it at each step for an exact resume. Of several
    processes that train together all have the same codes, which follow the members of all.

    Source: VQ-VAE (van den Oord et al. 2017), appendix A.1, for the moving averages.
    """

    def __init__(self, config: CodebookConfig) -> None:
        """Build an empty codebook; `fit` it before use."""
        super().__init__()
        self.config = config
        self.num_codes = config.num_codes
        self.vq = _codebook_at_rest(config)
        # In a list, so that the library's module is not a submodule with weights of its own.
        self._learning: list[nn.Module] = []
        self.revived = 0
        self.register_buffer("use", torch.full((config.num_codes,), 1.0 / config.num_codes))

    def tune(self, **changes: float) -> None:
        """Change decay, dead_fraction or commitment; the codes stay as they are."""
        self.config = replace(self.config, **changes)
        self._learning.clear()

    @property
    def codes(self) -> Tensor:
        """The codes, float (num_codes, channels)."""
        return self.vq._codebook.embed[0]

    def _library(self) -> nn.Module:
        """Return vector-quantize-pytorch's quantizer, working on this codebook's own tensors."""
        if not self._learning:
            # Importing it takes longer than loading a world, and play only looks up codes.
            from vector_quantize_pytorch import VectorQuantize

            self._learning.append(
                VectorQuantize(
                    dim=self.config.channels,
                    codebook_size=self.config.num_codes,
                    decay=self.config.decay,
                    commitment_weight=0.0,
                    rotation_trick=False,
                    kmeans_init=True,
                    kmeans_iters=25,
                    threshold_ema_dead_code=0,
                    sync_kmeans=False,  # `fit` gets the latents of all processes
                )
            )
        learning = self._learning[0].to(self.use.device).train(self.training)
        for name, buffer in self.vq._codebook.named_buffers():
            setattr(learning._codebook, name, buffer)
        return learning

    @torch.no_grad()
    def fit(self, latents: Tensor) -> None:
        """Initialise the codebook by k-means on latents, float (n, channels), n ≥ num_codes."""
        if len(latents) < self.num_codes:
            raise ValueError(
                f"k-means into {self.num_codes} codes needs as many latents, got {len(latents)}: "
                f"use more video"
            )
        latents = latents.float()
        book = self._library()._codebook
        best, kept = math.inf, {}
        for _ in range(KMEANS_STARTS):
            book.initted.fill_(False)
            book.init_embed_(latents[None])
            spread = float(torch.cdist(latents, self.codes).amin(dim=1).square().mean())
            if spread < best:
                best, kept = spread, {k: v.clone() for k, v in book.state_dict().items()}
        book.load_state_dict(kept)
        self.use.fill_(1.0 / self.num_codes)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantize with a straight-through gradient; in training mode, update the codes.

        Args:
            latents: float (n, channels).

        Returns:
            Quantized latents (n, channels), ids int64 (n,), and the commitment loss (a scalar).
        """
        learning = self._library()
        # Distances in full precision: otherwise nearly equal codes swap members at random.
        with torch.autocast(latents.device.type, enabled=False):
            quantized, ids, _ = learning(latents[None].float())
        quantized, ids = quantized[0], ids[0].long()
        commitment = (latents - self.codes[ids].detach()).square().mean()
        if self.training:
            self._revive(latents.detach(), ids)
        return quantized, ids, self.config.commitment * commitment

    @torch.no_grad()
    def _revive(self, latents: Tensor, ids: Tensor) -> None:
        """Replace dead codes by latents of the batch of all processes."""
        latents, ids = gather_rows(latents), gather_rows(ids)
        fraction = torch.bincount(ids, minlength=self.num_codes) / len(ids)
        self.use.lerp_(fraction, 1 - self.config.decay)
        dead = self.use < self.config.dead_fraction / self.num_codes
        if not dead.any():
            return
        count = int(dead.sum())
        self.revived += count
        chosen = latents[torch.randint(len(latents), (count,), device=latents.device)].float()
        # Jittered, so that no two codes are equal.
        chosen = chosen + 0.01 * latents.std().clamp_min(0.01) * torch.randn_like(chosen)
        book = self.vq._codebook
        book.embed.data[0, dead] = chosen
        # The mass of an average code: otherwise the first members would move the new code far.
        mass = book.cluster_size.mean()
        book.cluster_size.data[0, dead] = mass
        book.embed_avg.data[0, dead] = chosen * mass
        self.use[dead] = 1.0 / self.num_codes

    def nearest(self, latents: Tensor) -> Tensor:
        """Return the ids, int64 (n,), of the codes nearest to latents, float (n, channels)."""
        return torch.cdist(latents.float(), self.codes).argmin(dim=1)

    def lookup(self, ids: Tensor) -> Tensor:
        """Return the codes, float (..., channels), of int64 ids (...)."""
        return self.codes[ids]


def _codebook_at_rest(config: CodebookConfig) -> nn.Module:
    """Return an empty codebook with vector-quantize-pytorch's names, as in saved weights."""
    book, holder = nn.Module(), nn.Module()
    empty = torch.zeros(1, config.num_codes, config.channels)
    book.register_buffer("initted", torch.tensor(False))
    book.register_buffer("cluster_size", torch.ones(1, config.num_codes))
    book.register_buffer("embed_avg", empty.clone())
    book.register_buffer("embed", empty)
    holder.add_module("_codebook", book)
    return holder
