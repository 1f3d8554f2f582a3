"""Lightning's loggers by name, beside the csv files and curves that every run leaves."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lightning.fabric.loggers import CSVLogger, Logger, TensorBoardLogger

from genie.arguments import LOGGERS


def make_loggers(
    wanted: str | Logger | Sequence[Logger] | None, out: Path, stage: str
) -> list[Logger]:
    """Return the loggers of one stage.

    Args:
        wanted: "csv", "tensorboard", "wandb", or loggers, which are returned as they are.
        out: RUN; files go to RUN/logs/STAGE.
        stage: names the run of a logger.

    Raises:
        ValueError: for an unknown name, or a logger whose package is not installed.
    """
    if wanted is None:
        return []
    if not isinstance(wanted, str):
        return [wanted] if isinstance(wanted, Logger) else list(wanted)
    if wanted not in LOGGERS:
        raise ValueError(f"no logger {wanted!r}: choose {', '.join(LOGGERS)}")
    folder = out / "logs" / stage
    try:
        if wanted == "csv":
            # Left to itself it keeps rows back, and a kill would lose them.
            return [CSVLogger(root_dir=folder, name="csv", flush_logs_every_n_steps=1)]
        if wanted == "tensorboard":
            return [TensorBoardLogger(root_dir=folder, name="tensorboard")]
        from lightning.pytorch.loggers import WandbLogger

        class OfStage(WandbLogger):
            """A run that ends with its stage: wandb would log the next stage into it as well."""

            def finalize(self, status: str) -> None:
                super().finalize(status)
                if self._experiment is None:
                    return
                if status == "success":
                    self._experiment.finish()
                else:
                    self._experiment.finish(exit_code=1)

        return [OfStage(project="genie-worlds", name=f"{out.name}/{stage}", save_dir=folder)]
    except ModuleNotFoundError as error:  # Lightning's has no name
        raise ValueError(
            f"--logger {wanted} needs {error.name or wanted}: pip install {wanted}, or choose csv"
        ) from None


@contextmanager
def finalized(loggers: Sequence[Logger]) -> Iterator[None]:
    """Tell loggers at the end how the fit inside ended: they write what they hold back."""
    status = "failed"
    try:
        yield
        status = "success"
    finally:
        for logger in loggers:
            logger.finalize(status)
