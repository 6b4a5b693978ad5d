"""On the running service: of somebody who leaves, no row and no file is left."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import uuid4
from zipfile import ZipFile

import psycopg
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from atisbo.domain.consents import USE
from tests.conftest import PASSWORD, Service, eventually
from tests.pictures import CANARY, encoded, with_metadata

ASK = "/api/v1/applications/polyp/predictions"


def rows(service: Service, word: str) -> set[str]:
    """Tables that hold the word, as text or as bytes; who did what stays in the audit log, by number only."""
    found = set()
    address = f"host={service.data_dir / 'postgres'} user=postgres dbname=postgres"
    with psycopg.connect(address) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = f'SELECT 1 FROM "{table}" r WHERE r::text ILIKE %s OR r::text ILIKE %s LIMIT 1'
            if connection.execute(query, (f"%{word}%", f"%{word.encode().hex()}%")).fetchone():  # type: ignore[arg-type]
                found.add(table)
    return found


def files(folder: Path, word: str) -> set[Path]:
    """Files that hold the word in name or bytes."""
    return {
        path
        for path in folder.rglob("*")
        if path.is_file() and (word in str(path) or word.encode() in path.read_bytes())
    }


def drawn(width: int, height: int, words: str) -> bytes:
    """A corrected outline that carries words of its sender's."""
    about = PngInfo()
    about.add_text("Comment", words)
    return encoded(Image.new("L", (width, height), 1), "PNG", pnginfo=about)


def test_somebody_who_leaves_leaves_nothing_behind(service: Service) -> None:
    name = f"canary-{uuid4().hex[:8]}"
    data = with_metadata()
    assert CANARY.encode() in data
    data += name.encode()
    blobs = service.data_dir / "blobs"
    with service.register(name) as client:
        user = client.get("/api/v1/me").json()["id"]
        said = client.post(ASK, files={"file": (f"{name}.jpg", data)}, headers={"Prefer": "wait=30"}).json()
        client.get(said["links"]["overlay"]).raise_for_status()
        review = {"verdict": "wrong", "label": "polyp"}
        client.put(f"/api/v1/predictions/{said['id']}/review", json=review).raise_for_status()
        mask = drawn(said["image"]["width"], said["image"]["height"], name)
        path = f"/api/v1/predictions/{said['id']}/review/mask"
        corrected = client.put(path, content=mask, headers={"Prefer": "wait=20"}).json()["mask"]
        assert corrected["state"] == "kept"
        assert files(blobs, corrected["sha256"])
        client.put("/api/v1/me/consents/use", json={"version": USE.version}).raise_for_status()
        version = client.get("/api/v1/applications/polyp/terms").json()["version"]
        yes = {"application": "polyp", "version": version}
        client.put(f"{said['links']['image']}/consent", json=yes).raise_for_status()
        archive = ZipFile(io.BytesIO(client.get("/api/v1/me/export").content))
        assert {"account.json", f"images/{said['image']['id']}/original.jpg"} <= set(archive.namelist())
        assert f"images/{said['image']['id']}/{said['id']}/mask.png" in archive.namelist()
        assert f"images/{said['image']['id']}/{said['id']}/mask-{corrected['sha256']}.png" in archive.namelist()
        traces = [name, user, said["id"], said["image"]["id"], corrected["sha256"]]
        assert all(rows(service, trace) for trace in traces)
        assert files(blobs, name)
        assert files(blobs, said["id"])
        # A last one that nobody waits for: it is erased while a worker has it.
        late = client.post(ASK, files={"file": ("late.jpg", data + b" late")}).json()
        client.post("/api/v1/me/deletion", json={"password": PASSWORD}).raise_for_status()
        assert client.get("/api/v1/me").status_code == 401
    traces += [late["id"], late["image"]["id"]]
    eventually(lambda: not any(rows(service, trace) - {"audit"} for trace in traces))
    assert not rows(service, name)
    eventually(lambda: not any(files(blobs, trace) for trace in traces))
