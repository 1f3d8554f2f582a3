"""The options of `genie train`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lightning.fabric.loggers import Logger

from genie.arguments import STAGES, STRATEGIES

COPIED = ("tokenizer", "lam")
MOST_SEED = (1 << 32) - 1


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The options of `train`.

    Attributes:
        minutes: total of the stage, over all slices; `all` divides them by the recipe's shares.
            None: the recipe's steps.
        stop_after: minutes after which this slice ends with a checkpoint and an export. Of `all`,
            the stage in progress ends its slice, and those after it wait for the next one.
        resume: continue a run whose folder exists.
        seed: of every draw.
        start: a world to begin from. The run copies its tokenizer and action model where it has
            none, and fits its dynamics further, at lower rates; in a run with models of its own,
            the dynamics is translated into their ids. With the stage tokenizer, that is fitted
            further.
        decoder_only: with `start`, and the stage tokenizer or lam: fit the world's decoder further,
            and leave the encoder and the codes as they are.
        fresh: with `start`: fit a new dynamics beside the world's tokenizer and action model.
        seeds: fits of the action model, of which the best by its own criterion is kept.
        labels: a file of true actions of a few transitions, which name the actions and refine how
            they are read; nothing else of `train` opens actions. See `train.labelled.labels`.
        allow_collapsed: go on although the tokenizer or the latent actions are collapsed; the
            world's record says so of the actions.
        devices: processes on each machine, each with a GPU of its own where there are some; "auto"
            is one for each GPU. Each takes a batch of the recipe's size every step.
        nodes: machines, which share the run's folder.
        strategy: "ddp", a whole model in each process, or "fsdp", a part of it; None: "ddp".
        logger: "csv", "tensorboard", "wandb", or Lightning's loggers, beside the run's own logs.
    """

    minutes: float | None = None
    stop_after: float | None = None
    resume: bool = False
    seed: int = 0
    start: str | None = None
    decoder_only: bool = False
    fresh: bool = False
    seeds: int = 1
    labels: Path | None = None
    allow_collapsed: bool = False
    devices: int | str = 1
    nodes: int = 1
    strategy: str | None = None
    logger: str | Logger | Sequence[Logger] | None = None

    def check(self, stage: str) -> None:
        """Raise ValueError for options that do not fit the stage or each other."""
        if stage not in ("all", *STAGES):
            raise ValueError(f"no stage {stage!r}: choose all, {', '.join(STAGES)}")
        for flag, value in (("--minutes", self.minutes), ("--stop-after", self.stop_after)):
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{flag} must be above 0, got {value:g}")
        if not 0 <= self.seed <= MOST_SEED:
            raise ValueError(f"--seed must be 0 to {MOST_SEED}, got {self.seed}")
        if self.seeds < 1:
            raise ValueError(f"--seeds must be 1 or more, got {self.seeds}")
        self._check_processes(stage)
        if (self.fresh or self.decoder_only) and self.start is None:
            raise ValueError("--fresh and --decoder-only need --from WORLD")
        if self.decoder_only and stage not in COPIED:
            raise ValueError("--decoder-only is for the stages tokenizer and lam")
        if self.labels is not None:
            self._check_labels(stage)
        elif self.start is not None and stage == "lam" and not self.decoder_only:
            raise ValueError(
                "--from copies the lam from the world as it is: choose all, tokenizer, encode or "
                "dynamics, add --decoder-only to fit its decoder further or --labels FILE to name "
                "its actions, or leave out --from to fit new latent actions"
            )

    def _check_processes(self, stage: str) -> None:
        if self.devices != "auto" and not (isinstance(self.devices, int) and self.devices > 0):
            raise ValueError(f"--devices must be auto, or 1 or more, got {self.devices}")
        if self.nodes < 1:
            raise ValueError(f"--nodes must be 1 or more, got {self.nodes}")
        if self.strategy not in (None, *STRATEGIES):
            raise ValueError(f"no strategy {self.strategy!r}: choose {' or '.join(STRATEGIES)}")
        if (self.devices, self.nodes) == (1, 1):
            return
        if stage == "encode":
            raise ValueError("--devices and --nodes are for what is fitted: encode is one process")
        if not (self.logger is None or isinstance(self.logger, str)):
            raise ValueError("of several processes, name the logger: csv, tensorboard or wandb")

    def _check_labels(self, stage: str) -> None:
        if stage not in ("all", "lam"):
            raise ValueError("--labels is for the stages all and lam: later ones read its actions")
        if self.decoder_only:
            raise ValueError(
                "--labels changes what actions mean, --decoder-only keeps it: drop one"
            )
        if self.start is not None and stage == "all":
            raise ValueError(
                "with --from, name the actions first: genie train lam --from WORLD --labels FILE, "
                "then genie train all --from WORLD --resume with the same --out, without --labels"
            )
