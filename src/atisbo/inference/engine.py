"""The network on the CPU: fitted pixels in, probabilities out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from atisbo.domain.cards import Card, TensorSpec
from atisbo.errors import Misconfigured
from atisbo.imaging.transform import Pixels
from atisbo.inference.answers import NAMED_BY, Answers, Unfit, joined, read, wanted

Precision = Literal["auto", "bf16", "f32"]

_GROUP: Final = 4
"""Pictures that go one after another before anything is said of them: what is around each is then done for all."""

# OpenVINO's Python binding deadlocks when the first two inferences of a process run side by side (seen with 2026.4:
# both hang while numpy copies into their tensors). Every engine makes its first one in here, alone.
_LOADING: Final = threading.Lock()


class Engine(Protocol):
    """What a batcher needs of a network."""

    @property
    def parallel(self) -> int:
        """How many calls of :meth:`infer` are worth running at once."""

    @property
    def group(self) -> int:
        """How many pictures a call is best given at once."""

    def infer(self, batch: Pixels, *, alone: bool = False) -> Answers:
        """Thread-safe.

        Args:
            batch: (n, H, W, 3), uint8, RGB, fitted to the card's size.
            alone: nothing else is running or waiting: answer soon, with everything that the machine has.

        Returns:
            ``scores``: probabilities, (n, labels, h, w) or (n, labels), float32; where the card names them
            ``embedding``: (n, d), ``kinds``: (n, kinds) and ``structures``: (n, labels, h, w); see
            :data:`atisbo.inference.answers.Answers`.

        Raises:
            ValueError: the batch has another shape or type.
        """


class OpenVINOEngine:
    """An ONNX file in OpenVINO. Scaling, normalisation and layout are part of the compiled network.

    Everything that card and file can contradict each other in is found when it is made, by a dry run. The network is
    compiled for one picture, which is quickest on a CPU, and twice: for many side by side, a core or a few each, and
    for one alone, which gets all of them.

    Args:
        network: the ONNX file, or its bytes; the checksum has to be the card's.
        precision: what it computes in; ``auto`` is bf16 where the CPU has it, else f32.
        streams: inferences that run side by side; OpenVINO's own choice for throughput if None.

    Raises:
        Misconfigured: the checksum, a shape, a name or the precision does not fit; the sentence names the field.
    """

    def __init__(
        self, network: Path | bytes, card: Card, *, precision: Precision = "auto", streams: int | None = None
    ) -> None:
        self._path = network if isinstance(network, Path) else Path(card.version)
        self._card = card
        with _LOADING:
            core = _core()
            self.precision = _precision(core, precision)
            model = _read(core, network, self._path, card)
            _add_preprocessing(model, card.input, self._wrong)
            options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": self.precision}
            many = options | {"PERFORMANCE_HINT": "THROUGHPUT"} | ({} if streams is None else {"NUM_STREAMS": streams})
            self._many = _Compiled(core, model, many)
            self._outputs = self._find_outputs()
            self._dry_run()
            self._alone = self._many
            if streams is None and self.parallel > 1:
                self._alone = _Compiled(core, model, options | {"PERFORMANCE_HINT": "LATENCY"})
                self._alone.run(np.zeros((1, *card.input.size, 3), np.uint8), self._outputs)
        self._many.mends = self._alone.mends = True

    @property
    def parallel(self) -> int:
        return self._many.streams

    @property
    def group(self) -> int:
        return _GROUP

    def infer(self, batch: Pixels, *, alone: bool = False) -> Answers:
        """See :class:`Engine`."""
        height, width = self._card.input.size
        if batch.ndim != 4 or batch.shape[1:] != (height, width, 3) or batch.dtype != np.uint8:
            raise ValueError(f"expected (n, {height}, {width}, 3) uint8, got {batch.shape} {batch.dtype}")
        compiled = self._alone if alone else self._many
        return joined([self._run(batch[at : at + _GROUP], compiled) for at in range(0, len(batch), _GROUP)])

    def _run(self, batch: Pixels, compiled: _Compiled) -> Answers:
        return read(compiled.run(batch, self._outputs), self._card)

    def _find_outputs(self) -> dict[str, int]:
        """The place of each answer among the network's outputs."""
        named = {name: place for place, names in enumerate(self._many.outputs) for name in names}
        found = {}
        for answer, name in wanted(self._card).items():
            if name is not None and name not in named:
                there = ", ".join(sorted(named))
                raise self._wrong(NAMED_BY[answer], f"the network has no output {name}; it has {there}")
            found[answer] = named[name] if name is not None else 0
        return found

    def _dry_run(self) -> None:
        """Noise through the network: every answer has to be what the card says. Warms it up, too."""
        noise = np.random.default_rng(0).integers(0, 256, (1, *self._card.input.size, 3), np.uint8)
        try:
            answers = self._run(noise, self._many)
        except RuntimeError as error:
            raise self._wrong("input.tensor", f"the network cannot run on it ({_last_line(error)})") from error
        except Unfit as error:
            raise self._wrong(error.field, str(error)) from error
        for name, values in answers.items():
            if not np.isfinite(values).all():
                raise self._wrong(
                    NAMED_BY[name] if name != "scores" else "input.tensor",
                    "the network answers with values that are no numbers",
                )
        for name, field in (("scores", "output.activation"), ("structures", "structures.output.activation")):
            if name in answers and not -1e-3 <= answers[name].min() <= answers[name].max() <= 1 + 1e-3:
                raise self._wrong(field, "the network's own answers are no probabilities; say sigmoid or softmax")

    def _wrong(self, field: str, reason: str) -> Misconfigured:
        return Misconfigured("network_wrong", "{path}: {field}: {reason}", path=self._path, field=field, reason=reason)


