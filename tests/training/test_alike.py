"""The embedding of an outline network: what looks alike lies near."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from atisbo.domain.cards import Card
from atisbo.imaging.transform import Pixels
from atisbo.inference.answers import wanted
from atisbo.training import story
from atisbo.training.alike import fit_alike
from atisbo.training.export import onnx_runtime
from atisbo.training.gate import look_at
from atisbo.training.networks import build
from atisbo.training.split import load
from tests.training.ellipses import tiny


def pictures(colour: tuple[int, int, int], count: int, seed: int) -> list[Pixels]:
    rng = np.random.default_rng(seed)
    return [rng.normal(colour, 25, (32, 32, 3)).clip(0, 255).astype(np.uint8) for _ in range(count)]


def test_the_nearest_picture_is_of_the_same_kind() -> None:
    torch.manual_seed(0)
    network, spec = build(tiny()).eval(), tiny().input
    known = [*pictures((90, 60, 60), 20, 1), *pictures((60, 60, 90), 20, 2)]
    head = fit_alike(network, spec, known, 8)
    new = [*pictures((90, 60, 60), 5, 3), *pictures((60, 60, 90), 5, 4)]
    with torch.no_grad():
        stored, asked = (
            nn / nn.norm(dim=1, keepdim=True) for nn in (head(look_at(network, spec, p)) for p in (known, new))
        )
    nearest = (asked @ stored.T).argmax(1) < 20
    assert nearest.tolist() == [True] * 5 + [False] * 5


def test_there_are_never_more_axes_than_pictures_can_show() -> None:
    network, spec = build(tiny()).eval(), tiny().input
    assert fit_alike(network, spec, pictures((90, 60, 60), 4, 1), 128).out_features == 3


def test_a_published_outline_network_has_one(frames: Path, tmp_path: Path) -> None:
    recipe = tiny(train={"epochs": 1}, network={"kind": "unet", "channels": [8, 16], "embedding": 12})
    split = load([frames], recipe)
    story.train(recipe, split, tmp_path, weights=None, command="", console=Console(quiet=True))
    story.publish(tmp_path, split, lambda recipe, *_: recipe.output, console=Console(quiet=True))
    card = Card.read(tmp_path / "card.json")
    assert wanted(card) == {"scores": None, "embedding": "embedding"}
    answer = onnx_runtime(tmp_path / "model.onnx")(np.zeros((2, 3, 32, 32), np.float32))
    assert list(answer) == ["logits", "embedding"]
    assert answer["embedding"].shape == (2, 12)
