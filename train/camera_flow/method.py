"""How actions are read off the flow of the picture: the numbers of the method."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CameraFlowMethod:
    """How the keys behind the flow are found.

    Attributes:
        change_weight: in the decoder's loss, a pixel that changes counts 1 + this.
        quantize_at: fraction of the fit after which keys are read: nothing is learned before.
        most_frames: frames that the keys are fitted on.
        starts: fits of each number of keys, of which the likeliest is kept.
        rounds: of expectation and maximization, each.
        least_gain: one more key has to make a transition likelier by this, in nats.
        most_keys: more are not tried.
    """

    change_weight: float = 10.0
    quantize_at: float = 0.0
    most_frames: int = 20_000
    starts: int = 8
    rounds: int = 25
    least_gain: float = 0.08
    most_keys: int = 8
