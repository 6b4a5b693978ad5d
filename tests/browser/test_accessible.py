"""axe over every page, by the rules of WCAG 2.2 AA, in light and dark; and what axe cannot see: keys and focus."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Visitor, sign_in
from tests.conftest import PASSWORD, Service
from tests.pictures import jpeg

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
RUN = """options => axe.run(document, { resultTypes: ["violations"], ...options }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target} ${html.slice(0, 120)}`)))"""

OPEN = (
    "/",
    "/about",
    "/business",
    "/sign-in",
    "/register",
    "/terms",
    "/a/polyp/card",
    "/a/glaucoma/guide",
    "/try",
    "/try/art/icon.jpg",
    "/nowhere",
)
MINE = (
    "/a/polyp/batch",
    "/a/art/explore",
    "/a/polyp/profile",
    "/images",
    "/notices",
    "/account",
    "/account/second-factor",
    "/business?price=30",
)
CURATORS = (
    "/manage",
    "/manage/inbox?application=polyp",
    "/manage/agreement",
    "/manage/images",
    "/manage/datasets",
    "/manage/datasets/new",
    "/manage/users",
    "/manage/versions",
    "/manage/runs",
    "/manage/audit",
    "/manage/system",
    "/manage/watch",
)


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds in the page as it is: by all rules, or by those named."""
    page.evaluate(AXE)
    only: dict[str, Any] = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    found: list[str] = page.evaluate(RUN, {"runOnly": only})
    return found


def looked_at(page: Page) -> list[str]:
    """By all rules as it stands, and by colour in the dark; without motion, as a colour half-way is neither."""
    page.emulate_media(reduced_motion="reduce")
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    found += [f"dark {one}" for one in violations(page, "color-contrast")]
    page.emulate_media(color_scheme="light")
    return found


def walk(visitor: Visitor, *paths: str) -> dict[str, list[str]]:
    """Path → what is wrong there, of those where something is."""
    found = {}
    for path in paths:
        visitor.go(path)
        visitor.page.wait_for_load_state("networkidle")
        found[path] = looked_at(visitor.page)
    return {path: wrong for path, wrong in found.items() if wrong}


def test_what_is_wrong_is_seen(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<html lang="en"><title>t</title><main><img src="data:,"><p style="color:#999">pale</p></main>')
    found = {one.partition(":")[0] for one in violations(page)}
    assert {"image-alt", "color-contrast"} <= found
    page.close()


@pytest.mark.parametrize("phone", [False, True])
def test_what_everybody_sees(visit: Visit, phone: bool) -> None:
    ana = visit(phone=phone)
    wrong = walk(ana, *(OPEN[:4] if phone else OPEN))
    assert wrong == {}, json.dumps(wrong, indent=1)
    ana.complaints.clear()  # the page that is not there says so in the console


@pytest.mark.parametrize("phone", [False, True])
def test_ones_own_pages(visit: Visit, phone: bool) -> None:
    ana = visit(phone=phone)
    ana.register()
    page, wrong = ana.page, {}
    wrong["empty"] = looked_at(page)
    for name, sample in (("polyp", "frame-4.jpg"), ("glaucoma", "retina-healthy.jpg"), ("art", "icon.jpg")):
        if phone and name != "polyp":
            continue
        ana.go(f"/a/{name}")
        page.click(f"[data-sample='{sample}']")
        page.wait_for_selector("dialog[open], .tray-item a[aria-current]", state="attached")
        if page.locator("dialog[open]").count():
            wrong[f"{name} crop"] = looked_at(page)
            page.click("dialog [data-crop=part]")
        page.wait_for_selector(".tray-item:has(a[aria-current]) .state[data-state=done]", state="attached")
        page.wait_for_load_state("networkidle")
        wrong[name] = looked_at(page)
    for dialog in () if phone else ("keys-dialog", "delete-dialog"):
        page.evaluate("id => document.getElementById(id).showModal()", dialog)
        wrong[dialog] = looked_at(page)
        page.evaluate("id => document.getElementById(id).close()", dialog)
    wrong |= walk(ana, *(MINE[3:6] if phone else MINE))
    deletion = page.request.get(f"{ana.url}/api/v1/predictions?limit=1").json()["items"][0]["image"]["id"]
    wrong |= walk(ana, f"/images/{deletion}/deletion")
    assert {where: said for where, said in wrong.items() if said} == {}, json.dumps(wrong, indent=1)


def test_what_curators_and_administrators_see(visit: Visit, service: Service) -> None:
    with service.register(f"asker-{uuid4().hex[:8]}") as client:
        file = {"file": ("one.jpg", jpeg(seed=77))}
        path = "/api/v1/applications/polyp/predictions"
        client.post(path, files=file, headers={"Prefer": "wait=30"}).raise_for_status()
    eva = visit()
    page = sign_in(eva, service)
    wrong = walk(eva, *CURATORS)
    for listing, link in (
        ("/manage/users", "main a[href^='/manage/users/']"),
        ("/manage/versions", "main a[href^='/manage/versions/']"),
    ):
        eva.go(listing)
        wrong |= walk(eva, page.locator(link).first.get_attribute("href") or "")
    assert wrong == {}, json.dumps(wrong, indent=1)


FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const near = element.closest("label, .tile, .choice, fieldset") ?? element;
    const around = getComputedStyle(near);
    const ring = [[outlineStyle, outlineWidth], [around.outlineStyle, around.outlineWidth]]
        .some(([style, width]) => style !== "none" && parseFloat(width) >= 2);
    return {
        html: element.outerHTML.slice(0, 110),
        ring: ring || boxShadow !== "none",
        seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
}"""


def steps(page: Page, most: int = 80) -> Iterator[dict[str, Any]]:
    """What has the focus, at each Tab from the top of the page until it leaves it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            return
        yield focused


def test_the_focus_is_always_seen(visit: Visit) -> None:
    ana = visit()
    unseen = {}
    for path in ("/", "/business", "/try/polyp/frame-4.jpg", "/sign-in"):
        ana.go(path)
        unseen[path] = [step["html"] for step in steps(ana.page) if not (step["ring"] and step["seen"])]
    ana.register()
    for path in ("/a/polyp", "/images", "/account", "/a/polyp/batch"):
        ana.go(path)
        ana.page.wait_for_load_state("networkidle")
        unseen[path] = [step["html"] for step in steps(ana.page) if not (step["ring"] and step["seen"])]
    assert {path: found for path, found in unseen.items() if found} == {}


def test_from_the_first_page_to_an_answer_and_out_by_keys_alone(visit: Visit) -> None:
    ana = visit()
    page = ana.page
    ana.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#main", (
        "the first stop skips what is the same on every page"
    )
    page.keyboard.press("Enter")
    reach(page, "a[href^='/register']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/register*")
    reach(page, "#email")
    page.keyboard.type(f"keys-{uuid4().hex[:10]}@example.org")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/a/*")
    ana.go("/terms?next=/a/polyp")
    reach(page, "main form .primary")
    page.keyboard.press("Enter")
    page.wait_for_url(ana.url + "/a/polyp")
    reach(page, "[data-sample='frame-4.jpg']")
    page.keyboard.press("Enter")
    assert "polyp" in ana.answered()
    reach(page, "#delete")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('#delete-dialog [autofocus]')"), "the harmless one first"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "delete", "the focus comes back"


def reach(page: Page, selector: str, most: int = 60) -> None:
    """By Tab to an element."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is out of reach of the keyboard")
