"""Worlds learned from video: load one, play it, measure it, bring models of your own."""

from importlib import import_module

_PUBLIC = {
    "World": "genie.world",
    "Rollout": "genie.rollouts.rollout",
    "Bundle": "genie.library.bundle",
    "load_bundle": "genie.library.bundle",
    "load_world": "genie.library.loading",
    "list_worlds": "genie.library.catalog",
    "register": "genie.registry",
    "EvalConfig": "genie.evaluate.context",
}
# A name of its own: `genie.evaluate` is the package.
_RENAMED = {"evaluate_world": ("genie.evaluate.run", "evaluate_with")}
__all__ = [*_PUBLIC, *_RENAMED]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that importing genie loads no torch."""
    if name not in __all__:
        raise AttributeError(f"module 'genie' has no attribute {name!r}")
    module, attribute = _RENAMED.get(name) or (_PUBLIC[name], name)
    return getattr(import_module(module), attribute)
