"""The map of the pictures: it comes by itself, is selected from with a lasso, and can be saved as one file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def loop(page: Page) -> None:
    """Draw a lasso around nearly everything."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.05)]
    for number, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=3)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def test_the_map_is_turned_selected_from_and_saved(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    ana = visit()
    ana.register()
    ana.go("/a/art/explore")
    page = ana.page
    expect(page.locator("#map-legend li")).to_have_count(5, timeout=90_000)
    expect(page.locator("#map-plain")).to_be_hidden()
    expect(page.locator("#map-made")).to_contain_text("Computed on")
    page.locator("canvas").focus()
    page.keyboard.press("ArrowLeft")
    page.locator("label", has_text="2D").click()
    page.locator("label", has_text="PCA").click()
    expect(page.locator("#map-made")).to_contain_text("of the variance")
    page.locator("label", has_text="Lasso").click()
    loop(page)
    count = page.locator("#map-list [data-slot=count]")
    expect(count).to_have_text(re.compile(r"^\d{2} pictures selected$"))
    expect(page.locator("#map-list figure img")).to_have_js_property("complete", True)
    page.locator("#map-list [data-step='1']").click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#map-list [data-slot=place]")).to_have_text(re.compile("^3 of"))
    page.select_option("[name=by]", "source")
    expect(page.locator("#map-legend")).to_contain_text("Collection")

    with page.expect_download(timeout=60_000) as downloading:
        page.click("#map-save")
    saved = tmp_path / "map.html"
    downloading.value.save_as(saved)
    assert b"data:image/jpeg;base64," in saved.read_bytes()
    alone = visit()
    alone.page.route("http**", lambda route: route.abort())
    alone.page.goto(saved.as_uri())
    expect(alone.page.locator("#legend li")).to_have_text(re.compile("Collection"))
