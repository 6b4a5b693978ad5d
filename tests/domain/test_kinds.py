from __future__ import annotations

import pytest

from atisbo.domain.cards import Gate
from atisbo.domain.kinds import KINDS, UNKNOWN, expected, is_foreign, own_probability, seems
from atisbo.domain.texts import LocalisedText

GATE = Gate(output="kinds", kinds=("colonoscopy", "fundus", "disc", "other"), own=("fundus", "disc"), threshold=0.6)


def test_own_kinds_count_together() -> None:
    assert own_probability((0.1, 0.5, 0.3, 0.1), GATE) == pytest.approx(0.8)
    assert not is_foreign((0.1, 0.5, 0.3, 0.1), GATE)
    assert not is_foreign((0.4, 0.3, 0.3, 0.0), GATE)
    assert is_foreign((0.5, 0.3, 0.2, 0.0), GATE)


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ((0.9, 0.05, 0.0, 0.05), KINDS["colonoscopy"]),
        ((0.5, 0.2, 0.1, 0.2), None),
        ((0.0, 0.1, 0.0, 0.9), None),
    ],
    ids=["clearly another kind", "not clear", "no words for it"],
)
def test_what_a_foreign_picture_seems_to_be(kinds: tuple[float, ...], words: LocalisedText | None) -> None:
    assert seems(kinds, GATE) == words


def test_what_was_expected_in_words() -> None:
    said = LocalisedText(en="an eye", es="un ojo")
    assert expected(GATE, said) is said
    assert expected(GATE, None) == KINDS["fundus"]
    assert expected(Gate(output="k", kinds=("x", "y"), own=("x",), threshold=0.5), None) == UNKNOWN
