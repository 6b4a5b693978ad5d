"""On a phone, in Spanish, with a thumb."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SAMPLES, Visitor, sign_in
from tests.conftest import Service

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]

SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), select")]
    .filter((element) => element.checkVisibility({ checkVisibilityCSS: true }))
    .filter((element) => !element.closest("p, dd, .foot, .visually-hidden"))
    .map((element) => [element, (element.closest("label") ?? element).getBoundingClientRect()])
    .filter(([, box]) => box.width && box.height < 43.5)
    .map(([element, box]) => `${element.outerHTML.slice(0, 80)} is ${box.height} high`)"""


def test_tray_stage_and_findings_are_steps(visit: Visit) -> None:
    ana = visit("es", phone=True)
    ana.register()
    page = ana.page
    expect(page.locator("#samples")).to_have_attribute("open", "")
    page.tap("[data-sample='frame-4.jpg']")
    sentence = ana.answered()
    assert "contorneado" in sentence
    assert re.search(r"\d,\d\s%", sentence)
    expect(page.locator(".tray")).to_be_hidden()
    expect(page.locator(".findings .sentence")).to_be_visible()
    expect(page.locator("[data-download=mask]")).to_be_hidden()
    page.tap("#sheet-handle")
    expect(page.locator("[data-slot=sure]")).to_contain_text("punto de corte")
    expect(page.locator("[data-download=mask]")).to_be_visible()
    page.tap("#sheet-handle")
    expect(page.locator("[data-download=mask]")).to_be_hidden()
    page.go_back()
    expect(page.locator(".tray")).to_be_visible()
    page.tap(".tray-item a")
    expect(page.locator("#stage")).to_be_visible()
    page.tap("#to-tray")
    expect(page.locator(".tray-item .state")).to_have_text("Terminada")


def test_two_fingers_zoom_and_one_moves_the_divider(visit: Visit) -> None:
    ana = visit("es", phone=True)
    ana.register()
    page = ana.page
    page.tap("[data-sample='frame-4.jpg']")
    ana.answered()
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    width = "parseFloat(document.getElementById('stage').style.getPropertyValue('--width'))"
    fitted = page.evaluate(width)
    fingers("touchStart", (170, 300), (220, 300))
    for apart in (40, 60, 80):
        fingers("touchMove", (195 - apart, 300), (195 + apart, 300))
    fingers("touchEnd")
    assert page.evaluate(width) > fitted * 1.5
    page.tap("#step-zoom")
    assert page.evaluate(width) == pytest.approx(fitted)

    page.tap("button[data-view=compare]")
    box = page.locator("#divider").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    fingers("touchStart", (195, middle))
    for x in (220, 260, 300):
        fingers("touchMove", (x, middle))
    fingers("touchEnd")
    page.wait_for_function(
        "() => parseFloat(document.getElementById('stage').style.getPropertyValue('--split')) > 0.65"
    )


@pytest.mark.parametrize("language", ["es", "en"])
def test_nothing_is_wider_than_the_screen_and_targets_are_large(visit: Visit, language: str) -> None:
    ana = visit(language, phone=True)
    for path in ("/", "/sign-in", "/register", "/about", "/a/polyp/card"):
        ana.go(path)
        assert ana.overflow() == 0, path
        assert ana.page.evaluate(SMALL_TARGETS) == [], path
    ana.register()
    ana.page.tap("[data-sample='frame-4.jpg']")
    ana.answered()
    for view in ("overlay", "side", "compare"):
        ana.page.tap(f"button[data-view={view}]")
        assert ana.overflow() == 0, view
        assert ana.page.evaluate(SMALL_TARGETS) == [], view
    for path in ("/a/polyp", "/images", "/account"):
        ana.go(path)
        assert ana.overflow() == 0, path
        assert ana.page.evaluate(SMALL_TARGETS) == [], path


@pytest.mark.parametrize("name", ["WhatsApp Image 2024-05-11 at 10.23.45.jpeg", "x" * 195 + ".jpeg"])
def test_a_long_file_name_leaves_the_picture_on_the_screen(visit: Visit, tmp_path: Path, name: str) -> None:
    ana = visit("es", phone=True)
    ana.register()
    ana.choose(Path(shutil.copy(SAMPLES / "frame-3.jpg", tmp_path / name)))
    ana.answered()
    for width, height in ((390, 844), (320, 568)):
        ana.page.set_viewport_size({"width": width, "height": height})
        assert ana.overflow() == 0, width
        box = ana.page.locator("#viewport").bounding_box()
        assert box
        assert (box["x"], box["width"]) == (0, width)
        for tool in ana.page.locator(".stage-bar :is(button, input):visible").all():
            place = tool.bounding_box()
            assert place
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= width
    ana.page.tap("#to-tray")
    assert ana.overflow() == 0


def test_a_phone_on_its_side_shows_the_picture_beside_the_findings(visit: Visit) -> None:
    ana = visit("es", phone=True)
    ana.register()
    page = ana.page
    page.tap("[data-sample='frame-4.jpg']")
    ana.answered()
    page.set_viewport_size({"width": 844, "height": 390})
    box = page.locator("#viewport").bounding_box()
    assert box
    assert box["width"] > 450
    assert box["height"] > 180
    assert box["y"] + box["height"] <= 390
    beside = page.locator("#findings").bounding_box()
    assert beside
    assert beside["x"] >= box["x"] + box["width"]
    page.locator("[data-download=mask]").scroll_into_view_if_needed()
    expect(page.locator("[data-download=mask]")).to_be_in_viewport()
    assert ana.overflow() == 0
    assert page.evaluate(SMALL_TARGETS) == []


@pytest.mark.parametrize("phone", [True, False])
def test_a_button_with_many_words_stays_in_its_card(visit: Visit, service: Service, phone: bool) -> None:
    somebody = visit()
    somebody.register()
    email = somebody.page.locator(".who").text_content() or ""
    eva = visit(phone=phone)
    page = sign_in(eva, service)
    eva.go("/manage/users")
    page.locator("a", has_text=email).first.click()
    button = page.locator("form[action$='/reset'] button")
    # The administrator reads English; the Spanish words are the longer ones.
    button.evaluate("(button, words) => (button.textContent = words)", "Crear un enlace para una contraseña nueva")
    panel, box = button.locator("xpath=ancestor::section").bounding_box(), button.bounding_box()
    assert panel
    assert box
    assert box["x"] + box["width"] < panel["x"] + panel["width"]
    assert eva.overflow() == 0


def test_a_field_is_not_scrolled_under_the_bar(visit: Visit) -> None:
    ana = visit(phone=True)
    ana.go("/business")
    ana.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    field = ana.page.locator("main input:not([type=hidden])").first
    field.evaluate("(input) => input.scrollIntoView({ block: 'start' })")
    bar, box = ana.page.locator(".top").bounding_box(), field.bounding_box()
    assert bar
    assert box
    assert box["y"] >= bar["y"] + bar["height"]
