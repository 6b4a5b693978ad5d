"""The bare engine: the same network on the same machine, fed from memory by a loop that does nothing else.

Run as a process of its own: ``python -m benchmarks.bare MODEL CARD SECONDS`` prints images per second of the best of a
few ways to feed it; with ``--latency`` how long it takes over one image that gets the whole machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from itertools import product
from pathlib import Path

import numpy as np
import openvino as ov
from openvino.preprocess import PrePostProcessor

from atisbo.domain.cards import Card


def compiled(model: Path, card: Card, batch: int, **options: str) -> ov.CompiledModel:
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

    def tried(batch: int, streams: int) -> float:
        options = {"NUM_STREAMS": str(streams), "PERFORMANCE_HINT": "THROUGHPUT"}
        return rate(compiled(model, card, batch, **options), batch, seconds)

    found = {f"batch {batch}, {streams} streams": tried(batch, streams) for batch, streams in product((1, 4), (1, 2))}
    return {"best": max(found.values()), **found}


def latency(model: Path, card: Card, seconds: float) -> dict[str, float]:
    """The median time in milliseconds over one image after the other."""
    request = compiled(model, card, 1, PERFORMANCE_HINT="LATENCY").create_infer_request()
    pixels = np.random.default_rng(0).integers(0, 255, tuple(request.get_input_tensor().shape), np.uint8)
    request.infer([pixels])
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        request.infer([pixels])
        times.append(time.perf_counter() - began)
    return {"ms": 1000 * statistics.median(times)}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model", type=Path)
    options.add_argument("card", type=Path)
    options.add_argument("seconds", type=float)
    options.add_argument("--latency", action="store_true")
    chosen = options.parse_args()
    look = latency if chosen.latency else best
    print(json.dumps(look(chosen.model, Card.read(chosen.card), chosen.seconds)))
