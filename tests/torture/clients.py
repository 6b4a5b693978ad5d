"""A patient client of several hosts, run on a host of its own: ``python -m tests.torture.clients`` reads its orders.

Each upload goes to the next host; where that does not answer, the same upload with the same key goes to another.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import httpx

from tests.conftest import PASSWORD
from tests.pictures import jpeg

PATH = "/api/v1/applications/polyp/predictions"


def say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def patiently(do: Any, *, within_s: float = 120.0) -> Any:
    deadline = time.monotonic() + within_s
    while True:
        try:
            return do()
        except (httpx.TransportError, httpx.HTTPStatusError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def signed_in(url: str) -> str:
    account = {"email": "ana@example.org", "password": PASSWORD, "consent": True}
    httpx.post(f"{url}/api/v1/auth/register", json=account, timeout=30)
    form = {"username": account["email"], "password": PASSWORD}
    answer = httpx.post(f"{url}/api/v1/auth/token", data=form, timeout=30).raise_for_status()
    return str(answer.json()["access_token"])


def upload(client: httpx.Client, urls: list[str], number: int) -> tuple[str, int]:
    """The prediction's id, and how often a host did not take it."""
    picture, refusals = jpeg(seed=number), 0
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        url = urls[(number + refusals) % len(urls)]
        try:
            answer = client.post(
                url + PATH, files={"file": ("a.jpg", picture)}, headers={"Idempotency-Key": f"frame-{number}"}
            )
            if answer.status_code == 202:
                return answer.json()["id"], refusals
        except httpx.TransportError:
            pass
        refusals += 1
        time.sleep(0.1)
    raise SystemExit("never taken")


def everything(client: httpx.Client, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = client.get(f"{url}/api/v1/predictions?limit=200{after}").raise_for_status().json()
        found += page["items"]
        if not page["next"]:
            return found
        after = f"&before={page['next']}"


def main() -> None:
    order = json.load(sys.stdin)
    token = patiently(lambda: signed_in(order["urls"][0]))
    for url in order["urls"]:
        patiently(lambda url=url: httpx.get(f"{url}/readyz", timeout=3).raise_for_status())
    timeout = httpx.Timeout(10, connect=1)
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as client:
        for number in range(order["count"]):
            identity, refusals = upload(client, order["urls"], number)
            say({"id": identity, "refusals": refusals})
            time.sleep(order["pause_s"])
        deadline = time.monotonic() + order["patience_s"]
        while True:
            found = patiently(lambda: everything(client, order["urls"][0]))
            if all(one["status"] in ("done", "unsure", "refused", "failed") for one in found):
                break
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
        say({"found": {one["id"]: one["status"] for one in found}})


if __name__ == "__main__":
    main()
