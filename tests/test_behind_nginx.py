"""The whole service behind the nginx that ``deploy/`` ships, started as it is but for ports and folders."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from atisbo.domain.applications import SHIPPED
from tests.conftest import PASSWORD, Service, eventually, free_port, start_service, stop_service
from tests.pictures import jpeg
from tests.test_deploy import DEPLOY, said, tool

ASK = "/api/v1/applications/polyp/predictions"
LARGEST = 300_000
SPOOFED = "203.0.113.9"


@dataclass(frozen=True)
class Front:
    """nginx before a running service."""

    url: str
    plain_url: str
    trust: ssl.SSLContext
    service: Service

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, verify=self.trust, headers=headers, timeout=60)

    def token(self, email: str, password: str) -> str:
        with self.client() as anyone:
            answer = anyone.post("/api/v1/auth/token", data={"username": email, "password": password})
            return str(answer.raise_for_status().json()["access_token"])


def configured(folder: Path, *, plain: int, tls: int, web: str) -> Path:
    """The shipped configuration with other ports and folders, and without the resolver of a container."""
    text = (DEPLOY / "nginx/nginx.conf").read_text()
    for old, new in (
        ("/tmp/", f"{folder}/"),
        ("/etc/nginx/tls", str(folder)),
        ("listen 80 ", f"listen 127.0.0.1:{plain} "),
        ("listen 443 ", f"listen 127.0.0.1:{tls} "),
        ("resolver 127.0.0.11 valid=10s;", ""),
        ("http://web:8080", web),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    return folder / "nginx.conf"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    nginx, openssl, folder = tool("nginx"), tool("openssl"), tmp_path_factory.mktemp("nginx")
    certificate = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2")
    names = ("-addext", "subjectAltName=DNS:localhost")
    said(openssl, *certificate, *names, "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem")
    plain, tls = free_port(), free_port()
    service = start_service(
        folder / "data",
        ATISBO_PUBLIC_URL=f"https://localhost:{tls}",
        ATISBO_MAX_UPLOAD_BYTES=str(LARGEST),
        FORWARDED_ALLOW_IPS="127.0.0.1",
    )
    directives = "daemon off; error_log stderr;" + (" user root;" if os.geteuid() == 0 else "")
    file = configured(folder, plain=plain, tls=tls, web=service.url)
    process = subprocess.Popen([nginx, "-e", "stderr", "-c", file, "-p", folder, "-g", directives])
    trust = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
    there = Front(f"https://localhost:{tls}", f"http://localhost:{plain}", trust, service)
    try:
        with there.client() as anyone:
            eventually(lambda: _answers(anyone))
        yield there
    finally:
        process.terminate()
        process.wait(20)
        stop_service(service)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def ana(front: Front) -> str:
    """A user's token."""
    account = {"email": "ana@example.org", "password": PASSWORD, "consent": True}
    with front.client() as anyone:
        anyone.post("/api/v1/auth/register", json=account).raise_for_status()
    return front.token("ana@example.org", PASSWORD)


def test_without_tls_there_is_only_the_way_to_it(front: Front) -> None:
    answer = httpx.get(f"{front.plain_url}/sign-in?next=/art")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://localhost/sign-in?next=/art")


def test_a_picture_goes_all_the_way(front: Front, ana: str) -> None:
    frame = next(iter(sorted((SHIPPED / "polyp" / "samples").glob("*.jpg")))).read_bytes()
    with front.client(ana) as client:
        answer = client.post(ASK, files={"file": ("a.jpg", frame)}, headers={"Prefer": "wait=30"})
        assert answer.status_code == 200, answer.text
        mask = client.get(f"{answer.headers['location']}/mask.png")
    assert answer.json()["findings"]["regions"]
    assert mask.content.startswith(b"\x89PNG")


def test_a_browser_stays_signed_in_over_tls(front: Front, ana: str) -> None:
    with front.client() as browser:
        form = {"email": "ana@example.org", "password": PASSWORD}
        answer = browser.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 303, answer.text
        assert answer.headers["set-cookie"].startswith("__Host-")
        assert answer.headers["strict-transport-security"]
        assert browser.get("/account").status_code == 200


def test_what_is_too_large_is_refused_by_the_service_with_its_own_sentence(front: Front, ana: str) -> None:
    with front.client(ana) as client:
        answer = client.post(ASK, files={"file": ("a.jpg", bytes(2 * LARGEST))})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_events_are_handed_on_at_once(front: Front, ana: str) -> None:
    """A proxy that keeps a stream until there is enough of it would have people wait for ever."""
    with (
        front.client(ana) as listening,
        front.client(ana) as asking,
        listening.stream("GET", "/api/v1/events", timeout=20) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "retry: 2000"
        asked = asking.post(ASK, files={"file": ("b.jpg", jpeg(seed=2))}).raise_for_status().json()["id"]
        assert next(line for line in lines if asked in line)


def test_a_visitor_is_known_by_the_address_that_nginx_saw(front: Front) -> None:
    """Else anybody could say another's address, or all would share nginx's own."""
    email, password = front.service.administrator
    with front.client() as anyone:
        form = {"username": email, "password": PASSWORD}  # not the administrator's
        headers = {"X-Forwarded-For": SPOOFED, "Forwarded": f"for={SPOOFED}", "X-Real-IP": SPOOFED}
        assert anyone.post("/api/v1/auth/token", data=form, headers=headers).status_code == 401
    with front.client(front.token(email, password)) as administrator:
        log = administrator.get("/api/v1/audit").raise_for_status().text
    assert SPOOFED not in log
    assert "127.0.0.1" in log
