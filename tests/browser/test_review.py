"""An application with a square and a form: agreeing, marking, saying whether it was right, leaving."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.conftest import PASSWORD
from tests.pictures import opened

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]
SQUARE = {"x": 70, "y": 30, "width": 100, "height": 100}


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A red disc and its cup, smaller than any screen."""
    pixels = np.zeros((150, 240, 3), np.uint8)
    pixels[40:110, 80:150, 0] = 255
    pixels[60:95, 100:130, 1] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    path = tmp_path / "photograph.png"
    path.write_bytes(buffer.getvalue())
    return path


def marked(page: Page) -> dict[str, int]:
    """The frame as it is said to somebody who cannot see it."""
    said = page.locator(".crop-frame").get_attribute("aria-label") or ""
    return dict(zip(("width", "height", "x", "y"), map(int, re.findall(r"\d+", said)), strict=True))


def by_mouse(page: Page) -> None:
    def drag(x: float, y: float, dx: float, dy: float) -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + dx / 2, y + dy / 2)
        page.mouse.move(x + dx, y + dy)
        page.mouse.up()

    pull(page, drag)


def by_touch(page: Page) -> None:
    touch = page.context.new_cdp_session(page)

    def drag(x: float, y: float, dx: float, dy: float) -> None:
        for kind, points in (
            ("touchStart", [(x, y)]),
            ("touchMove", [(x + dx / 2, y + dy / 2)]),
            ("touchMove", [(x + dx, y + dy)]),
            ("touchEnd", []),
        ):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})

    pull(page, drag)


def pull(page: Page, drag: Callable[[float, float, float, float], None]) -> None:
    """The lower right corner first, then the frame as a whole."""
    before = marked(page)
    box = page.locator(".crop-frame").bounding_box()
    assert box
    scale = box["width"] / before["width"]
    shrink = (SQUARE["width"] - before["width"]) * scale
    drag(box["x"] + box["width"] - 3, box["y"] + box["height"] - 3, shrink, shrink)
    box = page.locator(".crop-frame").bounding_box()
    assert box
    by = [(SQUARE[side] - before[side]) * scale for side in ("x", "y")]
    drag(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, *by)


def by_keys(page: Page) -> None:
    while marked(page)["width"] > SQUARE["width"]:
        page.keyboard.press("-")
    for side, key in (("x", "ArrowRight"), ("y", "ArrowDown")):
        for _ in range(SQUARE[side] - marked(page)[side]):
            page.keyboard.press(key)


def answer(ana: Visitor) -> dict[str, Any]:
    """The prediction in sight, once it has been answered."""
    expect(ana.page.locator("#review")).to_be_attached()
    ana.page.wait_for_selector("#review:not([hidden])", state="attached")
    said: dict[str, Any] = ana.page.request.get(f"{ana.url}/api/v1/predictions/{ana.page.url.split('/')[-1]}").json()
    return said


def test_mouse_touch_and_keys_mark_the_same_square(visit_eyes: Visit, photograph: Path) -> None:
    crops = set()
    ana, ben = visit_eyes(), visit_eyes("es", phone=True)
    for visitor, mark in ((ana, by_mouse), (ana, by_keys), (ben, by_touch)):
        if mark is by_keys:
            visitor.page.keyboard.press("c")
            assert marked(visitor.page) == SQUARE, "asked again from where the frame was"
            visitor.page.keyboard.press("Escape")
            visitor.go("/a/eye")
        visitor.choose(photograph)
        visitor.page.wait_for_selector("#crop-dialog[open]")
        mark(visitor.page)
        assert marked(visitor.page) == SQUARE, mark.__name__
        visitor.page.keyboard.press("Enter")
        said = answer(visitor)
        assert said["region"] == SQUARE
        crops.add(visitor.page.request.get(visitor.url + said["links"]["crop"]).body())
    assert len(crops) == 1


def test_a_photograph_larger_than_any_screen_is_cut_from_its_own_pixels(visit_eyes: Visit, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (1400, 2100, 3), np.uint8)
    pixels[..., 2] = 0
    path = tmp_path / "large.png"
    Image.fromarray(pixels).save(path)
    crops, regions = set(), []
    for visitor in (visit_eyes(), visit_eyes("es", phone=True)):
        page = visitor.page
        visitor.choose(path)
        page.wait_for_selector("#crop-dialog[open]")
        for key in ("-", "-", "Shift+ArrowRight", "Shift+ArrowDown", "ArrowLeft"):
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        said = answer(visitor)
        regions.append(said["region"])
        crops.add(page.request.get(visitor.url + said["links"]["crop"]).body())
    assert len(crops) == 1
    (crop,) = crops
    x, y, side = (regions[0][name] for name in ("x", "y", "width"))
    assert regions[0] == regions[1]
    assert np.array_equal(np.asarray(opened(crop)), pixels[y : y + side, x : x + side])


