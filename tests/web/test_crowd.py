"""More questions than can be answered soon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Service, eventually, start_service, stop_service
from tests.pictures import jpeg

ASK = "/api/v1/applications/polyp/predictions"
MOST = 3


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Service]:
    """A service where few may wait."""
    running = start_service(tmp_path, ATISBO_MAX_WAITING=str(MOST))
    yield running
    stop_service(running)


def test_too_many_are_told_to_come_back_and_those_taken_in_are_answered(narrow: Service) -> None:
    worker = narrow.child("worker")
    with narrow.register("ana") as ana:

        def ask(number: int) -> int:
            answer = ana.post(ASK, files={"file": (f"{number}.jpg", jpeg(seed=number))})
            if answer.status_code == 503:
                assert answer.json()["code"] == "queue_long"
                assert int(answer.headers["Retry-After"]) > 0
            return answer.status_code

        worker.suspend()
        try:
            codes = []
            eventually(lambda: codes.append(ask(len(codes))) or codes[-1] == 503)
            taken = codes.count(202)
            assert set(codes) == {202, 503}
            assert taken >= MOST
            assert len(ana.get("/api/v1/predictions").json()["items"]) == taken, "nothing is stored of the others"
        finally:
            worker.resume()
        eventually(lambda: ask(1000) == 202, within_s=30)
        items = ana.get("/api/v1/predictions").json()["items"]
        assert len(items) == taken + 1
        eventually(lambda: all(one["finished_at"] for one in ana.get("/api/v1/predictions").json()["items"]))
