"""Both eyes of one patient: marked one after the other, answered side by side."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.test_accessible import looked_at
from tests.worker.workshop import eye

pytestmark = pytest.mark.browser


def choose(page: Page, side: str, path: Path) -> None:
    with page.expect_file_chooser() as choosing:
        page.click(f"[data-side={side}] button.pair-picture")
    choosing.value.set_files(str(path))
    expect(page.locator("#crop-dialog[open]")).to_be_visible()
    expect(page.locator("[data-slot=crop-name]")).to_contain_text(path.name)


def test_both_eyes_side_by_side(visit_eyes: Callable[..., Visitor], tmp_path: Path) -> None:
    for name, cup in (("healthy", 20), ("cupped", 40)):
        Image.fromarray(eye(cup=cup)).save(tmp_path / f"{name}.png")
    ana = visit_eyes()
    page = ana.page
    page.get_by_role("link", name="Both eyes of one patient").click()
    ask = page.locator("#pair-ask")
    expect(ask).to_be_disabled()
    choose(page, "OD", tmp_path / "healthy.png")
    page.keyboard.press("Escape")
    expect(page.locator("[data-side=OD] canvas")).to_be_hidden()
    choose(page, "OD", tmp_path / "cupped.png")
    page.click("#crop-find")
    expect(page.locator("[data-slot=crop-said]")).to_contain_text("Found.")
    page.click("[data-crop=part]")
    expect(page.locator("[data-side=OD] canvas")).to_be_visible()
    expect(ask).to_be_disabled()
    choose(page, "OS", tmp_path / "healthy.png")
    expect(page.locator("[data-slot=crop-said]")).to_contain_text("Found.")
    page.click("[data-crop=part]")
    page.click("#pair-swap")
    expect(page.locator("[data-side=OD] [data-slot=name]")).to_have_text("healthy.png")
    assert looked_at(page) == []
    ask.click()
    page.wait_for_url(re.compile(r"/a/eye/pair/[0-9a-f-]{36}"))
    expect(page.locator("#pair[data-open]")).to_have_count(0)
    right, left = page.locator(".pair-side").all()
    expect(right.locator("h2")).to_have_text("Right (OD)")
    expect(right.locator("h3")).to_have_text("Healthy")
    expect(left.locator("h3")).to_have_text("Suspected glaucoma")
    for side in (right, left):
        expect(side.locator("svg.drawing g")).to_have_count(2)
    assert looked_at(page) == []
    said = page.locator(".pair-difference")
    expect(said).to_contain_text(re.compile(r"the two differ by 0\.[34]\d, which is more than 0\.2\."))
    expect(said).to_contain_text("not a diagnosis")
    boxes = [side.bounding_box() for side in (right, left)]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"], "side by side"
    page.set_viewport_size({"width": 390, "height": 844})
    boxes = [side.bounding_box() for side in (right, left)]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["x"] == boxes[1]["x"], "one below the other"
    assert ana.overflow() == 0

    page.set_viewport_size({"width": 1440, "height": 900})
    left.locator("a").click()
    expect(page.locator("[data-slot=sentence]")).to_have_text("Suspected glaucoma")
    expect(page.locator("[name=eye][value=OS]")).to_be_checked()
    page.keyboard.press("y")
    expect(page.locator("[data-slot=review-state]")).to_contain_text("Saved, ")
    identity = page.url.split("/")[-1]
    stored = page.request.get(f"{ana.url}/api/v1/predictions/{identity}/review").json()
    assert stored["metadata"] == {"eye": "OS"}, "which eye it is was said already"
    page.get_by_role("link", name="See both side by side").click()
    expect(page.locator(".pair-values .notable dd")).to_have_text(re.compile(r"0\.[34]\d"))
