"""What every peer does with a frame, so that all do the same work; it runs in their environment, without Atisbo.

Bytes → pixels → the network's size → probabilities → a mask of the original's size, as PNG in JSON. Nothing is stored.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from threading import local
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
CARD: dict[str, Any] = json.loads(Path(os.environ["PEER_CARD"]).read_text())
MODEL = os.environ["PEER_MODEL"]
HEIGHT, WIDTH = CARD["input"]["size"]


def opened(data: bytes) -> tuple[Pixels, tuple[int, int]]:
    """The network's pixels, (h, w, 3), RGB, and the original's height and width."""
    picture = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), picture.shape[:2]


def normalised(batch: Pixels) -> NDArray[np.float32]:
    """As the card says, in its layout."""
    spec = CARD["input"]
    tensor = (batch.astype(np.float32) / spec["scale"] - np.float32(spec["mean"])) / np.float32(spec["std"])
    return np.ascontiguousarray(tensor.transpose(0, 3, 1, 2) if spec["layout"] == "NCHW" else tensor, np.float32)


def said(logits: NDArray[np.float32], size: tuple[int, int]) -> dict[str, Any]:
    """One picture's answer; logits (h, w)."""
    probabilities = 1 / (1 + np.exp(-logits))
    whole = cv2.resize(probabilities, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    mask = (whole > CARD["output"]["threshold"]).astype(np.uint8) * 255
    png = cv2.imencode(".png", mask)[1].tobytes()
    return {"status": "done", "area": float(mask.mean() / 255), "mask": base64.b64encode(png).decode()}


class OnnxRuntime:
    """As its documentation shows it: a session, and run."""

    def __init__(self) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def __call__(self, batch: Pixels) -> NDArray[np.float32]:
        """(n, h, w, 3) → (n, h, w), raw."""
        return self._session.run(None, {self._input: normalised(batch)})[0].reshape(len(batch), HEIGHT, WIDTH)


class OpenVINO:
    """Our set-up: scaling inside the network, bf16 where there is such, streams for throughput, a request a thread."""

    def __init__(self) -> None:
        import openvino as ov
        from openvino.preprocess import PrePostProcessor

        core, spec = ov.Core(), CARD["input"]
        steps = PrePostProcessor(core.read_model(MODEL))
        entry = steps.input()
        entry.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        entry.model().set_layout(ov.Layout(spec["layout"]))
        convert = entry.preprocess().convert_element_type(ov.Type.f32)
        convert.scale(spec["scale"]).mean(list(spec["mean"])).scale(list(spec["std"]))
        network = steps.build()
        network.reshape([-1, HEIGHT, WIDTH, 3])
        options = {"PERFORMANCE_HINT": "THROUGHPUT"}
        if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            options["INFERENCE_PRECISION_HINT"] = "bf16"
        self._compiled = core.compile_model(network, "CPU", options)
        self._own = local()
        self(np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))

    def __call__(self, batch: Pixels) -> NDArray[np.float32]:
        """(n, h, w, 3) → (n, h, w), raw."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        self._own.request.infer([np.ascontiguousarray(batch)])
        raw = np.array(self._own.request.get_output_tensor(0).data, np.float32)
        return raw.reshape(len(batch), HEIGHT, WIDTH)


ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVINO}
ENGINE = os.environ.get("PEER_ENGINE", "onnxruntime")
