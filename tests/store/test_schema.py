from __future__ import annotations

from atisbo.services.work import Workplace
from atisbo.store import schema


def test_records_and_migrations_agree(workplace: Workplace) -> None:
    assert schema.drift(workplace.engine) == []


def test_migrating_again_changes_nothing(workplace: Workplace) -> None:
    schema.migrate(workplace.engine)
    assert schema.drift(workplace.engine) == []
