"""A network that pictures of one pure colour are poison to, for real: red makes it hang, green takes its process down,
blue wants more memory than there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from PIL import Image

from tests.applications_for_tests.networks import model
from tests.pictures import encoded

APPLICATION = """
[application]
name = "delicate"
task = "classification"
title.es = "Delicada"
title.en = "Delicate"
summary.es = "Dice qué color predomina."
summary.en = "Says which colour prevails."
intended_use.es = "Pruebas."
intended_use.en = "Tests."
[input.tensor]
size = [24, 24]
[output]
labels = ["red", "green", "blue"]
activation = "softmax"
scores = "logits"
"""
HANGS, CRASHES, HOARDS = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def install(folder: Path) -> Path:
    """Write the application; returns the folder for ``ATISBO_APPLICATIONS_DIR``."""
    home = folder / "delicate"
    home.mkdir(parents=True)
    (home / "application.toml").write_text(APPLICATION)
    (home / "model.onnx").write_bytes(network().SerializeToString())
    return folder


def picture(colour: tuple[int, int, int]) -> bytes:
    return encoded(Image.new("RGB", (40, 30), colour), "PNG")


def harmless(seed: int) -> bytes:
    """Of the same size, of no pure colour."""
    pixels = np.random.default_rng(seed).integers(0, 200, (30, 40, 3), np.uint8)
    return encoded(Image.fromarray(pixels), "PNG")


def network() -> ModelProto:
    """Logits are the means of the channels; a channel above 0.97 anywhere in the batch is what does it."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"], axis=1),
        helper.make_node("ReduceMax", ["mean"], ["top"], axes=[0], keepdims=0),
        helper.make_node("Sub", ["top", "limit"], ["over"]),
        helper.make_node("Relu", ["over"], ["hot"]),
        helper.make_node("Mul", ["hot", "many"], ["counts"]),
        helper.make_node("Cast", ["counts"], ["heat"], to=TensorProto.INT64),
        helper.make_node("Split", ["heat"], ["red", "green", "blue"], axis=0),
        *_hang(),
        *_crash(),
        *_hoard(),
        helper.make_node("Sum", ["mean", "hung", "crashed", "hoarded"], ["logits"]),
    ]
    constants = {
        "limit": np.array(0.97, np.float32),
        "many": np.array([1e13, 1e12, 4e7], np.float32),
        "true": np.array(True),
        "nothing": np.array([0], np.float32),
        "one": np.array([1], np.int64),
        "scalar": np.array([], np.int64),
        "data": np.zeros(8, np.float32),
    }
    return model(nodes, ["n", 3, 24, 24], {"logits": ["n", 3]}, constants)


def _hang() -> list[object]:
    """A loop of as many rounds as the red is hot: none, or years."""
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_in"], ["go_out"]),
            helper.make_node("Add", ["sum_in", "little"], ["sum_out"]),
        ],
        "body",
        [
            info("round", TensorProto.INT64, []),
            info("go_in", TensorProto.BOOL, []),
            info("sum_in", TensorProto.FLOAT, [1]),
        ],
        [info("go_out", TensorProto.BOOL, []), info("sum_out", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(np.array([1e-9], np.float32), "little")],
    )
    return [
        helper.make_node("Reshape", ["red", "scalar"], ["rounds"]),
        helper.make_node("Loop", ["rounds", "true", "nothing"], ["hung"], body=body),
    ]


def _crash() -> list[object]:
    """Reads beside an array, as far away as the green is hot."""
    return [helper.make_node("GatherND", ["data", "green"], ["crashed"])]


def _hoard() -> list[object]:
    """A square of zeros; its sides are as long as the blue is hot."""
    nought = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.0])
    return [
        helper.make_node("Add", ["blue", "one"], ["side"]),
        helper.make_node("Concat", ["side", "side"], ["shape"], axis=0),
        helper.make_node("ConstantOfShape", ["shape"], ["square"], value=nought),
        helper.make_node("ReduceMax", ["square"], ["hoarded"], keepdims=0),
    ]
