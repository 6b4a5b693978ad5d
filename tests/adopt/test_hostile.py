"""Files that mean harm are refused with a reason, change nothing and touch nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from atisbo.adopt.adoption import adopt
from atisbo.adopt.warden import Bounds
from atisbo.errors import Invalid
from tests.adopt.conftest import SECRET, Folder, Watch, contents
from tests.adopt.hostile import HOSTILE, Maker, enormous_layer, words

CASES = [
    pytest.param(ending, make, reason, id=f"{make.__name__}.{ending}")
    for ending, cases in HOSTILE.items()
    for make, reason in cases
]


@pytest.mark.parametrize(("ending", "make", "reason"), CASES)
def test_it_is_refused_and_touches_nothing(
    tmp_path: Path, folder: Folder, watch: Watch, ending: str, make: Maker, reason: str
) -> None:
    source, place = tmp_path / f"evil.{ending}", folder()
    make(source, watch)
    before = contents(place)
    with pytest.raises(Invalid, match=reason) as caught:
        adopt(source, place, recipe="unet", command="atisbo import", bounds=Bounds(cpu_s=60, wall_s=90))
    said = str(caught.value)
    assert said.startswith(f"evil.{ending}: ")
    assert said.isprintable()
    assert SECRET not in said
    assert contents(place) == before


def test_a_layer_of_a_trillion_filters_meets_the_limit_of_memory(
    tmp_path: Path, folder: Folder, watch: Watch, keras_files: Path
) -> None:
    enormous_layer(tmp_path / "evil.keras", watch)
    with pytest.raises(Invalid, match=r"memory|Keras cannot build it"):
        adopt(tmp_path / "evil.keras", folder(), recipe=None, command="")


def test_a_file_over_the_limit_is_not_read_to_its_end(tmp_path: Path, folder: Folder) -> None:
    source = tmp_path / "large.onnx"
    source.write_bytes(bytes(3 << 20))
    with pytest.raises(Invalid, match="larger than 2 MiB"):
        adopt(source, folder(), recipe=None, command="", bounds=Bounds(file_bytes=2 << 20))


@pytest.mark.parametrize("name", ["network.tflite", "network", "network.zip"])
def test_other_kinds_are_told_what_would_do(tmp_path: Path, folder: Folder, watch: Watch, name: str) -> None:
    words(tmp_path / name, watch)
    with pytest.raises(Invalid, match=r"export ONNX|does not end in"):
        adopt(tmp_path / name, folder(), recipe=None, command="")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path, folder: Folder) -> None:
    place = folder()
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(Invalid, match="not a file"):
        adopt(tmp_path / "pipe.onnx", place, recipe=None, command="")
    with pytest.raises(Invalid, match="cannot be read"):
        adopt(tmp_path / "nothing.onnx", place, recipe=None, command="")
