from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from atisbo.errors import Invalid
from atisbo.imaging.folders import data_sha256, read_folder, read_mask, select


@pytest.fixture
def copy(frames: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(frames, tmp_path / "frames"))


def test_rows_become_samples(frames: Path) -> None:
    samples = read_folder(frames)
    assert [sample.image.stem for sample in samples[:3]] == ["1", "2", "3"]
    assert samples[0].columns["centre"] == "A"
    assert read_mask(samples[0], (48, 64)).any()
    assert not read_mask(samples[5], (48, 64)).any()


def test_without_an_index_all_images_count(copy: Path) -> None:
    (copy / "index.csv").unlink()
    assert len(read_folder(copy)) == 24


@pytest.mark.parametrize(
    ("index", "sentence"),
    [
        ("name\n1.png\n", "no column called file"),
        ("file,centre\n1.png,A\n,A\n", "line 3: not a row"),
        ("file,centre\n1.png\n", "line 2: not a row"),
        ("file,centre\n1.png,A,B\n", "line 2: not a row"),
        ("file\n../images/1.png\n", "line 2: not a row"),
        ("file\n1.png\n1.png\n", "line 3: 1.png is there twice"),
        ("file\n1.png\n77.png\n", r"images/77.png, named in line 3 of the index, is missing"),
    ],
)
def test_a_bad_row_is_named(copy: Path, index: str, sentence: str) -> None:
    (copy / "index.csv").write_text(index)
    with pytest.raises(Invalid, match=sentence):
        read_folder(copy)


def test_a_missing_mask_is_named(copy: Path) -> None:
    (copy / "masks" / "4.png").unlink()
    with pytest.raises(Invalid, match=r"masks/4.png, named in line 5"):
        read_folder(copy)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no folder called images"):
        read_folder(tmp_path)


def test_a_mask_of_another_size_is_named(copy: Path) -> None:
    cv2.imwrite(str(copy / "masks" / "2.png"), np.zeros((10, 10), np.uint8))
    with pytest.raises(Invalid, match=r"2.png is \(10, 10\), but its image is \(48, 64\)"):
        read_mask(read_folder(copy)[1], (48, 64))


def test_a_mask_that_is_no_picture_is_named(copy: Path) -> None:
    (copy / "masks" / "2.png").write_bytes(b"nothing")
    with pytest.raises(Invalid, match="not a readable mask"):
        read_mask(read_folder(copy)[1], (48, 64))


def test_the_hash_knows_contents_and_not_the_order(copy: Path) -> None:
    samples = read_folder(copy)
    before = data_sha256(samples)
    assert data_sha256(reversed(samples)) == before
    assert data_sha256(samples[1:]) != before
    mask = copy / "masks" / "1.png"
    mask.write_bytes((copy / "masks" / "2.png").read_bytes())
    assert data_sha256(samples) != before


def test_rules_select(frames: Path) -> None:
    samples = read_folder(frames)
    assert len(select(samples, ["centre=B"])) == 6
    assert len(select(samples, [])) == 24
