from __future__ import annotations

import json
from pathlib import Path

import pytest

from atisbo.domain.cards import Card, Interval, Measurement, OutputSpec, TensorSpec
from atisbo.errors import Misconfigured

CARD = Card(
    name="polyp-unet",
    task="segmentation",
    sha256="0123456789abcdef" * 4,
    input=TensorSpec(size=(256, 256), mean=(0.5, 0.5, 0.5)),
    output=OutputSpec(labels=("polyp",), activation="sigmoid", threshold=0.4),
    quality=(
        Measurement(
            name="validation frames",
            data="d",
            data_sha256="e",
            command="c",
            figures={"dice": Interval(value=0.8, low=0.7, high=0.9, n=10)},
        ),
    ),
)


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    CARD.write(tmp_path / "card.json")
    assert Card.read(tmp_path / "card.json") == CARD
    assert CARD.version == "polyp-unet-0123456789ab"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": "abc"}, "sha256"),
        ({"input": {"size": [256, 256], "mean": [0, 0]}}, r"input\.mean"),
        ({"input": {"size": [256]}}, r"input\.size"),
        ({"output": {"labels": [], "activation": "sigmoid"}}, r"output\.labels"),
        ({"output": {"labels": ["a"], "positive": "b", "activation": "none"}}, "positive 'b' is not one of the labels"),
        ({"output": {"labels": ["a"], "activation": "none", "edge": 0.6}}, "edge must not be above threshold"),
        ({"colour": 1}, "colour: unknown field"),
        ({"task": None}, "task"),
    ],
)
def test_a_wrong_card_is_refused_with_file_and_field(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(CARD.model_dump(mode="json") | change))
    with pytest.raises(Misconfigured, match=said) as caught:
        Card.read(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_garbled_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    with pytest.raises(Misconfigured, match="missing"):
        Card.read(path)
    path.write_bytes(b"{")
    with pytest.raises(Misconfigured, match="Invalid JSON"):
        Card.read(path)
