"""Makes small Keras networks and what they answer. Run as a program, so that only it loads Keras.

``python -m tests.adopt.keras_models FOLDER`` writes ``leaves.keras``, ``holes.keras``, ``leaves.h5`` and
``holes.h5`` (as Keras 2 wrote them), and ``answers.npz``.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import torch

from atisbo.adopt.proof import noise

SIDE = 32
L = keras.layers


def leaves() -> Any:
    """Three classes, softmax inside."""
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3), name="input_1"),
            L.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="first"),
            L.BatchNormalization(name="norm"),
            L.DepthwiseConv2D(3, padding="same", name="deep"),
            L.GlobalAveragePooling2D(name="mean"),
            L.Dropout(0.3, name="drop"),
            L.Dense(3, activation="softmax", name="answer"),
        ]
    )


def holes() -> Any:
    """A small U-Net, channels last, sigmoid inside."""
    top = keras.Input((SIDE, SIDE, 3))
    one = L.Conv2D(6, 3, padding="same", activation="relu")(top)
    two = L.Conv2D(12, 3, padding="same", activation="relu")(L.MaxPooling2D()(one))
    up = L.Conv2DTranspose(6, 2, strides=2)(two)
    smooth = L.UpSampling2D(interpolation="bilinear")(two)
    merged = L.LeakyReLU()(L.Conv2D(6, 3, padding="same")(L.Concatenate()([one, up, smooth])))
    return keras.Model(top, L.Conv2D(1, 1, activation="sigmoid", name="holes")(merged))


def lively(model: Any, seed: int) -> Any:
    """Weights large enough for the answers to differ."""
    chance = np.random.default_rng(seed)
    for weight in model.weights:
        values = chance.normal(0, {1: 0.1, 2: 8.0}.get(len(weight.shape), 0.6), weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    return model


def answers(model: Any) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(noise((SIDE, SIDE)) / np.float32(255)), training=False).numpy()


def as_keras_2(path: Path) -> None:
    """Say it as TensorFlow's Keras 2 did: batch_input_shape, plain dtypes, ``groups`` of a depthwise convolution."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            inner = layer["config"]
            inner["dtype"] = "float32"
            if layer["class_name"] == "InputLayer":
                inner["batch_input_shape"] = inner.pop("batch_shape")
                inner.pop("optional", None)
            if layer["class_name"] == "DepthwiseConv2D":
                inner["groups"] = 1
            for name in ("quantization_config", "renorm", "renorm_clipping", "renorm_momentum"):
                inner.pop(name, None)
            layer["inbound_nodes"] = [[said_before(tensor) for tensor in node] for node in inputs(layer)]
        for name in {"input_layers", "output_layers"} & set(config["config"]):
            config["config"][name] = [config["config"][name]]
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.11.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["training_config"] = json.dumps({"loss": "my_own_loss"})


def inputs(layer: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The tensors that each call of a layer takes, as Keras 3 writes them."""
    first = [node["args"][0] for node in layer.get("inbound_nodes", []) if node["args"]]
    return [tensors if isinstance(tensors, list) else [tensors] for tensors in first]


def said_before(tensor: dict[str, Any]) -> list[Any]:
    """One of them as Keras 2 wrote it: layer, node, output, arguments."""
    return [*tensor["config"]["keras_history"], {}]


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    one, two = lively(leaves(), 1), lively(holes(), 2)
    logging.disable(logging.WARNING)
    for name, model in (("leaves", one), ("holes", two)):
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        as_keras_2(folder / f"{name}.h5")
    np.savez(folder / "answers.npz", leaves=answers(one), holes=answers(two))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
