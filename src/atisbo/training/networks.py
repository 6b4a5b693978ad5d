"""The networks a recipe can name. All take (n, 3, h, w) normalised floats and give (n, 1, h, w) logits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atisbo.errors import Misconfigured
from atisbo.training.encoders import MobileNetV2, ResNet50v2, conv, load_weights
from atisbo.training.recipe import NetworkRecipe

ENCODERS: dict[str, type[ResNet50v2 | MobileNetV2]] = {"resnet50v2_unet": ResNet50v2, "mobilenetv2_unet": MobileNetV2}


def double_conv(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3×3 convolutions, each with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [conv(width, outputs, 3), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """The classic U-Net (Ronneberger et al. 2015) with batch norm and same-size convolutions."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.down = nn.ModuleList(double_conv(a, b) for a, b in pairwise((3, *channels)))
        climb = list(pairwise(reversed(channels)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in climb)
        self.merge = nn.ModuleList(double_conv(2 * b, b) for _, b in climb)
        self.head = nn.Conv2d(channels[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for index, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if index else x)
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([up(x), skips.pop()], 1))
        return torch.as_tensor(self.head(x))


class EncoderUNet(nn.Module):
    """A U-Net on a pretrained encoder.

    The decoder climbs to stride 2; the logits of that grid are enlarged bilinearly. The last doubling would cost
    a third of the time and moves an outline by less than a pixel.
    """

    def __init__(self, encoder: ResNet50v2 | MobileNetV2, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = encoder
        skips = list(reversed(encoder.channels[:-1]))
        if len(channels) != len(skips):
            raise Misconfigured("recipe_decoder", "network.channels: this encoder needs {n} of them.", n=len(skips))
        below = (encoder.channels[-1], *channels[:-1])
        self.narrow = nn.ModuleList(conv(a, b) for a, b in zip(below, channels, strict=True))
        self.merge = nn.ModuleList(double_conv(b + s, b) for b, s in zip(channels, skips, strict=True))
        self.head = nn.Conv2d(channels[-1], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        *skips, y = self.encoder(x)
        for narrow, merge in zip(self.narrow, self.merge, strict=True):
            y = F.interpolate(narrow(y), scale_factor=2.0, mode="bilinear")
            y = merge(torch.cat([y, skips.pop()], 1))
        return F.interpolate(self.head(y), scale_factor=2.0, mode="bilinear")


def build(recipe: NetworkRecipe, weights: Path | None = None) -> nn.Module:
    """The recipe's network; its encoder is filled from ``weights`` (a folder) where the recipe names a file.

    Raises:
        Misconfigured: no folder was given although the recipe starts from pretrained weights, or the file is wrong.
    """
    if recipe.kind == "unet":
        return UNet(recipe.channels)
    encoder = ENCODERS[recipe.kind]()
    if recipe.encoder_weights and weights is not None:
        load_weights(encoder, weights / recipe.encoder_weights)
    return EncoderUNet(encoder, recipe.channels)


def channels_last(network: nn.Module) -> nn.Module:
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
        if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
            module.eval()
