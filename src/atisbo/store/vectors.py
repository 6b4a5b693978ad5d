"""Vectors in the database: pgvector's own type, as plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

Vector = tuple[float, ...]


class VectorType(UserDefinedType[Vector]):
    """pgvector's ``vector`` of any number of dimensions."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "vector"

    def bind_processor(self, _dialect: Dialect) -> Callable[[Vector | None], str | None]:
        return lambda value: None if value is None else written(value)

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Callable[[str | None], Vector | None]:
        return lambda value: None if value is None else read(value)


ischema_names["vector"] = VectorType


def written(values: Vector) -> str:
    """As pgvector reads it; nine digits bring every float32 back."""
    return _pattern(len(values)) % tuple(values)


@cache
def _pattern(count: int) -> str:
    return f"[{','.join(['%.9g'] * count)}]"


def read(text: str) -> Vector:
    """What pgvector wrote."""
    return tuple(map(float, text[1:-1].split(",")))
