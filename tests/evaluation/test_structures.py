from __future__ import annotations

import math

import numpy as np
import pytest

from atisbo.domain.cards import OutputSpec, Ratio, Structures
from atisbo.evaluation.structures import meanings, structured

RATIO = Ratio(name="vertical cup-to-disc ratio", numerator="cup", denominator="disc", extent="height")


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((40, 50), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_each_structure_and_the_ratio_of_their_heights() -> None:
    truth = {"disc": box(10, 30, 10, 30), "cup": box(15, 25, 12, 20)}
    predicted = {"disc": box(10, 30, 10, 30), "cup": box(15, 27, 12, 20)}
    found = structured(predicted, truth, (RATIO,))
    assert found["dice_disc"] == 1.0
    assert found["dice_cup"] == pytest.approx(2 * 80 / (80 + 96))
    assert found["hd95_cup"] == 2.0
    assert found["mae_vertical_cup_to_disc_ratio"] == pytest.approx(0.1)
    assert structured(truth, predicted, (RATIO,))["bias_vertical_cup_to_disc_ratio"] == pytest.approx(-0.1)
    assert structured(predicted, {"disc": truth["disc"]}, (RATIO,)).keys() == {"dice_disc", "hd95_disc"}


def test_where_no_disc_is_seen_there_is_no_ratio() -> None:
    nothing = {"disc": box(0, 0, 0, 0), "cup": box(0, 0, 0, 0)}
    truth = {"disc": box(10, 30, 10, 30), "cup": box(15, 25, 12, 20)}
    assert math.isnan(structured(nothing, truth, (RATIO,))["mae_vertical_cup_to_disc_ratio"])


def test_every_figure_has_a_meaning() -> None:
    output = OutputSpec(labels=("disc", "cup"), activation="sigmoid", scores="structures")
    said = meanings(Structures(output=output, ratios=(RATIO,)))
    masks = {"disc": box(10, 30, 10, 30), "cup": box(15, 25, 12, 20)}
    assert said.keys() == structured(masks, masks, (RATIO,)).keys()
    assert meanings(None) == {}
