"""How well named actions agree with the true ones, by the number of labels."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.latent_actions.games import Game
from benchmarks.latent_actions.reading import ceiling_of, label, true_groups
from benchmarks.latent_actions.record import corpus_path
from corpus.labels import draw_labels
from corpus.store import Corpus
from genie.evaluate.metrics.agreement import agreement_with_true_actions, share_of_ceiling
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world
from train.data.encode import read_episodes
from train.data.frames import Frames
from train.export import load_model
from train.fit_reader import observe_all
from train.labelled.fit import fit_reader, refine
from train.labelled.labels import Labels
from train.labelled.method import LabelledMethod


def load_actions(model: str) -> nn.Module:
    """Load the action model of a run's folder, or of a world."""
    if (Path(model) / "lam").is_dir():
        return load_model(Path(model) / "lam", "lam")
    return load_bundle(find_world(model)).lam


def label_curve(
    base: nn.Module, game: Game, data: Path, counts: Sequence[int], draws: int = 3,
    split: str = "test", progress: bool = True,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Measure an action model without labels and with more and more of them.

    Only how actions are read is fitted, not the decoder: agreement does not depend on it.

    Args:
        base: fitted without labels.
        game: what it was fitted on.
        data: folder of the recorded splits; labels are drawn from "train".
        counts: of labels.
        draws: how often labels are drawn for each count.
        split: that is scored, "dev" or "test".
        progress: whether to show bars.

    Yields:
        A record for the base, and one for each count.
    """
    corpora = [Corpus.open(corpus_path(data, game, name)) for name in ("train", split)]
    true = label(corpora[1], game)
    ceiling = ceiling_of(corpora[1], game, true, progress).balanced_accuracy
    groups = true_groups(corpora[0], game)

    def figures(lam: nn.Module, observed: Tensor) -> dict[str, float | None]:
        codes = torch.from_numpy(read_episodes(lam, observed, corpora[1].episode_ends)).long()
        found = agreement_with_true_actions(codes[true.frames], true.groups, true.episodes)
        score = found.balanced_accuracy
        named = [codes[true.frames[true.groups == n]] == n for n in range(len(game.groups))]
        return {
            "balanced_accuracy": score,
            "share_of_ceiling": share_of_ceiling(score, ceiling, found.chance),
            "named_right": float(torch.stack([hits.double().mean() for hits in named]).mean()),
        }

    first = Labels(transitions=None, actions=None, num_actions=len(game.groups))
    reader = refine(base, first).encoder.eval()
    seen = [observe_all(reader, Frames(corpus)) for corpus in corpora]
    unlabelled = figures(base, seen[1][:, reader.seen :])
    yield {"labels": 0, "ceiling": ceiling} | unlabelled | {"named_right": None}
    for count in counts:
        each = []
        for draw in range(draws):
            index = draw_labels(groups.numpy(), count, draw)
            labels = Labels(
                transitions=index, actions=groups.numpy()[index], num_actions=len(game.groups)
            )
            lam = refine(base, labels).eval()
            ends = corpora[0].episode_ends
            fit_reader(lam.encoder, seen[0], ends, labels, LabelledMethod(), draw)
            each.append(figures(lam, seen[1]))
        yield {"labels": count, "ceiling": ceiling} | {
            name: None if values[0] is None else [round(value, 4) for value in values]
            for name, values in ((key, [one[key] for one in each]) for key in each[0])
        }
