from collections.abc import Callable

import pytest
import torch

from tokenizer import Tokenizer, TokenizerConfig


@pytest.fixture
def new_model() -> Callable[..., Tokenizer]:
    """Build a small tokenizer of 8×12 frames with every parameter redrawn."""

    def build(band: int = 3, seed: int = 0, local: bool = False) -> Tokenizer:
        config = TokenizerConfig(
            height=8, width=12, patch=4, levels=(4, 3, 3), dim=16, heads=2,
            encoder_layers=2, decoder_layers=2, band=band, local=local,
        )  # fmt: skip
        model = Tokenizer(config).eval()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # Frames are clamped to [0, 1]: most pixels must stay inside, or tests see nothing.
                std = 0.1 if name.startswith("to_pixels") else 0.4
                parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
        return model

    return build
