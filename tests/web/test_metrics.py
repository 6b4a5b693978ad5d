"""Figures for Prometheus: for this machine or with a token, and without a word of anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from atisbo.domain.access import Actor
from atisbo.services.work import Workplace
from tests.services.asked import answered
from tests.web.doors import opened

Make = Callable[..., Actor]


def ask(app: FastAPI, *, host: str = "127.0.0.1", **headers: str) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(host, 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as client:
            return await client.get("/metrics")

    return asyncio.run(go())


def test_figures_are_told_and_nobody_is_named(workplace: Workplace, make_actor: Make, tmp_path: Path) -> None:
    ana = make_actor("ana")
    view = answered(workplace, ana)
    said = ask(opened(workplace, tmp_path)).text
    found = {
        (one.name, *sorted(one.labels.values())): one.value
        for family in text_string_to_metric_families(said)
        for one in family.samples
    }
    assert found["atisbo_answers", "asked", "eyes", "v"] == 1
    assert found["atisbo_jobs", "predict", "waiting"] == 1
    assert found["atisbo_workers_alive",] == 0
    assert found["atisbo_disk_free_bytes",] > 0
    for trace in (ana.email, str(ana.user_id), str(view.id), "eye.jpg"):
        assert trace not in said


@pytest.mark.parametrize(
    ("settings", "host", "headers", "status"),
    [
        ({}, "127.0.0.1", {}, 200),
        ({}, "::1", {}, 200),
        ({}, "192.0.2.7", {}, 404),
        ({}, "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 404),
        ({"public_url": "https://atisbo.example.org"}, "127.0.0.1", {}, 404),
        ({"metrics_token": "secret"}, "192.0.2.7", {"Authorization": "Bearer secret"}, 200),
        ({"metrics_token": "secret"}, "127.0.0.1", {}, 401),
        ({"metrics_token": "secret"}, "127.0.0.1", {"Authorization": "Bearer other"}, 401),
    ],
)
def test_it_is_for_this_machine_or_for_whoever_has_the_token(
    workplace: Workplace,
    tmp_path: Path,
    settings: dict[str, str],
    host: str,
    headers: dict[str, str],
    status: int,
) -> None:
    assert ask(opened(workplace, tmp_path, **settings), host=host, **headers).status_code == status
