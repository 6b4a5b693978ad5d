"""The bare engine: the same network on the same machine, fed from memory by a loop that does nothing else.

Run as a process of its own: ``python -m benchmarks.bare MODEL CARD SECONDS`` prints images per second of the best of a
few ways to feed it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import openvino as ov
from openvino.preprocess import PrePostProcessor

from atisbo.domain.cards import Card


def compiled(model: Path, card: Card, batch: int, streams: int) -> ov.CompiledModel:
    """The network with the card's scaling inside, eating uint8, for a fixed batch."""
    core = ov.Core()
    network = core.read_model(model)
    steps = PrePostProcessor(network)
    height, width = card.input.size
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout(card.input.layout))
    scale = [card.input.scale * s for s in card.input.std]
    mean = [card.input.scale * m for m in card.input.mean]
    steps.input().preprocess().convert_element_type(ov.Type.f32).mean(mean).scale(scale)
    network = steps.build()
    network.reshape([batch, height, width, 3])
    options = {"NUM_STREAMS": str(streams), "PERFORMANCE_HINT": "THROUGHPUT"}
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        options["INFERENCE_PRECISION_HINT"] = "bf16"
    return core.compile_model(network, "CPU", options)


def rate(model: ov.CompiledModel, batch: int, seconds: float) -> float:
    """Images per second through an asynchronous queue that is never empty."""
    queue = ov.AsyncInferQueue(model)
    pixels = np.random.default_rng(0).integers(0, 255, tuple(model.input(0).shape), np.uint8)
    for _ in range(len(queue)):
        queue.start_async([pixels])
    queue.wait_all()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        queue.start_async([pixels])
        count += batch
    queue.wait_all()
    return count / (time.perf_counter() - began)


def best(model: Path, card: Card, seconds: float) -> dict[str, float]:
    """The quickest of the ways tried, and every one of them."""
    found = {
        f"batch {batch}, {streams} streams": rate(compiled(model, card, batch, streams), batch, seconds)
        for batch, streams in ((1, 1), (1, 2), (4, 1), (4, 2))
    }
    return {"best": max(found.values()), **found}


if __name__ == "__main__":
    chosen = Card.read(Path(sys.argv[2]))
    print(json.dumps(best(Path(sys.argv[1]), chosen, float(sys.argv[3]))))
