"""Whatever is sent ends in the right picture or in a clear, translated error with the right status."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from tests.conftest import Service
from tests.pictures import encoded, jpeg, mucosa

ASK = "/api/v1/applications/polyp/predictions"


@pytest.fixture(scope="module")
def ana(service: Service) -> Iterator[httpx.Client]:
    with service.register(f"ana-{uuid4().hex[:8]}") as client:
        yield client


def ask(client: httpx.Client, data: bytes, *, language: str = "en", **form: Any) -> httpx.Response:
    headers = {"Prefer": "wait=30", "Accept-Language": language}
    return client.post(ASK, files={"file": ("frame.jpg", data)}, data=form, headers=headers)


def bomb(side: int = 13_000) -> bytes:
    """A PNG of side × side white pixels in a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\xff" * ((side + 7) // 8)) * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def animated(kind: str) -> bytes:
    frames = [mucosa(64, 64, seed=n) for n in range(3)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


REFUSED: dict[str, tuple[bytes, int]] = {
    "text": (b"this is no picture at all, it only says so", 415),
    "html": (b"<!doctype html><script>alert(1)</script>", 415),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415),
    "pdf": (b"%PDF-1.7\n%....", 415),
    "zip": (b"PK\x03\x04" + bytes(60), 415),
    "gif": (animated("GIF"), 415),
    "empty": (b"", 422),
    "one byte": (b"\xff", 415),
    "truncated jpeg": (jpeg()[: len(jpeg()) // 2], 422),
    "truncated png": (encoded(mucosa(), "PNG")[:2000], 422),
    "header only": (b"\xff\xd8\xff\xe0" + bytes(20), 422),
    "bomb": (bomb(), 413),
    "multi-page tiff": (animated("TIFF"), 422),
    "animated webp": (animated("WEBP"), 422),
    "animated png": (animated("PNG"), 422),
    "tiny": (encoded(mucosa(4, 4), "PNG"), 422),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_picture_that_is_no_good_is_refused_with_a_sentence(ana: httpx.Client, name: str) -> None:
    data, status = REFUSED[name]
    english, spanish = ask(ana, data), ask(ana, data, language="es")
    assert english.status_code == status, english.text
    assert english.headers["content-type"] == "application/problem+json"
    problem = english.json()
    assert problem["status"] == status
    assert len(problem["detail"]) > 20
    assert problem["detail"] != spanish.json()["detail"]
    assert spanish.headers["content-language"] == "es"
    if name != "empty":
        assert ana.get(problem["prediction"]["links"]["self"]).json()["status"] == "failed"


ACCEPTED: dict[str, bytes] = {
    "png": encoded(mucosa(), "PNG"),
    "webp": encoded(mucosa(), "WEBP"),
    "tiff": encoded(mucosa(), "TIFF"),
    "bmp": encoded(mucosa(), "BMP"),
    "cmyk": encoded(mucosa().convert("CMYK"), "JPEG"),
    "grey": encoded(mucosa().convert("L"), "JPEG"),
    "palette": encoded(mucosa().convert("P"), "PNG"),
    "16 bit": encoded(mucosa().convert("L").convert("I").point(lambda v: v * 256).convert("I;16"), "PNG"),
    "transparent": encoded(mucosa().convert("RGBA"), "PNG"),
    "progressive": encoded(mucosa(), "JPEG", progressive=True),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_ordinary_kind_of_picture_is_taken(ana: httpx.Client, name: str) -> None:
    answer = ask(ana, ACCEPTED[name])
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "done"
    assert (answer.json()["image"]["width"], answer.json()["image"]["height"]) == (320, 256)


def test_a_turned_photograph_is_seen_upright(ana: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    said = ask(ana, encoded(mucosa(320, 256), "JPEG", exif=exif.tobytes())).json()
    assert (said["image"]["width"], said["image"]["height"]) == (256, 320)


@pytest.mark.parametrize(
    "region",
    [
        '{"x": 300, "y": 0, "width": 100, "height": 10}',
        '{"x": -1, "y": 0, "width": 10, "height": 10}',
        '{"x": 0, "y": 0, "width": 0, "height": 10}',
        '{"x": 0, "y": 0, "width": 10}',
        '{"x": 0.5, "y": 0, "width": 10, "height": 10}',
        '{"x": 0, "y": 0, "width": 10, "height": 10, "z": 1}',
        "nonsense",
        "[1,2,3,4]",
        '{"x": 1e400, "y": 0, "width": 10, "height": 10}',
    ],
)
def test_a_region_that_cannot_be_is_refused(ana: httpx.Client, region: str) -> None:
    answer = ask(ana, jpeg(), region=region)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in ("region_wrong", "region_outside")


def test_too_large_a_body_is_refused_and_the_sender_hears_it(ana: httpx.Client) -> None:
    answer = ask(ana, bytes(40 * 1024**2))
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


def test_unknown_things_are_not_found(ana: httpx.Client) -> None:
    unknown = ana.post("/api/v1/applications/nonsense/predictions", files={"file": ("f.jpg", jpeg())})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "application_unknown")
    assert ana.get(f"/api/v1/predictions/{uuid4()}").status_code == 404
    assert ana.get("/api/v1/predictions/nonsense").status_code == 422
    assert ana.get("/api/v1/nonsense").json()["code"] == "nothing_here"
    assert ana.put(ASK).status_code == 405


def test_a_request_without_a_file_says_so(ana: httpx.Client) -> None:
    for how in (
        {},
        {"data": {"file": "text"}},
        {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
    ):
        answer = ana.post(ASK, **how)
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_name_is_shown_and_never_a_path(ana: httpx.Client) -> None:
    for sent, shown in (("../../etc/passwd", "passwd"), ("c:\\x\\y.jpg", "y.jpg"), ("a<b>.jpg", "a<b>.jpg")):
        answer = ana.post(ASK, files={"file": (sent, jpeg())}, headers={"Prefer": "wait=30"})
        assert answer.json()["image"]["file_name"] == shown


def test_without_or_with_wrong_credentials_nothing_is_taken(service: Service) -> None:
    plain = 'Bearer realm="atisbo"'
    for headers, challenge in (
        ({}, plain),
        ({"Authorization": "Bearer nonsense"}, f'{plain}, error="invalid_token"'),
        ({"Authorization": "Bearer"}, plain),
        ({"Authorization": "Basic eDp5"}, plain),
    ):
        answer = httpx.post(service.url + ASK, files={"file": ("f.jpg", jpeg())}, headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"] == challenge, "RFC 6750, section 3"
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_password_says_so_and_too_many_pause_that_sender_only(service: Service) -> None:
    name = f"pace-{uuid4().hex[:8]}"
    with service.register(name):
        pass
    form = {"username": f"{name}@example.org", "password": "wrong wrong wrong"}
    codes = [httpx.post(f"{service.url}/api/v1/auth/token", data=form).status_code for _ in range(12)]
    assert codes[0] == 401
    assert codes[-1] == 429
    other = httpx.post(
        f"{service.url}/api/v1/auth/token",
        data={"username": service.administrator[0], "password": service.administrator[1]},
    )
    assert other.status_code == 200
