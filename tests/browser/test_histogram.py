"""The histogram of a picture: from the file itself, or with the answer where the browser cannot show the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import expect

from tests.browser.conftest import SAMPLES, Visitor

pytestmark = pytest.mark.browser


def plain(path: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (320, 240), colour).save(path)
    return path


def test_colours_are_counted_from_the_file_or_from_the_answer(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    ana = visit()
    ana.register()
    expect(ana.page.locator("#bench")).to_be_visible()
    expect(ana.page.locator("#histogram")).to_have_count(0)
    ana.go("/a/art")
    drawing = ana.page.locator("#histogram svg")
    ana.page.route("**/api/v1/applications/art/predictions", lambda route: route.abort())
    ana.choose(plain(tmp_path / "plain.png", (200, 100, 50)))
    expect(drawing).to_have_attribute("aria-label", re.compile("red 200, green 100, blue 50,"))
    expect(ana.page.locator(".tray-item").first).to_contain_text("Chosen")
    ana.page.keyboard.press("Enter")
    expect(ana.page.locator(".tray-item").first).to_contain_text("Failed")
    ana.complaints.clear()
    ana.page.unroute("**/api/v1/applications/art/predictions")
    with Image.open(SAMPLES.parents[1] / "art/samples/painting.jpg") as picture:
        picture.save(tmp_path / "painting.tif")
        red = round(ImageStat.Stat(picture).mean[0])
    ana.choose(tmp_path / "painting.tif")
    ana.page.locator("#analyse").click()
    expect(drawing).to_have_attribute("aria-label", re.compile(f"red ({red - 1}|{red}|{red + 1}),"))


def test_a_part_may_be_marked_before_it_is_sent(visit: Callable[..., Visitor]) -> None:
    ana = visit("es", phone=True)
    ana.register()
    ana.go("/a/art")
    page = ana.page
    ana.choose(SAMPLES.parents[1] / "art/samples/painting.jpg")
    page.locator("#mark-first").click()
    expect(page.locator("#crop-dialog")).to_be_visible()
    assert ana.overflow() == 0
    page.keyboard.press("ArrowRight")
    with page.expect_response("**/applications/art/predictions") as answering:
        page.keyboard.press("Enter")
    region = answering.value.json()["region"]
    assert region["width"] / region["height"] == pytest.approx(340 / 282, rel=0.02), "it has the picture's shape"
    expect(page.locator("[data-slot=crop]")).to_have_attribute("src", re.compile("crop.png"))
