"""What was deleted comes back at a click: on the workbench, and on the page of one's images."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def test_a_deletion_is_taken_back(visit: Callable[..., Visitor]) -> None:
    ana = visit()
    ana.register()
    page = ana.page
    page.click("[data-sample='frame-4.jpg']")
    sentence = ana.answered()
    page.click("#delete")
    page.click("#delete-confirm")
    toast = page.locator("#toast")
    expect(toast.locator("[role=status]")).to_have_text("frame-4.jpg is deleted.")
    expect(page.locator(".tray-item")).to_have_count(0)
    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_be_hidden()
    assert ana.answered() == sentence
    expect(page.locator(".tray-item")).to_have_count(1)

    ana.go("/images")
    page.click(".gallery-item form button")
    page.click("#delete-dialog .danger")
    notice = page.locator(".notice.flash")
    expect(notice).to_contain_text("Deleted: one image.")
    expect(page.locator(".empty")).to_be_visible()
    notice.get_by_role("button", name="Undo").click()
    expect(page.locator(".gallery-item img")).to_have_js_property("complete", True)
    expect(notice).to_have_count(0)
