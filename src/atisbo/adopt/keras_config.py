"""Reads a Keras model's description and lets through what is made of Keras's own layers. Runs in a closed room.

Keras builds whatever class a description names, importing the module it names. So every name is looked up here first.
"""

from __future__ import annotations

import json
from typing import Any, Final

from atisbo.adopt.refusal import Refused, plain

LARGEST: Final = 16 << 20
"""Bytes of a description."""
_DEEPEST: Final = 200

_MODULES: Final = frozenset(
    {"keras", "keras.layers", "keras.models", "keras.initializers", "keras.regularizers", "keras.constraints"}
    | {f"keras{part}" for part in (".src.models.functional", ".src.models.sequential", ".src.engine.functional")}
    | {f"keras{part}" for part in (".src.engine.sequential", ".engine.functional", ".engine.sequential")}
)
_MODELS: Final = "Model Functional Sequential"
_LAYERS: Final = """
InputLayer Dense Activation Rescaling Normalization Resizing CenterCrop Identity Masking
Conv1D Conv2D Conv2DTranspose DepthwiseConv2D SeparableConv2D Convolution2D Convolution2DTranspose
MaxPooling2D AveragePooling2D MaxPool2D AvgPool2D GlobalAveragePooling2D GlobalMaxPooling2D
AdaptiveAveragePooling2D AdaptiveMaxPooling2D GlobalAveragePooling1D GlobalMaxPooling1D
BatchNormalization LayerNormalization GroupNormalization UnitNormalization SpectralNormalization
Dropout SpatialDropout2D GaussianDropout GaussianNoise AlphaDropout ActivityRegularization
ReLU LeakyReLU PReLU ELU Softmax ThresholdedReLU
Add Subtract Multiply Average Maximum Minimum Concatenate Dot
Flatten Reshape Permute RepeatVector Cropping2D ZeroPadding2D UpSampling2D
Attention AdditiveAttention MultiHeadAttention Embedding EinsumDense
RandomFlip RandomRotation RandomZoom RandomTranslation RandomContrast RandomBrightness RandomCrop
"""
_PARTS: Final = """
DTypePolicy Policy Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling Orthogonal Identity
GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform L1 L2 L1L2 OrthogonalRegularizer
MaxNorm NonNeg UnitNorm MinMaxNorm SeedGenerator
__keras_tensor__ __tuple__ __numpy__ __tensor__
"""
_KNOWN: Final = frozenset(f"{_MODELS} {_LAYERS} {_PARTS}".split())
_OPERATIONS: Final = {
    "keras.src.ops.numpy": "Add Subtract Multiply Divide TrueDivide Negative Maximum Minimum Mean Sum Max Min Square"
    " Sqrt Exp Log Power Absolute Abs Clip Tanh Concatenate Reshape Transpose ExpandDims Squeeze Pad GetItem",
    "keras.src.ops.nn": "Relu Relu6 Sigmoid Silu Softmax Gelu HardSigmoid HardSilu LeakyRelu Elu Softplus Normalize",
    "keras.src.ops.image": "Resize",
    "keras.src.ops.core": "Cast",
}
"""Operations that stand in a model beside its layers (``x * 2``); none of them calls anything."""
_CODE: Final = {"Lambda": "a Lambda layer", "__lambda__": "a lambda", "function": "a function of its own"}
_TENSORFLOW: Final = ("TFOpLambda", "SlicingOpLambda", "TFSMLayer", "TensorFlowOpLayer", "ClassMethod")
_TRAINING: Final = ("compile_config", "training_config", "optimizer_config")
"""Left out: an imported network is not trained on, and losses of one's own stand here."""


def cleaned(text: str | bytes) -> dict[str, Any]:
    """The description, checked, without what only training needs.

    Raises:
        Refused: it is no description, or names something that is not one of Keras's own layers for images.
    """
    if len(text) > LARGEST:
        raise Refused("its description of the network is too long")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("its description of the network is damaged") from error
    if not isinstance(config, dict) or config.get("class_name") not in _MODELS.split():
        name = plain(config.get("class_name") if isinstance(config, dict) else "", 60)
        raise Refused(f"it is a model class of its own ({name}), which is code; rebuild it from Keras layers")
    found = _clean(config, 0)
    if not isinstance(found, dict):
        raise Refused("its description of the network is damaged")
    return found


def _clean(node: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise Refused("its description of the network is nested too deeply")
    if isinstance(node, list):
        return [_clean(item, depth + 1) for item in node]
    if not isinstance(node, dict):
        return node
    if "class_name" in node:
        _check(node)
    kept = {key: _clean(value, depth + 1) for key, value in node.items() if key not in _TRAINING}
    return _modern(kept)


def _check(node: dict[str, Any]) -> None:
    name, module, registered = (node.get(key) for key in ("class_name", "module", "registered_name"))
    if not all(isinstance(word, str | None) for word in (name, module, registered)):
        raise Refused("its description of the network is damaged")
    at = _place(node)
    if name in _CODE:
        raise Refused(f"it carries code ({_CODE[name]}{at}); replace it by Keras layers and save the model again")
    if name in _TENSORFLOW:
        raise Refused(
            f"it calls TensorFlow itself ({plain(name, 40)}{at}); replace that by Keras layers, or export ONNX"
        )
    if name in _OPERATIONS.get(module or "", "").split() and registered in (None, name):
        return
    if module not in (None, "builtins") and module not in _MODULES:
        raise Refused(f"it wants to import {plain(module, 60)}.{plain(name, 60)}{at}, which is code; only Keras's own")
    if registered is not None and registered not in (name, f"keras>{name}", f"Keras>{name}"):
        raise Refused(f"it needs a registered object of its own ({plain(registered, 60)}{at}), which is code")
    if name not in _KNOWN:
        raise Refused(f"the layer {plain(name, 60)}{at} is not one that can be imported; export the network as ONNX")


def _place(node: dict[str, Any]) -> str:
    """Which layer it is, for the sentence."""
    config = node.get("config")
    name = node.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return f" at {plain(name, 60)!r}" if name else ""


def _modern(node: dict[str, Any]) -> dict[str, Any]:
    """Two things older or leaner files say that Keras 3 or the exporter cannot take."""
    config = node.get("config")
    if not isinstance(config, dict):
        return node
    if node.get("class_name") == "DepthwiseConv2D":
        config.pop("groups", None)  # Keras 2 wrote it, always 1
    if node.get("class_name") in ("DTypePolicy", "Policy") and str(config.get("name", "")).startswith("mixed_"):
        config["name"] = "float32"  # the weights are
    return node
