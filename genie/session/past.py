"""What a map of a world saw before a frame of a session."""

import numpy as np
import torch
from torch import Tensor

from genie.session.log import Session


def seen_until(session: Session, record: int) -> list[tuple[Tensor, Tensor, bool]]:
    """Return the frames of the line that leads to a record, as `Rollout.restore` takes them.

    Returns:
        Tokens int64 (1, N), prev action int64 (1,) and whether it was edited, of each frame; of the
        record itself only if it was.
    """
    line = session.line(record)
    frames = [session[int(index)] for index in line]
    ids = torch.from_numpy(session.ids(line).astype(np.int64))[:, None]
    seen = [
        (tokens, torch.tensor([frame.action]), frame.edited)
        for tokens, frame in zip(ids, frames, strict=True)
    ]
    return seen if frames[-1].edited else seen[:-1]
