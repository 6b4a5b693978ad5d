"""Cards, rows and reports for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from atisbo.domain.cards import Card
from atisbo.evaluation.classes import Choice
from atisbo.evaluation.report import Report, meanings
from atisbo.evaluation.rows import Row


def card(task: str = "segmentation", labels: int = 1, **more: Any) -> Card:
    """A card of a network that is not there."""
    names = [f"c{n}" for n in range(labels if task == "segmentation" else max(labels, 2))]
    positive = names[1] if task == "classification" and len(names) == 2 else None
    output = {"labels": names, "activation": "sigmoid" if task == "segmentation" else "softmax", "positive": positive}
    fields = {"name": "it", "task": task, "sha256": "0" * 64, "input": {"size": [32, 32]}, "output": output}
    return Card.model_validate(fields | more)


def chosen_rows(labels: int, count: int = 60, *, seed: int = 0, skill: float = 1.5) -> tuple[Row, ...]:
    """Answers that are mostly right, in three groups."""
    random = np.random.default_rng(seed)
    truth = np.random.default_rng(0).integers(0, labels, count)
    raw = random.normal(0, 1, (count, labels)) + skill * np.eye(labels)[truth]
    shares = np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
    return tuple(
        Row(
            f"f/{n}.png",
            choice=Choice(tuple(map(float, share)), int(true), int(share.argmax()), float(1 - share.max()), None),
            uncertainty=float(1 - share.max()),
            columns={"folder": "f", "class": f"c{true}", "source": f"s{n % 3}"},
        )
        for n, (share, true) in enumerate(zip(shares, truth, strict=True))
    )


def reported_classes(labels: int, count: int = 60, **more: Any) -> Report:
    """A report of :func:`chosen_rows`."""
    about = card("classification", labels)
    return Report(
        version="it-0123",
        data=f"{count} f",
        data_sha256="1" * 64,
        command="atisbo evaluate it",
        rows=chosen_rows(labels, count, **more),
        task="classification",
        labels=about.output.labels,
        positive=about.output.positive,
        meanings=meanings(about),
    )
