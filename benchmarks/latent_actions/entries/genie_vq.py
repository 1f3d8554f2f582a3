"""Genie's latent action model: a codebook that is learnt with its encoder."""

from torch import Tensor

from benchmarks.latent_actions.entries.entry import Entry
from lam.config import LatentActionConfig
from lam.model import LatentActionModel


class LearnedCodes(LatentActionModel):
    """Quantized from the first step on, with a straight-through gradient to the encoder.

    Source: Genie (Bruce et al. 2024), section 2. Convolutions take the place of its space-time
    transformers. Dead codes are replaced, which the paper does not say; without it all but one or
    two die.
    """

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the model with new weights."""
        super().__init__(config)
        self.quantized.fill_(True)

    def reconstruct(
        self, before: Tensor, after: Tensor, latent_penalty: float = 0.0
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predict the second frame of pairs through their codes; see `LatentActionModel`."""
        codes, ids, commitment = self.quantizer(self.encoder(before, after).float())
        return self.decoder(before, codes), ids, commitment


ENTRY = Entry(
    name="genie_vq",
    about="Genie: VQ learnt from the start, a decoder that sees one frame",
    model=LearnedCodes,
)
