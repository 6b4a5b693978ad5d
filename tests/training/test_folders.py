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


def test_where_there_is_no_index_none_is_spoken_of(copy: Path) -> None:
    (copy / "index.csv").unlink()
    with pytest.raises(Invalid, match=r"frames: disc/1.png, which 1.png needs, is missing"):
        read_folder(copy, classes=True, structures=["disc"])
    with pytest.raises(Invalid, match=r"frames: 1.png has no class"):
        read_folder(copy, classes=True)


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


def pictures(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / file), np.full((8, 8, 3), 99, np.uint8))
    return folder


def test_a_folder_per_class_is_a_label(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.jpg", "dog/1.jpg", "dog/2.PNG", "masks/9.png")
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    samples = read_folder(tmp_path, classes=True)
    assert [(sample.columns["file"], sample.label) for sample in samples] == [
        ("cat/1.jpg", "cat"),
        ("dog/1.jpg", "dog"),
        ("dog/2.PNG", "dog"),
    ]
    assert len({sample.name for sample in samples}) == 3


@pytest.mark.parametrize("column", ["label", "class"])
def test_a_column_is_a_label_and_the_other_columns_are_kept(tmp_path: Path, column: str) -> None:
    pictures(tmp_path, "images/a/1.png", "images/2.png")
    (tmp_path / "index.csv").write_text(f"file,{column},source\na/1.png,tall,museum\n2.png,wide,web\n")
    samples = read_folder(tmp_path, classes=True)
    assert [sample.label for sample in samples] == ["tall", "wide"]
    assert samples[0].image == tmp_path / "images" / "a" / "1.png"
    assert samples[0].columns["source"] == "museum"


def test_pictures_may_lie_directly_in_the_folder(tmp_path: Path) -> None:
    pictures(tmp_path, "1.png", "2.jpg", ".hidden.png")
    (tmp_path / "README.md").write_text("words")
    samples = read_folder(tmp_path, unlabelled=True)
    assert [(sample.image.name, sample.label) for sample in samples] == [("1.png", None), ("2.jpg", None)]


def test_structures_have_masks_of_their_own(tmp_path: Path) -> None:
    pictures(tmp_path, "images/1.jpg", "disc/1.png", "cup/1.png")
    (tmp_path / "index.csv").write_text("file,label\n1.jpg,normal\n")
    (sample,) = read_folder(tmp_path, classes=True, structures=("disc", "cup"))
    assert sample.structures == {"disc": tmp_path / "disc" / "1.png", "cup": tmp_path / "cup" / "1.png"}
    assert not read_mask(sample, (8, 8), "disc").any()
    before = data_sha256([sample])
    cv2.imwrite(str(tmp_path / "cup" / "1.png"), np.full((8, 8), 255, np.uint8))
    assert read_mask(sample, (8, 8), "cup").all()
    assert data_sha256([sample]) != before
    (tmp_path / "cup" / "1.png").unlink()
    with pytest.raises(Invalid, match=r"cup/1.png, named in line 2"):
        read_folder(tmp_path, classes=True, structures=("disc", "cup"))


@pytest.mark.parametrize("file", ["a/b/1.png", "/1.png", "../1.png", "a/../1.png", "./1.png", "", "a//1.png"])
def test_a_file_elsewhere_is_refused(tmp_path: Path, file: str) -> None:
    pictures(tmp_path, "images/1.png")
    (tmp_path / "index.csv").write_text(f"file,label\n1.png,x\n{file},x\n")
    with pytest.raises(Invalid, match="line 3: not a row"):
        read_folder(tmp_path, classes=True)


def test_an_image_without_a_class_is_named(tmp_path: Path) -> None:
    pictures(tmp_path, "images/1.png", "images/2.png")
    (tmp_path / "index.csv").write_text("file,label\n1.png,x\n2.png,\n")
    with pytest.raises(Invalid, match=r"2.png \(line 3 of the index\) has no class"):
        read_folder(tmp_path, classes=True)


def test_the_hash_knows_the_class(tmp_path: Path) -> None:
    pictures(tmp_path, "images/1.png")
    hashes = []
    for name in ("x", "y"):
        (tmp_path / "index.csv").write_text(f"file,label\n1.png,{name}\n")
        hashes.append(data_sha256(read_folder(tmp_path, classes=True)))
    assert hashes[0] != hashes[1]
