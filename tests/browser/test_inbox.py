"""Thirty images by keys alone, one key each, and how long the machine takes between them."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor, sign_in
from tests.conftest import Service
from tests.pictures import jpeg

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]
IMAGES = 30
MACHINE_MS = 300


def asked(service: Service, count: int) -> None:
    """Somebody else's images, answered."""
    with service.register(f"asker-{uuid4().hex[:8]}") as client:
        path = "/api/v1/applications/polyp/predictions"
        for seed in range(count):
            file = {"file": (f"{seed}.jpg", jpeg(320, 256, seed=1000 + seed))}
            last = client.post(path, files=file, headers={"Prefer": "wait=30"} if seed == count - 1 else {})
            last.raise_for_status()


def next_after(page: Page, shown: str | None) -> str:
    page.wait_for_function("was => document.getElementById('bench').dataset.shown !== was", arg=shown)
    return page.get_attribute("#bench", "data-shown") or ""


def test_thirty_images_by_keys_alone(visit: Visit, service: Service) -> None:
    asked(service, IMAGES + 3)
    eva = visit()
    page = sign_in(eva, service)
    eva.go("/manage/inbox?application=polyp")
    page.wait_for_selector("#bench[data-shown]")
    shown = page.get_attribute("#bench", "data-shown") or ""
    expect(page.locator("[data-picture]").last).to_have_js_property("complete", True)
    progress = page.locator(".inbox-panel [data-slot=progress]")
    before = int(progress.get_attribute("data-answered") or "")
    said: dict[str, str] = {}
    for number in range(IMAGES):
        key, verdict = (("y", "right"), ("n", "wrong"), ("u", "unknown"))[number % 3]
        page.keyboard.press(key)
        said[shown] = verdict
        shown = next_after(page, shown)
    took = [int(ms) for ms in (page.get_attribute("#bench", "data-ms") or "").split()][1:]
    assert len(said) == len(took) == IMAGES, "no image twice"
    assert median(took) < MACHINE_MS, took
    expect(progress).to_contain_text(f"{before + IMAGES} today")
    expect(page.locator("[data-slot=pace]")).to_contain_text("an hour")
    page.keyboard.press("z")
    last = list(said)[-1]
    expect(page.locator("#bench")).to_have_attribute("data-shown", last)
    page.keyboard.press("y")
    next_after(page, last)
    said[last] = "right"
    page.wait_for_load_state("networkidle")
    for identity, verdict in said.items():
        review = page.request.get(f"{service.url}/api/v1/predictions/{identity}/review").json()
        assert review["verdict"] == verdict, identity

    shown = page.get_attribute("#bench", "data-shown") or ""
    page.keyboard.press("?")
    expect(page.locator("#keys-dialog")).to_be_visible()
    page.keyboard.press("y")
    page.keyboard.press("Escape")
    expect(page.locator("#keys-dialog")).to_be_hidden()
    expect(page.locator("#bench")).to_have_attribute("data-shown", shown)
    page.keyboard.press("e")
    page.wait_for_selector("#editor[open]:not([data-loading])")
    page.keyboard.press("p")
    box = page.locator(".editor-room").bounding_box()
    assert box
    for x, y in ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Enter")
    page.wait_for_selector("#editor:not([open])", state="attached")
    next_after(page, shown)
    page.wait_for_load_state("networkidle")
    review = page.request.get(f"{service.url}/api/v1/predictions/{shown}/review").json()
    assert (review["verdict"], review["mask"]["state"]) == ("wrong", "kept")
