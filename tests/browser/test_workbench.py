"""From registering to downloading the mask, in a real browser on the real service."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import SAMPLES, Visitor

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]

HAND_OVER = """async ([type, target, names, sources]) => {
    const transfer = new DataTransfer();
    for (const [at, source] of sources.entries()) {
        const bytes = await (await fetch(source)).blob();
        transfer.items.add(new File([bytes], names[at], { type: "image/jpeg" }));
    }
    const options = { bubbles: true, cancelable: true };
    const event = type === "paste"
        ? new ClipboardEvent(type, { ...options, clipboardData: transfer })
        : new DragEvent(type, { ...options, dataTransfer: transfer });
    document.querySelector(target).dispatchEvent(event);
}"""


def property_of(page: Page, name: str) -> float:
    value: str = page.evaluate("n => document.getElementById('stage').style.getPropertyValue(n)", name)
    return float(value.removesuffix("px") or "nan")


def size_of(name: str) -> tuple[int, int]:
    with Image.open(SAMPLES / name) as image:
        return image.size


def test_from_registering_to_the_mask_and_out(visit: Visit, tmp_path: Path) -> None:
    ana = visit()
    ana.register()
    page = ana.page
    ana.choose(SAMPLES / "frame-2.jpg")
    expect(page.locator(".tray-item img")).to_have_attribute("src", re.compile("^blob:"))
    sentence = ana.answered()
    assert "polyp" in sentence
    expect(page).to_have_url(re.compile(r"/a/polyp/[0-9a-f-]{36}$"))
    expect(page.locator(".tray-item .state")).to_have_attribute("data-state", "done")
    expect(page.locator("#announcer")).to_have_text(f"frame-2.jpg: {sentence}")
    width, height = size_of("frame-2.jpg")
    assert f"{width} × {height} pixels" in page.locator("#findings .about-answer").inner_text()

    mask = Image.open(io.BytesIO(download(page, "mask", "frame-2-mask.png")))
    assert mask.size == (width, height)
    assert mask.mode in ("L", "1")
    assert set(np.unique(np.asarray(mask.convert("L")))) <= {0, 255}
    assert Image.open(io.BytesIO(download(page, "overlay", "frame-2-overlay.png"))).size == mask.size
    assert b'"findings"' in download(page, "self", "frame-2.json")

    page.click("text=My images")
    expect(page.locator(".gallery-item")).to_have_count(1)
    expect(page.locator(".gallery-item img")).to_have_js_property("complete", True)
    page.click(".gallery-item form button")
    expect(page.locator("#delete-dialog")).to_contain_text("frame-2.jpg")
    page.click("#delete-dialog .danger")
    expect(page.locator(".empty")).to_contain_text("No images yet")
    page.go_back()
    page.goto(ana.url + "/a/polyp")
    expect(page.locator("#stage-welcome")).to_be_visible()
    expect(page.locator(".tray-item")).to_have_count(0)
    page.click(".menu:not(.only-narrow) summary")
    page.click("text=Sign out")
    expect(page.locator(".hero")).to_be_visible()
    page.goto(ana.url + "/images")
    expect(page).to_have_url(re.compile("/sign-in"))


def download(page: Page, link: str, name: str) -> bytes:
    with page.expect_download() as coming:
        page.click(f"[data-download={link}]")
    assert coming.value.suggested_filename == name
    return Path(coming.value.path()).read_bytes()


def test_looking_closely(visit: Visit) -> None:
    """Opacity, contour, the views, the divider, zoom and pan, regions."""
    ana = visit()
    ana.register()
    page = ana.page
    page.click("[data-sample='frame-4.jpg']")
    ana.answered()
    stage, over = page.locator("#stage"), page.locator(".layer.over")
    body = page.locator(".outline .body").first

    page.locator("#opacity").fill("80")
    expect(body).to_have_css("fill-opacity", "0.8")
    page.click("#contour-toggle")
    expect(page.locator(".outline .line").first).to_be_hidden()
    expect(body).to_be_visible()
    page.click("#contour-toggle")
    page.click("#overlay-toggle")
    expect(over).to_be_hidden()
    page.click("#overlay-toggle")

    page.click("button[data-view=side]")
    for pane in ("original", "mask", "answer"):
        expect(page.locator(f"[data-pane={pane}]")).to_be_visible()
    expect(page.locator("[data-mask]")).to_have_js_property("complete", True)
    assert page.evaluate("document.querySelector('[data-mask]').naturalWidth") == size_of("frame-4.jpg")[0]

    page.click("button[data-view=compare]")
    handle = page.locator("#divider").bounding_box()
    assert handle
    middle = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(handle["x"] + handle["width"] * 0.8, middle, steps=4)
    page.mouse.up()
    split = property_of(page, "--split")
    assert 0.7 < split < 0.9
    page.locator("#divider").focus()
    page.keyboard.press("ArrowLeft")
    assert property_of(page, "--split") == pytest.approx(split - 0.01)
    expect(over).to_have_css("clip-path", re.compile(r"inset\(0px 0px 0px calc"))

    page.click("button[data-view=overlay]")
    fitted = property_of(page, "--width")
    room = page.locator("[data-pane=answer] .room").bounding_box()
    assert room
    page.mouse.move(room["x"] + 100, room["y"] + 100)
    page.mouse.wheel(0, -600)
    page.wait_for_function(
        f"() => parseFloat(document.getElementById('stage').style.getPropertyValue('--width')) > {fitted * 2}"
    )
    pan = property_of(page, "--pan-x")
    page.mouse.down()
    page.mouse.move(room["x"] + 60, room["y"] + 80)
    page.mouse.up()
    assert property_of(page, "--pan-x") == pytest.approx(pan - 40, abs=1)
    page.click(".zoom [data-zoom=fit]")
    assert property_of(page, "--width") == pytest.approx(fitted)

    page.locator(".region-list button").first.hover()
    expect(page.locator(".outline g").first).to_have_attribute("data-lit", "")
    assert stage.get_attribute("data-view") == "overlay"


def test_the_keyboard(visit: Visit) -> None:
    ana = visit()
    ana.register()
    page, keys = ana.page, ana.page.keyboard
    ana.choose(SAMPLES / "frame-1.jpg", SAMPLES / "frame-5.jpg", SAMPLES / "frame-3.jpg", SAMPLES / "frame-4.jpg")
    expect(page.locator(".tray-item [data-state=done]")).to_have_count(4)
    ana.answered()
    page.locator("#viewport").focus()
    stage = page.locator("#stage")
    current = page.locator(".tray-item [aria-current=true] .name")

    first = current.inner_text()
    assert first == "frame-1.jpg", "the first of those chosen is the one that is shown"
    keys.press("ArrowDown")
    assert current.inner_text() == "frame-5.jpg"
    keys.press("ArrowUp")
    assert current.inner_text() == first
    ana.answered()
    keys.press("o")
    expect(stage).to_have_attribute("data-overlay", "off")
    keys.press("o")
    keys.down(" ")
    expect(stage).to_have_attribute("data-bare", "")
    keys.up(" ")
    expect(stage).not_to_have_attribute("data-bare", "")
    fitted = property_of(page, "--width")
    keys.press("+")
    assert property_of(page, "--width") == pytest.approx(fitted * 1.4, rel=0.01)
    keys.press("-")
    keys.press("+")
    keys.press("0")
    assert property_of(page, "--width") == pytest.approx(fitted)
    keys.press("2")
    expect(stage).to_have_attribute("data-view", "side")
    keys.press("/")
    keys.type("frame-5")
    expect(page.locator(".tray-item:visible")).to_have_count(1)
    keys.press("Escape")
    expect(page.locator(".tray-item:visible")).to_have_count(4)
    keys.press("?")
    expect(page.locator("#keys-dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#keys-dialog")).to_be_hidden()


def test_several_ways_in_each_file_on_its_own(visit: Visit, tmp_path: Path) -> None:
    """Pasted, dropped and chosen together: good ones are answered, a false one fails with its sentence."""
    false = tmp_path / "notes.jpg"
    false.write_text("this is no picture\n" * 40)
    ana = visit()
    ana.register()
    page = ana.page
    address = "/a/polyp/samples/"
    page.evaluate(HAND_OVER, ["paste", "body", ["image.png"], [address + "frame-1.jpg"]])
    ana.answered()
    page.evaluate(HAND_OVER, ["drop", "#stage", ["a.jpg", "b.jpg"], [address + "frame-3.jpg", address + "frame-5.jpg"]])
    expect(page.locator(".tray-item [data-state=done]")).to_have_count(3)
    assert sorted(page.locator(".tray-item .name").all_inner_texts()) == ["a.jpg", "b.jpg", "pasted image.jpeg"]

    ana.choose(false, SAMPLES / "frame-4.jpg")
    expect(page.locator(".tray-item [data-state=failed]")).to_have_count(1)
    expect(page.locator(".tray-item [data-state=done]")).to_have_count(4)
    expect(page.locator("[data-slot=sentence]")).to_have_text("No answer for this picture")
    expect(page.locator("[data-slot=explanation]")).to_contain_text("is not a picture that can be read here")
    page.click("#again")
    expect(page.locator(".findings .state")).to_have_attribute("data-state", "failed")
    page.click("#delete")
    page.click("#delete-confirm")
    expect(page.locator(".tray-item")).to_have_count(4)


def test_what_is_obviously_wrong_is_said_before_it_is_sent(visit: Visit, tmp_path: Path) -> None:
    letter, huge = tmp_path / "letter.txt", tmp_path / "huge.jpg"
    letter.write_text("Dear colleague")
    huge.write_bytes(b"\xff\xd8\xff" + bytes(33 * 1024**2))
    ana = visit()
    ana.register()
    sent: list[str] = []
    ana.page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    ana.page.set_input_files("#file-input", [str(letter)])
    expect(ana.page.locator("[data-slot=explanation]")).to_contain_text("not a picture Atisbo accepts")
    ana.page.set_input_files("#file-input", [str(huge)])
    expect(ana.page.locator("[data-slot=explanation]")).to_contain_text("larger than 32 MB")
    assert sent == []


def test_a_lost_connection_is_said_and_tried_again_without_storing_twice(visit: Visit) -> None:
    ana = visit()
    ana.register()
    page = ana.page
    keys: list[str | None] = []
    page.on("request", lambda one: one.method == "POST" and keys.append(one.headers.get("idempotency-key")))
    page.route("**/applications/polyp/predictions", lambda route: route.abort(), times=1)
    ana.choose(SAMPLES / "frame-1.jpg")
    expect(page.locator("[data-slot=explanation]")).to_have_text("The connection was lost. Check it and try again.")
    assert len(ana.complaints) == 1, "Chromium notes the aborted request"
    ana.complaints.clear()
    page.click("#again")
    ana.answered()
    expect(page.locator(".tray-item")).to_have_count(1)
    assert len(keys) == 2
    assert keys[0]
    assert keys[0] == keys[1]


def test_consent_is_off_and_sent_only_when_ticked(visit: Visit) -> None:
    ana = visit()
    page = ana.page
    page.add_init_script(
        "const send = XMLHttpRequest.prototype.send; window.sent = [];"
        "XMLHttpRequest.prototype.send = function (form) { sent.push(form.get('consent')); send.call(this, form); };"
    )
    ana.register()
    for ticked in ((), ("training",), ("training", "sharing")):
        for permit in ("training", "sharing"):
            box = page.locator(f"#permit-{permit}")
            expect(box).to_be_checked(checked=permit in ticked[:-1])
            box.set_checked(permit in ticked)
        ana.choose(SAMPLES / "frame-1.jpg")
        ana.answered()
    assert page.evaluate("sent") == [None, "training", "training sharing"]
    expect(page.locator("#image-sharing")).to_be_checked()


def test_a_result_that_arrived_meanwhile_is_there_after_a_reload(visit: Visit) -> None:
    ana = visit()
    ana.register()
    ana.choose(SAMPLES / "frame-3.jpg")
    sentence = ana.answered()
    ana.page.reload()
    assert ana.answered() == sentence
    expect(ana.page.locator(".tray-item")).to_have_count(1)
    address = ana.page.url
    ana.page.click(".languages [value=es]")
    assert "contornea" in ana.answered()
    assert ana.page.url == address, "switching the language stays at the picture"
    expect(ana.page.locator(".thumb img")).to_be_visible()
