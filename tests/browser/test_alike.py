"""What is alike: rows of pictures that open larger and lead on, in both languages and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from atisbo.domain.applications import SHIPPED
from tests.browser.conftest import Visitor

SAMPLES = SHIPPED / "art/samples"
PATIENCE_MS = 120_000
"""The collection is taken in behind the first answers."""


def asked(visitor: Visitor) -> None:
    visitor.register()
    visitor.go("/a/art")
    visitor.choose(SAMPLES / "icon.jpg")
    visitor.page.locator("#analyse").click()
    pictures = visitor.page.locator("[data-by=embedding] button")
    expect(pictures).to_have_count(5, timeout=PATIENCE_MS)
    expect(visitor.page.locator("[data-slot=alike-note]")).to_have_text("", timeout=PATIENCE_MS)


@pytest.mark.browser
def test_five_by_looks_and_five_by_palette_open_larger_and_lead_on(visit: Callable[..., Visitor]) -> None:
    visitor = visit("en")
    asked(visitor)
    page = visitor.page
    expect(page.locator("[data-by=palette] button")).to_have_count(5)
    expect(page.locator("#alike-embedding")).to_have_text("Looks alike")
    expect(page.locator("#alike-palette")).to_have_text("Same palette")
    page.wait_for_function(
        "[...document.querySelectorAll('.mosaic[data-by] img')].every((one) => one.naturalWidth > 100)"
    )

    first = page.locator("[data-by=embedding] button").first
    first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#picture-dialog")
    expect(dialog.locator("[data-slot=facts]")).to_contain_text("ByzArt2K")
    expect(dialog.locator("[data-slot=facts]")).to_contain_text("MIT")
    expect(dialog.locator("[data-more] button")).to_have_count(5)
    before = dialog.locator("[data-slot=large]").get_attribute("src")
    dialog.locator("[data-more] button").nth(1).click()
    expect(dialog.locator("[data-slot=large]")).not_to_have_attribute("src", before or "")
    dialog.locator("[data-step=back]").click()
    expect(dialog.locator("[data-slot=large]")).to_have_attribute("src", before or "")
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("[data-slot=how]")).to_contain_text("Number 2 by looks")
    page.keyboard.press("Escape")
    expect(first).to_be_focused()

    page.locator("#same-class").check()
    labels = page.locator("[data-by] [data-slot=label]")
    expect(labels).to_have_text(["Icon"] * 10)

    visitor.choose(SAMPLES / "icon.jpg")
    page.locator("#analyse").click()
    expect(page.locator("[data-slot=seen]")).to_contain_text("You asked about this very file on")


@pytest.mark.browser
def test_on_a_phone_the_rows_fit_and_the_picture_fills_the_screen(visit: Callable[..., Visitor]) -> None:
    visitor = visit("es", phone=True)
    asked(visitor)
    page = visitor.page
    page.locator("#sheet-handle").click()
    expect(page.locator("#alike-embedding")).to_have_text("Se parece a")
    page.locator("[data-by=palette] button").first.click()
    expect(page.locator("#picture-dialog [data-slot=how]")).to_contain_text("por sus colores")
    assert page.locator("#picture-dialog").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert visitor.overflow() == 0
