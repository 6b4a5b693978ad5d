"""The card of an application's network, for people: what it is for, how good it is, where it comes from."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from atisbo import i18n
from atisbo.domain.cards import Card, Interval, Measurement
from atisbo.web import render
from atisbo.web.deps import AppState, MaybeActor, protect
from atisbo.web.render import Translate, translator

router = APIRouter(include_in_schema=False, dependencies=[Depends(protect)])
_ORDER: Final = ("dice", "iou", "found", "empty_right", "precision", "recall", "specificity", "accuracy")


@router.get("/a/{application}/card")
def card(request: Request, application: str, _actor: MaybeActor, state: AppState) -> Response:
    asked, card = state.application(application)
    _, language = translator(request), render.language_of(request)
    return render.page(
        request,
        "card.html",
        name=asked.name,
        title=asked.title.in_(language),
        card=card,
        intended_use=asked.intended_use.in_(language),
        limits=_(card.limits) if card.limits else _("None are stated."),
        measurements=_measurements(card, _, language),
        lineage=_lineage(card, _, language),
        shape=_shape(card, _, language),
    )


def record(card: Card, language: str) -> dict[str, str] | None:
    """The last test that stands on the card, in the words of the findings; None if it does not say."""
    for one in reversed(_wholes(card)):
        dice, found = one.figures.get("dice"), one.figures.get("found")
        if dice and found:
            share = round(100 * found.value)
            return {
                "count": i18n.number(language, dice.n),
                "dice": i18n.number(language, dice.value, 2),
                "found": str(share),
                "missed": str(100 - share),
            }
    return None


def _wholes(card: Card) -> list[Measurement]:
    return [one for one in card.quality if not any(_part_of(one, other) for other in card.quality)]


def _part_of(one: Measurement, other: Measurement) -> bool:
    return one.name.startswith(f"{other.name}, ")


def _measurements(card: Card, _: Translate, language: str) -> list[dict[str, Any]]:
    """Every test, with its parts (``validation, kvasir`` is one of ``validation``) where there are several."""
    shown = []
    for whole in _wholes(card):
        parts = [
            _measurement(part, _, language) | {"name": part.name.removeprefix(f"{whole.name}, ")}
            for part in card.quality
            if _part_of(part, whole)
        ]
        shown.append(_measurement(whole, _, language) | {"parts": parts if len(parts) > 1 else []})
    return shown


def _measurement(one: Measurement, _: Translate, language: str) -> dict[str, Any]:
    names = sorted(one.figures, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    return {
        "name": _(one.name),
        "data": _(one.data),
        "command": one.command,
        "data_sha256": one.data_sha256,
        "figures": [_figure(name, one.figures[name], _, language) for name in names],
    }


def _figure(name: str, figure: Interval, _: Translate, language: str) -> dict[str, Any]:
    """A figure in words, and where it lies on a scale from 0 to 100 if it is a share."""
    title, hint = _figure_words(_).get(name, (name.replace("_", " "), ""))
    share = 0 <= figure.low <= figure.high <= 1
    return {
        "name": title,
        "hint": hint,
        "value": i18n.number(language, figure.value, 3),
        "low": i18n.number(language, figure.low, 3),
        "high": i18n.number(language, figure.high, 3),
        "n": i18n.number(language, figure.n),
        "drawn": share,
        "low_at": round(100 * figure.low, 2),
        "high_at": round(100 * figure.high, 2),
        "value_at": round(100 * figure.value, 2),
    }


def _figure_words(_: Translate) -> dict[str, tuple[str, str]]:
    return {
        "dice": (_("Dice per image"), _("agreement of outline and expert; 1 is perfect")),
        "dice_object": (_("Dice, with a polyp"), _("the same, only frames that show one")),
        "iou": (_("Overlap (IoU)"), _("shared area over joint area")),
        "found": (_("Found"), _("frames with a polyp in which at least half of it is outlined")),
        "empty_right": (_("Right empty answers"), _("frames without a polyp that stay empty")),
        "precision": (_("Precision"), _("how much of what is outlined is polyp")),
        "recall": (_("Recall"), _("how much of the polyp is outlined")),
        "specificity": (_("Specificity"), _("how much of the rest is left alone")),
        "accuracy": (_("Accuracy"), _("share of pixels that are right")),
    }


def _lineage(card: Card, _: Translate, language: str) -> list[tuple[str, str]]:
    origin = card.lineage
    rows = [
        (_("Trained on"), _(origin.data) if origin.data else ""),
        (_("Starting from"), origin.encoder),
        (_("Trained"), i18n.day(language, origin.trained_on) if origin.trained_on else ""),
        (_("Epochs"), str(origin.epochs or "")),
        (_("Command"), origin.command),
        (_("Checksum of the data"), origin.data_sha256),
        (_("Licence"), _(card.licence) if card.licence else ""),
        (_("Checksum of the network"), card.sha256),
    ]
    return [(label, value) for label, value in rows if value]


def _shape(card: Card, _: Translate, language: str) -> list[tuple[str, str]]:
    height, width = card.input.size
    return [
        (_("Input"), _("{width} × {height} pixels, colour", width=width, height=height)),
        (_("Labels"), ", ".join(_(label) for label in card.output.labels)),
        (_("Operating point"), i18n.number(language, card.output.threshold, 2)),
    ]
