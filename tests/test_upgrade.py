"""The first version's data, with work waiting, in hand and done, goes over to this one: each job ends in one result."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic import command
from argon2 import PasswordHasher
from sqlalchemy import Connection, create_engine, text

from atisbo.store import schema
from atisbo.store.blobs import Blobs, digest, original
from atisbo.store.postgres import EmbeddedPostgres
from tests.conftest import PASSWORD, eventually, start_service, stop_service
from tests.pictures import jpeg

pytestmark = pytest.mark.timeout(180)
FINDINGS = {
    "task": "segmentation",
    "label": "polyp",
    "probability": 0.9,
    "threshold": 0.5,
    "area_percent": 5.0,
    "regions": [],
    "empty": False,
    "width": 320,
    "height": 256,
}


def first_version(data_dir: Path) -> dict[str, list[UUID]]:
    """A data folder as 0.1.0 left it when its machine was switched off; predictions by state."""
    server = EmbeddedPostgres(data_dir)
    engine = create_engine(server.start().replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.begin() as connection:
            command.upgrade(schema._config(connection), "0001")
            return _filled(connection, Blobs.open(data_dir))
    finally:
        engine.dispose()
        server.stop()


def _filled(connection: Connection, blobs: Blobs) -> dict[str, list[UUID]]:
    ana = uuid4()
    said = {"id": ana, "hash": PasswordHasher().hash(PASSWORD)}
    connection.execute(
        text("INSERT INTO users VALUES ('ana@example.org', :hash, 'user', 'en', now(), NULL, :id)"), said
    )
    made: dict[str, list[UUID]] = {"waiting": [], "running": [], "done": []}
    for number, status in enumerate(["waiting"] * 5 + ["running"] * 3 + ["done"] * 2):
        data, image, prediction = jpeg(seed=number), uuid4(), uuid4()
        blobs.put(original(digest(data)), data)
        about = {"ana": ana, "image": image, "id": prediction, "name": digest(data), "size": len(data)}
        about |= {"status": status, "attempt": int(status != "waiting"), "order": json.dumps(_order(prediction, data))}
        done, held = status == "done", status == "running"
        about |= {"found": json.dumps(FINDINGS) if done else None, "version": "polyp-first" if done else None}
        about |= {"at": datetime.now(UTC) if done else None, "key": f"key {number}"}
        about |= {"queued": "picked" if held else "queued", "holder": uuid4() if held else None}
        for statement in (_IMAGE, _PREDICTION, *([] if status == "done" else [_JOB])):
            connection.execute(text(statement), about)
        made[status].append(prediction)
    return made


def _order(prediction: UUID, data: bytes) -> dict[str, object]:
    return {"prediction": str(prediction), "original": digest(data), "application": "polyp", "region": None}


_IMAGE = """
    INSERT INTO images (id, owner_id, sha256, byte_size, file_name, training_consent, created_at)
    VALUES (:image, :ana, :name, :size, 'frame.jpg', false, now())
"""
_PREDICTION = """
    INSERT INTO predictions (id, image_id, owner_id, application, status, attempt, version, findings, idempotency_key,
        created_at, started_at, finished_at)
    VALUES (:id, :image, :ana, 'polyp', :status, :attempt, :version, CAST(:found AS jsonb), :key, now(), now(), :at)
"""
_JOB = """
    INSERT INTO pgqueuer (priority, entrypoint, payload, status, queue_manager_id, heartbeat)
    VALUES (0, 'predict', convert_to(:order, 'UTF8'), CAST(:queued AS pgqueuer_status), :holder,
        now() - interval '1 hour')
"""


def test_an_upgrade_with_work_under_way(tmp_path: Path) -> None:
    made = first_version(tmp_path / "data")
    service = start_service(tmp_path / "data")
    try:
        with service.sign_in("ana@example.org", PASSWORD) as ana:

            def items() -> dict[UUID, dict[str, object]]:
                found = ana.get("/api/v1/predictions?limit=200").raise_for_status().json()["items"]
                return {UUID(one["id"]): one for one in found}

            eventually(lambda: all(one["finished_at"] for one in items().values()), within_s=90)
            now = items()
            assert set(now) == {one for some in made.values() for one in some}
            assert {now[one]["status"] for one in made["waiting"] + made["running"]} <= {"done", "unsure"}
            for one in made["done"]:
                assert (now[one]["version"], now[one]["status"]) == ("polyp-first", "done")
    finally:
        assert stop_service(service) == 0
