"""Wires the evaluation to serving's own engine, so that what is measured is what is served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from atisbo.domain.applications import installed, load
from atisbo.domain.cards import Card, Interval, Measurement, OutputSpec
from atisbo.domain.kinds import is_foreign
from atisbo.errors import NotFound
from atisbo.evaluation.compare import Difference, primary
from atisbo.evaluation.measure import Judged, Said, Vector, ahead, measure, measure_foreign
from atisbo.evaluation.page import picture
from atisbo.evaluation.pictures import SIDE, drawn, picks
from atisbo.evaluation.report import Report, meanings
from atisbo.evaluation.retrieval import altered
from atisbo.evaluation.view import html
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import Sample, data_sha256, read_mask
from atisbo.imaging.masks import Scores, segment
from atisbo.imaging.transform import Pixels, fit
from atisbo.inference.answers import Answers
from atisbo.inference.engine import OpenVINOEngine, Precision
from atisbo.inference.predictor import classify

KNOWN_ITEMS: Final = 200
"""Images of which altered copies are looked up; evenly spread over the samples."""


class Served:
    """A network answering as the service would: the same decoder, fit, engine and road to an answer."""

    def __init__(self, engine: OpenVINOEngine, card: Card) -> None:
        self._engine = engine
        self.card = card
        self.engine = f"OpenVINO {engine.precision}"
        self.parallel = engine.parallel
        """How many pictures are worth asking about side by side."""

    def __call__(self, sample: Sample) -> Said:
        return self.say(decode(sample.image.read_bytes()))

    def say(self, pixels: Pixels) -> Said:
        """What is said of a picture: (height, width, 3), uint8, RGB."""
        batch = self._engine.infer(fit(pixels, self.card.input)[np.newaxis])
        return said(batch, (pixels.shape[0], pixels.shape[1]), self.card)

    def look(self, sample: Sample) -> tuple[float, float, Vector | None]:
        """Mean and standard deviation of the pixels as the network gets them, 0..255, and its embedding (d,)."""
        fitted = fit(decode(sample.image.read_bytes()), self.card.input)
        found = self._engine.infer(fitted[np.newaxis]) if self.card.output.embedding else {}
        return float(fitted.mean()), float(fitted.std()), found["embedding"][0] if found else None

    def embedding(self, pixels: Pixels) -> Vector:
        """(d,), float32."""
        return np.asarray(self._engine.infer(fit(pixels, self.card.input)[np.newaxis])["embedding"][0])


def said(batch: Answers, size: tuple[int, int], card: Card) -> Said:
    """An engine's answer for one picture, as the service finishes it.

    Args:
        batch: the answers for a batch of one.
        size: height and width of the upright picture, pixels.
    """
    one = {name: values[0] for name, values in batch.items()}
    found = _outlined if card.task == "segmentation" else _classified
    layers = segment(one["structures"], size, card.structures.output).layers if card.structures else {}
    return replace(
        found(one["scores"], size, card.output),
        refused=is_foreign(one["kinds"].tolist(), card.gate) if card.gate else None,
        structures={name: layer > 0 for name, layer in layers.items()},
        embedding=one.get("embedding"),
    )


def _outlined(scores: Scores, size: tuple[int, int], output: OutputSpec) -> Said:
    found = segment(scores, size, output)
    large = cv2.resize(scores.max(axis=0), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    doubt = found.findings.uncertainty or 0.0
    return Said(size, doubt, mask=found.mask > 0, probabilities=large, unsure=found.findings.unsure)


def _classified(scores: Scores, size: tuple[int, int], output: OutputSpec) -> Said:
    found = classify(scores, size, output)
    shares = np.array([found.probabilities[label] for label in output.labels])
    unsure = found.unsure if output.unsure_above is not None else None
    doubt = found.uncertainty or 0.0
    return Said(size, doubt, probabilities=shares, answer=output.labels.index(found.label), unsure=unsure)


def opened(folder: Path, card: Card, precision: Precision = "auto") -> Served:
    """The network of a folder's model.onnx.

    Args:
        precision: what the engine computes in.
    """
    return Served(OpenVINOEngine(folder / "model.onnx", card, precision=precision), card)


def judge(
    folder: Path,
    card: Card,
    samples: Sequence[Sample],
    *,
    command: str,
    group: str | None = None,
    precision: Precision = "auto",
    foreign: Sequence[Sample] = (),
) -> Report:
    """Measure an application's network on samples: :func:`judged` by the network of ``folder``."""
    return judged(opened(folder, card, precision), samples, command=command, group=group, foreign=foreign)


