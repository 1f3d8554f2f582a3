"""What fits well on this machine: batch of frames and precision."""

import torch

from genie.device import pick_device


def frames_at_once(device: torch.device) -> int:
    """Return how many frames of a corpus make a batch of encoding."""
    # On a CPU the tensors of a batch stay below 32 MB: above, the C library gives each one fresh
    # pages, which took half of the time (lab notes, 2026-11-28).
    return 2048 if device.type == "cuda" else 64


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 matrices faster than float32 ones."""
    # With AVX-512-BF16 or AMX a CPU is 2.5 times as fast in bfloat16, without them 60 times slower
    # (measured: lab notes, 2026-11-21).
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def pick_precision() -> str:
    """Choose Lightning's precision: "bf16-mixed" where bfloat16 is fast, else "32-true"."""
    return "bf16-mixed" if has_fast_bfloat16(pick_device()) else "32-true"
