"""A network's answer to one picture, in a process that may die of it.

Jobs for :class:`atisbo.imaging.quarantine.Quarantine`, and :func:`received`, which makes an answer of what comes back.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from atisbo.domain.cards import Card
from atisbo.domain.findings import ClassificationFindings, SegmentationFindings
from atisbo.domain.kinds import Asked
from atisbo.domain.texts import LocalisedText
from atisbo.errors import Foreign
from atisbo.imaging import walls
from atisbo.imaging.jobs import Reply
from atisbo.imaging.prepared import Prepared
from atisbo.inference.engine import OpenVINOEngine, Precision
from atisbo.inference.predictor import Answer
from atisbo.inference.predictor import answer as found

_loaded: dict[str, tuple[Card, OpenVINOEngine]] = {}
"""The one network of this process, by its checksum."""


def ready() -> None:
    """Where memory runs out, it is this process that goes."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def confine(memory_bytes: int) -> None:
    """The picture is decoded already and the network is one of ours: bounds are enough, and it needs its threads."""
    walls.limit({resource.RLIMIT_AS: memory_bytes, resource.RLIMIT_CORE: 0})
    walls.no_new_privileges()


def holds(sha256: str) -> Reply:
    """Whether the network of this checksum is loaded."""
    return Reply({"holds": sha256 in _loaded}, {})


def load(card: Card, network: bytes, precision: Precision) -> Reply:
    """Have this network, and no other any more."""
    _loaded.clear()
    _loaded[card.sha256] = card, OpenVINOEngine(network, card, precision=precision, streams=1)
    return Reply({}, {})


def answer(sha256: str, prepared: Prepared, asked: Asked | None) -> Reply:
    """Findings, mask and embedding; see :func:`atisbo.inference.predictor.answer`.

    Raises:
        Foreign: the picture is not of the application's kind.
    """
    card, engine = _loaded[sha256]
    answers = {name: values[0] for name, values in engine.infer(prepared.pixels[None]).items()}
    try:
        said = found(answers, prepared, card, asked)
    except Foreign as error:
        words = {name: _plain(value) for name, value in error.values.items()}
        raise Foreign(error.code, error.message, **words) from error
    blocks: dict[str, bytes | memoryview] = {}
    if said.mask is not None:
        blocks["mask"] = said.mask
    if said.embedding is not None:
        blocks["embedding"] = said.embedding.tobytes()
    return Reply({"findings": said.findings.model_dump(mode="json"), "version": said.version}, blocks)


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, LocalisedText) else value


JOBS: Final[Mapping[str, Callable[..., Reply]]] = {"holds": holds, "load": load, "answer": answer}


def received(values: dict[str, Any], blocks: dict[str, memoryview]) -> Answer:
    """What :func:`answer` said, on the other side of the wall."""
    said = values["findings"]
    embedding = np.frombuffer(blocks["embedding"], np.float32) if "embedding" in blocks else None
    mask = bytes(blocks["mask"]) if "mask" in blocks else None
    findings: SegmentationFindings | ClassificationFindings
    if said["task"] == "segmentation":
        findings = SegmentationFindings.model_validate(said)
    else:
        findings = ClassificationFindings.model_validate(said)
    return Answer(findings, mask, str(values["version"]), embedding)
