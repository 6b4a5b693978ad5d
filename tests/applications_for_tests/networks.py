"""Tiny networks of a few hundred bytes, whose answers can be worked out by hand.

``python -m tests.applications_for_tests.networks`` writes those that lie here.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from atisbo.domain.cards import Card, Gate, OutputSpec, Ratio, Structures, TensorSpec

HERE = Path(__file__).parent
OPSET = 17


def model(
    nodes: Sequence[object],
    takes: Sequence[int | str],
    gives: dict[str, Sequence[int | str]],
    constants: dict[str, np.ndarray],
    element: int = TensorProto.FLOAT,
) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", element, takes)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in gives.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="atisbo-tests")
    made.ir_version = 8
    checker.check_model(made)
    return made


def bright(*, side: int = 32, batch: int | str = "n", sigmoid: bool = True) -> ModelProto:
    """Segmentation, NHWC: a pixel is the object as far as its mean of r, g and b (0..1) is above 0.5.

    Probability sigmoid(20 · (mean − 0.5)).
    """
    weights = np.full((3, 1), 20 / 3, np.float32)
    nodes = [
        helper.make_node("MatMul", ["image", "weights"], ["sum"]),
        helper.make_node("Add", ["sum", "shift"], ["logits" if sigmoid else "map"]),
    ]
    if sigmoid:
        nodes.append(helper.make_node("Sigmoid", ["logits"], ["map"]))
    constants = {"weights": weights, "shift": np.array([-10], np.float32)}
    return model(nodes, [batch, side, side, 3], {"map": [batch, side, side, 1]}, constants)


def bright_nchw(*, labels: int = 1, side: int = 32) -> ModelProto:
    """Segmentation, NCHW, raw logits: channel 0 as :func:`bright`, each further one its negative."""
    signs = np.array([1] + [-1] * (labels - 1), np.float32)
    weights = (signs[:, None, None, None] * np.full((1, 3, 1, 1), 20 / 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["image", "weights", "shift"], ["map"])]
    constants = {"weights": weights, "shift": (-10 * signs).astype(np.float32)}
    return model(nodes, ["n", 3, side, side], {"map": ["n", labels, side, side]}, constants)


def colour(*, classes: int = 3, side: int = 24) -> ModelProto:
    """Classification, NCHW, raw logits: which of red, green and blue is strongest on average; and an embedding.

    ``logits`` are 10 times the mean of each channel; ``mean`` (the embedding) is the means themselves.
    """
    weights = (10 * np.eye(3, classes)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"], axis=1),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
    ]
    return model(nodes, ["n", 3, side, side], {"logits": ["n", classes], "mean": ["n", 3]}, {"weights": weights})


KINDS = ("disc", "fundus", "other")


def eye(*, side: int = 24) -> ModelProto:
    """Classification, NCHW, with everything a card can ask for, all raw but the embedding.

    - ``logits`` (n, 2): 0 and 10 · (mean green − 0.3).
    - ``embedding`` (n, 3): the means of red, green and blue (0..1).
    - ``kinds`` (n, 3), as :data:`KINDS`: 0; 40 · (mean blue − 0.5); 200 · (0.02 − mean of all): blue is taken for a
      fundus, black for something else.
    - ``structures`` (n, 2, side, side): 20 · (red − 0.5), the disc, and 20 · (green − 0.5), the cup.
    """
    structures = np.zeros((2, 3, 1, 1), np.float32)
    structures[0, 0] = structures[1, 1] = 20
    kinds = np.array([[0, 0, -200 / 3], [0, 0, -200 / 3], [0, 40, -200 / 3]], np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embedding"], axis=1),
        helper.make_node("Gemm", ["embedding", "w_logits", "b_logits"], ["logits"]),
        helper.make_node("Gemm", ["embedding", "w_kinds", "b_kinds"], ["kinds"]),
        helper.make_node("Conv", ["image", "w_structures", "b_structures"], ["structures"]),
    ]
    constants = {
        "w_logits": np.array([[0, 0], [0, 10], [0, 0]], np.float32),
        "b_logits": np.array([0, -3], np.float32),
        "w_kinds": kinds,
        "b_kinds": np.array([0, -20, 4], np.float32),
        "w_structures": structures,
        "b_structures": np.array([-10, -10], np.float32),
    }
    gives = {"logits": ["n", 2], "embedding": ["n", 3], "kinds": ["n", 3], "structures": ["n", 2, side, side]}
    return model(nodes, ["n", 3, side, side], gives, constants)


def eye_card(network: bytes, *, side: int = 24) -> Card:
    return Card(
        name="eye",
        task="classification",
        sha256=sha256(network).hexdigest(),
        input=TensorSpec(size=(side, side)),
        output=OutputSpec(
            labels=("normal", "glaucoma"),
            positive="glaucoma",
            activation="softmax",
            threshold=0.4,
            unsure_above=0.7,
            scores="logits",
            embedding="embedding",
        ),
        gate=Gate(output="kinds", kinds=KINDS, own=("disc",), threshold=0.5),
        structures=Structures(
            output=OutputSpec(labels=("disc", "cup"), activation="sigmoid", scores="structures"),
            ratios=(Ratio(name="vertical_cdr", numerator="cup", denominator="disc", extent="height"),),
        ),
    )


def main() -> None:
    for name, network in (("bright", bright()), ("colour", colour()), ("eye", eye())):
        (HERE / name / "model.onnx").write_bytes(network.SerializeToString())
    eye_card((HERE / "eye" / "model.onnx").read_bytes()).write(HERE / "eye" / "card.json")


if __name__ == "__main__":
    main()
