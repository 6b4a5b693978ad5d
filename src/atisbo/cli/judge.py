"""Wires the evaluation to serving's own engine, so that what is measured is what is served."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from atisbo.domain.cards import Card, Interval, Measurement
from atisbo.evaluation.report import Predict, Report, measure
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import Mask, Sample, data_sha256
from atisbo.imaging.masks import segment
from atisbo.imaging.transform import fit
from atisbo.inference.engine import Engine, OpenVINOEngine, Precision


def served(engine: Engine, card: Card) -> Predict:
    """A network answering as the service would: the same decoder, fit, engine and road to a mask."""

    def predict(sample: Sample) -> Mask:
        pixels = decode(sample.image.read_bytes())
        scores = engine.infer(fit(pixels, card.input)[np.newaxis])["scores"][0]
        return segment(scores, (pixels.shape[0], pixels.shape[1]), card.output).mask > 0

    return predict


def judge(
    folder: Path,
    card: Card,
    samples: Sequence[Sample],
    *,
    command: str,
    group: str | None = None,
    precision: Precision = "auto",
) -> Report:
    """Measure an application's network on samples.

    Args:
        folder: where its model.onnx lies.
        group: column whose equal values the bootstrap draws together.
        precision: what the engine computes in.
    """
    engine = OpenVINOEngine(folder / "model.onnx", card, precision=precision, streams=1)
    rows = measure(track(samples, "evaluating", transient=True), served(engine, card))
    name = f"OpenVINO {engine.precision}"
    return Report(card.version, words(samples), data_sha256(samples), command, rows, group, name)


def words(samples: Sequence[Sample]) -> str:
    """How many images of each folder."""
    names = [sample.folder for sample in samples]
    return " + ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names)) or "none"


def measurements(report: Report, name: str, column: str | None = None) -> tuple[Measurement, ...]:
    """The report as a card holds it: as a whole, then for every value of a column."""
    whole = report.measurement(name)
    parts = report.by(column) if column else {}
    if len(parts) < 2:
        return (whole,)
    return (
        whole,
        *(
            whole.model_copy(
                update={"name": f"{name}, {value}", "data": f"{value}, of {report.data}", "figures": figures}
            )
            for value, figures in parts.items()
        ),
    )


def show(console: Console, title: str, figures: dict[str, Interval]) -> None:
    """Print figures with their intervals."""
    table = Table("figure", "mean", "95 % interval", "images", title=title)
    for name, found in figures.items():
        table.add_row(name, f"{found.value:.4f}", f"{found.low:.4f} – {found.high:.4f}", str(found.n))
    console.print(table)
