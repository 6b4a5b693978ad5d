"""Bodies that mean harm: of strangers, endless, slow, and forms that are none."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import Message

from atisbo.domain.access import Actor
from atisbo.errors import TooSlow
from atisbo.services.work import Workplace
from atisbo.web.limits import STRANGERS_BYTES, BodyLimit
from tests.conftest import Service
from tests.pictures import jpeg
from tests.web.doors import bearer, opened
from tests.web.tabs import Tab

Make = Callable[..., Actor]
ASK = "/api/v1/applications/eye/predictions"
BOUND = {"Content-Type": "multipart/form-data; boundary=x"}
LONGEST_S = 2.0
"""Of computing, that one request may cost."""


@pytest.fixture
def app(workplace: Workplace, tmp_path: Path) -> FastAPI:
    return opened(workplace, tmp_path)


def part(headers: str, data: bytes = b"bytes") -> bytes:
    return b"--x\r\n" + headers.encode("latin-1") + b"\r\n\r\n" + data + b"\r\n"


FILE = 'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg'


async def chunks(data: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    """Without a length said before."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer atb_guessed"}, {"Cookie": "atisbo_session=guessed"}])
def test_a_strangers_body_never_reaches_the_disk(
    app: FastAPI, headers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing could be written, it would be another answer."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    large = part(FILE, bytes(3 * STRANGERS_BYTES)) + b"--x--\r\n"
    for path in (ASK, "/api/v1/models", "/sign-in", "/api/v1/auth/register"):
        for content in (large, chunks(large)):
            answer = Tab(app).ask("POST", path, content=content, headers=BOUND | headers | {"Accept": "*/*"})
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), path


