from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from sqlalchemy import select

from atisbo.domain.access import Actor, Role
from atisbo.domain.datasets import LEARNING, Content, Split, content_sha256
from atisbo.errors import Conflict, NotAllowed
from atisbo.imaging.annotations import read
from atisbo.imaging.folders import read_folder, read_mask
from atisbo.services import exports, snapshots
from atisbo.services.datasets import DatasetView
from atisbo.services.exports import Format
from atisbo.services.work import Workplace
from atisbo.store.audit import AuditRecord
from tests.services.curated import eye, ready, snapshot, spotted

Make = Callable[..., Actor]


def exported(workplace: Workplace, actor: Actor, view: DatasetView, form: Format, **more: bool) -> ZipFile:
    pieces = workplace.within(lambda s: exports.stream(workplace, s, actor, dataset_id=view.id, form=form, **more))
    return ZipFile(io.BytesIO(b"".join(pieces)))


@pytest.fixture
def curator(make_actor: Make) -> Actor:
    return make_actor("cleo", Role.CURATOR)


@pytest.fixture
def spots(workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe) -> DatasetView:
    ana = make_actor()
    for seed in range(14):
        spotted(workplace, ana, seed)
    return ready(snapshot(workplace, curator, describe, spots=True))


def test_a_folder_is_what_training_reads(workplace: Workplace, spots: DatasetView, tmp_path: Path) -> None:
    sha = workplace.within(
        lambda s: exports.write(s, blobs=workplace.blobs, dataset_id=spots.id, folder=tmp_path, sides=LEARNING)
    )
    samples = read_folder(tmp_path)
    assert len(samples) == spots.counts[Split.TRAINING] + spots.counts[Split.VALIDATION]
    assert {sample.columns["split"] for sample in samples} == {"training", "validation"}
    assert 0 < sum(read_mask(sample, (40, 48)).any() for sample in samples) < len(samples)
    manifest = json.loads((tmp_path / "dataset.json").read_text())
    again = [
        Content(**{k: v for k, v in one.items() if k not in ("file", "sha256")}).sha256 for one in manifest["items"]
    ]
    assert again == [one["sha256"] for one in manifest["items"]]
    assert sha == content_sha256(again)
    assert manifest["sha256"] == spots.sha256


def test_coco_is_read_by_its_own_tools(
    workplace: Workplace, curator: Actor, spots: DatasetView, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pycocotools.coco import COCO

        exported(workplace, curator, spots, Format.COCO).extractall(tmp_path / "coco")
        exported(workplace, curator, spots, Format.FOLDERS).extractall(tmp_path / "folders")
        tools = COCO(str(tmp_path / "coco/annotations/training.json"))
        masks = {sample.image.name: read_mask(sample, (40, 48)) for sample in read_folder(tmp_path / "folders")}
        for image in tools.loadImgs(tools.getImgIds()):
            whole = np.zeros((40, 48), bool)
            for annotation in tools.loadAnns(tools.getAnnIds(image["id"])):
                own = tools.annToMask(annotation).astype(bool)
                assert own.sum() == annotation["area"]
                whole |= own
            assert (whole == masks[image["file_name"]]).all()
            assert (tmp_path / "coco/images" / image["file_name"]).is_file()


def test_yolo_has_a_line_for_each_region(workplace: Workplace, curator: Actor, spots: DatasetView) -> None:
    for form, numbers in ((Format.YOLO, None), (Format.YOLO_BOXES, 4)):
        archive = exported(workplace, curator, spots, form)
        labels = [name for name in archive.namelist() if name.startswith("labels/")]
        assert len(labels) == spots.counts[Split.TRAINING] + spots.counts[Split.VALIDATION]
        lines = [line.split() for name in labels for line in archive.read(name).decode().splitlines()]
        assert lines
        assert all(line[0] == "0" and all(0 <= float(value) <= 1 for value in line[1:]) for line in lines)
        assert numbers is None or {len(line) - 1 for line in lines} == {numbers}
        assert "names:\n  0: spot\n" in archive.read("data.yaml").decode()


def test_classes_have_folders_in_yolo_and_a_column_in_the_table(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe, tmp_path: Path
) -> None:
    ana = make_actor()
    for seed in range(12):
        eye(workplace, ana, seed, ("normal", "glaucoma")[seed % 2], metadata={"eye": "OD", "comment": "canary"})
    view = ready(snapshot(workplace, curator, describe))
    names = exported(workplace, curator, view, Format.YOLO).namelist()
    assert {name.split("/")[1] for name in names if name.startswith("train/")} == {"normal", "glaucoma"}
    archive = exported(workplace, curator, view, Format.FOLDERS)
    rows = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode())))
    assert {row["label"] for row in rows} == {"normal", "glaucoma"}
    assert {row["eye"] for row in rows} == {"OD"}
    assert all(b"canary" not in archive.read(name) for name in archive.namelist())
    for form in (Format.FOLDERS, Format.COCO, Format.YOLO):
        exported(workplace, curator, view, form).extractall(tmp_path / form)
        brought = read(tmp_path / form, ("normal", "glaucoma"), ())
        assert {(one.path.name, one.label, one.split) for one in brought} == {
            (row["file"], row["label"], row["split"]) for row in rows
        }
    with pytest.raises(Conflict, match="Nothing is outlined"):
        exported(workplace, curator, view, Format.MASKS)


def test_the_sealed_part_opens_for_administrators_only_and_that_is_noted(
    workplace: Workplace, make_actor: Make, curator: Actor, spots: DatasetView, tmp_path: Path
) -> None:
    with pytest.raises(NotAllowed):
        exported(workplace, curator, spots, Format.FOLDERS, sealed=True)
    assert not any("test" in name for name in exported(workplace, curator, spots, Format.YOLO).namelist())
    kim = make_actor("kim", Role.ADMINISTRATOR)
    names = exported(workplace, kim, spots, Format.YOLO, sealed=True).namelist()
    assert len([name for name in names if name.startswith("images/test/")]) == spots.counts[Split.TEST]
    actions = select(AuditRecord.action)
    noted = workplace.within(lambda s: list(s.scalars(actions)))
    assert {"dataset.created", "dataset.exported"} <= set(noted)
    assert noted.count("dataset.unsealed") == 1
    for sides, openings in ((LEARNING, 1), ((Split.TEST,), 2)):
        workplace.within(
            lambda s, sides=sides: exports.write(  # type: ignore[misc]
                s, blobs=workplace.blobs, dataset_id=spots.id, folder=tmp_path / sides[0], sides=sides
            )
        )
        assert workplace.within(lambda s: list(s.scalars(actions))).count("dataset.unsealed") == openings
