from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from rich.console import Console

from atisbo.domain.cards import Card, OutputSpec
from atisbo.errors import Misconfigured
from atisbo.training import story
from atisbo.training.card import choose_output, mean_dice
from atisbo.training.export import check, export, onnx_runtime, openvino
from atisbo.training.networks import Network, build
from atisbo.training.split import Split, load
from tests.training.ellipses import tiny

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return build(tiny()).eval()


@pytest.fixture(scope="module")
def file(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    assert export(network, (32, 32), path) == hashlib.sha256(path.read_bytes()).hexdigest()
    return path


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, 3, 32, 32), np.float32)


def test_both_runtimes_agree_with_torch_at_any_batch_size(network: Network, file: Path) -> None:
    found = check(network, file, [noise(1), noise(3)])
    assert set(found) == {"onnxruntime", "openvino"}
    assert all(value["logits"] < 0.005 for value in found.values())


def test_weights_are_stored_in_float16(network: Network, file: Path, tmp_path: Path) -> None:
    export(network, (32, 32), tmp_path / "full.onnx", half=False)
    assert file.stat().st_size < 0.65 * (tmp_path / "full.onnx").stat().st_size
    kinds = {item.data_type for item in onnx.load(str(file)).graph.initializer if np.prod(item.dims) >= 256}
    assert kinds == {onnx.TensorProto.FLOAT16}


def test_names_and_batch_are_as_serving_expects(file: Path) -> None:
    graph = onnx.load(str(file)).graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["image", "logits"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"
    for runtime in (onnx_runtime(file), openvino(file)):
        assert runtime(noise(2))["logits"].shape == (2, 1, 32, 32)


def test_another_network_is_noticed(file: Path) -> None:
    torch.manual_seed(1)
    with pytest.raises(Misconfigured, match="differs from the trained one"):
        check(build(tiny()).eval(), file, [noise(2)])


def test_the_operating_point_is_where_dice_is_best() -> None:
    truth = np.zeros((40, 40), bool)
    truth[10:30, 10:30] = True
    scores = np.where(truth, 0.66, 0.1).astype(np.float32)
    scores[5:35, 5:35] += np.where(truth, 0.0, 0.5)[5:35, 5:35].astype(np.float32)
    scores[0, 0] = 0.9
    pairs = [(scores[np.newaxis], truth)]
    output = choose_output(pairs, OutputSpec(labels=("it",), activation="sigmoid"))
    assert output.threshold == pytest.approx(0.65)
    assert output.min_area_percent > 0
    assert mean_dice(pairs, output) == 1.0


def test_a_faint_rim_belongs_to_what_is_sure_and_a_faint_spot_to_nothing() -> None:
    truth = np.zeros((40, 40), bool)
    truth[10:30, 10:30] = True
    scores = np.where(truth, 0.62, 0.1).astype(np.float32)
    scores[18:22, 18:22] = 0.93
    spot = np.full((40, 40), 0.1, np.float32)
    spot[5:20, 5:20] = 0.62
    pairs = [(scores[np.newaxis], truth), (spot[np.newaxis], np.zeros((40, 40), bool))]
    output = choose_output(pairs, OutputSpec(labels=("it",), activation="sigmoid"))
    assert output.edge is not None
    assert output.edge <= 0.62 < output.threshold <= 0.93
    assert mean_dice(pairs, output) == 1.0


def test_a_run_ends_in_a_network_and_its_card(frames: Path, tmp_path: Path) -> None:
    recipe = tiny(train={"epochs": 4}, data={"validation": 0.25, "hold_out": ["centre=B"]})
    split: Split = load([frames], recipe)
    assert story.train(recipe, split, tmp_path, weights=None, command="atisbo train tiny", console=QUIET)
    card = story.publish(tmp_path, split, lambda recipe, *_: recipe.output, console=QUIET)
    assert card == Card.read(tmp_path / "card.json")
    assert card.sha256 == hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest()
    assert (card.input, card.output.activation) == (recipe.input, "sigmoid")
    lineage = card.lineage
    assert (lineage.seed, lineage.command) == (3, "atisbo train tiny")
    assert re.fullmatch(r"training: \d+ frames; validation: \d+ frames", lineage.data)
    assert lineage.data_sha256 == story.split_sha256(split)
    assert json.loads(json.dumps(lineage.recipe)) == recipe.model_dump(mode="json")


def test_pretrained_weights_have_to_be_named(frames: Path, tmp_path: Path) -> None:
    recipe = tiny()
    named = recipe.model_copy(
        update={"network": recipe.network.model_copy(update={"encoder_weights": "some.safetensors"})}
    )
    split = load([frames], recipe)
    with pytest.raises(Misconfigured, match=r"starts from some.safetensors.*--weights DIR"):
        story.train(named, split, tmp_path, weights=None, command="", console=QUIET)
