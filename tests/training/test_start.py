from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from atisbo.errors import Misconfigured
from atisbo.training.export import export
from atisbo.training.networks import Network, build, training_mode
from atisbo.training.recipe import Recipe
from atisbo.training.start import start_from
from tests.training.ellipses import tiny
from tests.training.shapes import tiny_classes

CLASSES = tiny_classes(network={"kind": "artcnn", "embedding": 16, "dropout": 0.1, "standardise": True})
RECIPES = [pytest.param(tiny(), id="outlines"), pytest.param(CLASSES, id="classes")]


@pytest.mark.parametrize("content", [b"", b"a letter to somebody\n", bytes(range(256)) * 4])
def test_a_file_that_is_no_onnx_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(Misconfigured, match="is no ONNX file"):
        start_from(build(tiny()), path, [noise(1)])


def noise(seed: int, count: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 3, 32, 32), np.float32)


def lived(recipe: Recipe, seed: int) -> Network:
    """A network whose norms have seen pictures, and that adds up its stacked ratios."""
    torch.manual_seed(seed)
    network = build(recipe)
    training_mode(network)
    with torch.no_grad():
        for step in range(3):
            network(torch.from_numpy(noise(100 + step)) * 2 + 1)
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.uniform_(-0.5, 0.5)
    return network.eval()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_published_network_goes_on_as_it_answered(recipe: Recipe, tmp_path: Path) -> None:
    network = lived(recipe, 1)
    export(network, (32, 32), tmp_path / "model.onnx", half=False)
    again = lived(recipe, 2)
    start_from(again, tmp_path / "model.onnx", [noise(7), noise(8)])
    again.eval()
    with torch.no_grad():
        x = torch.from_numpy(noise(9))
        wanted, given = network(x), again(x)
    assert set(given) == set(wanted)
    for name, values in wanted.items():
        assert values.std() > 0.01, "a flat answer would agree with anything"
        torch.testing.assert_close(given[name], values, atol=2e-4, rtol=2e-4)


def test_its_norms_know_what_flows_through_them(tmp_path: Path) -> None:
    """In training mode a norm takes the statistics of the batch: the answer must hardly move."""
    network = lived(tiny(), 1)
    export(network, (32, 32), tmp_path / "model.onnx", half=False)
    again = build(tiny())
    pictures = noise(7, count=64)
    start_from(again, tmp_path / "model.onnx", [pictures])
    with torch.no_grad():
        calm = again.eval()(torch.from_numpy(pictures))["logits"]
        busy = again.train()(torch.from_numpy(pictures))["logits"]
    assert (calm - busy).abs().mean() < 0.05 * calm.std()


@pytest.mark.parametrize(("other", "fault"), [(CLASSES, "another network"), (tiny(), "is missing")])
def test_what_cannot_be_gone_on_from(other: Recipe, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    if fault == "another network":
        export(build(other).eval(), (32, 32), path)
    with pytest.raises(Misconfigured, match=fault):
        start_from(build(tiny()), path, [noise(1)])
