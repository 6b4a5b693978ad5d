"""Files that mean harm, made when a test runs; none of them is stored."""

from __future__ import annotations

import base64
import io
import json
import marshal
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.adopt.conftest import Watch
from tests.applications_for_tests.networks import bright, model

Maker = Callable[[Path, Watch], None]

INPUT = {
    "module": "keras.layers",
    "class_name": "InputLayer",
    "config": {"batch_shape": [None, 32, 32, 3], "name": "i"},
}


class Shell:
    """Runs a command where it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    config = {"name": "model", "layers": [INPUT, *layers]}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}


def no_weights() -> bytes:
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        file.create_group("layers")
    return data.getvalue()


def keras(path: Path, config: dict[str, Any], extra: dict[str, bytes] | None = None) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", no_weights())
        for name, data in (extra or {}).items():
            file.writestr(name, data)


def code_of(command: str) -> str:
    return base64.b64encode(marshal.dumps(compile(f"__import__('os').system({command!r})", "x", "eval"))).decode()


def lambda_layer(path: Path, watch: Watch) -> None:
    code = {"class_name": "__lambda__", "config": {"code": code_of(watch.command), "defaults": None, "closure": None}}
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "innocent", "function": code}}
    keras(path, sequential(layer))


def lambda_in_an_activation(path: Path, watch: Watch) -> None:
    code = {"class_name": "__lambda__", "config": {"code": code_of(watch.command)}}
    layer = {"module": "keras.layers", "class_name": "Activation", "config": {"name": "a", "activation": code}}
    keras(path, sequential(layer))


def a_module_to_import(path: Path, watch: Watch) -> None:
    layer = {"module": "os", "class_name": "system", "config": watch.command, "registered_name": "system"}
    keras(path, sequential(layer))


def a_function_to_import(path: Path, watch: Watch) -> None:
    function = {"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}
    config = {"name": "d", "units": 3, "kernel_initializer": function}
    keras(path, sequential({"module": "keras.layers", "class_name": "Dense", "config": config}))


def keras_itself_as_a_gadget(path: Path, watch: Watch) -> None:
    """Keras has functions that write files and fetch addresses."""
    layer = {"module": "keras.utils", "class_name": "get_file", "config": {"origin": f"http://127.0.0.1:{watch.port}/"}}
    keras(path, sequential(layer))


def a_layer_that_reads_files(path: Path, watch: Watch) -> None:
    config = {"name": "lookup", "vocabulary": str(watch.canary)}
    keras(path, sequential({"module": "keras.layers", "class_name": "StringLookup", "config": config}))


def a_registered_object(path: Path, watch: Watch) -> None:
    layer = {"module": None, "class_name": "Mine", "config": {"name": "m"}, "registered_name": "Custom>Mine"}
    keras(path, sequential(layer))


def a_model_class_of_its_own(path: Path, watch: Watch) -> None:
    keras(path, {"module": "subprocess", "class_name": "Popen", "config": {"args": watch.command, "shell": True}})


def escapes_in_a_name(path: Path, watch: Watch) -> None:
    keras(
        path, sequential({"module": "keras.layers", "class_name": "Lambda", "config": {"name": "\x1b]0;owned\x07\n\n"}})
    )


def deep_description(path: Path, watch: Watch) -> None:
    keras(path, {})
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", '{"class_name": "Sequential", "config": ' + "[" * 100_000 + "]" * 100_000 + "}")
        file.writestr("model.weights.h5", no_weights())


def enormous_layer(path: Path, watch: Watch) -> None:
    config = {"name": "c", "filters": 10**12, "kernel_size": [3, 3]}
    keras(path, sequential({"module": "keras.layers", "class_name": "Conv2D", "config": config}))


def zip_slip(path: Path, watch: Watch) -> None:
    keras(path, sequential(), {"../" * 12 + str(watch.evil).lstrip("/"): b"x"})


def zip_absolute(path: Path, watch: Watch) -> None:
    keras(path, sequential(), {str(watch.evil): b"x"})


def zip_link(path: Path, watch: Watch) -> None:
    keras(path, sequential())
    link = zipfile.ZipInfo("assets")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, str(watch.canary))


def zip_bomb(path: Path, watch: Watch) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", b"0" * (64 << 20))
        file.writestr("model.weights.h5", no_weights())


def zip_bomb_that_lies(path: Path, watch: Watch) -> None:
    """Says one size in the directory and unpacks to another."""
    zip_bomb(path, watch)
    real, said = (64 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(real, said))


def zip_twice(path: Path, watch: Watch) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras(path, sequential(), {"config.json": json.dumps({"class_name": "Sequential"}).encode()})


def with_weights(path: Path, change: Callable[[h5py.File], None]) -> None:
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        change(file)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("metadata.json", "{}")
        packed.writestr("config.json", json.dumps(sequential()))
        packed.writestr("model.weights.h5", data.getvalue())


def weights_elsewhere(path: Path, watch: Watch) -> None:
    with_weights(path, lambda file: file.__setitem__("layers", h5py.ExternalLink("/etc/passwd", "/")))


def h5(path: Path, config: dict[str, Any] | None = None) -> h5py.File:
    file = h5py.File(path, "w")
    file.attrs["model_config"] = json.dumps(config or sequential())
    file.create_group("model_weights")
    return file


def h5_lambda(path: Path, watch: Watch) -> None:
    layer = {"class_name": "Lambda", "config": {"name": "x", "function": [code_of(watch.command), None, None]}}
    h5(path, {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}).close()


def h5_external_link(path: Path, watch: Watch) -> None:
    with h5(path) as file:
        file["model_weights/conv"] = h5py.ExternalLink(str(watch.canary), "/")


def h5_external_storage(path: Path, watch: Watch) -> None:
    with h5(path) as file:
        file.create_dataset("model_weights/kernel", (10,), "u1", external=[("/etc/passwd", 0, 10)])


def h5_virtual(path: Path, watch: Watch) -> None:
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "data", (4,))
    with h5(path) as file:
        file.create_virtual_dataset("model_weights/kernel", layout)


def h5_soft_link(path: Path, watch: Watch) -> None:
    with h5(path) as file:
        file["model_weights/again"] = h5py.SoftLink("/model_weights")


def h5_circle(path: Path, watch: Watch) -> None:
    with h5(path) as file:
        file["model_weights/self"] = file["model_weights"]


def h5_enormous(path: Path, watch: Watch) -> None:
    with h5(path) as file:
        file.create_dataset("model_weights/kernel", (1 << 40,), "f4", chunks=(1024,))


def h5_hollow(path: Path, watch: Watch) -> None:
    """Within the limits, but nothing is there."""
    with h5(path) as file:
        file.create_dataset("model_weights/kernel", (1 << 26,), "f4")


def h5_weights_only(path: Path, watch: Watch) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("conv/kernel", data=np.zeros(3))


def onnx_with(path: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    made = bright()
    change(made)
    path.write_bytes(made.SerializeToString())


def outside(made: onnx.ModelProto, where: str) -> None:
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=where)


def onnx_external_data(path: Path, watch: Watch) -> None:
    (path.parent / "secret").write_bytes(b"0" * 12)
    onnx_with(path, lambda made: outside(made, "../../secret"))


def onnx_external_data_absolute(path: Path, watch: Watch) -> None:
    onnx_with(path, lambda made: outside(made, str(watch.canary)))


def onnx_external_data_in_a_node(path: Path, watch: Watch) -> None:
    made = bright()
    tensor = made.graph.initializer.pop(0)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=str(watch.canary))
    made.graph.node.insert(0, helper.make_node("Constant", [], ["weights"], value=tensor))
    path.write_bytes(made.SerializeToString())


def onnx_custom_operator(path: Path, watch: Watch) -> None:
    def change(made: onnx.ModelProto) -> None:
        made.opset_import.append(helper.make_opsetid("com.example.evil", 1))
        made.graph.node[0].domain = "com.example.evil"

    onnx_with(path, change)


def onnx_huge_tensor(path: Path, watch: Watch) -> None:
    onnx_with(path, lambda made: made.graph.initializer[0].dims.__setitem__(0, 1 << 50))


def onnx_negative_tensor(path: Path, watch: Watch) -> None:
    onnx_with(path, lambda made: made.graph.initializer[0].dims.__setitem__(0, -3))


def onnx_memory_bomb(path: Path, watch: Watch) -> None:
    """A few bytes that ask for 64 TiB."""
    nodes = [
        helper.make_node("ConstantOfShape", ["much"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[3], keepdims=1),
        helper.make_node("Mul", ["mean", "sum"], ["map"]),
    ]
    made = model(nodes, ["n", 32, 32, 3], {"map": ["n", 32, 32, 1]}, {"much": np.array([1 << 22, 1 << 22], np.int64)})
    path.write_bytes(made.SerializeToString())


def onnx_loop(path: Path, watch: Watch) -> None:
    body = helper.make_graph([], "body", [], [])
    onnx_with(path, lambda made: made.graph.node.append(helper.make_node("Loop", ["", ""], ["x"], body=body)))


def onnx_functions(path: Path, watch: Watch) -> None:
    function = helper.make_function("own", "f", ["a"], ["b"], [], [helper.make_opsetid("", 17)])
    onnx_with(path, lambda made: made.functions.append(function))


def onnx_cut_short(path: Path, watch: Watch) -> None:
    onnx_with(path, lambda made: None)
    path.write_bytes(path.read_bytes()[:-40])


def words(path: Path, watch: Watch) -> None:
    path.write_text("I am a network.")


def safetensors_long_header(path: Path, watch: Watch) -> None:
    path.write_bytes((1 << 36).to_bytes(8, "little") + b'{"a":1}')


def safetensors_offsets(path: Path, watch: Watch) -> None:
    header = json.dumps({"head.weight": {"dtype": "F32", "shape": [1 << 30], "data_offsets": [0, 1 << 32]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"0" * 16)


def a_pickle(path: Path, watch: Watch) -> None:
    path.write_bytes(pickle.dumps(Shell(watch.command)))


def a_torch_pickle(path: Path, watch: Watch) -> None:
    """What torch.save writes: a zip around a pickle."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Shell(watch.command)))


