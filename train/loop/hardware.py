"""What fits well on this machine: batch of frames and precision."""

import torch

from genie.device import has_fast_bfloat16, pick_device


def frames_at_once(device: torch.device) -> int:
    """Return how many frames of a corpus make a batch of encoding."""
    # On a CPU the tensors of a batch stay below 32 MB: above, the C library gives each one fresh
    # pages, which took half of the time (lab notes, 2026-11-28).
    return 2048 if device.type == "cuda" else 64


def pick_precision() -> str:
    """Choose Lightning's precision: "bf16-mixed" where bfloat16 is fast, else "32-true"."""
    return "bf16-mixed" if has_fast_bfloat16(pick_device()) else "32-true"
