"""A third reader sees what two said who differ, and may take over the outline of one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor, sign_in
from tests.conftest import Service, eventually
from tests.pictures import jpeg

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]
WIDTH, HEIGHT = 320, 256


def half(right: bool) -> bytes:
    """An outline around one half of the picture."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[:, WIDTH // 2 :] = right
    pixels[:, : WIDTH // 2] = not right
    return cv2.imencode(".png", pixels)[1].tobytes()


def asked(service: Service) -> dict[str, Any]:
    """Somebody's answered picture."""
    with service.register(f"asker-{uuid4().hex[:8]}") as client:
        file = {"file": ("a.jpg", jpeg(WIDTH, HEIGHT, seed=77))}
        answer = client.post("/api/v1/applications/polyp/predictions", files=file, headers={"Prefer": "wait=30"})
        said: dict[str, Any] = answer.raise_for_status().json()
        return said


def read(client: httpx.Client, outline: bytes) -> None:
    """Draw an outline where the network's is wrong."""
    [reading] = client.post("/api/v1/inbox/next", json={"application": "polyp"}).raise_for_status().json()
    path = f"/api/v1/predictions/{reading['prediction']['id']}/review/mask"
    headers = {"Content-Type": "image/png", "Prefer": "wait=20"}
    client.put(path, content=outline, headers=headers).raise_for_status()
    client.put(f"/api/v1/inbox/{reading['id']}/answer", json={"verdict": "wrong"}).raise_for_status()


def test_a_third_decides_for_one_of_two_outlines(visit: Visit, service: Service) -> None:
    picture = asked(service)
    with ExitStack() as stack:
        administrator = stack.enter_context(service.sign_in(*service.administrator))
        panel = {"application": "polyp", "predictions": [picture["id"]]}
        two = [stack.enter_context(service.register(f"curator-{uuid4().hex[:8]}")) for _ in range(2)]
        for one in two:
            service.appoint(one, "curator")
        administrator.post("/api/v1/panels", json=panel).raise_for_status()
        for right, one in enumerate(two):
            read(one, half(bool(right)))
        agreement = "/api/v1/agreement?application=polyp"
        eventually(lambda: bool(administrator.get(agreement).json()["differing"]))
        second = two[1].get(f"/api/v1/predictions/{picture['id']}/review/mask.png").raise_for_status().content

        eva = visit()
        page = sign_in(eva, service)
        eva.go("/manage/inbox?application=polyp")
        expect(page.locator("#bench")).to_have_attribute("data-shown", picture["id"])
        lines = page.locator("[data-slot=readers] li")
        expect(lines).to_have_count(2)
        expect(lines.first).to_contain_text("outline")
        expect(page.locator("[data-correction]")).to_be_visible()
        page.keyboard.press("2")
        expect(page.locator("#bench")).not_to_have_attribute("data-shown", picture["id"])
        page.wait_for_load_state("networkidle")
        review = administrator.get(f"/api/v1/predictions/{picture['id']}/review").json()
        assert (review["verdict"], review["mask"]["state"]) == ("wrong", "kept")
        taken = administrator.get(f"/api/v1/predictions/{picture['id']}/review/mask.png").content
        assert taken == second
