"""Walks an HDF5 file without following any of its references. Runs in a closed room."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import h5py

from atisbo.adopt.refusal import Refused, plain

_MOST_OBJECTS: Final = 100_000
_DEEPEST: Final = 64
_EXPANSION: Final = 1100
"""deflate cannot shrink further than this."""


def check(path: Path, largest: int) -> None:
    """Nothing in the file may point out of it, load a plug-in, or be larger than what is there.

    Args:
        largest: bytes that all its arrays may take in memory.

    Raises:
        Refused: something does.
    """
    try:
        with h5py.File(path, "r") as file:
            _Walk(path.stat().st_size, largest).group(file, "", 0)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise Refused(f"its HDF5 is damaged: {plain(error, 200)}") from error


class _Walk:
    def __init__(self, file_bytes: int, largest: int) -> None:
        self.file_bytes, self.largest = file_bytes, largest
        self.seen: set[Any] = set()
        self.total = 0

    def group(self, group: Any, where: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise Refused("its folders are nested too deeply")
        self._attributes(group, where or "/")
        for name in group:
            at = f"{where}/{plain(name, 60)}"
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise Refused(f"{at} points to another file ({plain(link.filename, 100)!r}), which is not opened")
            if not isinstance(link, h5py.HardLink):
                raise Refused(f"{at} is a link to somewhere else; save the network without links")
            self._object(group[name], at, depth)

    def _object(self, item: Any, at: str, depth: int) -> None:
        address = h5py.h5o.get_info(item.id).addr
        if address in self.seen:
            raise Refused(f"{at} is in the file twice; save the network without links")
        self.seen.add(address)
        if len(self.seen) > _MOST_OBJECTS:
            raise Refused(f"it has more than {_MOST_OBJECTS} entries")
        if isinstance(item, h5py.Group):
            self.group(item, at, depth + 1)
        elif isinstance(item, h5py.Dataset):
            self._dataset(item, at)
        else:
            raise Refused(f"{at} is neither a folder nor an array")

    def _dataset(self, item: Any, at: str) -> None:
        if item.external or item.is_virtual:
            raise Refused(f"{at} keeps its numbers in another file, which is not opened; save the network as one file")
        settings = item.id.get_create_plist()
        codes = {settings.get_filter(index)[0] for index in range(settings.get_nfilters())}
        if not codes <= {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}:
            raise Refused(f"{at} needs a plug-in to be unpacked; save the network uncompressed")
        self._size(item, at)
        declared, packed = item.nbytes, h5py.h5z.FILTER_DEFLATE in codes
        held = item.id.get_storage_size()
        if declared > held * (_EXPANSION if packed else 1):
            raise Refused(
                f"{at} says it holds {declared} bytes, but there are {held} in the file; it is made to mislead"
            )
        self._attributes(item, at)

    def _size(self, item: Any, at: str) -> None:
        if item.dtype.kind not in "fiubS" and h5py.check_string_dtype(item.dtype) is None:
            raise Refused(f"{at} holds {plain(item.dtype, 40)}, which are no numbers")
        self.total += item.nbytes
        if self.total > self.largest:
            raise Refused(f"its arrays need more than {self.largest >> 20} MiB")

    def _attributes(self, item: Any, at: str) -> None:
        for name in item.attrs:
            kept = item.attrs.get_id(name)
            if math.prod(kept.shape or ()) * max(kept.dtype.itemsize, 1) > self.file_bytes:
                raise Refused(f"the attribute {plain(name, 60)} of {at} says it is larger than the file")
            if kept.dtype.kind == "O" and h5py.check_string_dtype(kept.dtype) is None:
                raise Refused(f"the attribute {plain(name, 60)} of {at} is neither number nor text")
