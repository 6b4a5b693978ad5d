"""What a printed page says survives its plain fonts."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from atisbo import i18n
from atisbo.paper import Sheet, pdf

WHEN = datetime(2026, 11, 22, 13, 57, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Nov 22, 2026, 1:57:00 PM UTC"), ("es", "22 nov 2026, 13:57:00 UTC")]
)
def test_a_moment_is_printed_with_its_month_in_letters_and_its_zone(language: str, said: str) -> None:
    facts = [("Asked", i18n.stamp(language, WHEN)), ("Size", "3\u00a0MB")]
    page = pdf(Sheet(language=language, title="t", answer="a", made_at=WHEN, facts=facts))
    text = PdfReader(BytesIO(page)).pages[0].extract_text()
    assert said in text
    assert "3 MB" in text
    assert "?" not in text
