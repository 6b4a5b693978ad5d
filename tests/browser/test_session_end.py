"""What was drawn or chosen outlives the session, a reload and the way back: nothing goes without a word."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Dialog, Page, expect

from atisbo.domain.applications import SHIPPED
from tests.browser.conftest import Visitor
from tests.browser.test_editor import edit, ready
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]
ENGRAVING = SHIPPED / "art" / "samples" / "engraving.jpg"


def draw(page: Page) -> None:
    box = page.locator(".editor-room img").bounding_box()
    assert box
    page.mouse.click(box["x"] + 60, box["y"] + 60)
    expect(page.locator("[data-do=undo]")).to_be_enabled()


def sign_in_again(page: Page, link: str, email: str | None) -> None:
    """In the tab that the link opens; without ``email`` as somebody else."""
    with page.expect_popup() as opened:
        page.click(link)
    tab = opened.value
    if email:
        expect(tab.locator(".flash")).to_contain_text("session has ended")
    else:
        tab.goto(tab.url.partition("/sign-in")[0] + "/register")
    tab.fill("#email", email or f"other-{uuid4().hex[:8]}@example.org")
    tab.fill("#password", PASSWORD)
    tab.locator("main form .primary").click()
    tab.wait_for_selector(".signed-in")
    tab.close()


def end_session(ana: Visitor) -> str:
    """Returns whose it was."""
    email = ana.page.locator(".who").text_content() or ""
    ana.page.context.clear_cookies(name="atisbo_session")
    return email


def only_refused(ana: Visitor) -> None:
    """Chromium writes every request that was refused to the console."""
    assert all("status of 401" in said or "status of 403" in said for said in ana.complaints), ana.complaints
    ana.complaints.clear()


def test_a_drawing_outlives_the_session(visit: Visit) -> None:
    ana = visit()
    page = ana.page
    address = ready(ana)
    draw(page)
    email = end_session(ana)
    here = page.url
    page.keyboard.press("Enter")
    hint = page.locator("[data-slot=editor-hint]")
    expect(hint).to_contain_text("Your session has ended. Sign in in another tab and try again here.")
    sign_in_again(page, "[data-slot=editor-hint] a", email)
    assert page.url == here
    page.click("[data-do=save]")
    expect(page.locator("#editor")).not_to_have_attribute("open", "")
    assert page.request.get(f"{address}/review").json()["mask"]["state"] == "kept"
    only_refused(ana)


def test_nobody_else_goes_on_with_a_page(visit: Visit) -> None:
    ana = visit()
    ready(ana)
    draw(ana.page)
    end_session(ana)
    ana.page.keyboard.press("Enter")
    sign_in_again(ana.page, "[data-slot=editor-hint] a", None)
    ana.page.click("[data-do=save]")
    expect(ana.page.locator("[data-slot=editor-hint]")).to_contain_text("open for too long")
    expect(ana.page.locator("#editor")).to_have_attribute("open", "")
    only_refused(ana)


def test_a_chosen_file_outlives_the_session(visit: Visit) -> None:
    ana = visit()
    page = ana.page
    ana.register()
    ana.go("/a/art")
    ana.choose(ENGRAVING)
    email = end_session(ana)
    page.click("#analyse")
    expect(page.locator("[data-slot=explanation]")).to_contain_text("Your session has ended.")
    assert page.url == ana.url + "/a/art"
    sign_in_again(page, "[data-slot=explanation] a", email)
    page.click("#again")
    page.wait_for_selector("[data-when=answered]:not([hidden])")
    expect(page.locator("[data-slot=explanation] a")).to_have_count(0)
    only_refused(ana)


def test_where_nothing_is_lost_the_sign_in_says_why(visit: Visit) -> None:
    ana = visit("es")
    ana.register()
    end_session(ana)
    ana.page.click("[data-sample='frame-4.jpg']")
    ana.page.wait_for_url("**/sign-in?**")
    expect(ana.page.locator(".flash")).to_have_text("Su sesión ha terminado. Vuelva a iniciarla.")
    only_refused(ana)


def test_leaving_a_drawing_is_asked_about(visit: Visit) -> None:
    ana = visit()
    page = ana.page
    ready(ana)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    draw(page)
    page.evaluate("location.reload()")
    expect(page.locator("[data-do=undo]")).to_be_enabled()
    assert asked == ["beforeunload"]
    page.click("[data-do=undo]")
    with page.expect_navigation():
        page.evaluate("location.reload()")
    assert asked == ["beforeunload"]


def test_back_goes_out_of_the_editor_first(visit: Visit) -> None:
    ana = visit("es", phone=True)
    page = ana.page
    ready(ana)
    here = page.url
    draw(page)
    page.evaluate("history.back()")
    expect(page.locator(".editor-question")).to_be_visible()
    assert page.url == here
    page.click("[data-do=leave-anyway]")
    expect(page.locator("#editor")).not_to_have_attribute("open", "")
    expect(page.locator("#stage")).to_be_visible()
    edit(page)
    page.evaluate("history.back()")
    expect(page.locator("#editor")).not_to_have_attribute("open", "")
    assert page.url == here
    page.go_back()
    expect(page.locator(".tray")).to_be_visible()
    expect(page.locator("#stage-welcome")).to_be_hidden()
