from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Command
from rich.text import Text
from typer.main import get_command
from typer.testing import CliRunner

from atisbo import __version__
from atisbo.cli import app
from atisbo.services import accounts
from atisbo.services.work import Workplace

RUN = CliRunner()


def test_version() -> None:
    assert RUN.invoke(app, ["--version"]).stdout.strip() == __version__


def test_every_command_explains_itself() -> None:
    shown = RUN.invoke(app, ["--help"]).stdout
    for command in ("serve", "web", "worker", "predict", "evaluate", "train", "applications", "users"):
        assert command in shown
        assert RUN.invoke(app, [command, "--help"]).exit_code == 0


def test_what_stands_in_brackets_is_no_markup_of_the_help() -> None:
    shown = RUN.invoke(app, ["import", "--help"]).stdout
    assert "[input.tensor]" in shown
    assert "[output]" in shown
    for command in commands(get_command(app)):
        for said in (command.help or "", *(getattr(one, "help", None) or "" for one in command.params)):
            assert Text.from_markup(said).plain == said.replace("\\[", "["), command.name


def commands(command: Command) -> Iterator[Command]:
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from commands(one)


def test_the_shipped_application_is_listed() -> None:
    assert "segmentation" in next(
        line for line in RUN.invoke(app, ["applications"]).stdout.splitlines() if line.startswith("polyp")
    )


def test_a_wrong_setting_is_named_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_PORT", "many")
    said = RUN.invoke(app, ["applications"])
    assert said.exit_code == 1
    assert "port" in said.stderr
    assert "Traceback" not in said.output


def test_a_worker_without_a_database_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ATISBO_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("ATISBO_DATABASE_URL", raising=False)
    said = subprocess.run([sys.executable, "-m", "atisbo", "worker"], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "atisbo serve" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_operator_makes_users_and_resets_passwords(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_DATABASE_URL", workplace.settings.database_url or "")
    monkeypatch.setenv("ATISBO_DATA_DIR", str(workplace.settings.data_dir))
    made = RUN.invoke(app, ["users", "create", "eva@example.org", "--role", "curator", "--password", "first password"])
    assert made.exit_code == 0, made.output
    again = RUN.invoke(app, ["users", "password", "eva@example.org", "--password", "second password"])
    assert again.exit_code == 0, again.output
    user = workplace.within(lambda s: accounts.verify(s, email="eva@example.org", password="second password"))
    assert user.role == "curator"
    unknown = RUN.invoke(app, ["users", "password", "nobody@example.org", "--password", "second password"])
    assert unknown.exit_code == 1
    assert "no such user" in unknown.stderr


def test_a_database_is_prepared_and_its_first_administrator_told_once(tmp_path: Path) -> None:
    """As before the processes of a new version start on several hosts; storage that is none is told first."""
    command = [sys.executable, "-m", "atisbo", "migrate"]
    environment = os.environ | {"ATISBO_DATA_DIR": str(tmp_path)}
    wrong = subprocess.run(command, env=environment | {"ATISBO_BLOB_URL": "ftp://x"}, capture_output=True, text=True)
    assert (wrong.returncode, "ATISBO_BLOB_URL is no storage" in wrong.stderr) == (1, True)
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)
    )
    assert "admin@atisbo.local" in first
    assert second == "The database is ready.\n"


@pytest.mark.parametrize(
    "words",
    [["migrate"], ["serve"], ["users", "create", "eva@example.org", "--password", "first password"], ["backup"]],
)
def test_a_database_that_is_away_is_one_sentence(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATISBO_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/x")
    monkeypatch.setenv("ATISBO_DATA_DIR", str(tmp_path / "data"))
    target = [str(tmp_path / "backups")] if words == ["backup"] else []
    done = subprocess.run([sys.executable, "-m", "atisbo", *words, *target], capture_output=True, text=True)
    assert done.returncode == 1
    assert "The database of ATISBO_DATABASE_URL cannot be used" in done.stderr
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("url", ["nonsense", "", "mysql://me:secret@host/x", "postgresql://host:port/x"])
def test_an_address_of_no_database_is_one_sentence(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_DATABASE_URL", url)
    monkeypatch.setenv("ATISBO_DATA_DIR", str(tmp_path))
    said = RUN.invoke(app, ["migrate"])
    assert said.exit_code == 1
    assert "Write postgresql://user:password@host/name" in said.stderr
    assert "secret" not in said.output


def test_an_option_that_no_database_knows_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_DATABASE_URL", "postgresql://127.0.0.1:1/x?colour=blue")
    monkeypatch.setenv("ATISBO_DATA_DIR", str(tmp_path))
    said = RUN.invoke(app, ["migrate"])
    assert said.exit_code == 1
    assert "colour" in said.stderr


@pytest.mark.parametrize("url", [None, "postgresql://127.0.0.1:1/x"])
@pytest.mark.parametrize("place", ["file", "file/within"])
def test_a_data_folder_that_cannot_be_made_is_named(
    place: str, url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("a letter")
    monkeypatch.setenv("ATISBO_DATA_DIR", str(tmp_path / place))
    if url is None:
        monkeypatch.delenv("ATISBO_DATABASE_URL", raising=False)
    else:
        monkeypatch.setenv("ATISBO_DATABASE_URL", url)
    said = RUN.invoke(app, ["migrate"])
    assert said.exit_code == 1
    assert f"The folder {tmp_path / place} cannot be made" in said.stderr
    assert "ATISBO_DATA_DIR" in said.stderr
