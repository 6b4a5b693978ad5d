"""Keeping a gate: a network that goes on from another one refuses the pictures that the other one refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from atisbo.domain.cards import Card, Gate, TensorSpec
from atisbo.imaging.transform import Pixels, fit, normalise
from atisbo.training.export import Runtime, onnx_runtime, softmax
from atisbo.training.gate import ASIDE, Shares, drawn, look_at
from atisbo.training.networks import KINDS, Network

KEEP: Final = 0.985
"""Share of the proper pictures, of those set aside, that has to pass; the threshold is lowered until it does."""
STILL: Final = 0.9
"""Share of the foreign pictures, of those set aside, that has to be refused as before; else no gate is kept."""
_BATCH: Final = 16
_DRAWN: Final = 100
"""Pages, flat colours, gradients and noise beside the foreign pictures that are given."""
_RIDGE: Final = 0.1
"""How strongly the former weights are kept, of standardised features."""


@dataclass(frozen=True)
class Former:
    """The version that was gone on from."""

    card: Card
    gate: Gate
    weight: Tensor
    """(kinds, features), float64, and ``bias`` (kinds,): its head, centred over the kinds."""
    bias: Tensor
    runtime: Runtime

    @classmethod
    def read(cls, folder: Path) -> Former | None:
        """From its card.json and model.onnx; None where it has no gate that can be read."""
        path = folder / "model.onnx"
        if not (folder / "card.json").is_file() or (card := Card.read(folder / "card.json")).gate is None:
            return None
        head = {
            item.name.removesuffix(".half"): torch.from_numpy(np.array(numpy_helper.to_array(item), np.float64))
            for item in onnx.load(str(path)).graph.initializer
            if item.name.startswith(f"{KINDS}.")
        }
        if set(head) != {f"{KINDS}.weight", f"{KINDS}.bias"}:
            return None
        weight, bias = head[f"{KINDS}.weight"], head[f"{KINDS}.bias"]
        return cls(card, card.gate, weight - weight.mean(0), bias - bias.mean(), onnx_runtime(path))

    def logits(self, pictures: Sequence[Pixels]) -> Tensor:
        """Of every picture and kind, (n, kinds), float64, centred over the kinds."""
        spec = self.card.input
        fitted = [fit(pixels, spec) for pixels in pictures]
        batches = (normalise(np.stack(fitted[at : at + _BATCH]), spec) for at in range(0, len(fitted), _BATCH))
        found = torch.from_numpy(np.concatenate([self.runtime(batch)[self.gate.output] for batch in batches])).double()
        return found - found.mean(1, keepdim=True)

    def own(self, logits: Tensor) -> Shares:
        """Probability of the own kinds together, (n,)."""
        places = [self.gate.kinds.index(kind) for kind in self.gate.own]
        return np.asarray(softmax(logits.float().numpy())[:, places].sum(1), np.float64)


def keep_gate(
    network: Network,
    spec: TensorSpec,
    former: Former,
    proper: tuple[Sequence[Pixels], Sequence[Pixels]],
    foreign: Sequence[Pixels],
) -> Gate | None:
    """Give a network that went on from another the other's head for kinds, moved as little as its features moved.

    The head is fitted to what the former one says of every picture, its own weights the starting point of a ridge
    regression; whether it still does its work is then seen on pictures that were set aside.

    Args:
        proper: pictures of the application's kind, those to fit on and those set aside.
        foreign: of other kinds; every fourth is set aside. Pages, colours and noise are drawn beside them.

    Returns:
        None where too many foreign pictures would pass now; the network has no head for kinds then.
    """
    rng = np.random.default_rng(0)
    strangers = [*foreign, *(drawn(spec.size, rng) for _ in range(_DRAWN))]
    fitted = [*proper[0], *(one for index, one in enumerate(strangers) if index % ASIDE)]
    network.kinds = _moved(look_at(network, spec, fitted).double(), former, former.logits(fitted))
    ours = former.own(_said(network, spec, proper[1] or proper[0]))
    aside = strangers[::ASIDE]
    refused = former.own(former.logits(aside)) < former.gate.threshold
    theirs = former.own(_said(network, spec, aside))[refused]
    threshold = min(former.gate.threshold, float(np.sort(ours)[int((1 - KEEP) * len(ours))]))
    if not len(theirs) or threshold <= 0 or (theirs < threshold).mean() < STILL:
        network.kinds = None
        return None
    said = {"output": KINDS, "threshold": threshold, "kept_from": former.gate.kept_from or former.card.version}
    return former.gate.model_copy(update=said)


def _moved(features: Tensor, former: Former, wanted: Tensor) -> nn.Linear:
    mean, spread = features.mean(0), features.std(0).clamp(min=1e-4)
    x = torch.cat([(features - mean) / spread, torch.ones(len(features), 1, dtype=torch.float64)], 1)
    weight, bias = former.weight * spread, former.bias + former.weight @ mean
    start = torch.cat([weight, bias[:, None]], 1).T
    penalty = torch.full((x.shape[1],), _RIDGE * len(x), dtype=torch.float64)
    penalty[-1] = 1e-9
    step = torch.linalg.solve(x.T @ x + penalty.diag(), x.T @ (wanted - x @ start))
    solved = (start + step).T
    head = nn.Linear(features.shape[1], len(weight))
    with torch.no_grad():
        head.weight.copy_(solved[:, :-1] / spread)
        head.bias.copy_(solved[:, -1] - (solved[:, :-1] / spread) @ mean)
    return head.requires_grad_(False)


def _said(network: Network, spec: TensorSpec, pictures: Sequence[Pixels]) -> Tensor:
    assert network.kinds is not None
    with torch.no_grad():
        found: Tensor = network.kinds(look_at(network, spec, pictures))
        return found.double()
