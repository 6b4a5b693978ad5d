"""The datasheet of a dataset: what is in it, where it comes from, and what is missing (after Gebru et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from atisbo import i18n
from atisbo.domain.applications import Application
from atisbo.domain.datasets import OWNER, Filters, Split
from atisbo.services.datasets import DatasetView

FEW: Final = 10
"""Images of a class on a side below which figures say little."""


class Translate(Protocol):
    def __call__(self, message: str, **values: object) -> str: ...


@dataclass(frozen=True)
class Section:
    title: str
    lines: list[str] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)


def split_words(_: Translate) -> dict[str, str]:
    return {Split.TRAINING: _("Training"), Split.VALIDATION: _("Validation"), Split.TEST: _("Test (sealed)")}


def sections(view: DatasetView, _: Translate, language: str, application: Application | None = None) -> list[Section]:
    """Of one that is ready; its application, where it is installed, has words for classes."""
    facts = view.facts

    def number(value: int) -> str:
        return i18n.number(language, value)

    sides = split_words(_)
    return [
        Section(
            _("What it is for"),
            lines=[view.purpose or _("Nobody wrote down what it is for.")],
            rows=[
                (_("Application"), application.title.in_(language) if application else view.application),
                (_("Made on"), i18n.day(language, view.created_at)),
            ],
        ),
        Section(
            _("What is in it"),
            rows=[
                (_("Images"), number(facts["images"])),
                *((sides[Split(side)], number(count)) for side, count in _ordered(facts["splits"])),
                (_("Shortest and longest side"), f"{number(facts['smallest'])}, {number(facts['largest'])} px"),
                (_("Taken back since"), number(view.removed)),
            ],
        ),
        Section(
            _("How it was collected"),
            lines=[_filters(view.filters, _)],
            rows=[
                (_("Uploaded"), _period(facts, language)),
                (_("People who uploaded"), number(facts["owners"])),
                (_("People whose review counted"), number(facts["reviewers"])),
                (_("Reviewed by curators, by owners"), ", ".join(number(n) for n in _by(facts["reviewed_by"]))),
                (_("Consent: version of the text"), _pairs(facts["consents"], language)),
                (_("Networks that answered"), _pairs(facts["versions"], language)),
            ],
        ),
        Section(
            _("What was left out"),
            rows=[(word, number(facts["left_out"].get(name, 0))) for name, word in _left_words(_).items()],
        ),
        Section(_("How it is divided"), lines=_division(facts, _, language)),
        Section(
            _("Known gaps"),
            lines=gaps(view, _, lambda label: application.word(label, language) if application else label)
            or [_("None that can be counted.")],
        ),
        Section(_("What it may be used for"), lines=_uses(_)),
    ]


def gaps(view: DatasetView, _: Translate, word: Callable[[str], str]) -> list[str]:
    """What a reader should know before trusting figures that come of it."""
    facts, sides, found = view.facts, split_words(_), []
    for name, counts in facts["classes"].items():
        few = [sides[side] for side in Split if counts.get(side.value, 0) < FEW]
        if few:
            said = _(
                "{label}: fewer than {count} images in {sides}.",
                label=word(name) if name else _label(name, _),
                count=FEW,
                sides=", ".join(few),
            )
            found.append(said)
    if view.plan.task == "classification":
        found += [
            _("{label}: no image at all.", label=word(name))
            for name in view.plan.classes
            if name not in facts["classes"]
        ]
    if facts["owners"] == 1:
        found.append(_("All images come from one person: nothing is known of those of others."))
    if facts["reviewers"] == 1:
        found.append(_("One person alone said what the images show."))
    if OWNER not in facts["group_by"]:
        found.append(_("Images of one person may be on several sides: figures on the sealed part can be too good."))
    if not facts["reviewed_by"].get("curator"):
        found.append(_("No curator has looked at any of the images."))
    return found


def markdown(view: DatasetView, _: Translate, language: str, application: Application | None = None) -> str:
    """The whole datasheet; of a dataset that is not ready, its name and that."""
    lines = [f"# {view.name}", ""]
    if view.sha256 is None:
        return "\n".join([*lines, _("This dataset is not ready."), ""])
    lines += [f"`{view.sha256}`", ""]
    for section in sections(view, _, language, application):
        lines += [f"## {section.title}", ""]
        lines += [line for text in section.lines for line in (text, "")]
        if section.rows:
            lines += [
                "| | |",
                "|---|---|",
                *(f"| {_cell(term)} | {_cell(value)} |" for term, value in section.rows),
                "",
            ]
        if section.title == _("What is in it"):
            lines += [*_table(view, _), ""]
    return "\n".join([*lines, _("Research and education only. Not a medical device."), ""])


def _table(view: DatasetView, _: Translate) -> list[str]:
    sides = split_words(_)
    rows = [
        f"| {_cell(_label(name, _))} | {' | '.join(str(counts.get(side.value, 0)) for side in Split)} |"
        for name, counts in view.facts["classes"].items()
    ]
    return [f"| | {' | '.join(sides[side] for side in Split)} |", "|---|--:|--:|--:|", *rows]


def _label(name: str, _: Translate) -> str:
    return name or _("nothing outlined")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _ordered(counts: dict[str, int]) -> Iterable[tuple[str, int]]:
    return ((side.value, counts.get(side.value, 0)) for side in Split)


def _by(counts: dict[str, int]) -> tuple[int, int]:
    return counts.get("curator", 0), counts.get("owner", 0)


def _pairs(counts: dict[str, int], language: str) -> str:
    return ", ".join(f"{name or '–'} ({i18n.number(language, count)})" for name, count in counts.items())


def _period(facts: dict[str, Any], language: str) -> str:
    days = (datetime.fromisoformat(facts[name]).replace(tzinfo=UTC) for name in ("first", "last"))
    return " – ".join(dict.fromkeys(i18n.day(language, one) for one in days))


def _left_words(_: Translate) -> dict[str, str]:
    return {
        "twins": _("The same picture again"),
        "contradicting": _("The same picture, said to be two things"),
        "torn": _("Like images on two sides"),
        "unreadable": _("Could not be opened, or has no outline"),
    }


def _division(facts: dict[str, Any], _: Translate, language: str) -> list[str]:
    names = [_("the person who uploaded them") if name == OWNER else name for name in facts["group_by"]]
    together = _("Copies and near duplicates stay together.")
    if names:
        together = _(
            "Images stay together that share {what}, and so do copies and near duplicates.", what=", ".join(names)
        )
    count = _(
        "They form {count} groups. A side is for good: no image moves in a later dataset.",
        count=i18n.number(language, facts["groups"]),
    )
    return [
        together,
        count,
        _("The test part is sealed: only an evaluation opens it, and each opening is written down."),
    ]


def _filters(filters: Filters, _: Translate) -> str:
    said = filters.model_dump(mode="json", exclude_defaults=True)
    if not said:
        return _("All images that were reviewed and may be learnt from.")
    words = "; ".join(
        f"{name} = {', '.join(map(str, value)) if isinstance(value, list) else value}" for name, value in said.items()
    )
    return _("Images that were reviewed, may be learnt from, and fit these filters: {filters}.", filters=words)


def _uses(_: Translate) -> list[str]:
    return [
        _("Training and judging networks of this application, on this installation. Not for identifying anybody."),
        _("Whoever takes an image back is heard: it leaves this dataset, and its hash alone stays."),
    ]
