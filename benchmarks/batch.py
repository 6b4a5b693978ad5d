"""What a batch costs: ``atisbo predict`` over a folder against the bare engine on the same network, in one run.

``python -m benchmarks.batch art DIR`` takes turns: the bare engine, the folder, the bare engine again. Loading the
network, which a batch of hundreds does once, is told apart. With ``--service`` the folder goes to a running service as
ZIP files, and counts as done when the last answer is stored.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
import time
import zipfile
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx

from atisbo.cli.predict import desk_for, outcomes, pictures
from atisbo.config import Settings
from atisbo.domain.applications import SHIPPED
from benchmarks.road import Service, bare

IN_A_ZIP = 200
"""As many as one request may hold."""
BEHIND = 16
"""Among so many of those asked last is the one that is answered last."""


def batch(application: str, files: list[Path]) -> dict[str, Any]:
    """Seconds to load, and images per second from file to finding."""
    began = time.perf_counter()
    with desk_for(application, Settings(), None, overlays=False) as desk:
        list(outcomes(desk, files[:16]))
        loaded = time.perf_counter()
        errors = sum(outcome.error is not None for outcome in outcomes(desk, files))
        ended = time.perf_counter()
    return {"load s": round(loaded - began, 2), "images/s": len(files) / (ended - loaded), "no answer": errors}


def zipped(files: list[Path]) -> bytes:
    """As a person packs a folder."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for number, path in enumerate(files):
            archive.write(path, f"{number:05} {path.name}")
    return kept.getvalue()


def send(client: httpx.Client, application: str, files: list[Path]) -> list[str]:
    """The predictions' ids; what is refused because too much waits is sent again when the answer says so."""
    ids: list[str] = []
    left = [files[at : at + IN_A_ZIP] for at in range(0, len(files), IN_A_ZIP)]
    while left:
        part = left.pop(0)
        upload = {"files": ("pictures.zip", zipped(part))}
        said = client.post(f"/applications/{application}/batches", files=upload).raise_for_status().json()["items"]
        ids += [item["prediction"]["id"] for item in said if item["prediction"]]
        codes = [(item["failure"] or {}).get("code") for item in said]
        if again := [path for path, code in zip(part, codes, strict=True) if code == "queue_long"]:
            left.insert(0, again)
            time.sleep(5)
    return ids


def open_ones(client: httpx.Client, application: str, status: str) -> bool:
    asked = {"application": application, "status": status, "limit": 1}
    return bool(client.get("/predictions", params=asked).raise_for_status().json()["items"])


def ended(client: httpx.Client, application: str, ids: list[str]) -> float:
    """When the last of them was answered, on the clock of ``time.time``; looks once a second, as the page does."""
    while any(open_ones(client, application, status) for status in ("waiting", "running")):
        time.sleep(1)
    answers = [client.get(f"/predictions/{one}").raise_for_status().json()["finished_at"] for one in ids[-BEHIND:]]
    return max(datetime.fromisoformat(at).timestamp() for at in answers)


def service_batch(service: Service, application: str, files: list[Path]) -> dict[str, Any]:
    """Images per second from the first ZIP's first byte to the last stored answer, and processor seconds by part."""
    headers = {"Authorization": f"Bearer {service.token()}"}
    spent = service.processes()
    with httpx.Client(base_url=f"{service.url}/api/v1", headers=headers, timeout=120) as client:
        began = time.time()
        ids = send(client, application, files)
        sent = time.time() - began
        seconds = ended(client, application, ids) - began
        parts = {part: total - spent.get(part, 0.0) for part, total in service.processes().items()}
    return {
        "sent s": round(sent, 2),
        "images/s": len(ids) / seconds,
        "no answer": len(files) - len(ids),
        "processor ms an image": {part: round(1000 * s / len(ids), 1) for part, s in sorted(parts.items())},
    }


def rounds(chosen: argparse.Namespace, files: list[Path]) -> tuple[list[float], list[dict[str, Any]]]:
    """Images per second of the bare engine before, between and after, and what each batch took."""
    home = SHIPPED / chosen.application
    engines, batches = [bare(home, chosen.seconds)["best"]], []
    with tempfile.TemporaryDirectory() as scratch:
        service = Service(Path(scratch) / "data", Path(scratch)) if chosen.service else None
        try:
            if service:
                service.settle()
                service_batch(service, chosen.application, files[:32])
            for _ in range(chosen.rounds):
                batches.append(
                    service_batch(service, chosen.application, files) if service else batch(chosen.application, files)
                )
                engines.append(bare(home, chosen.seconds)["best"])
        finally:
            if service:
                service.stop()
    return engines, batches


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("application")
    options.add_argument("folder", type=Path, nargs="?", help="of pictures; the application's samples without one")
    options.add_argument("--images", type=int, default=600, help="in a batch; those of the folder again and again")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=2.0, help="for each way to feed the bare engine")
    options.add_argument("--service", action="store_true", help="send it to a running service")
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    folder = chosen.folder or SHIPPED / chosen.application / "samples"
    engines, batches = rounds(chosen, list(islice(cycle(pictures(folder)), chosen.images)))
    pairs = zip(batches, engines, engines[1:], strict=False)
    ratios = [one["images/s"] / statistics.mean((before, after)) for one, before, after in pairs]
    figures = {
        "bare images/s": round(statistics.median(engines), 1),
        "batch images/s": round(statistics.median(one["images/s"] for one in batches), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "batches": batches,
    }
    for name, value in figures.items():
        print(f"{name:16} {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
