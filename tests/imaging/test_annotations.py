from __future__ import annotations

import json
from pathlib import Path

import pytest

from atisbo.errors import Invalid
from atisbo.imaging.annotations import read

ESCAPING = '{"images": [{"id": 1, "file_name": "../x"}], "categories": [], "annotations": []}'


def test_polygons_of_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").write_bytes(b"never opened here")
    said = {
        "images": [{"id": 7, "file_name": "a.png", "width": 4, "height": 3}],
        "categories": [{"id": 1, "name": "spot", "supercategory": "thing"}],
        "annotations": [{"image_id": 7, "category_id": 1, "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}],
    }
    (tmp_path / "annotations/train.json").write_text(json.dumps(said))
    (one,) = read(tmp_path, (), ("spot",))
    assert (one.label, one.split) == (None, "training")
    assert one.outlined["spot"]((3, 4)).astype(int).tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0]]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"annotations/train.json": "{}"}, "is not COCO's JSON"),
        ({"annotations/train.json": ESCAPING}, "is not in images"),
        ({"data.yaml": "", "images/train/a.png": "", "labels/train/a.txt": "0 0.5 0.5 1 1"}, "holds boxes"),
        ({"data.yaml": "", "images/train/a.png": "", "labels/train/a.txt": "9 0 0 1 1 0 1"}, "not a polygon"),
        ({"data.yaml": ""}, "There is no labelled image"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with pytest.raises(Invalid, match=sentence):
        read(tmp_path, (), ("spot",))