class _Compiled:
    """A network compiled in one way, and its infer requests, each used by one thread at a time.

    ``mends``: whether it is compiled anew after a run that failed.
    """

    mends = False

    def __init__(self, core: Any, model: Any, options: dict[str, Any]) -> None:
        self._make = partial(core.compile_model, model, "CPU", options)
        self._lock = threading.Lock()
        self._idle: list[Any] = []
        self._network = self._make()
        self.streams = int(self._network.get_property("NUM_STREAMS"))

    @property
    def outputs(self) -> list[set[str]]:
        """The names of each output."""
        return [port.get_names() for port in self._network.outputs]

    def run(self, batch: Pixels, outputs: dict[str, int]) -> dict[str, NDArray[np.float32]]:
        """Each output that is wanted, copied, by the name of its answer; a picture after the other, without us."""
        with self._lock:
            network = self._network
            requests = [self._idle.pop() if self._idle else network.create_infer_request() for _ in batch]
        try:
            for request, pixels in zip(requests, batch, strict=True):
                request.get_input_tensor().data[0] = pixels
                request.start_async()
        finally:
            faults = [fault for request in requests if (fault := _fault(request))]
        if faults:
            if self.mends:
                self._renew(network)
            raise faults[0]
        raw = {
            name: np.concatenate([request.get_output_tensor(place).data for request in requests], dtype=np.float32)
            for name, place in outputs.items()
        }
        with self._lock:
            if network is self._network:
                self._idle += requests
        return raw

    def _renew(self, failed: Any) -> None:
        """OpenVINO's graph can keep something of a run that failed, and then fails for every picture."""
        with self._lock:
            if failed is self._network:
                self._idle.clear()
                self._network = self._make()


def _fault(request: Any) -> RuntimeError | None:
    """What went wrong with a request, once it is over."""
    try:
        request.wait()
    except RuntimeError as error:
        return error
    return None


@cache
def _core() -> Any:
    """OpenVINO's door, one for the life of the process.

    Its CPU plugin gives the loading thread an alternate signal stack and frees it when the plugin goes, even when it
    goes in another thread; the next signal, a Ctrl-C say, then ends the process. So the plugin stays.
    """
    return ov.Core()


def _precision(core: Any, asked: Precision) -> str:
    has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if asked == "bf16" and not has_bf16:
        raise Misconfigured("no_bf16", "This CPU cannot compute in bf16. Set ATISBO_ENGINE_PRECISION to auto or f32.")
    return "bf16" if has_bf16 and asked != "f32" else "f32"


def _read(core: Any, network: Path | bytes, path: Path, card: Card) -> Any:
    """The file's network, from the very bytes whose checksum was compared."""
    try:
        data = network.read_bytes() if isinstance(network, Path) else network
    except FileNotFoundError as error:
        raise Misconfigured("model_missing", "{path} is missing.", path=path) from error
    if sha256(data).hexdigest() != card.sha256:
        raise Misconfigured(
            "model_changed",
            "{path} is not the network its card describes: the checksum differs. Install the application again.",
            path=path,
        )
    try:
        return core.read_model(data)
    except RuntimeError as error:
        raise Misconfigured(
            "model_unreadable", "{path} cannot be read as ONNX: {fault}", path=path, fault=_last_line(error)
        ) from error


def _add_preprocessing(model: Any, spec: TensorSpec, wrong: Callable[[str, str], Misconfigured]) -> None:
    """Make the network take uint8 (1, H, W, 3), and do what :func:`atisbo.imaging.transform.normalise` does.

    Raises:
        Misconfigured: the network's input is not what the card says.
    """
    if len(model.inputs) != 1:
        raise wrong("input.tensor", f"the network has {len(model.inputs)} inputs; one is needed")
    entry = model.input(0)
    if entry.get_element_type() not in (ov.Type.f32, ov.Type.f16):
        raise wrong("input.tensor", f"the network takes {entry.get_element_type()}; f32 is needed")
    height, width = spec.size
    wanted = [1, 3, height, width] if spec.layout == "NCHW" else [1, height, width, 3]
    shape = entry.get_partial_shape()
    if not _fits(shape, wanted):
        raise wrong("input.tensor", f"the network takes {shape}, but size and layout say {wanted}")
    try:
        model.reshape({entry: ov.PartialShape(wanted)})
    except RuntimeError as error:
        raise wrong("input.tensor", f"the network cannot take {wanted} ({_last_line(error)})") from error
    _embed(model, spec)


def _fits(shape: Any, wanted: list[int]) -> bool:
    if shape.rank.is_dynamic or len(shape) != 4:
        return bool(shape.rank.is_dynamic)
    return all(side.is_dynamic or side.get_length() == want for side, want in list(zip(shape, wanted, strict=True))[1:])


def _embed(model: Any, spec: TensorSpec) -> None:
    steps = PrePostProcessor(model)
    entry = steps.input(0)
    entry.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    entry.model().set_layout(ov.Layout(spec.layout))
    entry.preprocess().convert_element_type(ov.Type.f32).scale(spec.scale).mean(list(spec.mean)).scale(list(spec.std))
    steps.build()


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
