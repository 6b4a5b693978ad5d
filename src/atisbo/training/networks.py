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
from atisbo.training.encoders import ENCODERS, Encoder, ResNet50v2, conv, load_weights
from atisbo.training.recipe import Recipe
from atisbo.training.sections import Extent

Outputs = dict[str, Tensor]
LOGITS, EMBEDDING, STRUCTURES, KINDS = "logits", "embedding", "structures", "kinds"


class Network(nn.Module):
    """Feature maps, and heads that read them.

    Answers, each where there is a head for it: ``logits`` (n, 1, h, w) of an outline or (n, classes); ``embedding``
    (n, d); ``structures`` (n, labels, h, w), raw; ``kinds`` (n, kinds), raw, what sort of picture it is at all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kinds: nn.Linear | None = None
        self.alike: nn.Linear | None = None

    def features(self, x: Tensor) -> list[Tensor]:
        """Feature maps, the deepest last."""
        raise NotImplementedError

    def answers(self, features: list[Tensor]) -> Outputs:
        """What the heads say."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Outputs:
        features = self.features(x)
        found = self.answers(features)
        if self.kinds is not None or self.alike is not None:
            seen = look(x, features[-1])
            found |= {EMBEDDING: self.alike(seen)} if self.alike is not None else {}
            found |= {KINDS: self.kinds(seen)} if self.kinds is not None else {}
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


class Standard(nn.BatchNorm1d):
    """A batch norm without weights, written out for the exporter, which has to know the number of features of one."""

    def forward(self, input: Tensor) -> Tensor:
        if self.training or self.running_mean is None or self.running_var is None:
            return super().forward(input)
        return (input - self.running_mean) / (self.running_var + self.eps).sqrt()


class Classifier(nn.Module):
    """From averaged features over dense layers to the embedding and the classes."""

    gain: Tensor | None

    def __init__(self, channels: tuple[int, ...], recipe: Recipe) -> None:
        super().__init__()
        chosen, structures = recipe.network, recipe.structures
        self.levels, self.seen = chosen.pooled_levels, structures.seen if structures else ""
        inputs = sum(channels[-self.levels :])
        gain = [1.0] * inputs
        if structures and self.seen:
            labels = len(structures.labels)
            gain += [structures.measure_gain] * 3 * labels
            gain += [1.0] * (labels * channels[-1] if self.seen == "features" else 0)
        self.register_buffer("gain", torch.tensor(gain) if self.seen else None)
        inputs = len(gain)
        widths = (inputs, *chosen.hidden)
        self.standard = Standard(inputs, affine=False) if chosen.standardise else nn.Identity()
        self.dropout = nn.Dropout(chosen.dropout)
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.embedding = nn.Linear(widths[-1], chosen.embedding) if chosen.embedding else None
        self.classes = nn.Linear(chosen.embedding or widths[-1], len(recipe.output.labels))
        self.ratios = structures.places if structures and self.seen else ()
        self.stacked = _nothing_yet(len(self.ratios), len(recipe.output.labels)) if self.ratios else None

    def forward(self, features: list[Tensor], outlines: Tensor | None = None) -> Outputs:
        found = [level.mean((2, 3)) for level in features[-self.levels :]]
        if outlines is not None and self.seen:
            shares = outlines.detach().sigmoid()
            found.append(measures(shares))
            if self.seen == "features":
                found.append(within(features[-1], shares, 2 ** len(features)))
        x = self.standard(torch.cat(found, 1))
        x = self.dropout(x if self.gain is None else x * self.gain)
        for layer in self.hidden:
            x = F.relu(layer(x))
        if self.embedding is not None:
            x = self.embedding(x)
        logits = self.classes(x)
        if outlines is not None and self.stacked is not None:
            logits = logits + self.stacked(ratios(outlines.detach().sigmoid(), self.ratios))
        return {LOGITS: logits, EMBEDDING: x}


def _nothing_yet(inputs: int, outputs: int) -> nn.Linear:
    """A layer that adds nothing and is not trained; :mod:`atisbo.training.stack` fits it on out-of-fold answers."""
    layer = nn.Linear(inputs, outputs).requires_grad_(False)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def ratios(shares: Tensor, places: Sequence[tuple[int, int, Extent]]) -> Tensor:
    """Measures made of two outlines (n, labels, h, w): extent of one over that of the other, (n, ratios)."""
    extents = {"height": shares.amax(3).mean(2), "width": shares.amax(2).mean(2), "area": shares.mean((2, 3))}
    return torch.stack([extents[how][:, one] / (extents[how][:, other] + 0.01) for one, other, how in places], 1)


def measures(shares: Tensor) -> Tensor:
    """Logarithms of area, height and width of outlines (n, labels, h, w) as shares of the image, (n, 3 · labels)."""
    found = [shares.mean((2, 3)), shares.amax(3).mean(2), shares.amax(2).mean(2)]
    return (torch.cat(found, 1) + 0.01).log()


def within(features: Tensor, shares: Tensor, stride: int) -> Tensor:
    """Features (n, c, h, w) averaged within each outline of a grid so many times finer, (n, labels · c)."""
    small = F.avg_pool2d(shares, stride).flatten(2)
    weights = small / (small.sum(2, keepdim=True) + 1e-3)
    return torch.matmul(weights, features.flatten(2).transpose(1, 2)).flatten(1)


class EncoderNetwork(Network):
    """An encoder with a decoder, a classifier or both.

    The decoder climbs to stride 2 at most; the outlines of that grid are enlarged bilinearly. The last doubling would
    cost a third of the time and moves an outline by less than a pixel.

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
        skips = list(reversed(given[:-1]))[: len(channels)]
        if len(channels) > len(skips):
            raise Misconfigured("recipe_decoder", "The decoder's channels: this encoder has {n} levels.", n=len(skips))
        self.enlarged = 2.0 ** (len(given) - len(channels))
        below = (given[-1], *channels[:-1])
        self.narrow = nn.ModuleList(conv(a, b) for a, b in zip(below, channels, strict=True))
        self.merge = nn.ModuleList(double_conv(b + s, b) for b, s in zip(channels, skips, strict=True))
        self.head = nn.Conv2d(channels[-1], outlines, 1)

    def features(self, x: Tensor) -> list[Tensor]:
        return list(self.encoder(x))

    def answers(self, features: list[Tensor]) -> Outputs:
        outlines = self._climb(features) if self.climbs else None
        if self.classifier is None:
            assert outlines is not None
            return {LOGITS: outlines}
        found: Outputs = self.classifier(features, outlines)
        if outlines is not None:
            found[STRUCTURES] = outlines
        return found

    def _climb(self, features: list[Tensor]) -> Tensor:
        *skips, y = features
        for narrow, merge in zip(self.narrow, self.merge, strict=True):
            y = F.interpolate(narrow(y), scale_factor=2.0, mode="bilinear")
            y = merge(torch.cat([y, skips.pop()], 1))
        return F.interpolate(self.head(y), scale_factor=self.enlarged, mode="bilinear")


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
    if isinstance(encoder, ResNet50v2):
        encoder.enlarge_deepest(chosen.deepest_gain)
    if recipe.task == "segmentation":
        return EncoderNetwork(encoder, channels=chosen.channels)
    classifier = Classifier(encoder.channels, recipe)
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
