from __future__ import annotations

from pathlib import Path

import pytest

from atisbo.config import Secrets
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
    with pytest.raises(Misconfigured):
        Secrets.open(tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").read_text() == damaged
