"""Answers as a table, written as they come."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from atisbo.domain import exports
from atisbo.domain.cards import Card
from atisbo.errors import Misconfigured

Row = dict[str, exports.Cell]


@contextmanager
def table(path: Path | None, card: Card) -> Iterator[Callable[[Row], None]]:
    """What writes a row of answers to ``path`` as CSV; nothing is written without one.

    Raises:
        Misconfigured: the file cannot be written.
    """
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise Misconfigured("csv_unwritable", "{path} cannot be written: {reason}.", path=path, reason=error) from error
    with file:
        writer = csv.DictWriter(file, exports.columns(card), restval="")
        writer.writeheader()

        def write(row: Row) -> None:
            writer.writerow({name: exports.plain(v) if isinstance(v, str) else v for name, v in row.items()})
            file.flush()

        yield write
