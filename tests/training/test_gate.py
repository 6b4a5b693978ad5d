from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from atisbo.errors import Misconfigured
from atisbo.evaluation.calibration import choose_gate
from atisbo.training.export import check, export, onnx_runtime
from atisbo.training.gate import OTHER, Kinds, add_gate, drawn, fit_gate, kind_shares, look_at, read_kinds, thinned
from atisbo.training.networks import Network, build
from atisbo.training.sections import GateRecipe
from tests.training.ellipses import ellipses, tiny
from tests.training.shapes import shapes

RECIPE = GateRecipe(own=("ellipse",), pictures=24)
SPEC = tiny().input


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[np.ndarray]]:
    folder = tmp_path_factory.mktemp("kinds")
    places = {"ellipse": [ellipses(folder / "a"), ellipses(folder / "b", 8, seed=1)], "disc": [shapes(folder / "c")]}
    return read_kinds(places, SPEC, RECIPE)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return build(tiny(network={"kind": "unet", "channels": [8, 16]})).eval()


def choose(own: np.ndarray, foreign: Sequence[np.ndarray], recipe: GateRecipe) -> float:
    return choose_gate(own, foreign, keep=recipe.keep, refuse=recipe.refuse).threshold


def test_pictures_are_read_evenly_and_drawn(pictures: dict[str, list[np.ndarray]]) -> None:
    assert {kind: len(found) for kind, found in pictures.items()} == {"ellipse": 24, "disc": 24, OTHER: 24}
    assert all(
        pixels.shape == (32, 32, 3) and pixels.dtype == np.uint8 for found in pictures.values() for pixels in found
    )
    assert thinned(range(10), 4) == [0, 3, 6, 9]
    assert thinned(range(2), 4) == [0, 1]


def test_foreign_pictures_get_a_small_share(network: Network, pictures: dict[str, list[np.ndarray]]) -> None:
    kinds = Kinds.of(pictures)
    gate = add_gate(network, SPEC, kinds, RECIPE, choose)
    assert (gate.output, gate.kinds, gate.own) == ("kinds", ("ellipse", "disc", OTHER), ("ellipse",))
    own, foreign = (kind_shares(network, SPEC, kinds.aside[kind])[:, 0] for kind in ("ellipse", "disc"))
    assert (own >= gate.threshold).mean() > 0.9
    assert (foreign < gate.threshold).mean() > 0.9


def test_folding_changes_nothing(network: Network, pictures: dict[str, list[np.ndarray]]) -> None:
    head = fit_gate(network, SPEC, pictures, RECIPE)
    seen = look_at(network, SPEC, pictures["disc"])
    assert head(seen).argmax(1).eq(1).float().mean() > 0.9
    strong = fit_gate(network, SPEC, pictures, RECIPE.model_copy(update={"decay": 10.0}))
    spread = seen.std(0).clamp(min=1e-3)
    assert (strong.weight * spread).norm() < 0.3 * (head.weight * spread).norm()


def test_the_gate_is_an_output_of_the_file(
    network: Network, pictures: dict[str, list[np.ndarray]], tmp_path: Path
) -> None:
    add_gate(network, SPEC, Kinds.of(pictures), RECIPE, choose)
    export(network, SPEC.size, tmp_path / "model.onnx")
    noise = np.random.default_rng(0).standard_normal((3, 3, 32, 32), np.float32)
    found = check(network, tmp_path / "model.onnx", [noise])
    assert set(found["openvino"]) == {"logits", "kinds"}
    assert onnx_runtime(tmp_path / "model.onnx")(noise)["kinds"].shape == (3, 3)


def test_validation_images_find_the_threshold(pictures: dict[str, list[np.ndarray]]) -> None:
    kinds = Kinds.of(pictures, "ellipse", pictures["ellipse"][:5])
    assert (len(kinds.fitted["ellipse"]), len(kinds.aside["ellipse"])) == (24, 5)
    assert (len(kinds.fitted["disc"]), len(kinds.aside["disc"])) == (18, 6)


@pytest.mark.parametrize(
    ("own", "sentence"), [(("cat",), "no picture of kind cat"), (("ellipse", "disc", OTHER), "only own kinds")]
)
def test_what_is_missing_is_named(
    network: Network, pictures: dict[str, list[np.ndarray]], own: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        add_gate(network, SPEC, Kinds.of(pictures), GateRecipe(own=own), choose)


def test_drawn_pictures_differ() -> None:
    rng = np.random.default_rng(0)
    found = [drawn((24, 32), rng) for _ in range(12)]
    assert {picture.shape for picture in found} == {(24, 32, 3)}
    assert len({picture.tobytes() for picture in found}) == 12
