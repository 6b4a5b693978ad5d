from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from atisbo.errors import Misconfigured
from atisbo.training import networks
from atisbo.training.encoders import MobileNetV2, ResNet50v2, load_weights
from tests.training.ellipses import tiny

BACKBONES = Path(__file__).parents[3] / "shared" / "weights"
KINDS = [
    ("unet", (4, 8, 16)),
    ("resnet50v2_unet", (16, 8, 8)),
    ("mobilenetv2_unet", (16, 8, 8, 8)),
]


@pytest.mark.parametrize(("kind", "channels"), KINDS)
def test_logits_have_the_size_of_the_input(kind: str, channels: tuple[int, ...]) -> None:
    network = networks.build(tiny(network={"kind": kind, "channels": channels})).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, 64, 96))["logits"].shape == (2, 1, 64, 96)


@pytest.mark.parametrize(("encoder", "strides"), [(ResNet50v2(), (2, 4, 8, 16)), (MobileNetV2(), (2, 4, 8, 16, 32))])
def test_features_have_the_stated_channels_and_strides(
    encoder: ResNet50v2 | MobileNetV2, strides: tuple[int, ...]
) -> None:
    with torch.no_grad():
        features = encoder.eval()(torch.randn(1, 3, 64, 64))
    assert tuple(feature.shape[1] for feature in features) == encoder.channels
    assert tuple(64 // feature.shape[2] for feature in features) == strides


def test_a_wrong_number_of_channels_is_refused() -> None:
    with pytest.raises(Misconfigured, match="has 3 levels"):
        networks.build(tiny(network={"kind": "resnet50v2_unet", "channels": (8, 8, 8, 8)}))


def test_weights_come_back_out_of_a_file(tmp_path: Path) -> None:
    one, two = MobileNetV2(), MobileNetV2()
    save_file({**one.state_dict(), "head.conv.weight": torch.zeros(1)}, tmp_path / "m.safetensors")
    load_weights(two, tmp_path / "m.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))


def test_missing_and_foreign_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="--weights DIR"):
        load_weights(MobileNetV2(), tmp_path / "no.safetensors")
    save_file({"stem.conv.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(Misconfigured, match="holds another network"):
        load_weights(MobileNetV2(), tmp_path / "other.safetensors")


def test_frozen_layers_stay_as_they_are_norms_included() -> None:
    network = networks.build(tiny(network={"kind": "mobilenetv2_unet", "channels": (8, 8, 8, 8)}))
    networks.freeze(network, ("encoder.stem", "encoder.block0"))
    networks.training_mode(network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.SGD([value for value in network.parameters() if value.requires_grad], 0.1)
    network(torch.randn(2, 3, 64, 64))["logits"].square().mean().backward()
    optimiser.step()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert not [name for name in changed if name.startswith(("encoder.stem", "encoder.block0."))]
    assert "encoder.block1.expand.weight" in changed
    assert "encoder.block1.expand_norm.running_mean" in changed


def test_freezing_what_is_not_there_is_refused() -> None:
    with pytest.raises(Misconfigured, match="nowhere"):
        networks.freeze(networks.build(tiny()), ("nowhere",))


@pytest.mark.skipif(not BACKBONES.is_dir(), reason="the pretrained encoders are not here")
@pytest.mark.parametrize(
    ("encoder", "file"),
    [(ResNet50v2, "resnet50v2_stages1-3.safetensors"), (MobileNetV2, "mobilenetv2_gluon_bn.safetensors")],
)
def test_pretrained_encoders_fit(encoder: type[ResNet50v2 | MobileNetV2], file: str) -> None:
    network = encoder().eval()
    load_weights(network, BACKBONES / file)
    with torch.no_grad():
        features = network(torch.randn(1, 3, 64, 64))
    assert all(torch.isfinite(feature).all() and feature.std() > 0 for feature in features)
