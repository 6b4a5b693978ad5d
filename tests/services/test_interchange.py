from __future__ import annotations

import csv
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet
import pytest

from atisbo.errors import Invalid
from atisbo.services import collections, interchange
from atisbo.services.collections import Entry
from atisbo.services.embeddings import Look
from atisbo.services.interchange import Brought
from atisbo.services.work import Workplace
from atisbo.store.embeddings import EmbeddingRecord

DIMENSIONS = 128


def vector(seed: int) -> tuple[float, ...]:
    return tuple(float((seed * 37 + place * 11) % 101 + 1) / 64 for place in range(DIMENSIONS))


@pytest.fixture
def collected(workplace: Workplace) -> Workplace:
    for number in range(3):
        entry = Entry(f"{number}.jpg", "icon", "Source, with a comma", "Licence", f"shelf {number}\u00f1")
        look = Look(uuid4(), vector(number))
        workplace.within(
            lambda s, number=number, entry=entry, look=look: collections.add(  # type: ignore[misc]
                s, application="art", version="v1", sha256=f"{number:064}", entry=entry, look=look
            )
        )
    return workplace


def export(workplace: Workplace, path: Path) -> Path:
    assert workplace.within(lambda s: interchange.export(s, application="art", version="v1", path=path)) == 3
    return path


def bring(workplace: Workplace, path: Path, application: str = "other", version: str = "v1") -> Brought:
    return workplace.within(lambda s: interchange.bring(s, application=application, version=version, path=path))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_goes_out_comes_in_again(collected: Workplace, tmp_path: Path, ending: str) -> None:
    path = export(collected, tmp_path / f"art.{ending}")
    assert bring(collected, path) == Brought(added=3, known=0)
    assert bring(collected, path) == Brought(added=0, known=3), "known by its place"
    assert bring(collected, path, application="art") == Brought(added=0, known=3), "known by its bytes"
    items = collected.within(lambda s: collections.items(s, "other"))
    assert [(item.file_name, item.label, item.location) for item in items] == [
        (f"{number}.jpg", "icon", f"shelf {number}\u00f1") for number in range(3)
    ]
    with collected.sessions() as s:
        for number, item in enumerate(items):
            record = s.query(EmbeddingRecord).filter_by(item_id=item.id).one()
            assert record.vector == pytest.approx(vector(number), abs=1e-6)


def test_a_table_has_128_values_a_label_and_a_location(collected: Workplace, tmp_path: Path) -> None:
    with export(collected, tmp_path / "art.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["label"], row["location"], row["version"]) == ("icon", "shelf 0\u00f1", "v1")
    assert [float(row[f"e{place}"]) for place in range(DIMENSIONS)] == pytest.approx(vector(0))
    table = pyarrow.parquet.read_table(export(collected, tmp_path / "art.parquet"))
    assert table.schema.field("embedding").type.list_size == DIMENSIONS
    assert table.column("label").to_pylist() == ["icon"] * 3


def _cut(cells: list[str]) -> list[str]:
    return cells[:-1]


def _longer(cells: list[str]) -> list[str]:
    return [*cells, "1.0"]


def _word(cells: list[str]) -> list[str]:
    return [*cells[:-1], "blue"]


def _nan(cells: list[str]) -> list[str]:
    return [*cells[:-1], "nan"]


def _version(cells: list[str]) -> list[str]:
    return ["v2" if cell == "v1" else cell for cell in cells]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_cut, "Line 3: 127 values instead of 128. Nothing was taken in."),
        (_longer, "Line 3: 129 values instead of 128. Nothing was taken in."),
        (_word, "Line 3: “blue” is no number. Nothing was taken in."),
        (_nan, "Line 3: the values are not all finite, or all zero. Nothing was taken in."),
        (_version, "Line 3: made by v2, but v1 is at work; add the pictures themselves instead. Nothing was taken in."),
    ],
)
def test_a_wrong_line_is_named_and_nothing_comes_in(
    collected: Workplace, tmp_path: Path, spoil: object, said: str
) -> None:
    path = export(collected, tmp_path / "art.csv")
    lines = list(csv.reader(path.read_text().splitlines()))
    lines[2] = spoil(lines[2])  # type: ignore[operator]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    with pytest.raises(Invalid) as refused:
        bring(collected, path)
    assert str(refused.value) == said
    assert collected.within(lambda s: collections.items(s, "other")) == []


def test_a_whole_table_of_another_length_is_refused(collected: Workplace, tmp_path: Path) -> None:
    """The numbers of this version are known from what is there."""
    path = tmp_path / "short.csv"
    path.write_text("file,label,location,e0,e1\na.jpg,icon,there,1,2\n")
    with pytest.raises(Invalid, match="Line 2: 2 values instead of 128"):
        bring(collected, path, application="art")


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.csv", b"file,label\na,b\n"), ("a.csv", b"\xff\xfe\x00"), ("a.csv", b""), ("a.parquet", b"no parquet")],
)
def test_what_is_no_table_is_refused(workplace: Workplace, tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Invalid):
        bring(workplace, tmp_path / name)
