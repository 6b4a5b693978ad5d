"""Our own versions by the Open Inference Protocol v2, asked by Triton's client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from atisbo.domain.applications import SHIPPED, discover
from atisbo.imaging.transform import fit
from atisbo.inference.engine import OpenVINOEngine
from tests.conftest import Service, eventually
from tests.pictures import mucosa

APPLICATION, CARD = discover([SHIPPED])[0]["polyp"]


@pytest.fixture(scope="module")
def ana(service: Service) -> Iterator[httpx.Client]:
    with service.register(f"v2-{uuid4().hex[:8]}") as client:
        yield client


@pytest.fixture(scope="module")
def triton(service: Service) -> Iterator[InferenceServerClient]:
    client = InferenceServerClient(service.url.removeprefix("http://"), concurrency=4, network_timeout=60)
    yield client
    client.close()


def pixels(count: int = 2) -> NDArray[np.uint8]:
    return np.stack([fit(np.asarray(mucosa(seed=n)), CARD.input) for n in range(count)])


def asked(batch: NDArray[np.uint8], *, binary: bool = True) -> list[InferInput]:
    one = InferInput("pixels", list(batch.shape), "UINT8")
    one.set_data_from_numpy(batch, binary_data=binary)
    return [one]


def test_the_server_says_who_it_is_and_that_it_is_well(triton: InferenceServerClient) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    said = triton.get_server_metadata()
    assert (said["name"], said["extensions"]) == ("atisbo", ["binary_tensor_data"])


@pytest.mark.parametrize(("model", "version"), [("polyp", ""), ("polyp", CARD.version), (CARD.version, "")])
def test_a_version_is_named_by_application_or_by_itself(
    triton: InferenceServerClient, ana: httpx.Client, model: str, version: str
) -> None:
    headers = {"Authorization": ana.headers["Authorization"]}
    eventually(lambda: triton.is_model_ready(model, version, headers=headers))
    said = triton.get_model_metadata(model, version, headers=headers)
    height, width = CARD.input.size
    assert said["versions"] == [CARD.version]
    assert said["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, height, width, 3]}]
    assert said["outputs"][0] == {"name": "scores", "datatype": "FP32", "shape": [-1, 1, -1, -1]}


@pytest.mark.parametrize("binary", [True, False])
def test_it_answers_what_the_network_says(service: Service, ana: httpx.Client, binary: bool) -> None:
    """As bytes and as JSON, the numbers of the engine that reads the file itself."""
    with InferenceServerClient(service.url.removeprefix("http://"), network_timeout=60) as client:
        said = client.infer(
            "polyp",
            asked(pixels(), binary=binary),
            outputs=[InferRequestedOutput(name, binary_data=binary) for name in ("scores", "kinds")],
            request_id="seven",
            headers={"Authorization": ana.headers["Authorization"]},
        )
    answer = said.get_response()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("seven", "polyp", CARD.version)
    assert [one["name"] for one in answer["outputs"]] == ["scores", "kinds"]
    truth = OpenVINOEngine(APPLICATION.model, CARD, precision="auto").infer(pixels())
    for name in ("scores", "kinds"):
        found = said.as_numpy(name)
        assert found.shape == truth[name].shape
        np.testing.assert_allclose(found, truth[name], atol=0.05)


def test_all_outputs_come_where_none_is_named_and_nothing_is_kept(service: Service, ana: httpx.Client) -> None:
    batch = pixels(1)
    body = {
        "inputs": [
            {"name": "pixels", "datatype": "UINT8", "shape": [1, *batch.shape[1:]], "data": batch.ravel().tolist()}
        ]
    }
    answer = ana.post("/v2/models/polyp/infer", json=body)
    assert answer.status_code == 200, answer.text
    assert {"scores", "kinds", "embedding"} <= {one["name"] for one in answer.json()["outputs"]}
    with psycopg.connect(service.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM tensors").fetchone() == (0,)


def test_tensors_pass_through_the_web_process_as_bytes() -> None:
    program = "import atisbo.web.v2, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_is_wrong_is_said_where_the_protocol_has_it(triton: InferenceServerClient, ana: httpx.Client) -> None:
    headers = {"Authorization": ana.headers["Authorization"]}
    with pytest.raises(InferenceServerException, match="The network takes one tensor, pixels: UINT8"):
        triton.infer("polyp", asked(pixels()[:, :64]), headers=headers)
    with pytest.raises(InferenceServerException, match="There is no such version"):
        triton.infer("polyps", asked(pixels()), headers=headers)
    with pytest.raises(InferenceServerException, match="no output logits; it has scores, "):
        triton.infer("polyp", asked(pixels()), outputs=[InferRequestedOutput("logits")], headers=headers)
    with pytest.raises(InferenceServerException, match="Sign in first") as refusal:
        triton.infer("polyp", asked(pixels()))
    assert refusal.value.status() == "401"


def test_more_at_once_than_allowed_is_refused_and_the_others_are_answered(ana: httpx.Client) -> None:
    batch = pixels(4)
    body = b'{"parameters": {"binary_data_output": true}, "inputs": [{"name": "pixels", "datatype": "UINT8", "shape": '
    body += str(list(batch.shape)).encode() + b', "parameters": {"binary_data_size": %d}}]}' % batch.nbytes
    headers = {"Inference-Header-Content-Length": str(len(body))}

    def ask(_: int) -> int:
        return ana.post("/v2/models/polyp/infer", content=body + batch.tobytes(), headers=headers).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(ask, range(16)))
    assert {200, 429} <= set(codes) <= {200, 429, 503}, "503: this machine had too much else to do"
