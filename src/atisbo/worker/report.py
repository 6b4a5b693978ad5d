"""The printed page of a prediction, in words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from atisbo import i18n
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.predictions import NOTICE
from atisbo.paper import Sheet, pdf
from atisbo.services.reports import Answered


def report(
    answered: Answered, application: Application, card: Card | None, pictures: Mapping[str, bytes], language: str
) -> bytes:
    """One page: pictures, findings, what the network is, and what it is not.

    Args:
        card: of the version that answered; None where it is not known any more.
        pictures: by file name, as the render job makes them.
    """
    _ = partial(i18n.translate, language)
    findings = answered.findings
    facts = [
        *_found(findings, application, language),
        (_("Operating point"), i18n.score(language, findings["threshold"])),
        (_("File"), answered.file_name),
        (_("Asked"), i18n.stamp(language, answered.asked_at)),
        (_("Network"), answered.version),
    ]
    sections = [
        (_("Intended use"), application.intended_use.in_(language)),
        *([(_("Limits"), _(card.limits))] if card and card.limits else []),
    ]
    return pdf(
        Sheet(
            language=language,
            title=f"Atisbo · {application.title.in_(language)}",
            answer=_answer(findings, application, language),
            made_at=answered.asked_at,
            pictures=_shown(pictures, _),
            facts=facts,
            sections=sections,
            notice=_(NOTICE),
        )
    )


def _shown(pictures: Mapping[str, bytes], _: Any) -> list[tuple[bytes, str]]:
    """The picture or what was cut out of it, and the same with what was outlined."""
    if "crop.png" in pictures:
        captions = {"crop.png": _("The part that was analysed"), "analysed.png": _("What the network outlined")}
    else:
        captions = {"preview.jpg": _("The picture"), "overlay.png": _("What the network outlined")}
    return [(pictures[name], caption) for name, caption in captions.items() if name in pictures]


def _answer(findings: Mapping[str, Any], application: Application, language: str) -> str:
    _ = partial(i18n.translate, language)
    if findings.get("unsure"):
        return _("The network is not sure. Have an expert look at it.")
    if findings["task"] == "classification":
        word = application.word(findings["label"], language)
        return word[:1].upper() + word[1:]
    if findings["empty"]:
        return _("Nothing found")
    area = f"{i18n.number(language, findings['area_percent'], 1)} %"
    count = len(findings["regions"])
    if count == 1:
        return _("One region outlined, {area} of the picture", area=area)
    return _("{count} regions outlined, {area} of the picture together", count=count, area=area)


def _found(findings: Mapping[str, Any], application: Application, language: str) -> list[tuple[str, str]]:
    """Probabilities and measures, a line each."""
    _, number = partial(i18n.translate, language), partial(i18n.number, language)
    if findings["task"] == "segmentation":
        return [(_("Highest score"), i18n.score(language, findings["probability"]))]
    lines = [
        (_("Probability of {label}", label=application.word(label, language)), i18n.score(language, value))
        for label, value in findings["probabilities"].items()
    ]
    ratios = [
        (application.word(name, language), number(value, 2)) for name, value in findings.get("ratios", {}).items()
    ]
    return lines + [(name[:1].upper() + name[1:], value) for name, value in ratios]
