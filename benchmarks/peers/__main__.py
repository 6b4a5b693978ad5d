"""``python -m benchmarks.peers``: Atisbo beside other ways to serve the same network, in one run, as ratios.

The classic U-Net, the same frames, the same clients, the same machine, one after the other with the bare engine in
between: FastAPI with Keras' ``predict`` in the endpoint, LitServe and BentoML with ONNX Runtime as documented, and both
with our engine's set-up inside. They answer with the same mask and store nothing; Atisbo stores everything.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from atisbo.domain.applications import SHIPPED
from benchmarks import networks
from benchmarks.clients import multipart
from benchmarks.road import Service, bare, free_port, python

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / "build"
START_S = 300.0
ATISBO = "Atisbo, everything stored"
PEERS: dict[str, tuple[str, ...]] = {
    "FastAPI + Keras predict": ("endpoint.py", "keras"),
    "LitServe, ONNX Runtime": ("lit.py", "onnxruntime"),
    "BentoML, ONNX Runtime": ("bento.py", "onnxruntime"),
    "LitServe, our engine inside": ("lit.py", "openvino"),
    "BentoML, our engine inside": ("bento.py", "openvino"),
}
"""File and engine of each."""


def command(file: str, port: int, environments: Path) -> list[str]:
    if file == "bento.py":
        bentoml = str(environments / "peers/bin/bentoml")
        return [bentoml, "serve", "bento:Outlines", "--host", "127.0.0.1", "--port", str(port)]
    environment = "keras" if file == "endpoint.py" else "peers"
    return [str(environments / environment / "bin/python"), file, str(port)]


@contextmanager
def peer(name: str, folder: Path, environments: Path, frame: bytes) -> Iterator[str]:
    """A running peer, once it has answered; its address."""
    file, engine = PEERS[name]
    port = free_port()
    said = {"PEER_MODEL": str(folder / "model.onnx"), "PEER_CARD": str(folder / "card.json"), "PEER_ENGINE": engine}
    process = subprocess.Popen(
        command(file, port, environments),
        cwd=HERE,
        env=os.environ | said | {"BENTOML_DO_NOT_TRACK": "True", "PYTHONPATH": "", "KERAS_BACKEND": "tensorflow"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until_answered(url, frame, process)
        yield url
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait(20)


def until_answered(url: str, frame: bytes, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    headers = {"Content-Type": "multipart/form-data; boundary=frame-boundary"}
    while True:
        try:
            if httpx.post(f"{url}/predict", content=multipart(frame), headers=headers, timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"a peer did not start: {process.args}")
        time.sleep(0.3)


def load(url: str, path: str, token: str, frames: list[bytes], clients: int, seconds: float) -> dict[str, float]:
    """Requests per second and times in ms, after a warm-up."""
    order = {"url": url, "path": path, "token": token, "frames": [f.hex() for f in frames], "clients": clients}
    python("benchmarks.clients", stdin=json.dumps(order | {"seconds": min(3.0, seconds)}))
    said = json.loads(python("benchmarks.clients", stdin=json.dumps(order | {"seconds": seconds})))
    times = sorted(said["latencies"])
    if not times:
        raise SystemExit(f"{url}{path} answered nothing")
    return {
        "requests/s": len(times) / said["seconds"],
        "p50 ms": 1000 * times[len(times) // 2],
        "p95 ms": 1000 * times[int(len(times) * 0.95)],
        "failures": said["failures"],
    }


def contest(folder: Path, applications: Path, scratch: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Every contestant between two runs of the bare engine."""
    frames = [path.read_bytes() for path in sorted((SHIPPED / "polyp" / "samples").glob("*.jpg"))]
    found: dict[str, Any] = {}
    before = bare(folder, chosen.seconds / 4)["best"]
    for name in (ATISBO, *PEERS):
        if name == ATISBO:
            service = Service(scratch / "data", applications)
            try:
                service.settle()
                path = f"/api/v1/applications/{folder.name}/predictions"
                said = load(service.url, path, service.token(), frames, chosen.clients, chosen.seconds)
            finally:
                service.stop()
        else:
            with peer(name, folder, chosen.environments, frames[0]) as url:
                said = load(url, "/predict", "", frames, chosen.clients, chosen.seconds)
        after = bare(folder, chosen.seconds / 4)["best"]
        engine = statistics.mean((before, after))
        found[name] = said | {"bare images/s": engine, "of the bare engine": said["requests/s"] / engine}
        before = after
        print(f"{name:32}" + "".join(f"  {key} {value:.3g}" for key, value in found[name].items()), flush=True)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=20.0, help="of load for each contestant")
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="make build/peers build/keras")
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        applications = Path(scratch) / "applications"
        networks.unet(applications / "unet")
        found = contest(applications / "unet", applications, Path(scratch), chosen)
    ours = found[ATISBO]["of the bare engine"]
    print()
    for name in PEERS:
        print(f"Atisbo is {ours / found[name]['of the bare engine']:.2f} × {name}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
