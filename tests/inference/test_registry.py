from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from atisbo.domain.applications import SHIPPED
from atisbo.errors import Misconfigured, NotFound
from atisbo.inference.registry import Registry
from tests.applications_for_tests.networks import HERE, bright, colour


def test_the_networks_that_lie_here_are_the_ones_described() -> None:
    for name, network in (("bright", bright()), ("colour", colour())):
        assert (HERE / name / "model.onnx").read_bytes() == network.SerializeToString()
        assert (HERE / name / "model.onnx").stat().st_size < 500


def test_applications_without_code_work_beside_the_shipped_ones() -> None:
    registry = Registry.open([SHIPPED, HERE])
    registry.load()
    assert registry.faults == []
    assert {"bright", "colour", "polyp"} <= set(registry.names())
    assert registry.predictor("polyp") is registry.predictor("polyp")
    assert registry.predictor("colour").card.output.positive == "red"
    registry.close()
    assert registry.names() == []


def test_an_unknown_application_is_not_found() -> None:
    registry = Registry.open([HERE])
    with pytest.raises(NotFound, match="called nothing"):
        registry.predictor("nothing")
    registry.close()


def test_a_broken_network_is_told_and_takes_no_other_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("bright", "colour"):
        shutil.copytree(HERE / name, tmp_path / name)
    definition = tmp_path / "bright" / "application.toml"
    definition.write_text(definition.read_text().replace("size = [32, 32]", "size = [48, 48]"))
    (tmp_path / "empty").mkdir()
    shutil.copytree(HERE / "bright", tmp_path / "lost", ignore=shutil.ignore_patterns("*.onnx"))
    registry = Registry.open([tmp_path])
    assert registry.names() == ["bright", "colour"]
    with caplog.at_level(logging.ERROR):
        registry.load()
    assert registry.names() == ["colour"]
    assert [fault.code for fault in registry.faults] == ["model_missing", "network_wrong"]
    assert "input.tensor" in caplog.text
    with pytest.raises(NotFound):
        registry.predictor("bright")
    registry.close()


def test_a_network_changed_after_training_is_not_loaded(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "polyp", tmp_path / "polyp")
    model = tmp_path / "polyp" / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(bytes(data))
    registry = Registry.open([tmp_path])
    with pytest.raises(Misconfigured, match="checksum"):
        registry.predictor("polyp")
    registry.load()
    assert registry.names() == []
    registry.close()
