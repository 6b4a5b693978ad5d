"""Versions of the test applications: networks of a few hundred bytes with their cards."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
from onnx import numpy_helper

from atisbo.domain.applications import Application, load
from atisbo.domain.cards import Card
from tests.applications_for_tests.networks import HERE, colour

Version = tuple[Card, bytes]


def installed() -> dict[str, tuple[Application, Card]]:
    """The application ``colour`` as its folder has it."""
    return {"colour": load(HERE / "colour")}


def another(shift: int = 1, **output: Any) -> Version:
    """A version of ``colour`` that takes every colour for the one ``shift`` further; changes of its card's output."""
    network = colour()
    weights = network.graph.initializer[0]
    weights.CopyFrom(numpy_helper.from_array(np.roll(numpy_helper.to_array(weights), shift, axis=1), weights.name))
    data = bytes(network.SerializeToString())
    card = installed()["colour"][1]
    changed = card.output.model_copy(update=output)
    return card.model_copy(update={"sha256": sha256(data).hexdigest(), "output": changed}), data
