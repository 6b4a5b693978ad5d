"""What is wrong is said before anything is made; what was made is told whatever goes wrong afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.cli.children import Child
from atisbo.cli.supervisor import Supervisor
from atisbo.config import Settings
from atisbo.errors import Misconfigured
from tests.conftest import free_port


def served(data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``atisbo serve``, which ends by itself."""
    known = os.environ | {"ATISBO_DATA_DIR": str(data_dir), "ATISBO_PORT": str(free_port())} | environment
    command = [sys.executable, "-m", "atisbo", "serve"]
    return subprocess.run(command, env=known, capture_output=True, text=True, timeout=60, check=False)


def test_a_port_that_is_taken_is_said_before_anything_is_made(tmp_path: Path) -> None:
    """Another Atisbo that answers there is not taken for this one, and no password is lost."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = served(tmp_path / "data", ATISBO_PORT=str(port))
    assert (said.returncode, said.stdout) == (1, "")
    assert f"127.0.0.1:{port} cannot be listened on" in said.stderr
    assert "ATISBO_PORT" in said.stderr
    assert not (tmp_path / "data" / "postgres").exists()


def test_queues_that_there_are_not_are_refused_at_once(tmp_path: Path) -> None:
    said = served(tmp_path / "data", ATISBO_WORKER_QUEUES="foo")
    assert (said.returncode, "ATISBO_WORKER_QUEUES" in said.stderr) == (1, True)


def test_the_first_password_is_told_where_the_start_fails_after_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Here the web process ends at once, as it does where it cannot be loaded."""
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    (tmp_path / "uvicorn.py").write_text("raise SystemExit('cannot be loaded')")
    web = Child("web", environment)
    web.start_early()
    settings = Settings(data_dir=tmp_path / "data", port=free_port(), workers=1)
    with pytest.raises(Misconfigured, match="could not start"):
        Supervisor(settings, web).run()
    assert "admin@atisbo.local" in capfd.readouterr().out


@pytest.mark.parametrize(
    "command", [["backup", "there"], ["sweep"], ["users", "create", "eva@example.org", "--password", "a long password"]]
)
def test_commands_on_a_folder_without_an_installation_make_none(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATISBO_DATA_DIR", "atisbo-data")
    monkeypatch.delenv("ATISBO_DATABASE_URL", raising=False)
    said = CliRunner().invoke(app, command)
    assert said.exit_code == 1
    assert "There is no installation in" in said.stderr
    assert list(tmp_path.iterdir()) == []
