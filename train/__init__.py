"""Fitting the three models: the only room that imports lightning."""

from importlib import import_module

_PUBLIC = {
    "train": "train.pipeline",
    "fit": "train.loop.trainer",
    "FitModule": "train.loop.module",
    "FitPlan": "train.loop.module",
    "FitConfig": "train.recipe",
    "Clock": "train.loop.clock",
    "FrameClips": "train.data.clips",
    "TokenizerModule": "train.fit_tokenizer",
    "ActionModule": "train.fit_lam",
    "DynamicsModule": "train.fit_dynamics",
    "register_action_module": "train.methods",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'train' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
