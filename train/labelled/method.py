"""How labelled actions are read: the numbers of the method."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LabelledMethod:
    """How labelled actions are read.

    Attributes:
        change_weight: in the decoder's loss, a pixel that changes counts 1 + this.
        steps: of the fit of the net that reads actions, each with all labels.
        lr: its learning rate.
        weight_decay: its weight decay.
        dropout: fraction of its inputs and units that a step leaves out.
        half_trust: from so many labels on, the net counts more than the code that was read without
            labels.
        longest_hold: an action is held on with this probability at most.
    """

    change_weight: float = 10.0
    steps: int = 400
    lr: float = 3e-3
    weight_decay: float = 1e-2
    dropout: float = 0.3
    half_trust: int = 256
    longest_hold: float = 0.95
