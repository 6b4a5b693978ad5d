"""States that the shipped network does not produce on request: the service's answer is put in by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def prediction(status: str, **more: Any) -> dict[str, Any]:
    identity = str(uuid4())
    return {
        "id": identity,
        "application": "polyp",
        "status": status,
        "created_at": "2026-11-21T07:00:00Z",
        "finished_at": None,
        "version": None,
        "image": {"id": str(uuid4()), "file_name": f"{status}.jpg", "width": None, "height": None},
        "region": None,
        "findings": None,
        "failure": None,
        "queue": None,
        "links": {"self": f"/api/v1/predictions/{identity}"},
        "notice": "",
    } | more


CASES = [
    (prediction("waiting", queue={"position": 3}), "Waiting: number 3 in the queue", "En espera: puesto 3 de la cola"),
    (prediction("running"), "The network is looking at it", "La red la está mirando"),
    (prediction("unsure"), "The network is not sure. Have an expert look at it.", "La red no está segura."),
    (prediction("refused"), "This picture does not seem to be of the right kind.", "Esta imagen no parece ser"),
    (
        prediction("failed", failure={"code": "gave_up", "status": 500, "detail": "Three workers gave up on it."}),
        "No answer for this picture",
        "No hay respuesta para esta imagen",
    ),
]


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_state_has_a_shape_a_word_and_a_sentence(visit: Callable[..., Visitor], language: str) -> None:
    ana = visit(language)
    said = {one["id"]: one for one, _, _ in CASES}

    def answer(route: Route) -> None:
        identity = (
            route.request.url.split("/predictions/")[1].partition("/")[0]
            if "/predictions/" in route.request.url
            else ""
        )
        body = said.get(identity) or {"items": list(said.values()), "next": None}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    ana.page.route("**/api/v1/predictions**", answer)
    ana.register()
    page = ana.page
    expect(page.locator(".tray-item")).to_have_count(len(CASES))
    for one, english, spanish in CASES:
        page.locator(".tray-item", has_text=f"{one['status']}.jpg").click()
        state = page.locator(".findings .state").first
        expect(state).to_have_attribute("data-state", one["status"])
        expect(state.locator("use")).to_have_attribute("href", f"#state-{one['status']}")
        expect(page.locator("[data-slot=sentence]")).to_contain_text(english if language == "en" else spanish)
    expect(page.locator("[data-slot=explanation]")).to_have_text("Three workers gave up on it.")
    expect(page.locator("#again")).to_be_visible()


def test_everything_can_be_reached_by_tab_and_shows_it(visit: Callable[..., Visitor]) -> None:
    ana = visit()
    ana.register()
    page = ana.page
    page.click("[data-sample='frame-4.jpg']")
    ana.answered()
    page.evaluate("document.activeElement.blur()")
    reached: set[str] = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        here, outline = page.evaluate(
            """() => {
                const element = document.activeElement;
                const style = getComputedStyle(element);
                const name = element.id || element.dataset.view || element.dataset.download || element.className;
                return [name, style.outlineStyle !== "none" || style.boxShadow !== "none"];
            }"""
        )
        if "bench-page" in here:
            continue  # past the last one, on the way back to the first
        reached.add(here)
        assert outline, f"no visible focus on {here}"
    wanted = {"choose", "consent", "viewport", "overlay", "side", "compare", "overlay-toggle", "contour-toggle"}
    assert wanted | {"opacity", "mask", "self", "delete"} <= reached
