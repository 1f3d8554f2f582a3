"""MaskGIT dynamics: from history and an action to the next frame's tokens."""

from dynamics.model import Dynamics, DynamicsConfig

__all__ = ["Dynamics", "DynamicsConfig"]
