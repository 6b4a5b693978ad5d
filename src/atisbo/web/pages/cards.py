"""The card of an application's network, for people: what it is for, how good it is, where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from atisbo import i18n
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card, Interval, Measurement
from atisbo.domain.kinds import expected
from atisbo.services import versions
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, MaybeActor, protect
from atisbo.web.pages import guides
from atisbo.web.pages.figures import Words, words
from atisbo.web.render import Translate, translator

router = APIRouter(include_in_schema=False, dependencies=[Depends(protect)])
_ORDER: Final = (
    *("dice", "iou", "found", "empty_right", "precision", "recall", "auc", "sensitivity", "specificity"),
    *("accuracy", "balanced_accuracy", "accuracy_sure", "unsure", "ece", "refused", "kept"),
)


@router.get("/a/{application}/card")
def card(request: Request, application: str, _actor: MaybeActor, state: AppState) -> Response:
    """Of the version that answers now."""
    return _page(request, *state.application(application), answers=True)


@router.get("/a/{application}/card/{version}")
def card_of_version(
    request: Request, application: str, version: str, db: Db, actor: CurrentActor, state: AppState
) -> Response:
    """Of a version that has answered, also when it does no more."""
    asked, present = state.application(application)
    shown = versions.card(db, actor, application=application, name=version)
    return _page(request, asked, shown, answers=shown.version == present.version)


def _page(request: Request, asked: Application, card: Card, *, answers: bool) -> Response:
    _, language = translator(request), render.language_of(request)
    return render.page(
        request,
        "card.html",
        name=asked.name,
        title=asked.title.in_(language),
        card=card,
        guide=guides.address(asked),
        answers=answers,
        intended_use=asked.intended_use.in_(language),
        limits=_(card.limits) if card.limits else _("None are stated."),
        measurements=_measurements(asked, card, _, language),
        lineage=_lineage(card, _, language),
        shape=_shape(asked, card, _, language),
    )


def record(card: Card, language: str) -> dict[str, str] | None:
    """The last test that stands on the card, in the words of the findings; None if it does not say."""
    for one in reversed(_wholes(card)):
        dice, found = one.figures.get("dice"), one.figures.get("found")
        if dice and found and "polyp" in card.output.labels:
            share = round(100 * found.value)
            return {
                "count": i18n.number(language, dice.n),
                "dice": i18n.number(language, dice.value, 2),
                "found": str(share),
                "missed": str(100 - share),
            }
    return None


def how_good(application: Application, card: Card, language: str) -> list[str]:
    """The same for any network, in sentences."""
    said = record(card, language)
    if said is None:
        tests = [one for one in _wholes(card) if "accuracy" in one.figures]
        return _each(tests, partial(i18n.translate, language)) if len(tests) > 1 else right(application, card, language)
    sentence = (
        "In its last test, on {count} frames, it found the polyp or most of it in {found} of every 100 frames that had "
        "one; its outline agreed with the expert's by {dice} on average (1 is perfect)."
    )
    return [i18n.translate(language, sentence, **said)]


def _each(tests: list[Measurement], _: Translate) -> list[str]:
    """One sentence for each test: they differ in how far the pictures are from what was learnt."""
    return [
        _(
            "{right} of every 100 answers were right: {test}.",
            right=round(100 * one.figures["accuracy"].value),
            test=_(one.name),
        )
        for one in tests
    ]


def right(application: Application, card: Card, language: str) -> list[str]:
    """How often a classification was right in the last test on its card; nothing where the card does not say."""
    _ = partial(i18n.translate, language)
    if card.task != "classification":
        return []
    for one in reversed(_wholes(card)):
        figures = one.figures
        answers = figures.get("accuracy_sure") or figures.get("accuracy")
        if answers is None:
            continue
        sentence = (
            _("In its last test, on {count} images, {right} of every 100 answers it was sure of were right.")
            if "accuracy_sure" in figures
            else _("In its last test, on {count} images, {right} of every 100 answers were right.")
        )
        said = [sentence.format(count=i18n.number(language, answers.n), right=round(100 * answers.value))]
        found, clear = figures.get("sensitivity"), figures.get("specificity")
        if card.output.positive and found and clear:
            label = called(application, card.output.positive, language)
            counts = {"found": round(100 * found.value), "clear": round(100 * clear.value)}
            said.append(
                _(
                    "Of 100 images with “{label}” it named {found}; of 100 without, it cleared {clear}.",
                    label=label,
                    **counts,
                )
            )
        return said
    return []


def _wholes(card: Card) -> list[Measurement]:
    return [one for one in card.quality if not any(_part_of(one, other) for other in card.quality)]


def _part_of(one: Measurement, other: Measurement) -> bool:
    return one.name.startswith(f"{other.name}, ")


def _measurements(application: Application, card: Card, _: Translate, language: str) -> list[dict[str, Any]]:
    """Every test, with its parts (``validation, kvasir`` is one of ``validation``) where there are several."""
    wording = words(card, partial(called, application, language=language), _)
    shown = []
    for whole in _wholes(card):
        parts = [
            _measurement(part, wording, _, language) | {"name": part.name.removeprefix(f"{whole.name}, ")}
            for part in card.quality
            if _part_of(part, whole)
        ]
        shown.append(_measurement(whole, wording, _, language) | {"parts": parts if len(parts) > 1 else []})
    return shown


def _measurement(one: Measurement, wording: dict[str, Words], _: Translate, language: str) -> dict[str, Any]:
    names = sorted(one.figures, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    return {
        "name": _(one.name),
        "data": _data(one.data, _),
        "command": one.command,
        "data_sha256": one.data_sha256,
        "figures": [_figure(name, one.figures[name], wording, _, language) for name in names],
    }


def _data(text: str, _: Translate) -> str:
    """The pictures of a test in the reader's language, where they were described by a command."""
    if found := re.fullmatch(r"(\d+) images, each judged by a network that was trained without it", text):
        return _("{count} images, each judged by a network that was trained without it", count=found[1])
    if found := re.fullmatch(r"(\d+) pictures of (\d+) sources, each judged by a .*", text):
        return _(
            "{count} pictures of {sources} sources, each judged by a network that was trained without its source",
            count=found[1],
            sources=found[2],
        )
    if found := re.fullmatch(r"(\d+) proper pictures; (.+)", text):
        kinds = {
            "artwork": _("works of art"),
            "colonoscopy": _("of colonoscopies"),
            "disc": _("of optic discs"),
            "document": _("of documents"),
            "fundus": _("of the whole fundus"),
            "other": _("of other things"),
            "unseen": _("of kinds that were not learnt"),
        }
        others = re.sub(r"[a-z]+", lambda word: kinds.get(word[0], word[0]), found[2])
        return _("{count} proper pictures; others: {others}", count=found[1], others=others)
    return _(text)


