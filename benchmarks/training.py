"""How much slower answers are while a network is being trained on the same machine.

The whole service on a small data set: clients post frames to the shipped polyp network and wait for each answer, first
without a run, then while one is at work, then without again; the 95th percentile of the second is held against the mean
of the first and the third. The promise is less than twice.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from atisbo.cli.database import opened
from atisbo.config import Settings
from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import SHIPPED, load
from atisbo.domain.consents import USE
from atisbo.services import accounts, consents, datasets, snapshots
from atisbo.services.work import Workplace
from benchmarks.road import PASSWORD, Service
from benchmarks.road import load as asked
from tests.worker.loop import RECIPE, installed, reviewed

CURATOR = "curator@example.org"
LONG = RECIPE.replace("epochs = 6", "epochs = 1000").replace("size = [32, 32]", "size = [128, 128]")
"""A run that outlasts the measurement, with a network that keeps a core busy."""


def person(workplace: Workplace, email: str, role: Role) -> Actor:
    def make(session: Any) -> Actor:
        actor = accounts.actor_of(accounts.create(session, email=email, password=PASSWORD, role=role))
        consents.agree(session, actor, version=USE.version, language="en")
        return actor

    return workplace.within(make)


def prepare(data_dir: Path, applications: Path) -> str:
    """People, reviewed images and a dataset of them; returns its number."""
    folder = applications / "spots"
    folder.mkdir(parents=True)
    installed(folder, LONG.replace("channels = [8, 16]", "channels = [32, 64, 128]"))
    settings = Settings(data_dir=data_dir, applications_dir=applications)
    with opened(settings) as workplace, snapshots.opened(settings) as describe:
        curator = person(workplace, CURATOR, Role.CURATOR)
        people = [person(workplace, f"person{number}@example.org", Role.USER) for number in range(12)]
        for number in range(96):
            reviewed(workplace, people[number % len(people)], number)
        application, card = load(folder)
        made = workplace.within(
            lambda session: datasets.create(
                session, curator, application=application, card=card, name="bench", queued=False
            )
        )
        snapshots.build(workplace, dataset_id=made.id, describe=describe)
    return str(made.id)


class Run:
    """A training run, from its first finished epoch to its cancellation."""

    def __init__(self, url: str, dataset: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=30)
        form = {"username": CURATOR, "password": PASSWORD}
        token = self._client.post("/auth/token", data=form).json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"
        asked = {"application": "spots", "dataset_id": dataset, "recipe": "recipe"}
        self._at = (
            self._client.post("/runs", json=asked).raise_for_status().json()["links"]["self"].removeprefix("/api/v1")
        )

    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get(self._at).json()
        return found

    def under_way(self) -> None:
        while self.said()["epoch"] < 1:
            if self.said()["state"] not in ("waiting", "running"):
                raise RuntimeError(self.said()["failure"])
            time.sleep(0.5)

    def end(self) -> int:
        """Returns how many epochs were done."""
        epochs = int(self.said()["epoch"])
        self._client.post(f"{self._at}/cancellation").raise_for_status()
        while self.said()["state"] == "running":
            time.sleep(0.5)
        return epochs


def p95(said: dict[str, Any]) -> float:
    """Milliseconds."""
    times = sorted(said["latencies"])
    return 1000 * float(times[int(len(times) * 0.95)])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=30.0, help="of load, three times")
    options.add_argument("--clients", type=int, default=2)
    chosen = options.parse_args()
    frames = [path.read_bytes() for path in sorted((SHIPPED / "polyp" / "samples").glob("*.jpg"))]
    with tempfile.TemporaryDirectory() as scratch:
        data_dir, applications = Path(scratch) / "data", Path(scratch) / "applications"
        dataset = prepare(data_dir, applications)
        service = Service(data_dir, applications)
        try:
            asked(service, "polyp", frames, chosen.clients, 5)
            before = asked(service, "polyp", frames, chosen.clients, chosen.seconds)
            run = Run(service.url, dataset)
            run.under_way()
            during = asked(service, "polyp", frames, chosen.clients, chosen.seconds)
            epochs = run.end()
            after = asked(service, "polyp", frames, chosen.clients, chosen.seconds)
        finally:
            service.stop()
    without = statistics.mean((p95(before), p95(after)))
    figures = {
        "p95 ms without": [round(p95(before)), round(p95(after))],
        "p95 ms while training": round(p95(during)),
        "ratio": round(p95(during) / without, 2),
        "requests": [len(one["latencies"]) for one in (before, during, after)],
        "failures": sum(one["failures"] for one in (before, during, after)),
        "epochs meanwhile": epochs,
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
