"""Latent action model: two frames to an action id, learnt without labels."""

from lam.config import LatentActionConfig
from lam.model import LatentActionModel

__all__ = ["LatentActionConfig", "LatentActionModel"]
