"""The names and keys of codes."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lam.camera_flow.config import CameraFlowConfig
from lam.camera_flow.flow import measure_flow
from lam.keymap.code_motion import CodeMotion, measure_motions, rests, standard_error, trimmed_mean
from lam.keymap.displacement import Measure, as_unit_frames, measure_displacement

# A component of a mean displacement counts from this many standard errors and pixels on; more
# than the usual two or three, since the frames of one fall are not independent draws.
_SIGNIFICANT = 4.0
_LEAST_PIXELS = 0.1
# What moves this far on average, though in no one direction, is not standing still.
_MIXED_PIXELS = 1.0
# The picture grows by more, in pixels at its sides, under a step ahead; of so many transitions.
_LEAST_GROWTH = 0.2
_MOST_WATCHED = 256
# A component below this fraction of the other (tan 30°) does not make a diagonal.
_DIAGONAL = math.tan(math.pi / 6)
# Nor does one below this fraction (tan 10°) part a code from one that has another name already.
_LEAN = math.tan(math.pi / 18)
_NEIGHBOUR = math.cos(math.pi / 4) - 1e-6

_AXES = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
KEYS = {
    "left": ("left", "a"),
    "right": ("right", "d"),
    "up": ("up", "w", "space"),
    "down": ("down", "s"),
    "up-left": ("q",),
    "up-right": (),
    "down-left": ("z",),
    "down-right": (),
}
_AHEAD = {"forward": "up", "back": "down"}
"""What has the keys of an arrow where no action goes that way."""


@dataclass(frozen=True, kw_only=True)
class CodeEffect:
    """What one code does.

    Attributes:
        kind: "camera", "object" or "none".
        dx: pixels to the right per frame, in the player's direction, beyond the idle code.
        dy: pixels down.
        strength: displacement along the named direction less that across it, each axis in units of
            its usual displacement: ranks the codes that share a name, the purest first.
        direction: the word for it: left … down-right, "forward" or "back" where the picture grows
            or shrinks and moves in no one direction, "mixed" or "none".
        moving_share: fraction of the code's transitions in which something moved.
        agreement: fraction of those within 45° of (dx, dy); of a "none", those that stood still.
    """

    kind: str
    dx: float
    dy: float
    strength: float
    direction: str
    moving_share: float
    agreement: float


def measure_effects(
    before: Tensor,
    after: Tensor,
    codes: Tensor,
    num_codes: int,
    measure: Measure = measure_displacement,
) -> tuple[tuple[CodeEffect, ...], int]:
    """Measure what every code does and which one is idle.

    Args:
        before: uint8 or float in [0, 1], (P, 3, H, W).
        after: the same shape.
        codes: int64 (P,), 0 … A−1.
        num_codes: A.
        measure: finds what moved.

    Returns:
        The effect of each code, and the id of the code that moves least.

    Raises:
        ValueError: if shapes do not fit, there are no pairs, or a code is out of range.
    """
    motions, idle, scale = measure_motions(before, after, codes, num_codes, measure)
    rest = motions[idle] if rests(motions, idle, scale) else None
    means = [_mean_beyond(motion, rest) for motion in motions]
    words = _directions(means, scale)
    effects = [
        _effect(motion, mean, word, scale, motion is rest)
        for motion, (mean, _), word in zip(motions, means, words, strict=True)
    ]
    for code, effect in enumerate(effects if measure is measure_displacement else ()):
        (own,) = (torch.as_tensor(codes) == code).nonzero(as_tuple=True)
        if effect.direction in ("mixed", "none") and len(own):
            own = own[torch.linspace(0, len(own) - 1, min(len(own), _MOST_WATCHED)).long()]
            effects[code] = _ahead(effect, before[own], after[own])
    if effects[idle].direction in _AHEAD:  # no shift explains it, so it seemed to stand still
        seen = set(torch.as_tensor(codes).tolist())
        still = [code for code in seen if effects[code].direction == "none"]
        idle = min(still, key=lambda code: motions[code].moving_share, default=idle)
    return tuple(effects), idle


def assign_names(effects: tuple[CodeEffect, ...], idle: int) -> tuple[str, ...]:
    """Give each code a unique name: the strongest of a direction `left`, the next `left-2`, ….

    Args:
        effects: one for each code.
        idle: the code that moves least: it comes first among equals of "none".
    """
    order = sorted(range(len(effects)), key=lambda code: (code != idle, -effects[code].strength))
    if effects[idle].direction != "none":
        order.sort(key=lambda code: -effects[code].strength)
    names: dict[int, str] = {}
    used: dict[str, int] = {}
    for code in order:
        word = effects[code].direction
        used[word] = used.get(word, 0) + 1
        names[code] = word if used[word] == 1 else f"{word}-{used[word]}"
    return tuple(names[code] for code in range(len(effects)))


def assign_keys(effects: tuple[CodeEffect, ...], names: tuple[str, ...]) -> tuple[tuple, ...]:
    """Bind keyboard keys to codes, given their effects and unique names.

    An arrow without a code of its own goes to the strongest diagonal of that direction; second
    codes of a name have digits only.
    """
    keys = [
        KEYS[_AHEAD[name]] if name in _AHEAD and _AHEAD[name] not in names else KEYS.get(name, ())
        for name in names
    ]
    for axis in _AXES:
        if axis in names or any(_AHEAD.get(name) == axis for name in names):
            continue
        diagonals = [code for code, name in enumerate(names) if name in KEYS and axis in name]
        if diagonals:
            strongest = max(diagonals, key=lambda code: effects[code].strength)
            keys[strongest] = keys[strongest] + KEYS[axis]
    return tuple(keys)


def _mean_beyond(motion: CodeMotion, idle: CodeMotion | None) -> tuple[Tensor, Tensor]:
    """Return the mean displacement (2,) beyond that of the idle code (None: it has none).

    The second value, bool (2,), says which components are significant.
    """
    mean = torch.zeros(2)
    error = torch.zeros(2)
    if len(motion.steps) and motion is not idle:
        mean = trimmed_mean(motion.steps)
        error = standard_error(motion.steps)
        if idle is not None:
            mean = mean - idle.drift
            error = (error.square() + idle.drift_error.square()).sqrt()
    return mean, (mean.abs() > _SIGNIFICANT * error) & (mean.abs() > _LEAST_PIXELS)


def _directions(means: list[tuple[Tensor, Tensor]], scale: Tensor) -> list[str]:
    """Return the word for each code."""
    # Two codes of one word that move to opposite sides are told apart by the side: a jump to the
    # left and one to the right, however much higher than wide they are.
    words = [_direction(torch.where(sure, mean / scale, torch.zeros(2))) for mean, sure in means]
    parted = list(words)
    for word, heading in _AXES.items():
        across = 0 if heading[0] == 0 else 1
        sides = {
            code: mean[across].item()
            for code, (mean, sure) in enumerate(means)
            if word in words[code].split("-") and sure[across]
        }
        leaning = {code for code in sides if _leans(means[code][0] / scale, across)}
        for code, side in sides.items():
            opposite = (other for other in sides if sides[other] * side < 0)
            # Of one word, the side alone tells two codes apart; of two, both must lean plainly.
            if any(words[o] == words[code] or {o, code} <= leaning for o in opposite):
                parted[code] = _direction(means[code][0].sign())
    return parted


def _leans(step: Tensor, across: int) -> bool:
    """Return whether a step (2,) in axis units goes far enough across."""
    return bool(step[across].abs() >= _LEAN * step[1 - across].abs())


def _effect(
    motion: CodeMotion, mean: Tensor, direction: str, scale: Tensor, resting: bool
) -> CodeEffect:
    """Describe one code with mean displacement `mean` (2,), called `direction`."""
    agreement = 1.0 - motion.moving_share
    strength = 0.0
    if direction != "none":
        aligned = torch.cosine_similarity(motion.steps, mean[None], dim=1) >= _NEIGHBOUR
        agreement = aligned.float().mean().item()
        strength = _strength(mean / scale, direction)
    elif not resting and motion.moving_share > 0.5 and motion.speed > _MIXED_PIXELS:
        direction, agreement = "mixed", 0.0
    return CodeEffect(
        kind="none" if direction == "none" else motion.kind,
        dx=mean[0].item(),
        dy=mean[1].item(),
        strength=strength,
        direction=direction,
        moving_share=motion.moving_share,
        agreement=agreement,
    )


def _ahead(effect: CodeEffect, before: Tensor, after: Tensor) -> CodeEffect:
    """Call a code "forward" or "back" if the picture grows or shrinks under it."""
    flow = measure_flow(as_unit_frames(before), as_unit_frames(after), CameraFlowConfig.reach)
    growth = flow[:, 2:].mean(dim=1, keepdim=True)
    mean, error = float(trimmed_mean(growth)), float(standard_error(growth))
    if abs(mean) < max(_LEAST_GROWTH, _SIGNIFICANT * error):
        return effect
    return replace(
        effect,
        kind="camera",
        direction="forward" if mean > 0 else "back",
        strength=abs(mean),
        agreement=(growth * mean > 0).float().mean().item(),
    )


def _strength(step: Tensor, direction: str) -> float:
    """Return how far a step (2,) in axis units goes along a direction, less how far across."""
    words = direction.split("-")
    heading = torch.tensor([_AXES[word] for word in words], dtype=torch.float32).sum(dim=0)
    along = torch.dot(step, heading) / heading.norm()
    across = (step.square().sum() - along.square()).clamp_min(0).sqrt()
    return (along - across).item()


def _direction(step: Tensor) -> str:
    """Return the word for a displacement (2,) in axis units: one of eight directions or none."""
    dx, dy = step.tolist()
    if dx == 0 and dy == 0:
        return "none"
    words = []
    if abs(dy) >= _DIAGONAL * abs(dx):
        words.append("down" if dy > 0 else "up")
    if abs(dx) >= _DIAGONAL * abs(dy):
        words.append("right" if dx > 0 else "left")
    return "-".join(words)
