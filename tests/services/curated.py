"""Reviewed and consented images, and datasets of them, without a worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import cv2
import numpy as np

from atisbo.domain.access import Actor
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card, OutputSpec, TensorSpec
from atisbo.domain.datasets import Status
from atisbo.domain.images import Region
from atisbo.domain.reviews import Verdict
from atisbo.imaging import draw
from atisbo.services import asking, datasets, predictions, reviews, snapshots
from atisbo.services.asking import Upload
from atisbo.services.datasets import DatasetView
from atisbo.services.predictions import Outcome, PredictionView
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived
from tests.services.asked import CARD, EYES, FINDINGS

SPOTS = EYES.model_copy(update={"name": "spots", "task": "segmentation"})
SPOTS_CARD = Card(
    name="spots",
    task="segmentation",
    sha256="1" * 64,
    input=TensorSpec(size=(8, 8)),
    output=OutputSpec(labels=("spot",), activation="sigmoid"),
    intended_use="Tests.",
)


def pixels(seed: int, size: tuple[int, int] = (40, 48)) -> np.ndarray:
    """A picture unlike that of any other seed: (height, width, 3), uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_NEAREST)


def picture(seed: int, size: tuple[int, int] = (40, 48)) -> bytes:
    return draw.png(pixels(seed, size))


def spot(seed: int, size: tuple[int, int] = (40, 48)) -> np.ndarray:
    """A mask with a hole in it: (height, width), uint8, 0 or 255; empty for every sixth."""
    mask = np.zeros(size, np.uint8)
    if seed % 6:
        random = np.random.default_rng(seed)
        centre = (int(random.integers(12, size[1] - 12)), int(random.integers(12, size[0] - 12)))
        cv2.circle(mask, centre, 9, 255, -1)
        cv2.circle(mask, centre, 3, 0, -1)
    return mask


def eye(
    workplace: Workplace,
    actor: Actor,
    seed: int,
    label: str = "glaucoma",
    *,
    reviewer: Actor | None = None,
    consent: bool = True,
    region: Region | None = None,
    metadata: dict[str, object] | None = None,
    data: bytes | None = None,
    kind: tuple[Application, Card] = (EYES, CARD),
) -> PredictionView:
    """An image of an eye, answered with glaucoma, reviewed as ``label``."""
    upload = Upload(data or picture(seed), f"{seed}.png")
    view = workplace.within(
        lambda s: asking.ask(
            s,
            actor,
            blobs=workplace.blobs,
            application=kind[0],
            upload=upload,
            region=region,
            training_consent=consent,
        )
    )
    _answer(workplace, view.id, FINDINGS | {"uncertainty": (seed % 10) / 10})
    verdict = Verdict.RIGHT if label == "glaucoma" else Verdict.WRONG
    workplace.within(
        lambda s: reviews.put(
            s,
            reviewer or actor,
            application=kind[0],
            card=kind[1],
            prediction_id=view.id,
            verdict=verdict,
            label=label,
            metadata=metadata or {},
        )
    )
    return view


def spotted(
    workplace: Workplace,
    actor: Actor,
    seed: int,
    *,
    size: tuple[int, int] = (40, 48),
    kind: tuple[Application, Card] = (SPOTS, SPOTS_CARD),
) -> PredictionView:
    """An image whose outline somebody said was right."""
    upload = Upload(picture(seed, size), f"{seed}.png")
    view = workplace.within(
        lambda s: asking.ask(s, actor, blobs=workplace.blobs, application=kind[0], upload=upload, training_consent=True)
    )
    workplace.blobs.put(derived(view.id, "mask.png"), draw.mask_png(spot(seed, size)))
    findings = {"task": "segmentation", "regions": [], "width": size[1], "height": size[0], "uncertainty": 0.1}
    _answer(workplace, view.id, findings)
    workplace.within(
        lambda s: reviews.put(s, actor, application=kind[0], card=kind[1], prediction_id=view.id, verdict=Verdict.RIGHT)
    )
    return view


def _answer(workplace: Workplace, prediction_id: UUID, findings: dict[str, Any]) -> None:
    attempt = workplace.within(lambda s: predictions.claim(s, [prediction_id]))[prediction_id]
    outcome = Outcome(prediction_id, attempt, "done", version="v1", findings=findings, size=(48, 40))
    assert workplace.within(lambda s: predictions.record(s, [outcome])) == {prediction_id}


def snapshot(
    workplace: Workplace,
    curator: Actor,
    describe: snapshots.Describe,
    *,
    spots: bool = False,
    group_by: Sequence[str] = (),
    **more: Any,
) -> DatasetView:
    """A dataset, made at once."""
    application, card = (SPOTS, SPOTS_CARD) if spots else (EYES, CARD)
    asked: dict[str, Any] = {"application": application, "card": card, "name": "A set", "group_by": tuple(group_by)}
    view = workplace.within(lambda s: datasets.create(s, curator, **asked | more))
    snapshots.build(workplace, dataset_id=view.id, describe=describe)
    return workplace.within(lambda s: datasets.get(s, curator, dataset_id=view.id))


def ready(view: DatasetView) -> DatasetView:
    assert view.status is Status.READY, view.failure
    return view
