"""``make bench``: the whole durable road against the bare engine, in one run, as a ratio.

For the shipped polyp network and for the classic U-Net: bare engine, then sixteen clients posting JPEG frames to a
running service and waiting for each answer, then the bare engine again. The ratio is taken against the mean of the two
bare runs, because these machines are noisy. Everything the clients do costs processor time too and is counted against
the road.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from atisbo.domain.applications import SHIPPED
from benchmarks import networks

PASSWORD = "benchmark benchmark"
ROUNDS = 5


def python(module: str, *arguments: str, stdin: str | None = None, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=stdin,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def bare(folder: Path, seconds: float, *how: str) -> dict[str, float]:
    said: dict[str, float] = json.loads(
        python("benchmarks.bare", str(folder / "model.onnx"), str(folder / "card.json"), str(seconds), *how)
    )
    return said


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Service:
    """``atisbo serve`` on a folder of its own."""

    def __init__(self, data_dir: Path, applications: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "atisbo", "serve"],
            env=os.environ
            | {
                "ATISBO_DATA_DIR": str(data_dir),
                "ATISBO_PORT": str(port),
                "ATISBO_APPLICATIONS_DIR": str(applications),
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.greeting = ""
        for line in self._process.stdout:
            self.greeting += line
            if line.startswith("Ctrl-C"):
                break

    def settle(self) -> None:
        """Wait until a first start is over: networks loaded, shipped collections taken in."""
        before = self.processes()
        while True:
            time.sleep(2)
            now = self.processes()
            if sum(now.values()) - sum(before.values()) < 0.1:
                return
            before = now

    def token(self) -> str:
        account = {"email": "bench@example.org", "password": PASSWORD}
        httpx.post(f"{self.url}/api/v1/auth/register", json=account | {"consent": True})
        form = {"username": account["email"], "password": PASSWORD}
        return str(httpx.post(f"{self.url}/api/v1/auth/token", data=form).json()["access_token"])

    def processes(self) -> dict[str, float]:
        """Processor seconds used so far, by part."""
        spent: dict[str, float] = {}
        for process in psutil.Process(self._process.pid).children(recursive=True):
            try:
                words, times = " ".join(process.cmdline()), process.cpu_times()
            except psutil.Error:
                continue
            part = next((p for p in ("web", "worker") if f"atisbo {p}" in words), None)
            part = part or ("decoders" if "imaging" in words or "sys.path" in words else "database")
            spent[part] = spent.get(part, 0.0) + times.user + times.system
        for process in psutil.process_iter(["name", "cpu_times"]):
            if process.info["name"] == "postgres" and process.info["cpu_times"]:
                times = process.info["cpu_times"]
                spent["database"] = spent.get("database", 0.0) + times.user + times.system
        return spent

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(90)


def load(service: Service, application: str, frames: list[bytes], clients: int, seconds: float) -> dict[str, Any]:
    order = {
        "url": service.url,
        "path": f"/api/v1/applications/{application}/predictions",
        "token": service.token(),
        "frames": [frame.hex() for frame in frames],
        "clients": clients,
        "seconds": seconds,
    }
    said: dict[str, Any] = json.loads(python("benchmarks.clients", stdin=json.dumps(order)))
    return said


def measure(service: Service, folder: Path, frames: list[bytes], clients: int, seconds: float) -> dict[str, Any]:
    name = folder.name
    load(service, name, frames, clients, 3)
    before = bare(folder, seconds / 4)
    spent = service.processes()
    said = load(service, name, frames, clients, seconds)
    spent = {part: total - spent.get(part, 0.0) for part, total in service.processes().items()}
    after = bare(folder, seconds / 4)
    engine = statistics.mean((before["best"], after["best"]))
    times = sorted(said["latencies"])
    served = len(times) / said["seconds"]
    return {
        "bare images/s": round(engine, 1),
        "requests/s": round(served, 1),
        "ratio": round(served / engine, 3),
        "p50 ms": round(1000 * times[len(times) // 2]),
        "p95 ms": round(1000 * times[int(len(times) * 0.95)]),
        **alone(service, folder, frames),
        "failures": said["failures"],
        "processor s per 100 images": {part: round(100 * s / len(times), 2) for part, s in sorted(spent.items())},
        "bare runs": [before, after],
    }


def alone(service: Service, folder: Path, frames: list[bytes]) -> dict[str, Any]:
    """One client, in turns with the bare engine over one image."""
    rounds = []
    for _ in range(ROUNDS):
        engine = bare(folder, 4, "--latency")["ms"]
        rounds.append((1000 * statistics.median(load(service, folder.name, frames, 1, 6)["latencies"]), engine))
    return {
        "one client p50 ms": round(statistics.median(one for one, _ in rounds), 1),
        "bare engine p50 ms": round(statistics.median(engine for _, engine in rounds), 1),
        "one client more ms": round(statistics.median(one - engine for one, engine in rounds), 1),
        "one client, bare engine": [tuple(round(value, 1) for value in pair) for pair in rounds],
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=20.0, help="of load for each network")
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    frames = [path.read_bytes() for path in sorted((SHIPPED / "polyp" / "samples").glob("*.jpg"))]
    with tempfile.TemporaryDirectory() as scratch:
        applications = Path(scratch) / "applications"
        networks.unet(applications / "unet")
        shipped = Path(scratch) / "polyp"
        networks.polyp(shipped)
        service = Service(Path(scratch) / "data", applications)
        try:
            service.settle()
            figures = {
                folder.name: measure(service, folder, frames, chosen.clients, chosen.seconds)
                for folder in (shipped, applications / "unet")
            }
        finally:
            service.stop()
    for name, said in figures.items():
        print(f"\n{name}")
        for key, value in said.items():
            print(f"  {key:28} {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
