"""Pictures that a network hangs on, dies of or wants all memory for fail alone, with a reason; nobody else does.

The long form is in ``tests/torture``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import poisonous
from tests.conftest import Service, eventually, start_service, stop_service

pytestmark = pytest.mark.timeout(180)
ASK = "/api/v1/applications/delicate/predictions"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    folder = poisonous.install(tmp_path / "applications")
    running = start_service(
        tmp_path / "own", ATISBO_APPLICATIONS_DIR=str(folder), ATISBO_HANG_S="3", ATISBO_LEASE_S="5"
    )
    yield running
    stop_service(running)


def ask(client: httpx.Client, data: bytes) -> str:
    answer = client.post(ASK, files={"file": ("frame.png", data)})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def see(client: httpx.Client, prediction_id: str) -> dict[str, Any]:
    said: dict[str, Any] = client.get(f"/api/v1/predictions/{prediction_id}").json()
    return said


def test_poison_fails_alone_with_a_reason(own: Service) -> None:
    with own.register("ana") as ana:
        fine, poison = [], []
        for colour in (poisonous.CRASHES, poisonous.HOARDS, poisonous.HANGS):
            fine += [ask(ana, poisonous.harmless(len(fine) + seed)) for seed in range(4)]
            poison.append(ask(ana, poisonous.picture(colour)))
        eventually(lambda: all(see(ana, one)["finished_at"] for one in fine + poison), within_s=120)
        assert [see(ana, one)["status"] for one in fine] == ["done"] * len(fine)
        for one in poison:
            said = see(ana, one)
            assert (said["status"], said["failure"]["code"]) == ("failed", "gave_up")
            assert "failed 3 times" in said["failure"]["detail"]
        after = ask(ana, poisonous.harmless(99))
        eventually(lambda: see(ana, after)["status"] == "done")
