"""Quantizers: the only file that imports vector-quantize-pytorch."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from vector_quantize_pytorch import FSQ, VectorQuantize

KMEANS_STARTS = 16
"""k-means from random members ends in a poor corner now and then; the best of these is kept."""


class FiniteScalarQuantizer(nn.Module):
    """Round every channel to a few levels; a code is the mixed-radix number of its channels.

    Source: Finite Scalar Quantization (Mentzer et al. 2023).
    """

    def __init__(self, levels: tuple[int, ...]) -> None:
        """Build the quantizer.

        Args:
            levels: levels of each channel, 2 or more; K is their product.

        Raises:
            ValueError: if there are no levels or one is below 2.
        """
        super().__init__()
        if not levels or min(levels) < 2:
            raise ValueError(f"levels must be whole numbers of 2 or more, got {tuple(levels)}")
        self.num_codes = math.prod(levels)
        self.channels = len(levels)
        # Two levels round to one of them unless the grid is symmetric.
        self.fsq = FSQ(list(levels), preserve_symmetry=True)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Quantize with a straight-through gradient.

        Args:
            latents: float (B, N, channels), unbounded.

        Returns:
            Quantized latents of the same shape in [-1, 1], and ids int64 (B, N).
        """
        quantized, ids = self.fsq(latents)
        return quantized, ids.long()

    def lookup(self, ids: Tensor) -> Tensor:
        """Return the quantized latents, float (..., channels), of int64 ids (...)."""
        # Flat: the library takes more than two dimensions for an image, channels first.
        return self.fsq.indices_to_codes(ids.reshape(-1)).reshape(*ids.shape, self.channels)


@dataclass(frozen=True, kw_only=True)
class CodebookConfig:
    """Shape and habits of a learned codebook.

    Attributes:
        num_codes: codes, 2 or more.
        channels: numbers in a code.
        decay: share of a code kept at each step while it follows its members.
        dead_share: a code whose running share of use falls below this share of 1/num_codes is
            replaced by a latent of the batch.
        commitment: weight of the loss that pulls latents to their code.
    """

    num_codes: int
    channels: int
    decay: float = 0.99
    dead_share: float = 0.05
    commitment: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what would fail silently."""
        if self.num_codes < 2 or self.channels < 1:
            raise ValueError(
                f"a codebook needs 2 codes and 1 channel or more, got {self.num_codes} codes of "
                f"{self.channels} channels"
            )
        if not 0 < self.decay < 1 or not 0 <= self.dead_share < 1:
            raise ValueError(
                f"decay must lie in (0, 1) and dead_share in [0, 1), got {self.decay} and "
                f"{self.dead_share}"
            )


class VectorQuantizer(nn.Module):
    """A learned codebook that follows its members and replaces dead codes (`revived` counts them).

    Dead codes are replaced by latents drawn from the batch, jittered so that no two codes are
    equal. Draws come from torch's global generator: seed it at each step for an exact resume.

    Source: VQ-VAE (van den Oord et al. 2017), appendix A.1, for the moving averages.
    """

    def __init__(self, config: CodebookConfig) -> None:
        """Build an empty codebook; `fit` it before use."""
        super().__init__()
        self.config = config
        self.num_codes = config.num_codes
        self.vq = VectorQuantize(
            dim=config.channels,
            codebook_size=config.num_codes,
            decay=config.decay,
            commitment_weight=0.0,
            rotation_trick=False,
            kmeans_init=True,
            kmeans_iters=25,
            threshold_ema_dead_code=0,
        )
        self.revived = 0
        self.register_buffer("use", torch.full((config.num_codes,), 1.0 / config.num_codes))

    @property
    def codes(self) -> Tensor:
        """The codes, float (num_codes, channels)."""
        return self.vq.codebook

    @torch.no_grad()
    def fit(self, latents: Tensor) -> None:
        """Start the codebook by k-means, the best of several starts.

        Args:
            latents: float (n, channels), at least num_codes of them.

        Raises:
            ValueError: if there are fewer latents than codes.
        """
        if len(latents) < self.num_codes:
            raise ValueError(
                f"k-means into {self.num_codes} codes needs as many latents, got {len(latents)}: "
                f"use more video"
            )
        latents = latents.float()
        book = self.vq._codebook
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
        """Quantize with a straight-through gradient; in training mode the codes follow.

        Args:
            latents: float (n, channels).

        Returns:
            Quantized latents (n, channels), ids int64 (n,), and the commitment loss (a scalar).
        """
        # Distances in full precision, or nearly equal codes would swap members at random.
        with torch.autocast(latents.device.type, enabled=False):
            quantized, ids, _ = self.vq(latents[None].float())
        quantized, ids = quantized[0], ids[0].long()
        commitment = (latents - self.codes[ids].detach()).square().mean()
        if self.training:
            self._revive(latents.detach(), ids)
        return quantized, ids, self.config.commitment * commitment

    @torch.no_grad()
    def _revive(self, latents: Tensor, ids: Tensor) -> None:
        """Replace dead codes by jittered latents of the batch."""
        share = torch.bincount(ids, minlength=self.num_codes) / len(ids)
        self.use.lerp_(share, 1 - self.config.decay)
        dead = self.use < self.config.dead_share / self.num_codes
        if not dead.any():
            return
        count = int(dead.sum())
        self.revived += count
        chosen = latents[torch.randint(len(latents), (count,), device=latents.device)].float()
        chosen = chosen + 0.01 * latents.std().clamp_min(0.01) * torch.randn_like(chosen)
        book = self.vq._codebook
        book.embed.data[0, dead] = chosen
        # A newcomer has the mass of an average code, or its first members would throw it far.
        mass = book.cluster_size.mean()
        book.cluster_size.data[0, dead] = mass
        book.embed_avg.data[0, dead] = chosen * mass
        self.use[dead] = 1.0 / self.num_codes

    def lookup(self, ids: Tensor) -> Tensor:
        """Return the codes, float (..., channels), of int64 ids (...)."""
        return self.codes[ids]
