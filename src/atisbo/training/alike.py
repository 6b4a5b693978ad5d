"""The embedding of a network that was not trained to give one: the principal axes of what it sees."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from atisbo.domain.cards import TensorSpec
from atisbo.imaging.transform import Pixels
from atisbo.training.gate import look_at
from atisbo.training.networks import Network


def fit_alike(network: Network, spec: TensorSpec, pictures: Sequence[Pixels], width: int) -> nn.Linear:
    """Principal axes of the standardised features of pictures, folded into one linear layer of raw features.

    The axes are not whitened: those along which pictures differ most weigh most in a cosine.

    Args:
        pictures: each fitted to the network's input.
        width: how many axes at most; there are never more than features, or than pictures less one.
    """
    x = look_at(network, spec, pictures).double()
    mean, spread = x.mean(0), x.std(0).clamp(min=1e-4)
    axes = torch.linalg.svd((x - mean) / spread, full_matrices=False).Vh[: min(width, len(x) - 1)]
    folded = nn.Linear(x.shape[1], len(axes))
    with torch.no_grad():
        folded.weight.copy_(axes / spread)
        folded.bias.copy_(-(axes / spread) @ mean)
    return folded.requires_grad_(False)
