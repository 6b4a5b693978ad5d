"""Encoders: they turn an image into feature maps at growing strides, for a classifier to read or a decoder to climb."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from atisbo.errors import Misconfigured


def conv(inputs: int, outputs: int, side: int = 1, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps the size (at stride 1): a batch norm follows it."""
    return nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False)


class Bottleneck(nn.Module):
    """Pre-activation residual block of three convolutions (He et al. 2016, Identity mappings)."""

    def __init__(self, inputs: int, width: int, outputs: int, *, stride: int, first: bool) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, width)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, stride=stride)
        self.norm3 = nn.BatchNorm2d(width)
        self.conv3 = conv(width, outputs)
        self.shortcut = conv(inputs, outputs, stride=stride) if first else None

    def forward(self, x: Tensor) -> Tensor:
        p = F.relu(self.norm1(x))
        shortcut = x if self.shortcut is None else self.shortcut(p)
        y = self.conv2(F.relu(self.norm2(self.conv1(p))))
        return torch.add(self.conv3(F.relu(self.norm3(y))), shortcut)


class ResNet50v2(nn.Module):
    """Stages 1 to 3 of a pre-activation ResNet-50: features at strides 2, 4, 8, 16."""

    channels = (64, 256, 512, 1024)

    def __init__(self) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(3)
        self.stem = nn.ModuleDict({"conv": conv(3, 64, 7, stride=2), "norm": nn.BatchNorm2d(64)})
        self.stage1 = self._stage(64, 64, 256, blocks=3, stride=1)
        self.stage2 = self._stage(256, 128, 512, blocks=4, stride=2)
        self.stage3 = self._stage(512, 256, 1024, blocks=6, stride=2)
        self.final_norm = nn.BatchNorm2d(1024)

    @staticmethod
    def _stage(inputs: int, width: int, outputs: int, *, blocks: int, stride: int) -> nn.Sequential:
        first = Bottleneck(inputs, width, outputs, stride=stride, first=True)
        rest = [Bottleneck(outputs, width, outputs, stride=1, first=False) for _ in range(blocks - 1)]
        return nn.Sequential(first, *rest)

    def forward(self, x: Tensor) -> list[Tensor]:
        two = F.relu(self.stem["norm"](self.stem["conv"](self.input_norm(x))))
        four = self.stage1(F.max_pool2d(two, 3, 2, 1))
        eight = self.stage2(four)
        return [two, four, eight, F.relu(self.final_norm(self.stage3(eight)))]

    @torch.no_grad()
    def enlarge_deepest(self, gain: float) -> None:
        """Multiply the deepest features by ``gain``, for good: the weights of their norm take it up."""
        self.final_norm.weight.mul_(gain)
        self.final_norm.bias.mul_(gain)


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, project (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expand = conv(inputs, width)
        self.expand_norm = nn.BatchNorm2d(width)
        self.depthwise = conv(width, width, 3, stride=stride, groups=width)
        self.depthwise_norm = nn.BatchNorm2d(width)
        self.project = conv(width, outputs)
        self.project_norm = nn.BatchNorm2d(outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.expand_norm(self.expand(x)))
        y = F.relu6(self.depthwise_norm(self.depthwise(y)))
        y = self.project_norm(self.project(y))
        return torch.add(x, y) if self.residual else torch.as_tensor(y)


class MobileNetV2(nn.Module):
    """MobileNetV2 1.0 without its head: features at strides 2, 4, 8, 16, 32."""

    channels: tuple[int, ...] = (16, 24, 32, 96, 320)
    _outputs = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
    _strides = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
    _taps = (0, 2, 5, 12, 16)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleDict({"conv": conv(3, 32, 3, stride=2), "norm": nn.BatchNorm2d(32)})
        inputs = 32
        for index, (outputs, stride) in enumerate(zip(self._outputs, self._strides, strict=True)):
            block = InvertedResidual(inputs, outputs, stride=stride, expansion=1 if index == 0 else 6)
            self.add_module(f"block{index}", block)
            inputs = outputs

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem["norm"](self.stem["conv"](x)))
        features = []
        for index in range(len(self._outputs)):
            x = self.get_submodule(f"block{index}")(x)
            if index in self._taps:
                features.append(x)
        return features


class MobileNetV2Wide(MobileNetV2):
    """The same with its head: the deepest features are widened to 1280 channels, which classify better."""

    channels = (16, 24, 32, 96, 1280)

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.ModuleDict({"conv": conv(320, 1280), "norm": nn.BatchNorm2d(1280)})

    def forward(self, x: Tensor) -> list[Tensor]:
        *features, deepest = super().forward(x)
        return [*features, F.relu6(self.head["norm"](self.head["conv"](deepest)))]


class Plain(nn.Module):
    """Stages of 3×3 convolutions with ReLU, each ended by a 2×2 max-pool; weights after He et al. 2015."""

    channels: tuple[int, ...]

    def __init__(self, stages: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self._ends: list[int] = []
        inputs = 3
        for stage in stages:
            for outputs in stage:
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
            self._ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self._ends:
                found.append(x)
        return found


class VGG19(Plain):
    """The sixteen convolutions of VGG-19 (Simonyan and Zisserman 2015), torchvision's names: strides 2 to 32."""

    channels = (64, 128, 256, 512, 512)

    def __init__(self) -> None:
        super().__init__(((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4))


class ArtCNN(Plain):
    """Five small convolutions, 16 to 256 channels: strides 2 to 32."""

    channels = (16, 32, 64, 128, 256)

    def __init__(self) -> None:
        super().__init__(((16,), (32,), (64,), (128,), (256,)))


class Fire(nn.Module):
    """Squeeze, then expand by 1×1 and 3×3 side by side (Iandola et al. 2016)."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 without its head, torchvision's names: features at strides of about 2, 4, 8, 16."""

    channels = (64, 128, 256, 512)
    _taps = (1, 4, 7, 12)

    def __init__(self) -> None:
        super().__init__()
        fires = [(64, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128)]
        fires += [(256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, stride=2), nn.ReLU()]
        for index, fire in enumerate(fires):
            if index in (0, 2, 4):
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            layers.append(Fire(*fire))
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self._taps:
                found.append(x)
        return found


Encoder = ResNet50v2 | MobileNetV2 | Plain | SqueezeNet

ENCODERS: dict[str, type[ResNet50v2 | MobileNetV2 | VGG19 | ArtCNN | SqueezeNet]] = {
    "resnet50v2_unet": ResNet50v2,
    "mobilenetv2_unet": MobileNetV2,
    "resnet50v2": ResNet50v2,
    "mobilenetv2": MobileNetV2Wide,
    "vgg19": VGG19,
    "artcnn": ArtCNN,
    "squeezenet1_1": SqueezeNet,
}


def load_weights(encoder: nn.Module, path: Path) -> None:
    """Fill an encoder from safetensors; parameters of a head that is not used here are ignored.

    Raises:
        Misconfigured: the file is missing, or lacks something the encoder needs.
    """
    if not path.is_file():
        raise Misconfigured(
            "weights_missing",
            "{path} is missing. Name the folder of pretrained encoders with --weights DIR.",
            path=path,
        )
    stored = {name: tensor.float() for name, tensor in load_file(path).items()}
    wanted = encoder.state_dict()
    missing = [name for name in wanted if name not in stored and not name.endswith("num_batches_tracked")]
    if missing:
        raise Misconfigured(
            "weights_wrong", "{path} has no {name}: it holds another network.", path=path, name=missing[0]
        )
    encoder.load_state_dict({name: stored[name] for name in wanted if name in stored}, strict=False)