def test_several_photographs_found_skipped_explained_and_asked_about_again(visit_eyes: Visit, photograph: Path) -> None:
    ana = visit_eyes()
    page = ana.page
    other = photograph.with_name("other.png")
    shutil.copy(photograph, other)
    ana.choose(photograph, other, photograph)
    expect(page.locator("[data-slot=crop-count]")).to_have_text("1 of 3")
    before = marked(page)
    page.click("#crop-find")
    expect(page.locator("[data-slot=crop-said]")).to_contain_text("Found.")
    found = marked(page)
    assert found != before
    page.click("[data-crop=part]")
    expect(page.locator("[data-slot=crop-count]")).to_have_text("2 of 3")
    expect(page.locator("[data-slot=crop-said]")).to_contain_text("Found.")
    assert marked(page) == found, "whoever asks once is helped with the next one, too"
    page.click("#crop-skip")
    expect(page.locator("[data-slot=crop-count]")).to_have_text("3 of 3")
    page.keyboard.press("Escape")
    expect(page.locator(".tray-item")).to_have_count(1)
    said = answer(ana)
    assert said["region"] == found

    page.keyboard.press("h")
    legend = page.locator("#heat-legend:not([data-state=pending])")
    expect(legend).to_be_visible()
    assert legend.get_attribute("data-state") in ("ready", "flat")
    page.keyboard.press("h")
    expect(legend).to_be_hidden()

    page.reload()
    answer(ana)
    page.keyboard.press("c")
    page.wait_for_selector("#crop-dialog[open]")
    assert marked(page) == found
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator(".tray-item")).to_have_count(2)
    expect(page.locator(".tray-item .state").first).to_have_text("Done")
    again = answer(ana)
    assert again["id"] != said["id"]
    assert again["image"]["id"] == said["image"]["id"], "nothing was uploaded twice"
    assert again["region"] == said["region"] | {"x": found["x"] - 1}
    page.click("#delete")
    page.click("#delete-confirm")
    expect(page.locator(".tray-item")).to_have_count(0)


def test_from_agreeing_to_leaving(visit_eyes: Visit, photograph: Path) -> None:
    ana = visit_eyes(agreeing=False)
    page = ana.page
    ana.choose(photograph)
    page.click("#terms-dialog [data-close]")
    expect(page.locator(".tray-item")).to_have_count(0)
    ana.choose(photograph)
    expect(page.locator(".terms-text")).to_contain_text("not a diagnosis")
    page.click("#terms-agree")
    page.click("[data-crop=part]")
    said = answer(ana)
    review = f"{ana.url}/api/v1/predictions/{said['id']}/review"

    page.keyboard.press("n")
    expect(page.locator("[data-verdict=wrong]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".tray-item .reviewed")).to_have_text("Reviewed")
    expect(page.locator("[data-slot=review-state]")).to_contain_text("Saved, ")
    page.fill("[name=pressure]", "99")
    page.click("#review-save")
    expect(page.locator("#review-pressure-error")).to_have_text("The most is 80 mmHg.")
    page.fill("[name=pressure]", "17,5")
    page.locator(".chips label", has_text="Left (OS)").click()
    page.fill("[name=comment]", "History number 12345678")
    page.click("#review-save")
    expect(page.locator("#review-warnings")).to_contain_text("12345678")
    assert page.request.get(review).json()["metadata"] == {}, "nothing is saved before the warning is read"
    with page.expect_response(review):
        page.click("#review-anyway")
    expect(page.locator("[data-slot=known-count]")).to_have_text("3 of 9")
    stored = page.request.get(review).json()
    assert (stored["verdict"], stored["version"]) == ("wrong", 2)
    assert stored["metadata"] == {"eye": "OS", "pressure": 17.5, "comment": "History number 12345678"}

    page.check("#image-consent")
    page.wait_for_function("() => !document.querySelector('#image-consent-problem:not([hidden])')")
    page.reload()
    expect(page.locator("[data-verdict=wrong]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#image-consent")).to_be_checked()
    expect(page.locator("#review-comment")).to_have_value("History number 12345678")

    token = page.get_attribute("meta[name=csrf-token]", "content") or ""
    page.request.put(review, data={"verdict": "unknown"}, headers={"X-CSRF-Token": token})
    page.click("[data-verdict=right]")
    expect(page.locator("[data-slot=review-state]")).to_contain_text("changed elsewhere")
    expect(page.locator("[data-verdict=unknown]")).to_have_attribute("aria-pressed", "true")
    assert all("412" in complaint for complaint in ana.complaints)
    ana.complaints.clear()

    ana.go("/images?reviewed=no")
    expect(page.locator(".empty")).to_be_visible()
    ana.go("/images?reviewed=yes&application=eye")
    expect(page.locator(".gallery-item")).to_have_count(1)
    ana.go("/account")
    page.click(".farewell summary")
    page.fill("#password", PASSWORD)
    page.click(".farewell .danger")
    page.wait_for_url("**/?done=account")
    assert page.request.get(review).status == 401
