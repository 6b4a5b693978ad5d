from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from atisbo.config import Secrets, Settings
from atisbo.errors import Misconfigured


def test_secrets_are_generated_once_and_for_the_owner_only(tmp_path: Path) -> None:
    first = Secrets.open(tmp_path / "data" / "secrets.json")
    assert Secrets.open(tmp_path / "data" / "secrets.json").key("a") == first.key("a")
    assert Secrets.open(tmp_path / "other.json").key("a") != first.key("a")
    assert first.key("a") != first.key("b")
    assert (tmp_path / "data" / "secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damaged", ["", "{}", '{"root": "zz"}', '{"root": "aa"}', "[]"])
def test_damaged_secrets_are_not_replaced_silently(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "secrets.json").write_text(damaged)
    (tmp_path / "secrets.json").chmod(0o600)
    with pytest.raises(Misconfigured):
        Secrets.open(tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").read_text() == damaged


def test_secrets_that_others_can_read_are_not_used(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    Secrets.open(path)
    path.chmod(0o604)
    with pytest.raises(Misconfigured, match="chmod 600"):
        Secrets.open(path)


UNSAFE: list[dict[str, Any]] = [
    {"host": "0.0.0.0"},
    {"host": "::"},
    {"host": "192.0.2.1"},
    {"host": "example.org"},
    {"host": "0.0.0.0", "public_url": "http://atisbo.example.org"},
    {"public_url": "http://atisbo.example.org"},
    {"host": "0.0.0.0", "public_url": "http://localhost"},
    {"public_url": "https://atisbo.example.org", "webhook_http": True},
    {"webhook_http": True},
    {"metrics_token": "guess me"},
]
SAFE: list[dict[str, Any]] = [
    {},
    {"host": "::1"},
    {"host": "localhost"},
    {"public_url": "http://127.0.0.1:8080"},
    {"host": "0.0.0.0", "public_url": "https://atisbo.example.org"},
    {"metrics_token": "a-token-of-some-length-3f9c"},
]


@pytest.mark.parametrize("said", UNSAFE)
def test_an_unsafe_installation_does_not_start_but_for_development(said: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="ATISBO_"):
        Settings(**said).refuse_unsafe()
    Settings(**said, development=True).refuse_unsafe()


@pytest.mark.parametrize("said", SAFE)
def test_a_safe_installation_starts(said: dict[str, Any]) -> None:
    Settings(**said).refuse_unsafe()


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_every_process_asks_before_it_starts(command: str, tmp_path: Path) -> None:
    where = {"ATISBO_HOST": "0.0.0.0", "ATISBO_DATA_DIR": str(tmp_path / "data")}
    said = subprocess.run(
        [sys.executable, "-m", "atisbo", command], env=os.environ | where, capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 1
    assert "without encryption" in said.stderr
    assert not (tmp_path / "data").exists(), "nothing was begun"


def test_no_setting_has_a_secret_by_default() -> None:
    words = ("token", "secret", "password", "key")
    said = {name: one.default for name, one in Settings.model_fields.items() if any(word in name for word in words)}
    assert {name for name, default in said.items() if default is not None} == {
        "access_token_minutes",
        "refresh_token_days",
    }
