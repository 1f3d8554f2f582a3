"""Whether latent actions are healthy, weak or collapsed, and what to try if they are not."""

from collections.abc import Sequence
from dataclasses import dataclass

from lam.health.measures import CodeUse, Decided, OneStep
from spacetime.verdict import Verdict

# Below these a model is collapsed: play would hardly answer the keys.
_COLLAPSED_PERPLEXITY = 1.5
_COLLAPSED_LARGEST_SHARE = 0.97
_COLLAPSED_DELTA_PSNR = 0.3
# Unless they decide pixels, however few, in such a share of transitions, so often to the better; so
# that they are not even weak by it, more often.
_DECIDED_SHARE = 0.05
_DECIDED_NEARER = 0.6
_DECIDED_WELL = 0.65
# Below these it is weak: keys answer, but some code or some prompt does not.
_WEAK_RAREST_SHARE = 0.01
_WEAK_DELTA_PSNR = 2.0
_WEAK_NEARER_NEXT = 0.5
_WEAK_CONSISTENCY = 0.6


@dataclass(frozen=True, kw_only=True)
class ActionHealth(Verdict):
    """The state of a latent action model."""

    ABOUT = "latent actions"


def assess_health(
    use: CodeUse, step: OneStep, consistency: Sequence[float | None] | None = None
) -> ActionHealth:
    """Assess whether a latent action model can be played.

    Collapsed: perplexity under 1.5, one code on more than 97 % of transitions, or a one-step
    ΔPSNR under 0.3 dB, unless the codes decide pixels in 5 % of the transitions or more, and the
    inferred one is nearer there in 60 % of these: a paddle is a thousandth of the frame. Weak: the
    rarest code under 1 %, ΔPSNR under 2 dB unless the same holds with 65 %, fewer than half of the
    predictions nearer to the next frame than to the current one where anything changes, or a code
    that agrees with itself on fewer than 60 % of prompts. Else healthy.

    Args:
        use: how often each code occurs.
        step: one-step scores.
        consistency: per code, from `code_consistency`; None if it was not measured.
    """
    collapsed = _collapse_reasons(use, step)
    weak = [] if collapsed else _weakness_reasons(use, step, consistency or ())
    state = "collapsed" if collapsed else "weak" if weak else "healthy"
    remedies = {"collapsed": _COLLAPSE_REMEDIES, "weak": _WEAKNESS_REMEDIES, "healthy": ()}
    return ActionHealth(state=state, reasons=tuple(collapsed or weak), remedies=remedies[state])


_COLLAPSE_REMEDIES = (
    "train the latent action model longer (--minutes): before codes are quantized it must already "
    "predict better than a frozen frame",
    "check the recording with genie corpus report: if most frames repeat, use fewer frames per "
    "second (--fps), so that an action shows from one frame to the next",
    "record play in which every action is held for a while: an action that is never played cannot "
    "be found",
    "weight changed pixels more (recipe: `lam: method: {change_weight: 30}`): a small player is "
    "lost in a still background",
    "try fewer codes (recipe: `lam: model: {num_actions: 4}`), then other seeds (--seeds 4)",
)
_WEAKNESS_REMEDIES = (
    "train the latent action model longer (--minutes)",
    "try fewer codes (recipe: `lam: model: {num_actions: …}`) if some are hardly used, more if one "
    "code means several things",
    "use fewer frames per second (--fps), so that an action shows more from one frame to the next",
    "record more varied play: actions held for different times, in many parts of the game",
    "weight changed pixels more (recipe: `lam: method: {change_weight: 30}`), or widen the model "
    "(`lam: model: {channels: …}`)",
)


def _collapse_reasons(use: CodeUse, step: OneStep) -> list[str]:
    """Return why the model is collapsed; empty if it is not."""
    reasons = []
    if not use.perplexity >= _COLLAPSED_PERPLEXITY:
        reasons.append(f"code perplexity is {use.perplexity:.2f}, under {_COLLAPSED_PERPLEXITY}")
    if use.largest > _COLLAPSED_LARGEST_SHARE:
        reasons.append(
            f"code {use.shares.index(use.largest)} does {use.largest:.1%} of all transitions, over "
            f"{_COLLAPSED_LARGEST_SHARE:.0%}"
        )
    # Written so that NaN counts as collapsed.
    if not step.delta_psnr >= _COLLAPSED_DELTA_PSNR and not _decide(step.decided, _DECIDED_NEARER):
        reasons.append(_small_delta(step, _COLLAPSED_DELTA_PSNR, _DECIDED_NEARER))
    return reasons


def _decide(found: Decided, nearer: float) -> bool:
    """Whether codes decide something, and so often to the better."""
    return found.share >= _DECIDED_SHARE and (found.nearer or 0) >= nearer


def _small_delta(step: OneStep, least: float, nearer: float) -> str:
    """Say that ΔPSNR is too small, and why `_decide` says no."""
    found = step.decided
    if found.share < _DECIDED_SHARE:
        lacking = (
            f"decides pixels in {found.share:.0%} of the transitions, under {_DECIDED_SHARE:.0%}"
        )
    else:
        lacking = f"is nearer where the two differ in {found.nearer:.0%}, under {nearer:.0%}"
    return (
        f"the inferred code predicts {step.delta_psnr:.2f} dB better than a random one, under "
        f"{least} dB, and {lacking}"
    )


def _weakness_reasons(
    use: CodeUse, step: OneStep, consistency: Sequence[float | None]
) -> list[str]:
    """Return why the model is weak; empty if it is not."""
    reasons = []
    if use.rarest < _WEAK_RAREST_SHARE:
        reasons.append(
            f"code {use.shares.index(use.rarest)} does {use.rarest:.1%} of all transitions, under "
            f"{_WEAK_RAREST_SHARE:.0%}"
        )
    if step.delta_psnr < _WEAK_DELTA_PSNR and not _decide(step.decided, _DECIDED_WELL):
        reasons.append(_small_delta(step, _WEAK_DELTA_PSNR, _DECIDED_WELL))
    nearer = step.nearer_next / step.changed_share if step.changed_share else 0.0
    if not nearer >= _WEAK_NEARER_NEXT:
        reasons.append(
            f"where anything changes, {nearer:.0%} of the predictions are nearer to the next frame "
            f"than to the current one, under {_WEAK_NEARER_NEXT:.0%}"
        )
    reasons += [
        f"code {code} does the same on {share:.0%} of prompts, under {_WEAK_CONSISTENCY:.0%}"
        for code, share in enumerate(consistency)
        if share is not None and share < _WEAK_CONSISTENCY
    ]
    return reasons
