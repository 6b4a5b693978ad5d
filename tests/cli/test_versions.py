from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.services import versions
from atisbo.services.work import Workplace
from tests.applications_for_tests.networks import HERE
from tests.services.versions import another, installed


def test_the_operator_has_commands(workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_DATABASE_URL", workplace.settings.database_url or "")
    monkeypatch.setenv("ATISBO_DATA_DIR", str(workplace.settings.data_dir))
    monkeypatch.setenv("ATISBO_APPLICATIONS_DIR", str(HERE))

    def atisbo(*words: str) -> str:
        return " ".join(CliRunner().invoke(app, ["versions", *words]).output.split())

    workplace.within(lambda s: versions.install(s, installed()))
    card, model = another(threshold=0.4)
    card.write(tmp_path / "card.json")
    (tmp_path / "model.onnx").write_bytes(model)
    assert atisbo("submit", "colour", str(tmp_path)) == f"{card.version}: received"
    brought = next(v for v in workplace.within(lambda s: versions.list_(s, None)) if v.name == card.version)
    workplace.within(lambda s: versions.proven(s, version_id=brought.id))
    assert f"colour {card.version} submitted file" in atisbo("list", "colour")
    assert "Write down why" in atisbo("activate", "colour", card.version)
    assert "no such version" in atisbo("activate", "colour", "nothing", "--reason", "a test")
    assert atisbo("activate", "colour", card.version, "--reason", "a test") == f"{card.version} answers"
    assert atisbo("rollback", "colour") == f"{installed()['colour'][1].version} answers"
