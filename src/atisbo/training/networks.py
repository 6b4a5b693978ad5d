"""The networks a recipe can name: an encoder and the heads that read it.

All take (n, 3, h, w) normalised floats and give named answers, see :class:`Network`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atisbo.errors import Misconfigured
from atisbo.training.encoders import ENCODERS, Encoder, conv, load_weights
from atisbo.training.recipe import Recipe
from atisbo.training.sections import NetworkRecipe

Outputs = dict[str, Tensor]
LOGITS, EMBEDDING, STRUCTURES, KINDS = "logits", "embedding", "structures", "kinds"


class Network(nn.Module):
    """Feature maps, and heads that read them.

    Answers, each where there is a head for it: ``logits`` (n, 1, h, w) of an outline or (n, classes); ``embedding``
    (n, d); ``structures`` (n, labels, h, w), raw; ``kinds`` (n, kinds), raw, what sort of picture it is at all.
    """

    kinds: nn.Linear | None = None

    def features(self, x: Tensor) -> list[Tensor]:
        """Feature maps, the deepest last."""
        raise NotImplementedError

    def answers(self, features: list[Tensor]) -> Outputs:
        """What the heads say."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Outputs:
        features = self.features(x)
        found = self.answers(features)
        if self.kinds is not None:
            found[KINDS] = self.kinds(look(x, features[-1]))
        return found


def look(x: Tensor, deepest: Tensor) -> Tensor:
    """What tells kinds of pictures apart: mean deepest features, mean and spread of each colour; (n, c + 6)."""
    mean = x.mean((2, 3))
    spread = (x - mean[:, :, None, None]).square().mean((2, 3)).sqrt()
    return torch.cat([deepest.mean((2, 3)), mean, spread], 1)


def double_conv(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3×3 convolutions, each with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [conv(width, outputs, 3), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(Network):
    """The classic U-Net (Ronneberger et al. 2015) with batch norm and same-size convolutions."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.down = nn.ModuleList(double_conv(a, b) for a, b in pairwise((3, *channels)))
        climb = list(pairwise(reversed(channels)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in climb)
        self.merge = nn.ModuleList(double_conv(2 * b, b) for _, b in climb)
        self.head = nn.Conv2d(channels[0], 1, 1)

    def features(self, x: Tensor) -> list[Tensor]:
        features: list[Tensor] = []
        for index, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if index else x)
            features.append(x)
        return features

    def answers(self, features: list[Tensor]) -> Outputs:
        *skips, x = features
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([up(x), skips.pop()], 1))
        return {LOGITS: self.head(x)}


class Classifier(nn.Module):
    """From averaged features over dense layers to the embedding and the classes."""

    def __init__(self, channels: tuple[int, ...], classes: int, recipe: NetworkRecipe) -> None:
        super().__init__()
        self.levels = recipe.pooled_levels
        widths = (sum(channels[-self.levels :]), *recipe.hidden)
        self.dropout = nn.Dropout(recipe.dropout)
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.embedding = nn.Linear(widths[-1], recipe.embedding) if recipe.embedding else None
        self.classes = nn.Linear(recipe.embedding or widths[-1], classes)

    def forward(self, features: list[Tensor]) -> Outputs:
        x = self.dropout(torch.cat([level.mean((2, 3)) for level in features[-self.levels :]], 1))
        for layer in self.hidden:
            x = F.relu(layer(x))
        if self.embedding is not None:
            x = self.embedding(x)
        return {LOGITS: self.classes(x), EMBEDDING: x}


class EncoderNetwork(Network):
    """An encoder with a decoder, a classifier or both.

    The decoder climbs to stride 2; the outlines of that grid are enlarged bilinearly. The last doubling would cost
    a third of the time and moves an outline by less than a pixel.

    Args:
        channels: of the decoder's levels, bottom first; empty: there is no decoder.
        outlines: how many channels the decoder ends in.
    """

    def __init__(
        self, encoder: Encoder, *, channels: Sequence[int] = (), outlines: int = 1, classifier: Classifier | None = None
    ) -> None:
        super().__init__()
        self.encoder, self.classifier = encoder, classifier
        self.climbs = bool(channels)
        if channels:
            self._add_decoder(encoder.channels, channels, outlines)

    def _add_decoder(self, given: tuple[int, ...], channels: Sequence[int], outlines: int) -> None:
        skips = list(reversed(given[:-1]))
        if len(channels) != len(skips):
            raise Misconfigured("recipe_decoder", "network.channels: this encoder needs {n} of them.", n=len(skips))
        below = (given[-1], *channels[:-1])
        self.narrow = nn.ModuleList(conv(a, b) for a, b in zip(below, channels, strict=True))
        self.merge = nn.ModuleList(double_conv(b + s, b) for b, s in zip(channels, skips, strict=True))
        self.head = nn.Conv2d(channels[-1], outlines, 1)

    def features(self, x: Tensor) -> list[Tensor]:
        return list(self.encoder(x))

    def answers(self, features: list[Tensor]) -> Outputs:
        found: Outputs = {}
        if self.classifier is not None:
            found = self.classifier(features)
        if self.climbs:
            found[STRUCTURES if found else LOGITS] = self._climb(features)
        return found

    def _climb(self, features: list[Tensor]) -> Tensor:
        *skips, y = features
        for narrow, merge in zip(self.narrow, self.merge, strict=True):
            y = F.interpolate(narrow(y), scale_factor=2.0, mode="bilinear")
            y = merge(torch.cat([y, skips.pop()], 1))
        return F.interpolate(self.head(y), scale_factor=2.0, mode="bilinear")


def build(recipe: Recipe, weights: Path | None = None) -> Network:
    """The recipe's network; its encoder is filled from ``weights`` (a folder) where the recipe names a file.

    Raises:
        Misconfigured: the file is missing or wrong, or the decoder does not fit the encoder.
    """
    chosen = recipe.network
    if chosen.kind == "unet":
        return UNet(chosen.channels)
    encoder = ENCODERS[chosen.kind]()
    if chosen.encoder_weights and weights is not None:
        load_weights(encoder, weights / chosen.encoder_weights)
    if recipe.task == "segmentation":
        return EncoderNetwork(encoder, channels=chosen.channels)
    classifier = Classifier(encoder.channels, len(recipe.output.labels), chosen)
    if recipe.structures is None:
        return EncoderNetwork(encoder, classifier=classifier)
    outlines = len(recipe.structures.labels)
    return EncoderNetwork(encoder, channels=recipe.structures.channels, outlines=outlines, classifier=classifier)


def channels_last(network: Network) -> Network:
    """Lay the weights out as CPUs convolve fastest."""
    for value in network.parameters():
        if value.ndim == 4:
            value.data = value.data.contiguous(memory_format=torch.channels_last)
    return network


def freeze(network: nn.Module, prefixes: tuple[str, ...]) -> None:
    """Stop training the parameters whose name starts with one of ``prefixes``; their norms keep their statistics.

    Raises:
        Misconfigured: a prefix fits no parameter.
    """
    for prefix in prefixes:
        chosen = [value for name, value in network.named_parameters() if name.startswith(prefix)]
        if not chosen:
            raise Misconfigured("recipe_frozen", "network.frozen: {prefix} fits no layer.", prefix=prefix)
        for value in chosen:
            value.requires_grad_(False)


def training_mode(network: nn.Module) -> None:
    """Like ``network.train()``, but batch norms with frozen parameters stay in evaluation mode."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm) and not module.weight.requires_grad:
            module.eval()
