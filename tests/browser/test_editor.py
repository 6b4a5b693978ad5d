"""An outline is corrected by mouse, keys and touch; what arrives are the picture's own pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SAMPLES, Visitor
from tests.pictures import opened

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]
FRAME = SAMPLES / "frame-3.jpg"


def ready(visitor: Visitor) -> str:
    """The editor over a frame that was just answered; returns the prediction's address."""
    visitor.register()
    visitor.choose(FRAME)
    visitor.answered()
    address = f"{visitor.url}/api/v1/predictions/{visitor.page.url.split('/')[-1]}"
    edit(visitor.page)
    return address


def edit(page: Page) -> None:
    page.evaluate("document.getElementById('correct').click()")
    page.wait_for_selector("#editor[open]:not([data-loading])")
    page.wait_for_function("() => document.querySelector('.editor-room img').getBoundingClientRect().width > 100")


def pixels(page: Page, address: str) -> np.ndarray:
    answer = page.request.get(address)
    assert answer.ok, answer.text()
    return np.asarray(opened(answer.body()))


def placed(page: Page, shape: tuple[int, ...]) -> Callable[[float, float], tuple[float, float]]:
    """From the picture's pixels to the screen's."""
    box = page.locator(".editor-room img").bounding_box()
    assert box
    scale = box["width"] / shape[1]
    return lambda x, y: (box["x"] + x * scale, box["y"] + y * scale)


def save(page: Page) -> None:
    page.keyboard.press("Enter")
    expect(page.locator("#editor")).not_to_have_attribute("open", "")
    expect(page.locator(".correction-line")).to_contain_text("agrees with the network's by")


def dice(page: Page, address: str) -> float:
    said: dict[str, Any] = page.request.get(f"{address}/review").json()["mask"]
    assert said["state"] == "kept"
    return float(said["dice"]["polyp"])


def test_mouse_and_keys_change_only_what_they_touch(visit: Visit) -> None:
    ana = visit()
    page = ana.page
    address = ready(ana)
    network = pixels(page, f"{address}/layers.png")
    assert set(np.unique(network)) == {0, 1}
    at = placed(page, network.shape)
    dot = (60, 60)
    assert not network[50:70, 50:70].any()
    for _ in range(4):
        page.keyboard.press("[")
    wide = int(page.locator("[data-slot=editor-size]").inner_text().split()[0])
    assert 6 < wide < 16
    page.mouse.click(*at(*dot))
    page.keyboard.press("p")
    for corner in ((20, 400), (80, 400), (80, 440), (20, 440)):
        page.mouse.click(*at(*corner))
    page.keyboard.press("Enter")
    page.keyboard.press("e")
    page.mouse.click(*at(*dot))
    page.keyboard.press("Control+z")
    page.keyboard.press("f")
    page.mouse.click(*at(3, 200))
    expect(page.locator("[data-slot=editor-hint]")).to_contain_text("not closed")
    save(page)
    corrected = pixels(page, f"{address}/review/mask.png")
    assert corrected.shape == network.shape
    painted = corrected != network
    assert painted[400:440, 20:80].sum() == 40 * 60, "the polygon fills its pixels to the last one"
    assert painted[50:70, 50:70].sum() == pytest.approx(np.pi * wide**2 / 4, rel=0.2), "a round dot"
    assert painted[400:440, 20:80].sum() + painted[50:70, 50:70].sum() == painted.sum(), "and nothing else changed"
    both = 2 * np.logical_and(corrected, network).sum() / (corrected.sum() + network.sum())
    assert dice(page, address) == pytest.approx(both, abs=1e-5)
    expect(page.locator("[data-verdict=wrong]")).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as downloading:
        page.click("#take-corrected")
    taken = np.asarray(opened(downloading.value.path().read_bytes()))
    assert (taken == 255 * corrected).all(), "as the network's mask: white on black"
    assert downloading.value.suggested_filename == "frame-3-corrected.png"

    edit(page)
    page.click("[data-do=reset]")
    page.keyboard.press("Escape")
    expect(page.locator(".editor-question")).to_be_visible()
    page.click("[data-do=stay]")
    save(page)
    assert dice(page, address) == 1.0
    assert page.request.get(f"{address}/review").json()["version"] == 2
    page.click("#uncorrect")
    expect(page.locator(".correction-line")).to_be_hidden()
    expect(page.locator("#take-corrected")).to_be_hidden()
    assert page.request.get(f"{address}/review/mask.png").status == 404


def test_a_finger_draws_and_two_zoom(visit: Visit) -> None:
    ben = visit("es", phone=True)
    page = ben.page
    address = ready(ben)
    network = pixels(page, f"{address}/layers.png")
    at = placed(page, network.shape)
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        spots = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    for kind, point in (("touchStart", (30, 420)), ("touchMove", (60, 420)), ("touchMove", (90, 420))):
        fingers(kind, at(*point))
    fingers("touchEnd")
    before = page.locator(".editor-room img").bounding_box()
    first, second = at(150, 200), at(250, 300)
    fingers("touchStart", first)
    fingers("touchStart", first, second)
    fingers("touchMove", (first[0] - 40, first[1] - 40), (second[0] + 40, second[1] + 40))
    fingers("touchEnd")
    after = page.locator(".editor-room img").bounding_box()
    assert before
    assert after
    assert after["width"] > 1.3 * before["width"]
    pen = {"button": "left", "buttons": 1, "pointerType": "pen", "clickCount": 1}
    at = placed(page, network.shape)
    spot = pen | dict(zip(("x", "y"), at(300, 430), strict=True))
    touch.send("Input.dispatchMouseEvent", {"type": "mousePressed"} | spot)
    touch.send("Input.dispatchMouseEvent", {"type": "mouseReleased"} | spot)
    for kind, point in (("touchStart", (250, 300)), ("touchMove", (270, 320))):
        fingers(kind, at(*point))
    fingers("touchEnd")
    moved = page.locator(".editor-room img").bounding_box()
    assert moved
    assert moved["x"] > after["x"] + 5, "where a pen draws, a finger moves the picture"
    page.click("[data-do=save]")
    expect(page.locator("#editor")).not_to_have_attribute("open", "")
    expect(page.locator(".correction-line")).to_contain_text("Contorno corregido")
    painted = pixels(page, f"{address}/review/mask.png") != network
    assert painted[430, 300]
    painted[400:460, 270:330] = False
    rows, columns = np.nonzero(painted)
    assert painted[420, 30:90].all()
    assert (columns.min() > 10, columns.max() < 110, abs(rows.mean() - 420) < 2) == (True, True, True)
    assert ben.overflow() == 0
