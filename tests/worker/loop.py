"""A small application with reviewed images, a network that answers, and a recipe that learns in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

from atisbo.domain.access import Actor
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card, TensorSpec
from atisbo.domain.datasets import Shares
from atisbo.domain.reviews import Verdict
from atisbo.imaging import draw
from atisbo.services import activations, asking, predictions, reviews, snapshots, versions
from atisbo.services.asking import Upload
from atisbo.services.datasets import DatasetView
from atisbo.services.predictions import Outcome
from atisbo.services.versions import VersionView
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived
from tests.applications_for_tests.networks import bright_nchw
from tests.conftest import PASSWORD
from tests.services.curated import SPOTS, SPOTS_CARD, snapshot

RECIPE = """
name = "spots"
summary = "Tests."
seed = 3
[input]
size = [32, 32]
mean = [0.3, 0.3, 0.3]
std = [0.2, 0.2, 0.2]
[output]
labels = ["spot"]
activation = "sigmoid"
[network]
kind = "unet"
channels = [8, 16]
[data]
validation = 0.25
[train]
epochs = 6
batch_size = 4
learning_rate = 0.01
average = 0.8
"""


SHARES = Shares(training=0.5, validation=0.2, test=0.3)
"""Of forty pictures that nothing ties together: twelve are sealed, enough for a judgement."""


@dataclass(frozen=True)
class Loop:
    application: Application
    card: Card
    active: VersionView
    dataset: DatasetView


def frame(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A reddish disc on noise, too dark for the network that answers, and its mask: (40, 48), uint8."""
    random = np.random.default_rng(seed)
    mask = np.zeros((40, 48), np.uint8)
    centre = int(random.integers(14, 34)), int(random.integers(12, 28))
    cv2.circle(mask, centre, int(random.integers(7, 11)), 255, -1)
    picture = random.normal(50, 10, (40, 48, 3)) + (mask > 0)[..., None] * np.array([110, 30, 10])
    return picture.clip(0, 255).astype(np.uint8), mask


def reviewed(workplace: Workplace, actor: Actor, seed: int) -> None:
    """A frame whose outline somebody said was right."""
    pixels, mask = frame(seed)
    upload = Upload(draw.png(pixels), f"{seed}.png")
    view = workplace.within(
        lambda s: asking.ask(s, actor, blobs=workplace.blobs, application=SPOTS, upload=upload, training_consent=True)
    )
    workplace.blobs.put(derived(view.id, "mask.png"), draw.mask_png(mask))
    attempt = workplace.within(lambda s: predictions.claim(s, [view.id]))[view.id]
    findings = {"task": "segmentation", "regions": [], "width": 48, "height": 40, "uncertainty": 0.1}
    outcome = Outcome(view.id, attempt, "done", version="v1", findings=findings, size=(48, 40))
    workplace.within(lambda s: predictions.record(s, [outcome]))
    workplace.within(
        lambda s: reviews.put(
            s, actor, application=SPOTS, card=SPOTS_CARD, prediction_id=view.id, verdict=Verdict.RIGHT
        )
    )


def prepared(
    workplace: Workplace, people: list[Actor], curator: Actor, folder: Path, describe: snapshots.Describe
) -> Loop:
    """Everything that a retraining needs: people's reviewed frames in a dataset, and a poor network that answers."""
    (folder / "recipe.toml").write_text(RECIPE)
    application = SPOTS.model_copy(update={"folder": folder})
    for number in range(40):
        reviewed(workplace, people[number % len(people)], number)
    model = bright_nchw().SerializeToString()
    card = SPOTS_CARD.model_copy(update={"sha256": sha256(model).hexdigest(), "input": TensorSpec(size=(32, 32))})
    first = workplace.within(
        lambda s: versions.submit(s, curator, blobs=workplace.blobs, application=application, card=card, model=model)
    )
    workplace.within(lambda s: versions.proven(s, version_id=first.id))
    active = workplace.within(
        lambda s: activations.activate(s, curator, version_id=first.id, reason="the first", password=PASSWORD)
    )
    return Loop(application, card, active, snapshot(workplace, curator, describe, spots=True, shares=SHARES))


APPLICATION = """
[application]
name = "spots"
task = "segmentation"
title.en = "Spots"
summary.en = "Outlines spots."
intended_use.en = "Tests."
[input.tensor]
size = [32, 32]
[output]
labels = ["spot"]
activation = "sigmoid"
[consent]
version = 1
text.en = "Yes"
"""


def installed(folder: Path, recipe: str = RECIPE) -> None:
    """The application as a folder that the service finds."""
    (folder / "application.toml").write_text(APPLICATION)
    (folder / "model.onnx").write_bytes(bright_nchw().SerializeToString())
    (folder / "recipe.toml").write_text(recipe)
