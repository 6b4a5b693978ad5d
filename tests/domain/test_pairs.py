from __future__ import annotations

import pytest

from atisbo.domain import pairs
from atisbo.domain.applications import SHIPPED, load
from atisbo.domain.pairs import PairSection
from atisbo.domain.texts import LocalisedText

WORDS = LocalisedText(es="palabras", en="words")
SECTION = PairSection(field="eye", compare="ratio", notable=0.2, offer=WORDS, title=WORDS, note=WORDS)


@pytest.mark.parametrize(
    ("right", "left", "difference", "notable"),
    [
        (0.30, 0.55, 0.25, True),
        (0.55, 0.30, 0.25, True),
        (0.30, 0.50, 0.2, False),
        (0.304, 0.506, 0.21, True),
        (0.296, 0.504, 0.2, False),
    ],
)
def test_what_is_said_of_a_difference_agrees_with_the_figures_that_are_shown(
    right: float, left: float, difference: float, notable: bool
) -> None:
    found = pairs.compare(SECTION, {"OD": {"ratio": right}, "OS": {"ratio": left}})
    assert found is not None
    assert (found.difference, found.notable) == (difference, notable)
    assert found.values == {"OD": round(right, 2), "OS": round(left, 2)}


def test_there_is_no_difference_to_one_that_was_not_measured() -> None:
    assert pairs.compare(SECTION, {"OD": {"ratio": 0.4}}) is None
    assert pairs.compare(SECTION, {"OD": {"ratio": 0.4}, "OS": {}}) is None


def test_a_section_that_contradicts_form_or_card_is_refused_with_the_field() -> None:
    application, card = load(SHIPPED / "glaucoma")
    assert application.pair is not None
    fields = application.review.fields
    assert application.pair.fault(card, fields) is None
    for change, field in (({"field": "sex"}, "pair.field"), ({"field": "no"}, "pair.field")):
        assert field in (application.pair.model_copy(update=change).fault(card, fields) or "")
    assert "pair.compare" in (application.pair.model_copy(update={"compare": "disc"}).fault(card, fields) or "")
