"""What works without scripts, in a browser that has them switched off; and contrast, in both themes."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import WIDE, Visitor
from tests.conftest import PASSWORD, Service

pytestmark = pytest.mark.browser

CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const over = (colour, below) => {
        canvas.fillStyle = `rgb(${below})`;
        canvas.fillRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb) => rgb
        .map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => element
        ? over(getComputedStyle(element).backgroundColor, ground(element.parentElement))
        : [255, 255, 255];
    const poor = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || !element.checkVisibility({ checkVisibilityCSS: true })) continue;
        if (element.closest("script, svg, :disabled, .visually-hidden")) continue;
        const below = ground(element);
        const [a, b] = [luminance(below), luminance(over(getComputedStyle(element).color, below))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const wanted = element.closest(".findings .sentence, .findings .area") ? 7 : 4.5;
        if (ratio < wanted) poor.push(`${texts.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return poor;
}"""


def test_accounts_and_language_need_no_scripts(browser: Browser, service: Service) -> None:
    context = browser.new_context(**WIDE, locale="es-ES", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{service.url}/register")
    page.fill("#email", f"plain-{uuid4().hex[:10]}@example.org")
    page.fill("#password", PASSWORD)
    page.click("main form .primary")
    page.wait_for_url("**/a/polyp")
    expect(page.locator("noscript .notice")).to_be_in_viewport()
    page.goto(f"{service.url}/images")
    expect(page.locator("h1")).to_have_text("Mis imágenes")
    page.click("button[lang=en]:visible")
    expect(page.locator("h1")).to_have_text("My images")
    page.click(".menu:not(.only-narrow) summary")
    page.click("text=Sign out")
    expect(page.locator(".hero")).to_be_visible()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_enough_in_both_themes(visit: Callable[..., Visitor], theme: str) -> None:
    ana = visit()
    ana.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    for path in ("/", "/sign-in", "/about", "/a/polyp/card", "/a/glaucoma/guide", "/try/art/icon.jpg"):
        ana.go(path)
        assert ana.page.evaluate(CONTRAST) == [], path
    ana.register()
    ana.page.click("[data-sample='frame-4.jpg']")
    ana.answered()
    assert ana.page.evaluate(CONTRAST) == []
    for path in ("/images", "/account"):
        ana.go(path)
        assert ana.page.evaluate(CONTRAST) == [], path