def _figure(name: str, figure: Interval, wording: dict[str, Words], _: Translate, language: str) -> dict[str, Any]:
    """A figure in words, and where it lies on a scale from 0 to 100 if it is a share with an interval."""
    title, hint = wording.get(name, (name.replace("_", " "), ""))
    number = partial(i18n.number, language)
    low, high = figure.edges or (None, None)
    known = (
        _("no interval, since its {count} images belong together", count=number(figure.n))
        if low is None or high is None
        else _("{low} to {high}, {count} images", low=number(low, 3), high=number(high, 3), count=number(figure.n))
    )
    places = [round(100 * at, 2) for at in (figure.value, *(figure.edges or ()))]
    return {
        "name": title,
        "hint": hint,
        "value": number(figure.value, 3),
        "known": known,
        "drawn": figure.edges is not None and 0 <= min(places) <= max(places) <= 100,
        "at": places,
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


def _shape(application: Application, card: Card, _: Translate, language: str) -> list[tuple[str, str]]:
    height, width = card.input.size
    output, gate, structures = card.output, card.gate, card.structures

    def named(labels: Iterable[str]) -> str:
        return ", ".join(called(application, label, language) for label in labels)

    def decimal(value: float) -> str:
        return i18n.number(language, value, 2)

    rows = [
        (_("Input"), _("{width} × {height} pixels, colour", width=width, height=height)),
        (_("Labels"), named(output.labels)),
        (_("Operating point"), decimal(output.threshold)),
        (_("Outlined down to"), decimal(output.edge) if output.edge else ""),
        (_("Temperature"), decimal(output.temperature) if output.temperature != 1 else ""),
        (_("“Not sure” above an uncertainty of"), decimal(output.unsure_above) if output.unsure_above else ""),
        (_("Outlined besides"), named(structures.output.labels) if structures else ""),
        (_("Measured"), named(ratio.name for ratio in structures.ratios) if structures else ""),
        (_("For"), expected(gate, application.input.kind).in_(language) if gate else ""),
        (_("Refused if less probable than"), decimal(gate.threshold) if gate else ""),
        (_("Refusing carried over from"), gate.kept_from if gate else ""),
    ]
    return [(label, value) for label, value in rows if value]


def called(application: Application, label: str, language: str) -> str:
    """What a label, a structure or a ratio is called: by the application, else by us."""
    if label in application.labels:
        return application.labels[label].in_(language)
    return i18n.translate(language, label).replace("_", " ")
