"""Latent action model: two frames to an action id, learnt without labels."""

from importlib import import_module

_PUBLIC = {"LatentActionConfig": "lam.config", "LatentActionModel": "lam.model"}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    """Import a model when it is first asked for, so that keymaps are read without torch."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lam' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
