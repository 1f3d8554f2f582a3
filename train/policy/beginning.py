"""What a policy that is being trained is made of, noted beside its checkpoint."""

from collections.abc import Mapping
from pathlib import Path

from spacetime.weights import read_json, write_json
from train.loop.checkpoint import has_checkpoint

BEGINNING = "made_of.json"


def check_beginning(folder: Path, made_of: Mapping[str, str], instead: str) -> None:
    """Refuse to go on with a policy that is made of something else; nothing is written.

    Without a checkpoint there is nothing to go on with, whatever a note says.

    Args:
        folder: of its checkpoint.
        made_of: texts by name, of which none may differ.
        instead: what to do for another policy, as the end of a sentence.

    Raises:
        ValueError: the note in `folder` says something else, or it is missing or damaged.
    """
    if not has_checkpoint(folder):
        return
    note = folder / BEGINNING
    known = read_json(note) if note.exists() else None
    if not isinstance(known, dict):
        raise ValueError(
            f"{folder} does not say what its policy is made of, {note.name} is missing or damaged: "
            f"delete {folder} to begin again, or {instead}"
        )
    names = [*made_of, *(name for name in known if name not in made_of)]
    if other := [name for name in names if known.get(name) != made_of.get(name)]:
        raise ValueError(
            f"{folder} was begun with another {other[0]}: give the same one, or {instead}"
        )


def write_beginning(folder: Path, made_of: Mapping[str, str]) -> None:
    """Note what a policy is made of, once that is checked; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / BEGINNING, dict(made_of))
