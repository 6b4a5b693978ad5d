"""A network that went on from another refuses what the other refused, or says that it refuses nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from atisbo.domain.cards import Card, TensorSpec
from atisbo.evaluation.calibration import choose_gate
from atisbo.training.export import export
from atisbo.training.gate import Kinds, add_gate, kind_shares, read_kinds
from atisbo.training.kept import Former, keep_gate
from atisbo.training.networks import Network, build
from atisbo.training.sections import GateRecipe
from tests.training.ellipses import ellipses, tiny
from tests.training.shapes import shapes

RECIPE = GateRecipe(own=("ellipse",), pictures=24)
SPEC = tiny().input
Pictures = dict[str, list[np.ndarray]]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    folder = tmp_path_factory.mktemp("kinds")
    places = {"ellipse": [ellipses(folder / "a"), ellipses(folder / "b", 8, seed=1)], "disc": [shapes(folder / "c")]}
    return read_kinds(places, SPEC, RECIPE)


@pytest.fixture(scope="module")
def former(pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published network with a gate: the folder of its two files."""
    torch.manual_seed(0)
    network = build(tiny(network={"kind": "unet", "channels": [8, 16]})).eval()
    gate = add_gate(
        network,
        SPEC,
        Kinds.of(pictures),
        RECIPE,
        lambda own, other, recipe: choose_gate(own, other, keep=recipe.keep).threshold,
    )
    folder = tmp_path_factory.mktemp("former")
    sha256 = export(network, SPEC.size, folder / "model.onnx")
    recipe = tiny()
    card = Card(name="tiny", task="segmentation", sha256=sha256, input=SPEC, output=recipe.output, gate=gate)
    card.write(folder / "card.json")
    torch.save(network.state_dict(), folder / "weights.pt")
    return folder


def gone_on(former: Path, moved: float) -> Network:
    """The former network after some training: its weights moved by so much of their spread, its gate lost."""
    network = build(tiny(network={"kind": "unet", "channels": [8, 16]}))
    weights = {k: v for k, v in torch.load(former / "weights.pt").items() if not k.startswith("kinds.")}
    network.load_state_dict(weights)
    torch.manual_seed(1)
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim == 4:
                value.add_(moved * value.std() * torch.randn_like(value))
    return network.eval()


def shares(network: Network, found: list[np.ndarray]) -> np.ndarray:
    return kind_shares(network, SPEC, found)[:, 0]


@pytest.mark.parametrize("moved", [0.0, 0.2])
def test_it_still_refuses_what_was_refused(former: Path, pictures: Pictures, moved: float) -> None:
    before = Former.read(former)
    assert before is not None
    network = gone_on(former, moved)
    proper, strangers = pictures["ellipse"], pictures["disc"]
    gate = keep_gate(network, SPEC, before, (proper[:16], proper[16:]), strangers)
    assert gate is not None
    assert (gate.kinds, gate.own, gate.kept_from) == (before.gate.kinds, ("ellipse",), before.card.version)
    assert gate.threshold <= before.gate.threshold
    assert (shares(network, proper[16:]) >= gate.threshold).mean() >= 0.98
    assert (shares(network, strangers) < gate.threshold).mean() > 0.9


def test_it_is_the_same_head_where_nothing_moved(former: Path, pictures: Pictures) -> None:
    before = Former.read(former)
    assert before is not None
    network = gone_on(former, 0.0)
    keep_gate(network, SPEC, before, (pictures["ellipse"], []), pictures["disc"])
    wanted = before.own(before.logits(pictures["disc"]))
    np.testing.assert_allclose(shares(network, pictures["disc"]), wanted, atol=0.02)


def test_none_is_kept_that_would_let_foreign_pictures_pass(former: Path, pictures: Pictures) -> None:
    """The proper pictures are suddenly of the other kind: no threshold lets them in and keeps the others out."""
    before = Former.read(former)
    assert before is not None
    network = gone_on(former, 0.2)
    assert keep_gate(network, SPEC, before, (pictures["disc"], pictures["disc"]), pictures["disc"]) is None
    assert network.kinds is None


def test_a_version_without_a_gate_has_none_to_keep(tmp_path: Path) -> None:
    assert Former.read(tmp_path) is None
    card = Card(name="x", task="segmentation", sha256="0" * 64, input=TensorSpec(size=(8, 8)), output=tiny().output)
    card.write(tmp_path / "card.json")
    assert Former.read(tmp_path) is None
