from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from atisbo.domain.forms import ReviewField, check
from atisbo.errors import Invalid

LABEL = {"es": "Campo", "en": "Field"}


def field(**said: Any) -> ReviewField:
    return ReviewField.model_validate({"name": "field", "type": "text", "label": LABEL} | said)


EYE = field(name="eye", type="choice", choices=["OD", {"value": "OS", "label": {"es": "Izquierdo", "en": "Left"}}])
PRESSURE = field(name="pressure", type="number", min=0, max=80, unit="mmHg")
COUNT = field(name="count", type="number", whole=True)
COMMENT = field(name="comment", max_length=20)
DAY = field(name="day", type="date")
FORM = (EYE, PRESSURE, COUNT, COMMENT, DAY)


def test_a_choice_may_be_plain_or_have_words_of_its_own() -> None:
    assert [choice.value for choice in EYE.choices] == ["OD", "OS"]
    assert [choice.label.in_("es") for choice in EYE.choices] == ["OD", "Izquierdo"]


@pytest.mark.parametrize(
    "said",
    [
        {"type": "choice"},
        {"choices": ["a"]},
        {"type": "choice", "choices": ["a", "a"]},
        {"min": 1},
        {"unit": "mm"},
        {"type": "number", "max_length": 3},
        {"type": "number", "min": 3, "max": 3},
        {"type": "number", "step": 1},
        {"max_length": 99_999},
    ],
)
def test_a_field_that_contradicts_itself_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        field(**said)


def test_answers_are_stored_as_they_are_meant() -> None:
    said = {"comment": "  fine ", "count": 3.0, "day": "2026-01-31", "eye": "OS", "pressure": 21.5}
    stored = check(FORM, said)
    assert stored == {"eye": "OS", "pressure": 21.5, "count": 3, "comment": "fine", "day": "2026-01-31"}
    assert list(stored) == ["eye", "pressure", "count", "comment", "day"]
    assert isinstance(stored["count"], int)


def test_what_is_left_empty_is_left_out() -> None:
    assert check(FORM, {"comment": " ", "eye": None, "pressure": ""}) == {}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"nonsense": 1}, "field_unknown"),
        ({"eye": "both"}, "field_choice"),
        ({"eye": 1}, "field_text"),
        ({"eye": ["OD"]}, "field_text"),
        ({"pressure": "21"}, "field_number"),
        ({"pressure": True}, "field_number"),
        ({"pressure": float("nan")}, "field_number"),
        ({"pressure": 10**400}, "field_number"),
        ({"pressure": -1}, "field_low"),
        ({"pressure": 80.5}, "field_high"),
        ({"count": 1.5}, "field_whole"),
        ({"comment": "x" * 21}, "field_long"),
        ({"comment": "a\x00b"}, "field_characters"),
        ({"comment": "a\ud800b"}, "field_characters"),
        ({"comment": {"a": 1}}, "field_text"),
        ({"day": "31/01/2026"}, "field_date"),
        ({"day": "2026-02-30"}, "field_date"),
        ({"day": "1850-01-01"}, "field_date_far"),
        ({"day": (date.today() + timedelta(days=3)).isoformat()}, "field_date_far"),
    ],
)
def test_what_will_not_do_is_refused_and_the_field_named(said: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(FORM, said)
    assert refused.value.code == code
    assert refused.value.values["field"] in said


def test_a_limit_is_said_with_its_unit() -> None:
    with pytest.raises(Invalid, match="pressure: the most is 80 mmHg"):
        check(FORM, {"pressure": 99})


def test_what_has_to_be_answered_is_asked_for() -> None:
    with pytest.raises(Invalid, match="eye: this has to be answered"):
        check((field(name="eye", type="choice", choices=["OD"], required=True),), {})