def test_whoever_is_signed_in_may_send_more(app: FastAPI, workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    large = part(FILE, bytes(3 * STRANGERS_BYTES)) + b"--x--\r\n"
    assert Tab(app).ask("POST", ASK, content=large, headers=BOUND | bearer(workplace, ana)).status_code == 202
    tab = Tab(app)
    tab.sign_in(ana)
    answer = tab.ask("POST", ASK, content=chunks(large), headers=BOUND | {"X-CSRF-Token": tab.csrf})
    assert answer.status_code == 202


def limited(app: Any, **more: Any) -> BodyLimit:
    async def everybody(_: Request) -> bool:
        return True

    return BodyLimit(app, **{"max_bytes": 1 << 20, "of_paths": {}, "known": everybody, "patience_s": 0.1} | more)


def sent(limit: BodyLimit, receive: Callable[[], Any]) -> tuple[int, dict[str, str]]:
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    scope = {
        **{"type": "http", "method": "POST", "path": ASK, "raw_path": ASK.encode(), "query_string": b""},
        **{"headers": [(b"content-type", b"multipart/form-data; boundary=x")], "scheme": "http"},
        **{"server": ("door", 80), "client": ("192.0.2.1", 5), "http_version": "1.1", "root_path": ""},
    }
    asyncio.run(limit(scope, receive, send))
    start = next(one for one in said if one["type"] == "http.response.start")
    return start["status"], {key.decode(): value.decode() for key, value in start["headers"]}


def test_a_body_that_does_not_come_is_not_waited_for(app: FastAPI) -> None:
    async def never() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("unreachable")

    began = time.monotonic()
    status, headers = sent(limited(app), never)
    assert (status, headers["connection"]) == (408, "close")
    assert time.monotonic() - began < 30


def test_a_body_that_drips_is_given_up(app: FastAPI) -> None:
    came = [part(FILE, b"")]

    async def drip() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": came.pop() if came else b"-", "more_body": True}

    began = time.monotonic()
    assert sent(limited(app, patience_s=0.5), drip)[0] == 408
    assert time.monotonic() - began < 30


def test_only_waiting_for_the_sender_counts() -> None:
    """Whoever thinks long before reading, or waits for an event afterwards, is not cut off."""

    async def slow_reader(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.3)
        for _ in range(4):
            assert (await receive())["type"] == "http.request"
            await asyncio.sleep(0.1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(receive(), 0.3)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    left = [b"", b"a", b"b", b"c"]

    async def receive() -> Message:
        if not left:
            await asyncio.sleep(60)
        data = left.pop()
        return {"type": "http.request", "body": data, "more_body": bool(left)}

    try:
        assert sent(limited(slow_reader), receive)[0] == 200
    except TooSlow:
        pytest.fail("it was cut off")


FORMS: dict[str, tuple[dict[str, str], bytes]] = {
    "thousands of fields": (
        BOUND,
        b"".join(part(f'Content-Disposition: form-data; name="f{n}"', b"") for n in range(5000)) + b"--x--\r\n",
    ),
    "thousands of files": (BOUND, part(FILE, b"") * 5000 + b"--x--\r\n"),
    "endless headers": (BOUND, b"--x\r\n" + b"X-A: b\r\n" * 300_000),
    "an endless header": (BOUND, b"--x\r\nX-A: " + b"a" * 3_000_000),
    "an endless name": (BOUND, part(f'Content-Disposition: form-data; name="{"n" * 100_000}"') + b"--x--\r\n"),
    "a name with folded lines": (BOUND, part('Content-Disposition: form-data;\r\n name="file"') + b"--x--\r\n"),
    "no boundary": ({"Content-Type": "multipart/form-data"}, part(FILE) + b"--x--\r\n"),
    "an empty boundary": ({"Content-Type": "multipart/form-data; boundary="}, part(FILE)),
    "an endless boundary": ({"Content-Type": "multipart/form-data; boundary=" + "x" * 5000}, part(FILE)),
    "another boundary": ({"Content-Type": "multipart/form-data; boundary=y"}, part(FILE) + b"--x--\r\n"),
    "no end": (BOUND, part(FILE)),
    "nothing": (BOUND, b""),
    "only dashes": (BOUND, b"-" * 2_000_000),
    "almost boundaries": (BOUND, part(FILE, b"\r\n--" * 500_000) + b"--x--\r\n"),
    "no name": (BOUND, part("Content-Disposition: form-data") + b"--x--\r\n"),
    "no disposition": (BOUND, part("Content-Type: text/plain") + b"--x--\r\n"),
    "a form within": (
        BOUND,
        part('Content-Disposition: form-data; name="file"\r\nContent-Type: multipart/mixed; boundary=x') + b"--x--\r\n",
    ),
    "an unknown alphabet": ({"Content-Type": "multipart/form-data; boundary=x; charset=zip"}, part(FILE)),
    "a packed part": (BOUND, part(FILE + "\r\nContent-Transfer-Encoding: base64", b"!!!") + b"--x--\r\n"),
    "a field where the file is": (BOUND, part('Content-Disposition: form-data; name="file"') + b"--x--\r\n"),
    "a packed body": (BOUND | {"Content-Encoding": "gzip"}, part(FILE) + b"--x--\r\n"),
    "json": ({"Content-Type": "application/json"}, b"[" * 900_000),
    "another kind": ({"Content-Type": "text/plain"}, b"x"),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a part without end is closed late
@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_none_is_refused_quickly(
    app: FastAPI, workplace: Workplace, make_actor: Make, name: str
) -> None:
    headers, content = FORMS[name]
    hers = bearer(workplace, make_actor("ana"))
    for path in (ASK, "/api/v1/applications/eye/batches"):
        began = time.process_time()
        answer = Tab(app).ask("POST", path, content=content, headers=headers | hers | {"Accept": "*/*"})
        assert time.process_time() - began < LONGEST_S
        taken = {
            "a packed part",
            "an unknown alphabet",
            "no end",
            "a packed body",
            "almost boundaries",
            "thousands of files",
        }
        assert 400 <= answer.status_code < 500 or (name in taken and answer.status_code in (202, 207)), answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a\x00b.jpg",
        "\u202egpj.exe",
        "x" * 5000,
        "a\r\nb.jpg",
        "CON",
    ],
)
def test_a_file_name_is_for_people_only(app: FastAPI, workplace: Workplace, make_actor: Make, name: str) -> None:
    """Whatever it says, nothing is stored under it, and what is shown is one printable word of a line."""
    ana = make_actor("ana")
    before = set(workplace.settings.data_dir.rglob("*"))
    answer = Tab(app).ask(
        "POST", ASK, files={"file": (name, jpeg())}, headers=bearer(workplace, ana) | {"Accept": "*/*"}
    )
    if answer.status_code != 202:
        assert answer.status_code in (400, 422)
        return
    shown = answer.json()["image"]["file_name"]
    assert shown.isprintable()
    assert not {"/", "\\"} & set(shown)
    assert len(shown) <= 255
    written = {path for path in workplace.settings.data_dir.rglob("*") if path.is_file()} - before
    assert {path.parent.parent.name for path in written} <= {"originals"}


def raw(service: Service, data: bytes, *, hang_up: bool = False) -> bytes:
    """What the running service says to these very bytes; nothing where it says nothing."""
    parts = urlsplit(service.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=5) as link:
        link.sendall(data)
        if hang_up:
            link.shutdown(socket.SHUT_WR)
        try:
            return link.recv(65536)
        except (TimeoutError, ConnectionError):
            return b""


def test_what_is_no_http_leaves_the_service_as_it_was(service: Service) -> None:
    post = b"POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    wrong = {
        "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01" * 50,
        "a length that is none": post + b"Content-Length: -1\r\n\r\n{}",
        "two lengths": post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "a length and pieces": post
        + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
        "pieces without sizes": post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "endless headers": b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n",
        "a line in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rSet-Cookie: b\r\n\r\n",
    }
    for name, data in wrong.items():
        said = raw(service, data, hang_up=True)
        assert not said or said.split()[1] in (b"400", b"413", b"422", b"431"), (name, said[:80])
        assert said.count(b"HTTP/1.1 ") <= 1, f"{name}: a second request was smuggled in"
    short = post + b"Content-Length: 500\r\n\r\n{}"
    assert b" 500 " not in raw(service, short, hang_up=True)
    assert httpx.get(f"{service.url}/healthz").status_code == 200
