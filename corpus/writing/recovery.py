"""Going on with a corpus whose writing was interrupted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import zarr

from corpus.store import PROVENANCE_FILE, CorpusCard
from corpus.whole_file import read_lines


def refuse_other_options(partial: Path, old: CorpusCard, new: CorpusCard) -> None:
    """Refuse to go on with other options than a corpus was begun with; its source may differ."""
    before, now = old.to_attributes(), new.to_attributes() | {"source": old.source}
    before |= before.pop("options")
    now |= now.pop("options")
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise ValueError(
                f"{partial} was begun with {key} {before.get(key)!r}, now it is {now.get(key)!r}: "
                "give the same options, or delete it"
            )


def recover(partial: Path, group: zarr.Group) -> list[dict]:
    """Drop what lies behind the last commit mark; return the committed records.

    Raises:
        ValueError: committed episodes are lost.
    """
    for file in list(partial.rglob("*.partial")):
        file.unlink()  # each chunk is written under another name first
    ends = np.asarray(group["episode_ends"][:], np.int64)
    rising = np.diff(ends, prepend=0) > 0  # a mark that was cut off reads as the fill value, 0
    marks = len(ends) if rising.all() else int(np.argmin(rising))
    *lines, _ = read_lines(partial / PROVENANCE_FILE)
    if len(lines) < marks or (marks and ends[marks - 1] > group["frames"].shape[0]):
        raise ValueError(f"{partial} is damaged: it has lost committed episodes; delete it")
    kept = partial / (PROVENANCE_FILE + ".new")
    kept.write_text("".join(line + "\n" for line in lines[:marks]), encoding="utf-8")
    os.replace(kept, partial / PROVENANCE_FILE)
    committed = int(ends[marks - 1]) if marks else 0
    group["episode_ends"].resize((marks,))
    group["frames"].resize((committed, *group["frames"].shape[1:]))
    if "actions" in group:
        group["actions"].resize((committed,))
    return [json.loads(line) for line in lines[:marks]]
