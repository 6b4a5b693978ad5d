"""A folder and a real S3 server keep the same promises."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from atisbo.errors import Misconfigured, Unavailable
from atisbo.store.blobs import Blobs, derived, original
from tests import s3
from tests.conftest import start_service, stop_service
from tests.pictures import jpeg

LARGE = bytes(range(256)) * 50_000
"""More than one part of an upload in parts."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.S3]:
    with s3.running(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def remote(server: s3.S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a folder in the bucket that nobody else uses."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3.BUCKET}/{uuid4().hex}"


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return Blobs.open(tmp_path, request.getfixturevalue("remote") if request.param == "s3" else None)


def test_many_are_put_and_read_in_order(blobs: Blobs) -> None:
    data = {original(f"{number:02}" * 32): bytes([number]) for number in range(12)}
    blobs.put_all(data)
    blobs.put_all({})
    names = [*reversed(data), original("ff" * 32)]
    assert blobs.get_all(names) == [*reversed(data.values()), None]


def test_what_is_small_and_in_a_folder_is_at_hand(blobs: Blobs, request: pytest.FixtureRequest) -> None:
    here = request.node.callspec.params["blobs"] == "folder"
    blobs.put_all({original("aa" * 32): b"small", original("bb" * 32): LARGE})
    assert blobs.at_hand(original("aa" * 32)) == (b"small" if here else None)
    assert blobs.at_hand(original("bb" * 32)) is None
    assert blobs.at_hand(original("cc" * 32)) is None


def test_what_is_put_beside_other_work_is_there_when_that_ends(blobs: Blobs) -> None:
    data = {original(f"{number:02}" * 32): LARGE for number in range(3)}
    with blobs.putting(data):
        pass
    assert blobs.get_all(list(data)) == [LARGE] * 3
    with pytest.raises(ZeroDivisionError), blobs.putting({original("aa" * 32): LARGE}):
        raise ZeroDivisionError
    assert blobs.get(original("aa" * 32)) == LARGE, "nothing is still being written after the block"


def test_work_beside_a_put_that_fails_does_not_end_well(tmp_path: Path) -> None:
    class Away(Blobs):
        def put(self, name: str, data: bytes) -> None:
            time.sleep(0.1)
            raise Unavailable("storage_away", "The service cannot store files at the moment. Try again later.")

    reached = False
    with pytest.raises(Unavailable), Away.open(tmp_path).putting({"pictures/one": b"x"}):
        reached = True
    assert reached
    with pytest.raises(Unavailable), Away.open(tmp_path, "memory:///").putting({"pictures/one": b"x"}):
        raise AssertionError("no row is held while a storage elsewhere takes its time")


def test_what_is_put_is_there_until_it_is_deleted(blobs: Blobs) -> None:
    name = original("ab" * 32)
    assert (blobs.get(name), blobs.has(name)) == (None, False)
    blobs.put(name, b"first")
    blobs.put(name, LARGE)
    assert blobs.get(name) == LARGE
    assert blobs.entries("")[name].size == len(LARGE)
    blobs.delete(name, "originals/none")
    assert (blobs.get(name), blobs.has(name), blobs.entries("")) == (None, False, {})


def test_a_folder_is_listed_and_emptied_without_its_neighbours(blobs: Blobs) -> None:
    one, other = uuid4(), uuid4()
    for n in range(12):
        blobs.put(derived(one, f"{n}.png"), b"x")
    blobs.put(derived(other, "mask.png"), b"y")
    assert sorted(blobs.names(derived(one, ""))) == sorted(derived(one, f"{n}.png") for n in range(12))
    assert list(blobs.names("deriv")) == [], "a prefix is a folder, not the beginning of a name"
    blobs.delete_folder(derived(one, ""))
    assert list(blobs.names("")) == [derived(other, "mask.png")]


def test_a_reader_sees_all_of_a_blob_or_nothing(blobs: Blobs) -> None:
    contents = [bytes([n]) * 6_000_000 for n in range(4)]
    over = threading.Event()

    def write() -> None:
        for data in contents * 2:
            blobs.put("networks/one.onnx", data)
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not over.is_set():
        seen.append(blobs.get("networks/one.onnx"))
    writer.join()
    assert set(seen) <= {None, *contents}
    assert len(seen) > 1


def test_a_server_that_is_away_is_unavailable_and_comes_back(server: s3.S3, remote: str, tmp_path: Path) -> None:
    blobs = Blobs.open(tmp_path, remote)
    blobs.put("pictures/one", b"kept")
    server.stop()
    began = time.monotonic()
    try:
        for ask in _asks(blobs):
            with pytest.raises(Unavailable):
                ask()
        assert time.monotonic() - began < 20
    finally:
        server.start()
        server.wait()
    assert blobs.get("pictures/one") == b"kept"


def _asks(blobs: Blobs) -> list[Callable[[], object]]:
    return [
        lambda: blobs.put("pictures/two", b"x"),
        lambda: blobs.get("pictures/one"),
        lambda: blobs.has("pictures/one"),
        lambda: blobs.delete("pictures/one"),
        lambda: list(blobs.names("")),
        blobs.check,
    ]


def test_what_the_storage_refuses_is_told_at_the_start(
    remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Blobs.open(tmp_path, remote).check()
    with pytest.raises(Misconfigured, match="404"):
        Blobs.open(tmp_path, "s3://there-is-no-such-bucket").check()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Misconfigured, match=r"403.*Check the bucket and the keys"):
        Blobs.open(tmp_path, remote).check()
    with pytest.raises(Misconfigured, match="ATISBO_BLOB_URL is no storage"):
        Blobs.open(tmp_path, "ftp://somewhere/else")


def test_the_whole_service_keeps_its_pictures_on_s3_and_erases_them_there(
    server: s3.S3, remote: str, tmp_path: Path
) -> None:
    """And while S3 is away it says so, and takes nothing that it cannot keep."""
    running = start_service(tmp_path / "data", ATISBO_BLOB_URL=remote, ATISBO_UNDO_S="0.1")
    blobs = Blobs.open(tmp_path, remote)
    try:
        with running.register("ana") as ana:
            asked = ana.post(
                "/api/v1/applications/polyp/predictions",
                files={"file": ("a.jpg", jpeg(seed=3))},
                headers={"Prefer": "wait=30"},
            )
            assert asked.status_code == 200, asked.text
            said = asked.json()
            assert ana.get(said["links"]["mask"]).content == blobs.get(f"derived/{said['id']}/mask.png")
            assert any(name.startswith("originals/") for name in blobs.names(""))
            assert not (tmp_path / "data" / "blobs").exists()
            server.stop()
            refused = ana.post("/api/v1/applications/polyp/predictions", files={"file": ("b.jpg", jpeg(seed=4))})
            assert (refused.status_code, refused.json()["code"]) == (503, "storage_away")
            assert len(ana.get("/api/v1/predictions").json()["items"]) == 1
            server.start()
            server.wait()
            ana.delete(f"/api/v1/images/{said['image']['id']}").raise_for_status()
            deadline = time.monotonic() + 20
            while left := [*blobs.names("originals"), *blobs.names("derived")]:
                assert time.monotonic() < deadline, left
                time.sleep(0.1)
    finally:
        stop_service(running)
