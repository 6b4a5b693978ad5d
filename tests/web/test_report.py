"""The printed page of a prediction: one page, in the reader's language, for whoever may see the prediction."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from uuid import uuid4

import cv2
import httpx
import numpy as np
import pytest
from pypdf import PdfReader

from atisbo.domain.applications import SHIPPED
from atisbo.domain.consents import USE
from tests.conftest import Service


@pytest.fixture
def ana(service: Service) -> Iterator[httpx.Client]:
    with service.register(f"report-{uuid4().hex[:8]}") as client:
        client.put("/api/v1/me/consents/use", json={"version": USE.version}).raise_for_status()
        yield client


def ask(client: httpx.Client, application: str, data: bytes) -> dict[str, object]:
    answer = client.post(
        f"/api/v1/applications/{application}/predictions",
        files={"file": ("ojo “1”.jpg", data)},
        headers={"Prefer": "wait=30"},
    )
    said: dict[str, object] = answer.json()
    return said if answer.status_code == 200 else said["prediction"]  # type: ignore[return-value]


def sample(application: str) -> bytes:
    return next(
        path for path in sorted((SHIPPED / application / "samples").iterdir()) if path.suffix == ".jpg"
    ).read_bytes()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("polyp-", "Operating point", "Highest score", "Not a medical device", "Limits", 'ojo "1".jpg')),
        ("es", ("polyp-", "Puntuación más alta", "No es un producto sanitario", "Límites", "Lo que contorneó la red")),
    ],
)
def test_the_page_says_what_was_found_and_what_it_is_not(
    service: Service, ana: httpx.Client, language: str, words: tuple[str, ...]
) -> None:
    said = ask(ana, "polyp", sample("polyp"))
    answer = ana.get(said["links"]["report"], headers={"Accept-Language": language})  # type: ignore[index]
    assert answer.headers["content-type"] == "application/pdf"
    reader = PdfReader(BytesIO(answer.content))
    assert len(reader.pages) == 1
    text = " ".join(reader.pages[0].extract_text().split())
    for word in words:
        assert word in text
    assert len(reader.pages[0].images) == 2
    assert len(answer.content) < 3_000_000


def test_an_answer_that_was_refused_has_no_page(service: Service, ana: httpx.Client) -> None:
    said = ask(ana, "polyp", flat())
    assert said["status"] == "refused"
    assert "report" not in said["links"]  # type: ignore[operator]
    assert ana.get(f"/api/v1/predictions/{said['id']}/report.pdf").status_code == 404


def flat() -> bytes:
    return cv2.imencode(".png", np.full((200, 200, 3), 255, np.uint8))[1].tobytes()


def test_others_see_none(service: Service, ana: httpx.Client) -> None:
    said = ask(ana, "polyp", sample("polyp"))
    with service.register(f"other-{uuid4().hex[:8]}") as ben:
        assert ben.get(said["links"]["report"]).status_code == 404  # type: ignore[index]
