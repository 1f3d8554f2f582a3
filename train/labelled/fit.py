"""Refining an action model with a few labels: its actions become those that the labels name."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from lam.holding import Holding
from lam.labelled.config import LabelledConfig
from lam.labelled.model import LabelledActionModel, LabelledReader
from lam.model import LatentActionModel
from spacetime.ranks import take_from_first
from train.data.clips import FrameClips
from train.data.encode import read_episodes, together
from train.fit_reader import ReaderModule, observe_all
from train.labelled.labels import Labels
from train.labelled.method import LabelledMethod
from train.loop.module import FitPlan


def refine(base: LatentActionModel, labels: Labels) -> LabelledActionModel:
    """Return an action model that sees as `base` does and will tell the labels' actions apart.

    Raises:
        ValueError: the base is of a kind that labels do not refine.
    """
    if isinstance(base, LabelledActionModel):
        raise ValueError(
            "the world's actions were refined with labels already: give --from the world that it "
            "was made of, and all labels in one file"
        )
    try:
        config = LabelledConfig(
            base=base.config, num_actions=labels.num_actions, names=labels.names
        )
        model = LabelledActionModel(config)
    except KeyError:
        raise ValueError(f"labels cannot refine a {type(base).__name__}") from None
    weights = base.state_dict()
    model.encoder.base.load_state_dict(
        {name: value for name, value in weights.items() if not name.startswith("decoder.")}
    )
    model.encoder.base.requires_grad_(False)
    model.decoder.load_state_dict(
        {name: value for name, value in base.decoder.state_dict().items() if "modul" not in name},
        strict=False,
    )
    return model


class LabelledModule(ReaderModule):
    """Fits the reader to the labels before the clock starts; then the decoder to pixels."""

    METHOD = LabelledMethod

    def __init__(
        self, model: LabelledActionModel, plan: FitPlan, clips: FrameClips,
        labels: Labels | None = None, base: LatentActionModel | None = None,
    ) -> None:  # fmt: skip
        """Build the module; labels and the model that they refine, unless a fit only goes on."""
        super().__init__(model, plan, clips)
        self.labels = labels
        self._base = [base]  # in a list, so that it is not saved with the module

    def before_fit(self) -> None:
        """Read the named actions off every transition."""
        observed = observe_all(self.model.encoder, self.clips.source)
        if not self.model.quantized:
            self._name_actions(observed)
            take_from_first(list(self.state_dict().values()))
        self.read_actions(observed)

    def _name_actions(self, observed: Tensor) -> None:
        """Fit the reader, and carry the decoder over from the codes to the named actions."""
        model, ends = self.model, self.clips.source.corpus.episode_ends
        fit_reader(model.encoder, observed, ends, self.labels, self.method, self.seed)
        model.start_codes(torch.eye(model.config.num_actions, device=self.device))
        base = self._base[0].to(self.device)
        codes = torch.from_numpy(
            read_episodes(base, observed[:, model.encoder.seen :], ends)
        ).long()
        actions = torch.from_numpy(read_episodes(model, observed, ends)).long()
        carry_over(base, model, codes, actions)
        self.average.load_state_dict(model.state_dict())


@torch.no_grad()
def fit_reader(
    reader: LabelledReader, observed: Tensor, ends: np.ndarray, labels: Labels,
    method: LabelledMethod, seed: int,
) -> None:  # fmt: skip
    """Fit a reader to labels; how long actions are held is learnt from all transitions.

    Args:
        reader: changed in place.
        observed: float32 (frames − 1, F), of every transition, across episode ends too.
        ends: int64 (episodes,), one past the last frame of each.
        labels: of a few transitions.
        method: how.
        seed: of the net and of dropout.
    """
    spans = [slice(a, b - 1) for a, b in pairwise([0, *ends.tolist()])]
    groups = [[spans[i] for i in part] for part in together(np.diff(ends, prepend=0) - 1)]
    order = labels.transitions.argsort()
    where = torch.from_numpy(labels.transitions[order])
    actions = torch.from_numpy(labels.actions[order]).to(observed.device)
    here = _by_group(reader.here, observed, groups, len(reader.mean))
    inside = torch.ones(len(here), dtype=torch.bool, device=here.device)
    inside[ends[:-1] - 1] = False
    reader.mean.copy_(here[inside].mean(dim=0))
    reader.scale.copy_(here[inside].std(dim=0) + 1e-2)
    labelled = np.searchsorted(ends, where.numpy(), side="right")
    features = [
        reader.features(here[None, spans[i]], inside[None, spans[i], None])[
            0, where[labelled == i] - spans[i].start
        ]
        for i in np.unique(labelled)
    ]
    _fit_net(reader, torch.cat(features), actions, method, seed)
    codes = here[where][:, reader.seen :]
    counts = codes.T @ F.one_hot(actions, reader.to_action.out_features).to(codes.dtype)
    counts += 1 / len(counts)
    reader.of_code.copy_((counts / counts.sum(dim=0)).log())
    reader.trust.fill_(len(actions) / (len(actions) + method.half_trust))
    scores = _by_group(reader.scores, observed, groups, reader.holding.num_keys)
    scores[where] = torch.where(F.one_hot(actions, scores.shape[1]) == 1, 0.0, -20.0)
    for _ in range(3):
        stays = _stays(reader.holding, scores, groups)
        least = 1 / reader.holding.num_keys
        reader.holding.hold.fill_(min(max(stays, least), method.longest_hold))


def _by_group(
    read: Callable[[Tensor], Tensor], values: Tensor, groups: list[list[slice]], size: int
) -> Tensor:
    """Return what is read of whole episodes, (S, size), zeros between them.

    Args:
        read: maps padded episodes (B, S, F) to (B, S, size).
        values: (S, F), of all transitions.
        groups: episodes that are read at once.
        size: of what is read.
    """
    found = values.new_zeros(len(values), size)
    for spans in groups:
        rows = read(pad_sequence([values[span] for span in spans], batch_first=True))
        for span, row in zip(spans, rows, strict=True):
            found[span] = row[: span.stop - span.start]
    return found


def _stays(holding: Holding, scores: Tensor, groups: list[list[slice]]) -> float:
    """Return the expected fraction of transitions at which the key stays; arguments as above."""
    total, count = 0.0, 0
    for spans in groups:
        padded = pad_sequence([scores[span] for span in spans], batch_first=True)
        length = torch.tensor([span.stop - span.start for span in spans], device=padded.device)
        inside = torch.arange(padded.shape[1], device=padded.device) < length[:, None]
        if (pairs := int(inside[:, 1:].sum())) > 0:
            total, count = total + pairs * holding.smooth(padded, inside)[1], count + pairs
    return total / max(1, count)


@torch.enable_grad()
def _fit_net(
    reader: LabelledReader, features: Tensor, actions: Tensor, method: LabelledMethod, seed: int
) -> None:
    """Fit the net to labelled transitions, features (n, C) and actions int64 (n,)."""
    device = features.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        layers = (reader.hidden[0], reader.to_action)
        for layer in layers:
            layer.requires_grad_(True).reset_parameters()
        weights = [weight for layer in layers for weight in layer.parameters()]
        optimizer = torch.optim.AdamW(weights, lr=method.lr, weight_decay=method.weight_decay)
        # Rare actions count as much as common ones: the holding of keys knows no priors either.
        rarity = 1 / actions.bincount(minlength=reader.to_action.out_features).clamp_min(1)
        for step in range(method.steps):
            left = 1 - step / method.steps
            optimizer.param_groups[0]["lr"] = method.lr * min(1.0, 2 * left + 0.01)
            hidden = reader.hidden(F.dropout(features, method.dropout))
            logits = reader.to_action(F.dropout(hidden, method.dropout))
            loss = F.cross_entropy(logits, actions, weight=rarity)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for layer in layers:
        layer.requires_grad_(False)


@torch.no_grad()
def carry_over(
    base: LatentActionModel, model: LabelledActionModel, codes: Tensor, actions: Tensor
) -> None:
    """Let the decoder do under each action what it did under the codes that went with it.

    Args:
        base: the model with codes.
        model: the one with named actions; its decoder changes.
        codes: int64 (P,), read by the base; −1: none.
        actions: int64 (P,), read by the model; −1: none.
    """
    known = (codes >= 0) & (actions >= 0)
    size = (model.config.num_actions, base.config.num_actions)
    index = actions[known] * size[1] + codes[known]
    counts = index.bincount(minlength=size[0] * size[1]).view(size).float() + 1e-3
    mixed = counts / counts.sum(dim=1, keepdim=True)  # (A, codes)
    old, new = base.decoder.modulation, model.decoder.modulation
    wanted = old.weight @ (mixed.to(old.weight.device) @ base.quantizer.codes).T  # (4c, A)
    # The codes of the model are one-hot, in any order.
    new.weight.copy_(wanted @ model.quantizer.codes)
    new.bias.copy_(old.bias)
