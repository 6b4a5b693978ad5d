"""Asking to be told, by API and by the account's page; a real worker that tells."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from tests.conftest import PASSWORD, Service, eventually, start_service, stop_service
from tests.pictures import jpeg

ASK = "/api/v1/applications/polyp/predictions"


@pytest.fixture(scope="module")
def box() -> Iterator[tuple[int, list[dict[str, object]]]]:
    """A port and what was posted to it."""
    got: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port, got
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def telling(box: tuple[int, list[dict[str, object]]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    allowed = {"HOSTS": f"hooks.example.org, localhost:{box[0]}", "HTTP": "1", "PRIVATE": "1"}
    settings = {f"ATISBO_WEBHOOK_{name}": value for name, value in allowed.items()}
    running = start_service(tmp_path_factory.mktemp("telling"), ATISBO_DEVELOPMENT="true", **settings)
    yield running
    stop_service(running)


def test_the_worker_tells_and_the_owner_sees_it(
    telling: Service, box: tuple[int, list[dict[str, object]]], clients: Callable[[Service, str], httpx.Client]
) -> None:
    port, got = box
    ana = clients(telling, "ana")
    frame = {"file": ("frame.jpg", jpeg())}
    url = {"webhook_url": f"http://localhost:{port}/told"}
    refused = ana.post(ASK, files=frame, data=url)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_secret")
    assert ana.get("/api/v1/predictions").json()["items"] == [], "nothing was stored"
    assert ana.post("/api/v1/me/webhooks/secret").json()["secret"].startswith("whsec_")
    asked = ana.post(ASK, files=frame, data=url)
    assert asked.status_code == 202
    eventually(lambda: len(got) > 0, within_s=40)
    said = ana.get(asked.headers["location"]).json()
    assert got == [said]

    def delivered() -> bool:
        items = ana.get("/api/v1/me/webhooks").json()["items"]
        return [one["state"] for one in items] == ["delivered"]

    eventually(delivered)
    mine = ana.get("/api/v1/me/webhooks").json()
    assert mine["hosts"] == ["hooks.example.org", f"localhost:{port}"]
    assert [one["status"] for one in mine["items"][0]["tries"]] == [200]
    account_says(telling, f"http://localhost:{port}/told", "Delivered")
    ben = clients(telling, "ben")
    assert ben.get("/api/v1/me/webhooks").json()["items"] == []
    elsewhere = ana.post(ASK, files=frame, data={"webhook_url": "https://elsewhere.example/"})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "webhook_host")


def account_says(telling: Service, *words: str) -> None:
    """What ana reads on the page of her account; there she also makes a new secret."""
    headers = {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=telling.url, headers=headers, follow_redirects=True, timeout=30) as browser:
        browser.post("/sign-in", data={"email": "ana@example.org", "password": PASSWORD})
        page = browser.get("/account")
        for word in words:
            assert word in page.text
        token = re.search(r'name="csrf-token" content="(\w+)"', page.text)
        assert token
        made = browser.post("/account/webhooks/secret", data={"csrf_token": token[1]})
        assert re.search(r'value="whsec_[\w+/=]{44}"', made.text)
        assert "whsec_" not in browser.get("/account").text


@pytest.fixture
def clients() -> Iterator[Callable[[Service, str], httpx.Client]]:
    opened: list[httpx.Client] = []

    def client(service: Service, name: str) -> httpx.Client:
        opened.append(service.register(name))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


def test_webhooks_are_off_unless_the_operator_lists_hosts(
    service: Service, clients: Callable[[Service, str], httpx.Client]
) -> None:
    eve = clients(service, "webhooks-off")
    said = eve.post(ASK, files={"file": ("f.jpg", jpeg())}, data={"webhook_url": "https://hooks.example.org/"})
    assert (said.status_code, said.json()["code"]) == (422, "webhooks_off")
    assert eve.get("/api/v1/me/webhooks").json()["hosts"] == []


def test_the_document_says_how_to_verify(service: Service) -> None:
    told = httpx.get(f"{service.url}/api/openapi.json").json()["webhooks"]["prediction.finished"]["post"]
    for word in ("webhook-id", "webhook-timestamp", "webhook-signature", "HMAC-SHA256"):
        assert word in told["description"]
