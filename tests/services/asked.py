"""Predictions in any state, without a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atisbo.domain.access import Actor
from atisbo.domain.applications import Application, ConsentSection, InputSection, ReviewSection
from atisbo.domain.cards import Card, OutputSpec, TensorSpec
from atisbo.domain.forms import ReviewField
from atisbo.domain.texts import LocalisedText
from atisbo.services import asking, predictions
from atisbo.services.asking import Upload
from atisbo.services.predictions import Outcome, PredictionView
from atisbo.services.work import Workplace

WORDS = LocalisedText(es="palabras", en="words")
FIELDS = tuple(
    ReviewField.model_validate(said | {"label": {"es": "Campo", "en": "Field"}})
    for said in (
        {"name": "eye", "type": "choice", "choices": ["OD", "OS"]},
        {"name": "pressure", "type": "number", "min": 0, "max": 80, "unit": "mmHg"},
        {"name": "comment", "type": "text"},
    )
)
EYES = Application(
    name="eyes",
    task="classification",
    title=WORDS,
    summary=WORDS,
    intended_use=WORDS,
    input=InputSection(region="free"),
    output=None,
    review=ReviewSection(fields=FIELDS),
    consent=ConsentSection(version=3, text=WORDS),
    samples=(),
    folder=Path("nowhere"),
)
CARD = Card(
    name="eyes",
    task="classification",
    sha256="0" * 64,
    input=TensorSpec(size=(8, 8)),
    output=OutputSpec(labels=("normal", "glaucoma"), positive="glaucoma", activation="softmax"),
    intended_use="Tests.",
)
FINDINGS: dict[str, Any] = {
    "task": "classification",
    "label": "glaucoma",
    "probabilities": {"normal": 0.1, "glaucoma": 0.9},
    "probability": 0.9,
    "threshold": 0.5,
    "above": True,
    "width": 2,
    "height": 2,
}


def ask(workplace: Workplace, actor: Actor, data: bytes = b"bytes", **more: Any) -> PredictionView:
    """A prediction as it is just after an upload."""
    said: dict[str, Any] = {"application": EYES, "upload": Upload(data, "eye.jpg")} | more
    return workplace.within(lambda s: asking.ask(s, actor, blobs=workplace.blobs, **said))


def answered(workplace: Workplace, actor: Actor, data: bytes = b"bytes", **more: Any) -> PredictionView:
    """A prediction that was answered with glaucoma."""
    view = ask(workplace, actor, data, **more)
    attempt = workplace.within(lambda s: predictions.claim(s, [view.id]))[view.id]
    outcome = Outcome(view.id, attempt, "done", version="v", findings=FINDINGS, size=(2, 2), vector=(1.0, 2.0))
    assert workplace.within(lambda s: predictions.record(s, [outcome])) == {view.id}
    return view


DISCS = EYES.model_copy(update={"name": "discs", "task": "segmentation"})
DISC_CARD = CARD.model_copy(
    update={
        "name": "discs",
        "task": "segmentation",
        "output": OutputSpec(labels=("disc", "cup"), activation="sigmoid"),
    }
)
_SQUARE = [[4, 2], [7, 2], [7, 5], [4, 5], [4, 2]]
_INNER = [[5, 3], [6, 3], [6, 4], [5, 4], [5, 3]]
OUTLINES: dict[str, Any] = {
    "task": "segmentation",
    "label": "disc",
    "probability": 0.9,
    "threshold": 0.5,
    "uncertainty": 0.2,
    "area_percent": 5.0,
    "regions": [
        {"label": "disc", "area_percent": 5.0, "area_pixels": 16, "probability": 0.9, "contour": [[_SQUARE]]},
        {"label": "cup", "area_percent": 1.3, "area_pixels": 4, "probability": 0.9, "contour": [[_INNER]]},
    ],
    "empty": False,
    "width": 20,
    "height": 16,
}


def outlined(workplace: Workplace, actor: Actor, data: bytes = b"disc", **more: Any) -> PredictionView:
    """A prediction that was answered with a disc and its cup, 20 × 16 pixels."""
    view = ask(workplace, actor, data, **({"application": DISCS} | more))
    attempt = workplace.within(lambda s: predictions.claim(s, [view.id]))[view.id]
    outcome = Outcome(view.id, attempt, "done", version="v", findings=OUTLINES, size=(20, 16))
    assert workplace.within(lambda s: predictions.record(s, [outcome])) == {view.id}
    return view