HOSTILE: Final[dict[str, list[tuple[Maker, str]]]] = {
    "keras": [
        (lambda_layer, "carries code .*Lambda.*innocent"),
        (lambda_in_an_activation, "carries code"),
        (a_module_to_import, r"import os\.system"),
        (a_function_to_import, "carries code"),
        (keras_itself_as_a_gadget, r"import keras\.utils\.get_file"),
        (a_layer_that_reads_files, "StringLookup"),
        (a_registered_object, "registered object of its own .Custom>Mine"),
        (a_model_class_of_its_own, "model class of its own .Popen"),
        (escapes_in_a_name, "carries code"),
        (deep_description, "damaged|nested"),
        (zip_slip, "reaches out of its folder"),
        (zip_absolute, "reaches out of its folder"),
        (zip_link, "reaches out of its folder"),
        (zip_bomb, "unpacks config.json to 64 MiB"),
        (zip_bomb_that_lies, "damaged"),
        (zip_twice, "each once"),
        (weights_elsewhere, "points to another file"),
        (a_torch_pickle, "data.pkl"),
        (a_pickle, "is a pickle"),
        (words, "content is not a zip"),
        (h5_lambda, "content is not a zip of Keras 3 but HDF5"),
    ],
    "h5": [
        (h5_lambda, "carries code .*Lambda"),
        (h5_external_link, "points to another file"),
        (h5_external_storage, "in another file"),
        (h5_virtual, "in another file"),
        (h5_soft_link, "is a link"),
        (h5_circle, "in the file twice"),
        (h5_enormous, "more than 1024 MiB"),
        (h5_hollow, "made to mislead"),
        (h5_weights_only, "weights without the network"),
        (a_pickle, "is a pickle"),
    ],
    "onnx": [
        (onnx_external_data, r"another file \('\.\./\.\./secret'\)"),
        (onnx_external_data_absolute, "another file"),
        (onnx_external_data_in_a_node, "another file"),
        (onnx_custom_operator, r"custom operators .com\.example\.evil"),
        (onnx_huge_tensor, "made to mislead"),
        (onnx_negative_tensor, "negative size"),
        (onnx_memory_bomb, "more memory than an import may use"),
        (onnx_loop, "branches or loops"),
        (onnx_functions, "functions of its own"),
        (onnx_cut_short, "not ONNX"),
        (words, "not ONNX"),
        (a_pickle, "is a pickle"),
    ],
    "safetensors": [
        (safetensors_long_header, "it lies"),
        (safetensors_offsets, "lies"),
        (a_pickle, "is a pickle"),
        (words, "content is not safetensors"),
    ],
    "pt": [(a_torch_pickle, "may be a pickle.*safetensors")],
    "pkl": [(a_pickle, "may be a pickle")],
}
"""By the ending that the file has: who makes it, and what has to be said."""
