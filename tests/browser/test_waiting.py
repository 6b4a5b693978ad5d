"""The queue in words, moving by itself; and an answer that comes when nobody looks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from playwright.sync_api import Browser, expect

from atisbo.config import Settings
from atisbo.services import predictions
from atisbo.services.predictions import Outcome
from atisbo.services.work import Workplace
from tests.browser.conftest import SAMPLES, WIDE, Visitor
from tests.conftest import Service, eventually, start_service, stop_service
from tests.pictures import jpeg
from tests.services.asked import FINDINGS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without a worker: nothing moves but what a test does."""
    running = start_service(tmp_path_factory.mktemp("idle"), ATISBO_WORKERS="0")
    yield running
    stop_service(running)


@contextmanager
def worker(service: Service) -> Iterator[None]:
    environment = os.environ | {"ATISBO_DATA_DIR": str(service.data_dir), "ATISBO_DATABASE_URL": service.database_url}
    process = subprocess.Popen([sys.executable, "-m", "atisbo", "worker"], env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_the_place_moves_and_the_answer_waits_for_whoever_left(browser: Browser, idle: Service) -> None:
    with idle.register("other") as other:
        frame = {"file": ("frame.jpg", jpeg())}
        asked = other.post("/api/v1/applications/polyp/predictions", files=frame).raise_for_status().json()
    context = browser.new_context(**WIDE, locale="en-GB")
    ana = Visitor(context.new_page(), idle.url)
    ana.register()
    ana.choose(SAMPLES / "frame-4.jpg")
    sentence = ana.page.locator("[data-slot=sentence]")
    expect(sentence).to_have_text("Waiting: number 2 in the queue")
    finish(idle, asked["id"])
    expect(sentence).to_have_text("Waiting for its turn")
    remembered = context.storage_state()
    context.close()
    with worker(idle):
        again = Visitor(browser.new_context(**WIDE, locale="en-GB", storage_state=remembered).new_page(), idle.url)
        again.go("/images")
        expect(again.page.locator("[data-state=waiting]")).to_have_count(1)
        mine = f"{idle.url}/api/v1/predictions"
        eventually(lambda: again.page.request.get(mine).json()["items"][0]["status"] == "done", within_s=40)
    again.page.reload()
    expect(again.page.locator("[data-state=done]")).to_have_count(1)
    assert ana.complaints == again.complaints == []
    again.page.context.close()


def finish(service: Service, prediction_id: str) -> None:
    """What a worker would do."""
    workplace = Workplace.open(Settings(data_dir=service.data_dir, database_url=service.database_url))
    one = UUID(prediction_id)
    attempt = workplace.within(lambda session: predictions.claim(session, [one]))[one]
    outcome = Outcome(one, attempt, "done", version="v", findings=FINDINGS, size=(2, 2))
    assert workplace.within(lambda session: predictions.record(session, [outcome])) == {one}
    workplace.close()
