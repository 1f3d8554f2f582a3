"""A run of the recipe auto, on the corpus of the module that asks for it."""

import pytest

from train.pipeline import train


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    """A run of the recipe auto, its action model only."""
    out = tmp_path_factory.mktemp("run") / "r"
    text = """
about: of a test
tokenizer: {fit: {share: 1, steps: 2, batch: 2, frames: 2, checks: 1}}
lam:
  kind: auto
  fit: {share: 1, steps: 300, batch: 12, frames: 2, lr: 0.01, ema: 0.9, checks: 2}
  model: {channels: 4}
  method: {quantize_at: 0.9}
dynamics:
  fit: {share: 1, steps: 2, batch: 2, frames: 4, checks: 1}
  model: {dim: 8, heads: 2, layers: 1, band: 2}
settings: {steps: 2, order: random, temperature: 1.0}
"""
    recipe = out.parent / "auto.yaml"
    recipe.write_text(text)
    train("lam", corpus.path, str(recipe), out)
    return out, recipe
