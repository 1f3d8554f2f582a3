"""Video VQ-VAE: frames to token ids and back."""

from tokenizer.model import Tokenizer, TokenizerConfig

__all__ = ["Tokenizer", "TokenizerConfig"]
