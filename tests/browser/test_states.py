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


def findings(**more: Any) -> dict[str, Any]:
    return {
        "task": "classification",
        "label": "polyp",
        "probabilities": {"polyp": 0.42, "fold": 0.38, "stool": 0.2},
        "probability": 0.42,
        "threshold": 0.5,
        "above": None,
        "uncertainty": 0.87,
        "unsure": True,
        "structures": None,
        "ratios": {},
        "width": 8,
        "height": 8,
    } | more


FOREIGN = "This does not look like a colonoscopy frame. It looks like a work of art. Check the file."
CASES = [
    (prediction("waiting", queue={"position": 3}), "Waiting: number 3 in the queue", "En espera: puesto 3 de la cola"),
    (prediction("running"), "The network is looking at it", "La red la está mirando"),
    (
        prediction("unsure", findings=findings()),
        "The network is not sure. Have an expert look at it.",
        "La red no está segura.",
    ),
    (
        prediction("refused", failure={"code": "foreign", "status": 422, "detail": FOREIGN}),
        "This does not look like a colonoscopy frame.",
        "This does not look like a colonoscopy frame.",
    ),
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


def test_doubt_and_refusal_have_their_reason_and_their_own_frame(visit: Callable[..., Visitor]) -> None:
    ana = visit()
    near = {"task": "segmentation", "label": "polyp", "probability": 0.47, "probabilities": None, "empty": True}
    many, refused = CASES[2][0], CASES[3][0]
    one = prediction("unsure", findings=findings(**near, regions=[], area_percent=0)) | {"version": "v"}
    one["image"]["file_name"] = "near.jpg"
    said = {entry["id"]: entry for entry in (many, one, refused)}

    def answer(route: Route) -> None:
        identity = route.request.url.partition("/predictions/")[2].partition("/")[0]
        body = said.get(identity) or {"items": list(said.values()), "next": None}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    ana.page.route("**/api/v1/predictions**", answer)
    ana.register()
    page = ana.page
    panel = page.locator(".answer")
    page.locator(".tray-item", has_text="unsure.jpg").click()
    expect(panel).to_have_attribute("data-state", "unsure")
    expect(page.locator("[data-slot=explanation]")).to_have_text("It leans towards: Polyp.")
    expect(page.locator("[data-slot=reason]")).to_have_text("No label stands out: polyp 0.42, fold 0.38.")
    expect(page.locator(".bars li")).to_have_count(3)
    expect(page.locator(".bars li").first).to_have_attribute("data-chosen", "")
    assert panel.evaluate("element => getComputedStyle(element).borderTopStyle") == "dashed"
    page.locator(".tray-item", has_text="near.jpg").click()
    expect(page.locator("[data-slot=explanation]")).to_have_text("It leans towards: No polyp found.")
    expect(page.locator("[data-slot=reason]")).to_contain_text(
        "Its score of 0.47 is too close to the operating point of 0.50"
    )
    expect(page.locator(".bars")).to_be_hidden()
    page.locator(".tray-item", has_text="refused.jpg").click()
    expect(panel).to_have_attribute("data-state", "refused")
    expect(page.locator("[data-slot=explanation]")).to_have_text("It looks like a work of art. Check the file.")
    expect(page.locator("#another")).to_be_visible()
    assert panel.evaluate("element => getComputedStyle(element).borderTopStyle") == "solid"


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
    wanted = {"choose", "permit-training", "viewport", "overlay", "side", "compare", "overlay-toggle", "contour-toggle"}
    assert wanted | {"opacity", "mask", "self", "delete"} <= reached
