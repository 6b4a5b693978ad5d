"""An engine that asks another server: a real MLServer, and Atisbo's own ``/v2``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from atisbo.domain.applications import SHIPPED, discover, load
from atisbo.domain.cards import Card
from atisbo.errors import Misconfigured, Unavailable
from atisbo.imaging.transform import fit
from atisbo.inference.engine import OpenVINOEngine
from atisbo.inference.registry import Registry
from atisbo.inference.remote import RemoteEngine, Server
from tests.applications_for_tests.networks import HERE
from tests.conftest import Service, eventually, free_port
from tests.pictures import mucosa

ROOT = Path(__file__).parents[2]
EYE = load(HERE / "eye")


def noise(card: Card, count: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, *card.input.size, 3), np.uint8)


def program() -> str:
    """MLServer lives in an environment of its own: it wants other versions of what we use."""
    found = os.environ.get("ATISBO_MLSERVER") or shutil.which(ROOT / "build/mlserver/bin/mlserver")
    if not found:
        pytest.skip("no MLServer here: make build/mlserver")
    return str(found)


@pytest.fixture(scope="module")
def mlserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has the network of the application ``eye`` under its version's name."""
    folder, port = tmp_path_factory.mktemp("mlserver"), free_port()
    here = Path(__file__).parent / "mlserver"
    model = folder / "eye"
    model.mkdir()
    said = (here / "model-settings.json").read_text().replace("VERSION", EYE[1].version)
    (model / "model-settings.json").write_text(said)
    shutil.copy(here / "onnx_runtime.py", model)
    shutil.copy(EYE[0].model, model / "model.onnx")
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    settings = ports | {"host": "127.0.0.1", "parallel_workers": 0}
    environment = {f"MLSERVER_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [program(), "start", str(folder)], env=os.environ | environment, cwd=folder, stdout=subprocess.DEVNULL
    )
    try:
        eventually(lambda: _is_ready(f"http://127.0.0.1:{port}/v2/models/{EYE[1].version}/ready"), within_s=60)
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(20)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_mlserver_gives_the_answers_of_our_own_engine(mlserver: Server) -> None:
    application, card = EYE
    there, here = RemoteEngine(mlserver, card), OpenVINOEngine(application.model, card, precision="f32")
    batch = noise(card)
    answered, truth = there.infer(batch), here.infer(batch)
    assert answered.keys() == truth.keys() >= {"scores", "kinds", "structures"}
    for name, values in truth.items():
        assert answered[name].shape == values.shape
        np.testing.assert_allclose(answered[name], values, atol=1e-4)


def test_a_card_that_means_another_network_is_refused_in_a_sentence(mlserver: Server) -> None:
    card = EYE[1]
    with pytest.raises(Misconfigured, match=r"has no network called other-.* Put the network there under this name"):
        RemoteEngine(mlserver, card.model_copy(update={"name": "other"}))
    wider = card.input.model_copy(update={"size": (card.input.size[0], card.input.size[1] * 2)})
    with pytest.raises(Misconfigured, match=r"input.tensor: the server takes FP32"):
        RemoteEngine(mlserver, card.model_copy(update={"input": wider}))
    output = card.output.model_copy(update={"scores": "nowhere"})
    with pytest.raises(Misconfigured, match=r"output.scores: the network has no output nowhere"):
        RemoteEngine(mlserver, card.model_copy(update={"output": output}))


def test_another_atisbo_answers_for_this_one(service: Service) -> None:
    """The whole registry on a server elsewhere, with a token; the same findings come out."""
    card = discover([SHIPPED])[0]["polyp"][1]
    with service.register("engine") as client:
        token = client.headers["Authorization"].split()[1]
    server = Server(service.url, token, timeout_s=60)
    pixels = np.stack([fit(np.asarray(mucosa(seed=n)), card.input) for n in range(2)])
    with closing(Registry.open([SHIPPED], precision="auto", server=server)) as there, there.hold("polyp") as predictor:
        far = list(predictor.look(pixels))
    with closing(Registry.open([SHIPPED], precision="auto")) as here, here.hold("polyp") as predictor:
        near = list(predictor.look(pixels))
    for one, other in zip(far, near, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_allclose(one[name], other[name], atol=0.05)
    with pytest.raises(Misconfigured, match="401"):
        RemoteEngine(replace(server, token="wrong"), card)


def test_a_server_that_is_away_or_silent_is_unavailable_in_time() -> None:
    card = EYE[1]
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections and says nothing
        host, port = silent.getsockname()
        for url in (f"http://127.0.0.1:{free_port()}", f"http://{host}:{port}"):
            began = time.monotonic()
            engine = RemoteEngine(Server(url, timeout_s=0.5), card)
            with pytest.raises(Unavailable, match="does not answer"):
                engine.infer(noise(card, 1))
            assert time.monotonic() - began < 5
