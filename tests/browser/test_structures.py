"""A class with outlines over the marked part, on a service with the applications of the tests."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.applications_for_tests.networks import HERE
from tests.browser.conftest import WIDE, Visitor
from tests.conftest import PASSWORD, Service, start_service, stop_service

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(tmp_path_factory.mktemp("eyes"), ATISBO_APPLICATIONS_DIR=str(HERE))
    yield running
    stop_service(running)


def eye(path: Path) -> bytes:
    pixels = np.zeros((300, 480, 3), np.uint8)
    pixels[60:180, 180:300, 0] = 255
    pixels[90:150, 210:270, 1] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


def test_two_structures_two_colours_and_their_ratio(eyes: Service, browser: Browser, tmp_path: Path) -> None:
    email = f"eye-{uuid4().hex[:8]}@example.org"
    httpx.post(
        f"{eyes.url}/api/v1/auth/register", json={"email": email, "password": PASSWORD, "consent": True}
    ).raise_for_status()
    with eyes.sign_in(email, PASSWORD) as client:
        said = client.post(
            "/api/v1/applications/eye/predictions",
            files={"file": ("eye.png", eye(tmp_path / "eye.png"))},
            data={"region": '{"x":120,"y":0,"width":240,"height":240}'},
            headers={"Prefer": "wait=30"},
        ).json()
    context = browser.new_context(**WIDE, locale="en-GB")
    ana = Visitor(context.new_page(), eyes.url)
    ana.go("/sign-in")
    ana.page.fill("#email", email)
    ana.page.fill("#password", PASSWORD)
    ana.page.locator("main form .primary").click()
    ana.page.wait_for_url("**/a/**")
    ana.go(f"/a/eye/{said['id']}")
    assert ana.answered() == "Healthy"
    page = ana.page
    expect(page.locator("[data-slot=how-sure]")).to_have_text("Probability of suspected glaucoma")
    expect(page.locator(".ratios")).to_have_text(re.compile(r"^Vertical cup-to-disc ratio0\.(49|50|51)$"))
    stage = page.locator("#stage [data-outline]")
    expect(stage.locator("g")).to_have_count(2)
    expect(stage.locator("rect.part")).to_have_count(2)
    colours = [
        stage.locator(f"g[data-layer='{layer}'] .line").evaluate("line => getComputedStyle(line).stroke")
        for layer in (0, 1)
    ]
    assert colours == ["rgb(0, 229, 255)", "rgb(255, 214, 10)"]
    expect(page.locator("[data-slot=crop-outline]")).to_have_attribute("viewBox", "120 0 240 240")
    assert page.locator("[data-slot=crop]").evaluate("image => image.decode().then(() => image.naturalWidth)") == 240
    context.close()
    assert ana.complaints == []
