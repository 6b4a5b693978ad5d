"""A network on another server: fitted pixels go there by the Open Inference Protocol v2, probabilities come back.

A network stands there under the name of its version, so that what answers cannot be another version than the card's.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Card
from atisbo.domain.tensors import BINARY, HEADER_LENGTH, Message, Tensor, packed, unpacked
from atisbo.errors import Invalid, Misconfigured, Unavailable
from atisbo.imaging.transform import Pixels, normalise
from atisbo.inference.answers import NAMED_BY, Answers, Unfit, joined, read, wanted

log = logging.getLogger(__name__)
_CONNECT_S: Final = 3.0
_GROUP: Final = 4
_TYPES: Final = {"FP32": np.float32, "FP64": np.float64}
_OURS: Final = "atisbo"
"""Platform of a model that takes pixels and answers probabilities, like the engines here."""


@dataclass(frozen=True)
class Server:
    """Where the networks are.

    Args:
        url: ``http(s)://host:port``; ``/v2`` follows.
        token: sent as bearer token.
        timeout_s: for one request.
        parallel: requests at once.
    """

    url: str
    token: str | None = None
    timeout_s: float = 10.0
    parallel: int = 4


@dataclass(frozen=True)
class _Model:
    """What the server says that it takes and gives."""

    entry: str
    takes_pixels: bool
    answers_probabilities: bool
    outputs: tuple[str, ...]
    binary: bool
    one_by_one: bool


class RemoteEngine:
    """See :class:`atisbo.inference.engine.Engine`. A server that is away when this is made is asked again later.

    Raises:
        Misconfigured: the server has no network of the version's name, or another one than the card says.
    """

    def __init__(self, server: Server, card: Card) -> None:
        self._server = server
        self._card = card
        self._lock = threading.Lock()
        self._known: _Model | None = None
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {server.token}"} if server.token else {},
            timeout=httpx.Timeout(server.timeout_s, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=server.parallel),
        )
        weakref.finalize(self, self._client.close)
        try:
            self._dry_run()
        except Unavailable as error:
            log.warning("%s: %s", card.version, error)

    @property
    def parallel(self) -> int:
        return self._server.parallel

    @property
    def group(self) -> int:
        return _GROUP

    def infer(self, batch: Pixels, *, alone: bool = False) -> Answers:  # noqa: ARG002 -- as an engine takes it
        """See :class:`atisbo.inference.engine.Engine`; how a server divides its machine is its own business.

        Raises:
            Unavailable: the server is away, too busy or too slow.
            Misconfigured: it refuses, or answers something else than the card says.
        """
        height, width = self._card.input.size
        if batch.ndim != 4 or batch.shape[1:] != (height, width, 3) or batch.dtype != np.uint8:
            raise ValueError(f"expected (n, {height}, {width}, 3) uint8, got {batch.shape} {batch.dtype}")
        model = self._model()
        if model.one_by_one and len(batch) > 1:
            return joined([self._ask(model, batch[i : i + 1]) for i in range(len(batch))])
        return self._ask(model, batch)

    def _dry_run(self) -> None:
        answers = self.infer(np.zeros((1, *self._card.input.size, 3), np.uint8))
        for name, values in answers.items():
            if not np.isfinite(values).all():
                raise self._wrong(NAMED_BY[name], "the network answers with values that are no numbers")

    def _model(self) -> _Model:
        """What the server has, asked once."""
        with self._lock:
            if self._known is None:
                extensions = self._get("").get("extensions") or []
                self._known = self._described(self._get(f"/models/{self._card.version}"), BINARY in extensions)
            return self._known

    def _described(self, said: Mapping[str, Any], binary: bool) -> _Model:
        try:
            (entry,) = said["inputs"]
            shape, datatype = [int(side) for side in entry["shape"]], entry["datatype"]
            outputs = tuple(str(one["name"]) for one in said["outputs"])
            name = str(entry["name"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._wrong("input.tensor", "the server does not say what one tensor it takes") from error
        height, width = self._card.input.size
        pixels = datatype == "UINT8"
        last = pixels or self._card.input.layout == "NHWC"
        sides = [height, width, 3] if last else [3, height, width]
        if (
            datatype not in ("UINT8", "FP32")
            or len(shape) != 4
            or any(there not in (-1, side) for there, side in zip(shape[1:], sides, strict=True))
        ):
            raise self._wrong("input.tensor", f"the server takes {datatype} {shape}; {[-1, *sides]} is needed")
        return _Model(name, pixels, said.get("platform") == _OURS, outputs, binary, one_by_one=shape[0] == 1)

    def _ask(self, model: _Model, batch: Pixels) -> Answers:
        names = self._names(model)
        values = batch if model.takes_pixels else normalise(batch, self._card.input)
        tensor = Tensor(model.entry, "UINT8" if model.takes_pixels else "FP32", values.shape, values.tobytes())
        asked: dict[str, Any] = {"outputs": [{"name": name} for name in names.values()]}
        if model.binary:
            asked["parameters"] = {"binary_data_output": True}
        body, headers = packed(asked, [tensor], "inputs", [model.entry] if model.binary else [])
        response = self._send("POST", f"/models/{self._card.version}/infer", content=body, headers=headers)
        try:
            answer = unpacked(response.content, response.headers.get(HEADER_LENGTH), "outputs")
            raw = self._arrays(answer, names, len(batch))
            return raw if model.answers_probabilities else read(raw, self._card)
        except Unfit as error:
            raise self._wrong(error.field, str(error)) from error
        except Invalid as error:
            raise self._wrong("output", str(error)) from error

    def _names(self, model: _Model) -> dict[str, str]:
        """The server's name of each answer."""
        if model.answers_probabilities:
            return {answer: answer for answer in wanted(self._card)}
        found = {answer: model.outputs[0] if name is None else name for answer, name in wanted(self._card).items()}
        for answer, name in found.items():
            if name not in model.outputs:
                there = ", ".join(model.outputs)
                raise self._wrong(NAMED_BY[answer], f"the network has no output {name}; it has {there}")
        return found

    def _arrays(self, answer: Message, names: Mapping[str, str], count: int) -> dict[str, NDArray[np.float32]]:
        there = {tensor.name: tensor for tensor in answer.tensors}
        found = {}
        for key, name in names.items():
            tensor = there.get(name)
            if tensor is None or tensor.datatype not in _TYPES or not tensor.shape or tensor.shape[0] != count:
                raise Unfit(NAMED_BY[key], f"the server does not answer {name} for {count} pictures")
            values = np.frombuffer(tensor.data, _TYPES[tensor.datatype]).reshape(tensor.shape)
            found[key] = values.astype(np.float32)
        return found

    def _get(self, path: str) -> dict[str, Any]:
        try:
            said = self._send("GET", path).json()
        except ValueError as error:
            raise self._refused("no JSON") from error
        return said if isinstance(said, dict) else {}

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            response = self._client.request(method, f"{self._server.url.rstrip('/')}/v2{path}", **more)
        except httpx.TransportError as error:
            raise _away() from error
        if response.status_code in (408, 425, 429) or response.status_code >= 500:
            log.warning("%s %s: %s %s", method, response.url, response.status_code, response.text[:300])
            raise _away()
        if response.status_code == 404:
            raise Misconfigured(
                "engine_lacks",
                "{url} has no network called {version}. Put the network there under this name.",
                url=self._server.url,
                version=self._card.version,
            )
        if response.status_code != 200:
            raise self._refused(f"{response.status_code} {response.text[:200]}")
        return response

    def _refused(self, reason: str) -> Misconfigured:
        return Misconfigured("engine_refuses", "{url}: {reason}", url=self._server.url, reason=reason)

    def _wrong(self, field: str, reason: str) -> Misconfigured:
        return Misconfigured(
            "network_wrong", "{path}: {field}: {reason}", path=self._card.version, field=field, reason=reason
        )


def _away() -> Unavailable:
    return Unavailable("engine_away", "The server of the networks does not answer at the moment. Try again shortly.")
