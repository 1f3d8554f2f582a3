"""Latent action model: two frames to an action id, learnt without labels."""

from lam.model import LatentActionConfig, LatentActionModel

__all__ = ["LatentActionConfig", "LatentActionModel"]
