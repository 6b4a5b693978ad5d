"""Two versions side by side, in words and on a scale."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from atisbo import i18n
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.evaluations import FEWEST_GROUPS, PRIMARY
from atisbo.domain.versions import State
from atisbo.web.pages.cards import called
from atisbo.web.pages.figures import Words, words
from atisbo.web.render import Translate


def state_words(_: Translate) -> dict[str, str]:
    """A version's states, and which mark each is shown by."""
    return {
        State.RECEIVED: _("Being checked"),
        State.REFUSED: _("Not accepted"),
        State.SUBMITTED: _("Candidate, not judged"),
        State.EVALUATED: _("Candidate, judged"),
        State.ACTIVE: _("Answers now"),
        State.RETIRED: _("Retired"),
    }


def origin_words(_: Translate) -> dict[str, str]:
    return {"folder": _("Came with the application"), "file": _("Brought by hand"), "run": _("Trained here")}


def verdict_words(_: Translate) -> dict[str, str]:
    return {"better": _("Better"), "worse": _("Worse"), "cannot be told apart": _("No difference shown")}


def compared(
    said: Mapping[str, Any], application: Application, card: Card, _: Translate, language: str
) -> dict[str, Any]:
    """A finished judgement for the page: deciding figures, the others, subgroups, pictures."""
    wording = words(card, partial(called, application, language=language), _)
    figures, deciding = said["figures"], PRIMARY[said["task"]]
    row = partial(_row, wording=wording, scale=_scale(figures), _=_, language=language)
    return {
        "verdict": said["verdict"],
        "sentence": _sentence(said, _),
        "dataset": said["dataset"],
        "against": said["against"],
        "images": counted(said, said["images"], _, language),
        "deciding": [row(figures[name]) for name in deciding if name in figures],
        "others": [row(one) for name, one in figures.items() if name not in deciding],
        "subgroups": [
            {
                "name": f"{_(one['column']).replace('_', ' ')}: {called(application, one['value'], language)}",
                "images": counted(one, one["images"], _, language),
                "figures": [row(each) for each in one["figures"].values()],
            }
            for one in said["subgroups"]
        ],
        "pictures": [_picture(one, application, card, language) for one in said["pictures"]],
        "measure": _("Dice") if card.task == "segmentation" else _("Probability of what is true"),
    }


def _sentence(said: Mapping[str, Any], _: Translate) -> str:
    if said["verdict"] == "cannot be told apart" and _too_few(said):
        return _(
            "Too few independent groups of images (people or patients, for example) to tell the two apart: {count}. "
            "At least {least} are needed.",
            count=said["groups"],
            least=FEWEST_GROUPS,
        )
    return {
        "better": _("The candidate is better than the active version."),
        "worse": _("The candidate is worse than the active version."),
        "cannot be told apart": _("These images cannot tell the two apart."),
    }[said["verdict"]]


def _too_few(said: Mapping[str, Any]) -> bool:
    """Whether it was the groups that were too few; earlier judgements do not say how many there were."""
    return bool(said.get("groups", FEWEST_GROUPS) < FEWEST_GROUPS)


def _scale(figures: Mapping[str, Any]) -> float:
    """The largest edge of an interval of a share; what the middle of the scale is away from its end."""
    limits = [abs(edge) for one in figures.values() for edge in (one["low"], one["high"]) if edge is not None]
    shares = [edge for edge in limits if edge <= 1]
    return max(0.05, *shares) if shares else 1.0


def _row(
    one: Mapping[str, Any], wording: dict[str, Words], scale: float, _: Translate, language: str
) -> dict[str, Any]:
    title, hint = wording.get(one["name"], (str(one["name"]).replace("_", " "), ""))
    number = partial(i18n.number, language, digits=3)

    limits = None if one["low"] is None else (one["low"], one["high"])
    places = [round(50 + 50 * max(-1.0, min(1.0, at / scale)), 2) for at in (one["value"], *(limits or ()))]
    return {
        "name": title,
        "hint": hint,
        "first": number(one["first"]),
        "second": number(one["second"]),
        "value": signed(one["value"], language),
        "edges": limits and [signed(edge, language) for edge in limits],
        "images": counted(one, one["n"], _, language),
        "verdict": one["verdict"],
        "word": _("Too few groups") if _too_few(one) else verdict_words(_)[one["verdict"]],
        "drawn": limits is not None and max(map(abs, limits)) <= scale,
        "at": places,
    }


def counted(said: Mapping[str, Any], images: int, _: Translate, language: str) -> str:
    """How many images, and how many independent groups they form, where that is known."""
    count = i18n.number(language, images)
    if "groups" not in said:
        return _("{count} images", count=count)
    return _("{count} images, independent groups: {groups}", count=count, groups=said["groups"])


def signed(value: float, language: str) -> str:
    """With its sign, a true minus among them."""
    text = i18n.number(language, abs(value), 3)
    return f"+{text}" if value > 0 else f"−{text}" if value < 0 else text


def _picture(one: Mapping[str, Any], application: Application, card: Card, language: str) -> dict[str, Any]:
    def label(number: int | None) -> str:
        return "" if number is None else called(application, card.output.labels[number], language)

    answers = one["answers"] or (None, None)
    return {
        "number": one["number"],
        "first": i18n.number(language, one["first"], 2),
        "second": i18n.number(language, one["second"], 2),
        "gains": one["second"] > one["first"],
        "truth": label(one["truth"]),
        "first_answer": label(answers[0]),
        "second_answer": label(answers[1]),
    }


def lost(active: Card, candidate: Card, _: Translate) -> list[str]:
    """What the active version can do and the candidate cannot."""
    said = []
    if active.gate is not None and candidate.gate is None:
        said.append(_("It does not refuse pictures of another kind."))
    if active.output.unsure_above is not None and candidate.output.unsure_above is None:
        said.append(_("It never says that it is not sure."))
    if active.output.embedding is not None and candidate.output.embedding is None:
        said.append(_("It cannot find similar pictures."))
    if active.structures is not None and candidate.structures is None:
        said.append(_("It outlines nothing besides its answer."))
    return said