def judged(
    served: Served,
    samples: Sequence[Sample],
    *,
    command: str,
    group: str | None = None,
    foreign: Sequence[Sample] = (),
) -> Report:
    """Measure a network on samples.

    Args:
        group: column whose equal values the bootstrap draws together; retrieval is also measured across them.
        foreign: images that the application is not for.
    """
    card = served.card
    found = measure(track(samples, "evaluating", transient=True), served, card, served.parallel)
    if found.embeddings:
        found = known_items(found, samples, served).with_neighbours(group)
    strangers = track(foreign, "foreign images", transient=True)
    return Report(
        version=card.version,
        data=words(samples),
        data_sha256=data_sha256(samples),
        command=command,
        rows=found.rows,
        group=group,
        engine=served.engine,
        task=card.task,
        labels=card.output.labels,
        positive=card.output.positive,
        threshold=card.output.threshold,
        thresholds=found.thresholds,
        meanings=meanings(card),
        foreign=measure_foreign(strangers, served, served.parallel) if card.gate else (),
    )


def page(report: Report, samples: Sequence[Sample], served: Served, column: str | None = None) -> str:
    """The evaluation as one HTML page, with the pictures that matter most.

    Args:
        samples: those judged and the foreign ones.
        column: of index.csv: figures for each of its values, too.
    """
    chosen = picks(report)
    wanted = {row.file for one in chosen for row in one.rows}
    shots = {sample.name: picture(illustrated(sample, served), SIDE) for sample in samples if sample.name in wanted}
    return html(report, chosen, shots, column)


def illustrated(sample: Sample, served: Served, side: int = SIDE) -> Pixels:
    """A sample's picture, at most ``side`` pixels long, with what the network outlines and what is true."""
    pixels = decode(sample.image.read_bytes())
    answer, size = served.say(pixels), (pixels.shape[0], pixels.shape[1])
    if answer.mask is not None:
        return drawn(pixels, {"": answer.mask}, {"": read_mask(sample, size)}, side)
    truth = {name: read_mask(sample, size, name) for name in sample.structures}
    return drawn(pixels, answer.structures, truth, side)


def known_items(found: Judged, samples: Sequence[Sample], served: Served) -> Judged:
    """The rows with whether altered copies of up to :data:`KNOWN_ITEMS` images find their originals."""
    places = sorted({int(place) for place in np.linspace(0, len(samples) - 1, min(KNOWN_ITEMS, len(samples)))})

    def embedded(place: int) -> dict[str, Vector]:
        return {
            name: served.embedding(copy) for name, copy in altered(decode(samples[place].image.read_bytes())).items()
        }

    found_of: dict[str, dict[int, Vector]] = {}
    made = ahead(embedded, track(places, "altered copies", transient=True), served.parallel)
    for place, vectors in zip(places, made, strict=True):
        for name, vector in vectors.items():
            found_of.setdefault(name, {})[place] = vector
    return found.with_known_items(found_of)


def chosen(name: str, extra: Path | None) -> tuple[Path, Card]:
    """A folder with a network and its card: that of an installed application, or one named by its path.

    Args:
        name: of an installed application; or a folder that is an application, or has a card.json and a model.onnx.
        extra: the operator's own folder of application folders.

    Raises:
        NotFound: neither is there.
        Misconfigured: the folder's card is wrong.
    """
    folder = Path(name)
    if (folder / "application.toml").is_file():
        return folder, load(folder)[1]
    if (folder / "card.json").is_file():
        return folder, Card.read(folder / "card.json")
    found = installed(extra)
    if name not in found:
        raise NotFound(
            "application_unknown", "There is no application called {name}, and no folder with a card.json.", name=name
        )
    application, card = found[name]
    return application.folder, card


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
    table = Table("figure", "value", "95 % interval", "images", title=title)
    for name, found in figures.items():
        edges = f"{found.low:.4f} – {found.high:.4f}" if found.edges else "none: all of one group"
        table.add_row(name, f"{found.value:.4f}", edges, str(found.n))
    console.print(table)


def show_differences(console: Console, first: Report, second: Report, found: dict[str, Difference]) -> None:
    """Print what two versions differ in, and a sentence on each figure that matters most."""
    table = Table("figure", "first", "second", "difference", "95 % interval", "images", "groups", title=first.data)
    for one in found.values():
        figures = f"{one.first:.4f}", f"{one.second:.4f}", f"{one.value:+.4f}"
        edges = "none" if one.low is None else f"{one.low:+.4f} – {one.high:+.4f}"
        table.add_row(one.name, *figures, edges, str(one.n), str(one.groups))
    console.print(table)
    for one in primary(found, first.task):
        console.print(one.sentence(first.version, second.version), soft_wrap=True, highlight=False)
