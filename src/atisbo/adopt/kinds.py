"""What kind of file somebody brought, by its name and its first bytes; nothing is opened here."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from atisbo.adopt.refusal import Refused

Kind = Literal["onnx", "keras", "h5", "safetensors"]

KINDS: Final[dict[str, Kind]] = {
    ".onnx": "onnx",
    ".keras": "keras",
    ".h5": "h5",
    ".hdf5": "h5",
    ".safetensors": "safetensors",
}
_PICKLES: Final = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".npy", ".npz")
_TENSORFLOW: Final = (".pb", ".tflite", ".pbtxt")
_HDF5, _ZIP, _PICKLE = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", tuple(bytes([0x80, version]) for version in range(2, 6))


def recognise(path: Path, start: bytes) -> Kind:
    """Name and content have to say the same.

    Args:
        start: its first 16 bytes.

    Raises:
        Refused: no kind that is taken, or the content is not what the name says.
    """
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise Refused(
            f"a {suffix} file may be a pickle, which is a program, so it is not opened. Save the state_dict with"
            " safetensors.torch.save_file and import it with --recipe, or export ONNX"
        )
    if suffix in _TENSORFLOW:
        raise Refused(f"{suffix} is not taken. Save the model with model.save('network.keras'), or export ONNX")
    if suffix not in KINDS:
        raise Refused(f"its name does not end in one of {', '.join(KINDS)}")
    kind = KINDS[suffix]
    found = _looks_like(start)
    if found == "pickle":
        raise Refused("it is a pickle, which is a program, under another name; it is not opened")
    if found != kind and (kind != "onnx" or found is not None):
        raise Refused(f"its content is not {_spoken(kind)}" + (f" but {_spoken(found)}" if found else ""))
    return kind


def _looks_like(start: bytes) -> str | None:
    """ONNX has no mark of its own; it is the one for which None may still be right."""
    if start.startswith(_PICKLE):
        return "pickle"
    if start.startswith(_HDF5):
        return "h5"
    if start.startswith(_ZIP):
        return "keras"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 1 << 40:
        return "safetensors"
    return None


def _spoken(kind: str) -> str:
    return {"keras": "a zip of Keras 3", "h5": "HDF5", "onnx": "ONNX", "safetensors": "safetensors"}[kind]
