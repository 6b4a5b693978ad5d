"""Words that mean harm, everywhere a person or a network can put words: in a real browser they are only words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.applications_for_tests.networks import HERE
from tests.browser.conftest import WIDE, Visitor
from tests.conftest import PASSWORD, Service, start_service, stop_service
from tests.pictures import encoded
from tests.web.doors import HERE as DOORS

pytestmark = pytest.mark.browser
WAYS = (
    '"><img src=x onerror=window.broken=1>',
    "'><svg onload=window.broken=1>",
    "</script><script>window.broken=1</script>",
    "{{7*7}}${7*7}<%=7*7%>",
    '" autofocus onfocus=window.broken=1 x="',
    "javascript:window.broken=1",
)
HOSTILE = " ".join(WAYS)
SHORT = WAYS[0]


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An application whose own words, as a network from elsewhere might bring them, mean harm."""
    folder = tmp_path_factory.mktemp("applications")
    shutil.copytree(HERE / "eye", folder / "eye")
    toml = folder / "eye" / "application.toml"
    words = (toml.read_text() + "\n" + (DOORS / "form.toml").read_text()).replace(
        'glaucoma.en = "suspected glaucoma"', f"glaucoma.en = '''{HOSTILE}'''"
    )
    words = words.replace('normal.en = "healthy"', f"normal.en = '''{HOSTILE}'''").replace(
        'title.en = "Eye"', f"title.en = '''{SHORT}'''"
    )
    assert words.count("onerror") >= 3
    toml.write_text(words)
    running = start_service(tmp_path_factory.mktemp("hostile"), ATISBO_APPLICATIONS_DIR=str(folder))
    yield running
    stop_service(running)


def picture() -> bytes:
    """Its EXIF, XMP and comment say the same."""
    exif = Image.Exif()
    for tag in (0x010E, 0x010F, 0x0110, 0x013B, 0x8298, 0x9C9B):
        exif[tag] = HOSTILE
    image = Image.new("RGB", (120, 100), (200, 40, 30))
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{HOSTILE}</x:xmpmeta>".encode()
    return encoded(image, "JPEG", exif=exif.tobytes(), comment=HOSTILE.encode(), xmp=xmp)


def said_everywhere(service: Service) -> tuple[str, str]:
    """Somebody puts the words wherever words are taken; returns the address and an answer of theirs."""
    with service.register(f"eva-{uuid4().hex[:6]}") as client:
        email = client.get("/api/v1/me").json()["email"]
        service.appoint(client, "curator")
        form = {"region": json.dumps({"x": 0, "y": 0, "width": 100, "height": 100}), "consent": "training"}
        asked = client.post(
            "/api/v1/applications/eye/predictions",
            files={"file": (f"{SHORT} {WAYS[1]}.jpg".replace("/", "|"), picture())},
            data=form,
            headers={"Prefer": "wait=30", "User-Agent": HOSTILE.encode()},
        )
        view: dict[str, Any] = asked.raise_for_status().json()
        review = {"verdict": "right", "metadata": {"comment": HOSTILE[:200]}}
        client.put(f"/api/v1/predictions/{view['id']}/review", json=review).raise_for_status()
        client.post("/api/v1/tokens", json={"name": HOSTILE[:80], "scopes": ["predict"]}).raise_for_status()
        dataset = {"application": "eye", "name": SHORT, "note": HOSTILE}
        client.post("/api/v1/datasets", json=dataset)
    return email, str(view["id"])


def unbroken(page: Page, path: str) -> None:
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.broken") is None, path
    assert page.locator("img[src=x], svg[onload], [onfocus], [onerror]").count() == 0, path
    assert page.locator('a[href^="javascript:"]').count() == 0, path


def test_words_stay_words(browser: Browser, eyes: Service) -> None:
    email, prediction = said_everywhere(eyes)
    visitor = Visitor(browser.new_context(**WIDE, locale="en-GB").new_page(), eyes.url)
    page = visitor.page
    for who, password, paths in (
        (
            email,
            PASSWORD,
            (
                "/",
                "/images",
                "/a/eye",
                f"/a/eye/{prediction}",
                "/a/eye/batch",
                "/a/eye/card",
                "/account",
                "/a/eye/profile",
            ),
        ),
        (
            *eyes.administrator,
            (
                "/manage/images?application=eye",
                "/manage/users",
                "/manage/datasets",
                "/manage/inbox?application=eye",
                "/manage/audit",
                "/manage/watch",
                "/manage/versions",
                f"/a/eye/{prediction}",
            ),
        ),
    ):
        visitor.go("/sign-in")
        page.fill("#email", who)
        page.fill("#password", password)
        page.locator("main form .primary").click()
        page.wait_for_load_state("networkidle")
        seen = ""
        for path in paths:
            visitor.go(path)
            unbroken(page, path)
            seen += page.content()
        assert "onerror=window.broken=1&gt;" in seen, "the words were shown nowhere; nothing was tried"
        page.context.clear_cookies()
    assert visitor.complaints == [], "the policy had to step in"
    page.context.close()


def test_nothing_of_what_a_picture_carries_is_handed_on(eyes: Service) -> None:
    email, prediction = said_everywhere(eyes)
    with eyes.sign_in(email, PASSWORD) as client:
        links = client.get(f"/api/v1/predictions/{prediction}").json()["links"]
        for name, link in links.items():
            answer = client.get(link)
            if answer.headers["content-type"].startswith("image/"):
                assert b"broken" not in answer.content, name
        assert httpx.get(eyes.url + links["preview"]).status_code == 401
