from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter, ValidationError

from atisbo.domain.findings import ClassificationFindings, Findings, RegionFinding, SegmentationFindings
from atisbo.domain.images import Region

ANY: TypeAdapter[Findings] = TypeAdapter(Findings)
OUTLINED = SegmentationFindings(
    label="polyp",
    probability=0.97,
    threshold=0.5,
    area_percent=2.5,
    regions=(
        RegionFinding(
            label="polyp",
            area_percent=2.5,
            area_pixels=16,
            probability=0.9,
            box=Region(x=3, y=4, width=4, height=4),
            contour=((((3, 4), (6, 4), (6, 7), (3, 7), (3, 4)),),),
        ),
    ),
    empty=False,
    width=640,
    height=480,
)
NAMED = ClassificationFindings(
    label="glaucoma",
    probabilities={"normal": 0.1, "glaucoma": 0.9},
    probability=0.9,
    threshold=0.41,
    above=True,
    width=100,
    height=100,
)


@pytest.mark.parametrize("findings", [OUTLINED, NAMED])
def test_findings_go_through_json_unchanged(findings: Findings) -> None:
    said = json.loads(json.dumps(findings.model_dump(mode="json")))
    assert ANY.validate_json(json.dumps(said)) == findings


def test_an_outline_is_lists_of_polygons_of_rings_of_points() -> None:
    (region,) = OUTLINED.model_dump(mode="json")["regions"]
    assert region["contour"] == [[[[3, 4], [6, 4], [6, 7], [3, 7], [3, 4]]]]


@pytest.mark.parametrize("change", [{"probability": 1.2}, {"task": "poetry"}, {"mood": 1}, {"area_percent": -1}])
def test_impossible_findings_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ANY.validate_python(OUTLINED.model_dump() | change)


def test_findings_that_were_stored_before_doubt_was_told_still_load() -> None:
    for findings, later in ((OUTLINED, set()), (NAMED, {"structures", "ratios"})):
        earlier = findings.model_dump(mode="json", exclude=later | {"uncertainty", "unsure"})
        loaded = ANY.validate_json(json.dumps(earlier))
        assert loaded == findings
        assert (loaded.uncertainty, loaded.unsure) == (None, False)


def test_a_class_may_bring_outlines_and_ratios() -> None:
    whole = NAMED.model_copy(update={"structures": OUTLINED, "ratios": {"vertical_cdr": 0.7}, "unsure": True})
    assert ANY.validate_json(whole.model_dump_json()) == whole


def test_findings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        OUTLINED.probability = 0.1
