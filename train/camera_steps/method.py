"""How actions are read off the steps of a camera: the numbers of the method."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CameraStepsMethod:
    """How the steps of the camera and the keys behind them are found.

    Attributes:
        change_weight: in the decoder's loss, a pixel that changes counts 1 + this.
        quantize_at: fraction of the fit after which keys are read: at once, as nothing that is
            fitted before helps.
        most_frames: of the corpus, that tell which steps are blocked.
        usual: quantile of a step's chance over all frames: its chance where nothing is in its way.
        free: fraction of its usual chance above which nothing is in a step's way.
        carried: the view ends where pixels go along with the camera less often than this fraction
            of the most.
    """

    change_weight: float = 10.0
    quantize_at: float = 0.0
    most_frames: int = 60_000
    usual: float = 0.9
    free: float = 0.5
    carried: float = 0.15
