from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper

from atisbo.domain.cards import Card, Gate, OutputSpec, TensorSpec
from atisbo.errors import Misconfigured
from atisbo.imaging.transform import Pixels
from atisbo.inference.answers import Unfit, activate, read, shaped
from atisbo.inference.engine import OpenVINOEngine
from tests.applications_for_tests.networks import eye, eye_card

NHWC = TensorSpec(size=(32, 32), layout="NHWC")


def card(output: OutputSpec, task: Any = "classification", spec: TensorSpec | None = None, **more: Any) -> Card:
    return Card(name="x", task=task, sha256="0" * 64, input=spec or TensorSpec(size=(32, 32)), output=output, **more)


def noise(n: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (n, 24, 24, 3), np.uint8)


def start(tmp_path: Path, network: ModelProto, **changes: Any) -> OpenVINOEngine:
    """The eye's network with fields of its card replaced."""
    path = tmp_path / "model.onnx"
    path.write_bytes(network.SerializeToString())
    return OpenVINOEngine(path, eye_card(path.read_bytes()).model_copy(update=changes), precision="f32")


def softmax(raw: np.ndarray) -> np.ndarray:
    powers = np.exp(raw)
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(raw: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-raw))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.5])
def test_the_temperature_divides_before_the_activation(temperature: float) -> None:
    raw = np.random.default_rng(1).normal(0, 3, (4, 3)).astype(np.float32)
    output = OutputSpec(labels=("a", "b", "c"), activation="softmax", temperature=temperature)
    np.testing.assert_allclose(shaped(raw, card(output)), softmax(raw / temperature), atol=1e-6)
    maps = np.random.default_rng(2).normal(0, 3, (2, 1, 8, 8)).astype(np.float32)
    one = OutputSpec(labels=("a",), activation="sigmoid", temperature=temperature)
    np.testing.assert_allclose(shaped(maps, card(one, "segmentation")), sigmoid(maps / temperature), atol=1e-6)


def test_a_temperature_never_changes_who_is_most_probable() -> None:
    raw = np.random.default_rng(3).normal(0, 5, (50, 5)).astype(np.float32)
    hot, cold = (activate(raw, "softmax", t) for t in (4.0, 1.0))
    np.testing.assert_array_equal(hot.argmax(axis=1), cold.argmax(axis=1))
    assert hot.max() < cold.max()


def test_every_answer_that_the_card_names(tmp_path: Path) -> None:
    batch = noise(3)
    answers = start(tmp_path, eye()).infer(batch)
    means = batch.reshape(3, -1, 3).mean(axis=1) / 255
    kinds = np.stack([np.zeros(3), 40 * (means[:, 2] - 0.5), 200 * (0.02 - means.mean(axis=1))], axis=1)
    layers = 20 * (batch[..., :2].transpose(0, 3, 1, 2) / 255 - 0.5)
    assert {name: (values.shape, values.dtype) for name, values in answers.items()} == {
        "scores": ((3, 2), np.float32),
        "embedding": ((3, 3), np.float32),
        "kinds": ((3, 3), np.float32),
        "structures": ((3, 2, 24, 24), np.float32),
    }
    np.testing.assert_allclose(answers["scores"][:, 1], sigmoid(10 * (means[:, 1] - 0.3)), atol=1e-4)
    np.testing.assert_allclose(answers["embedding"], means, atol=1e-5)
    np.testing.assert_allclose(answers["kinds"], softmax(kinds), atol=1e-3)
    np.testing.assert_allclose(answers["structures"], sigmoid(layers), atol=1e-4)


def test_what_the_card_does_not_name_is_not_asked_for(tmp_path: Path) -> None:
    output = OutputSpec(labels=("a", "b"), activation="softmax", scores="logits")
    engine = start(tmp_path, eye(), gate=None, structures=None, output=output)
    assert set(engine.infer(noise(1))) == {"scores"}


def test_structures_of_a_network_with_channels_last() -> None:
    said = eye_card(b"").model_copy(update={"input": NHWC, "gate": None})
    raw = {"scores": np.zeros((2, 2), np.float32), "structures": np.zeros((2, 8, 9, 2), np.float32)}
    assert read(raw, said)["structures"].shape == (2, 2, 8, 9)


GATE = Gate(output="kinds", kinds=("disc", "fundus"), own=("disc",), threshold=0.5)
STRUCTURES = eye_card(b"").structures
assert STRUCTURES is not None
OUTPUT = eye_card(b"").output


def three() -> Any:
    assert STRUCTURES is not None
    return STRUCTURES.model_copy(
        update={"output": STRUCTURES.output.model_copy(update={"labels": ("disc", "cup", "x")})}
    )


def absent() -> Any:
    assert STRUCTURES is not None
    return STRUCTURES.model_copy(update={"output": STRUCTURES.output.model_copy(update={"scores": "maps"})})


def unactivated() -> Any:
    assert STRUCTURES is not None
    return STRUCTURES.model_copy(update={"output": STRUCTURES.output.model_copy(update={"activation": "none"})})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gate": GATE}, "gate.kinds: .* n × 3, which is no number for each of 2 kinds"),
        ({"gate": GATE.model_copy(update={"output": "gate"})}, "gate.output: the network has no output gate; it has"),
        ({"structures": three()}, "structures.output.labels: .* n × 2 × 24 × 24, .* 3 labels"),
        ({"structures": absent()}, "structures.output.scores: the network has no output maps"),
        ({"structures": unactivated()}, "structures.output.activation: .* no probabilities"),
        ({"output": OUTPUT.model_copy(update={"embedding": "structures"})}, "output.embedding: .* no vector"),
    ],
)
def test_an_output_that_contradicts_the_card_is_refused_with_the_field(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Misconfigured, match=said):
        start(tmp_path, eye(), **changes)


def test_a_gate_that_says_nothing_valid_is_refused_with_its_field(tmp_path: Path) -> None:
    network = eye()
    (bias,) = [constant for constant in network.graph.initializer if constant.name == "b_kinds"]
    bias.CopyFrom(helper.make_tensor("b_kinds", 1, [3], [0.0, float("nan"), 0.0]))
    with pytest.raises(Misconfigured, match=r"gate.output: .* no numbers"):
        start(tmp_path, network)


def test_a_flat_vector_may_have_sides_of_one() -> None:
    said = card(OutputSpec(labels=("a", "b"), activation="softmax", embedding="e"))
    raw = {"scores": np.zeros((2, 2, 1, 1), np.float32), "embedding": np.zeros((2, 7, 1, 1), np.float32)}
    answers = read(raw, said)
    assert (answers["scores"].shape, answers["embedding"].shape) == ((2, 2), (2, 7))
    with pytest.raises(Unfit) as caught:
        read(raw | {"embedding": np.zeros(2, np.float32)}, said)
    assert caught.value.field == "output.embedding"
