"""``atisbo predict``: answers for files, without server or database."""

from __future__ import annotations

import json as jsons
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atisbo.cli.main import plainly, settings
from atisbo.cli.outputs import make_out
from atisbo.cli.tables import Row, table
from atisbo.domain import exports
from atisbo.domain.images import Region
from atisbo.domain.predictions import NOTICE
from atisbo.errors import AtisboError, BadImage, Foreign, Invalid

if TYPE_CHECKING:
    from atisbo.config import Settings
    from atisbo.domain.findings import ClassificationFindings, SegmentationFindings
    from atisbo.domain.images import Limits
    from atisbo.imaging.quarantine import Quarantine
    from atisbo.inference.registry import Answer, Predictor


@dataclass(frozen=True)
class Outcome:
    """What became of one file: an answer (with its overlay, if pictures are wanted) or an error."""

    file: Path
    answer: Answer | None = None
    overlay: bytes | None = None
    error: AtisboError | None = None


@dataclass(frozen=True)
class Desk:
    """What every file is answered with."""

    predictor: Predictor
    quarantine: Quarantine
    limits: Limits
    region: Region | None
    overlays: bool

    def ask(self, file: Path) -> Outcome:
        try:
            data = _read(file)
            prepared = self.quarantine.prepare(data, self.region, self.predictor.card.input, self.limits).result()
            answer = self.predictor.predict(prepared)
            overlay = None
            if self.overlays and answer.mask is not None:
                from atisbo.imaging.corrections import Outlined

                outlined = Outlined(answer.mask, ())
                overlay = self.quarantine.views(data, None, outlined, self.limits).result()["overlay.png"]
        except AtisboError as error:
            return Outcome(file, error=error)
        return Outcome(file, answer, overlay)


@plainly
def predict(
    application: Annotated[str, typer.Argument(help="Name of an installed application, for example polyp.")],
    files: Annotated[list[Path], typer.Argument(help="JPEG, PNG, WebP, TIFF or BMP pictures, or folders of them.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each file, one a line.")] = False,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Table of all answers to write.")] = None,
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for the mask and the overlay of each file, as PNG.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="x,y,width,height of the part to look at, in every file's own upright pixels.")
    ] = None,
) -> None:
    """Answer about pictures here and now, without a server. Research and education only."""
    from rich.console import Console
    from rich.progress import Progress

    if out is not None:
        make_out(out)
    files = [file for given in files for file in pictures(given)]
    failed = 0
    with (
        desk_for(application, settings(), _region(region), overlays=out is not None) as desk,
        table(csv, desk.predictor.card) as write,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        bar = progress.add_task(application, total=len(files))
        for number, outcome in enumerate(outcomes(desk, files)):
            write(_row(outcome))
            if csv is None or json:
                typer.echo(_json(application, outcome) if json else _line(outcome))
            failed += outcome.error is not None
            if out is not None:
                _write(out, _stem(files, number), outcome)
            progress.advance(bar)
    if csv is not None and not json:
        typer.echo(f"{csv}: {len(files) - failed} of {len(files)} pictures answered")
    raise typer.Exit(1 if failed else 0)


def pictures(given: Path) -> list[Path]:
    """A file itself; the pictures in a folder and in its folders, by their endings, hidden ones left out.

    Raises:
        Invalid: the folder holds none.
    """
    from atisbo.imaging.folders import PICTURES

    if not given.is_dir():
        return [given]
    inside = (path for path in given.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())
    found = sorted(path for path in inside if not any(part.startswith(".") for part in path.relative_to(given).parts))
    if not found:
        raise Invalid("folder_empty", "There is no picture in {folder}.", folder=given)
    return found


@contextmanager
def desk_for(application: str, chosen: Settings, region: Region | None, *, overlays: bool) -> Iterator[Desk]:
    from atisbo.domain.applications import roots
    from atisbo.domain.images import Limits
    from atisbo.imaging.quarantine import Quarantine
    from atisbo.inference.registry import Registry

    quarantine = Quarantine(chosen.decoder_processes, chosen.decode_timeout_s, chosen.decoder_memory_bytes)
    try:
        registry = Registry.open(roots(chosen.applications_dir), precision=chosen.engine_precision)
        try:
            asked = registry.application(application).input
            if asked.region_required and region is None:
                raise Invalid(
                    "region_needed_here",
                    "{name} needs a marked region: add --region x,y,width,height.",
                    name=application,
                )
            asked.check(region)
            limits = Limits.of(chosen)
            yield Desk(registry.predictor(application), quarantine, limits, region, overlays)
        finally:
            registry.close()
    finally:
        quarantine.close()


def _region(text: str | None) -> Region | None:
    if text is None:
        return None
    try:
        x, y, width, height = (int(part) for part in text.split(","))
        return Region(x=x, y=y, width=width, height=height)
    except ValueError as error:
        raise Invalid("region_wrong", "--region takes four whole numbers: x,y,width,height, in pixels.") from error


def outcomes(desk: Desk, files: list[Path]) -> Iterator[Outcome]:
    """In the order of ``files``; a few are in work at a time."""
    pool = ThreadPoolExecutor(8)
    try:
        yield from pool.map(desk.ask, files)
    finally:
        pool.shutdown(cancel_futures=True)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadImage("file_unreadable", "The file cannot be read: {reason}.", reason=error.strerror) from error


def _row(outcome: Outcome) -> Row:
    row: Row = {"file": str(outcome.file)}
    if outcome.answer is not None:
        return row | exports.answered(outcome.answer.findings) | {"version": outcome.answer.version}
    return row | {"state": "refused" if isinstance(outcome.error, Foreign) else "failed", "problem": str(outcome.error)}


def _line(outcome: Outcome) -> str:
    if outcome.answer is None:
        refused = "refused. " if isinstance(outcome.error, Foreign) else ""
        return f"{outcome.file}: {refused}{outcome.error}"
    findings = outcome.answer.findings
    said = _named(findings) if findings.task == "classification" else _outlined(findings)
    return f"{outcome.file}: {'not sure, have an expert look: ' if findings.unsure else ''}{said}"


def _named(findings: ClassificationFindings) -> str:
    """The label and how probable it is itself; after it what was measured besides."""
    said = f"{findings.label} {_percent(findings.probabilities[findings.label])}"
    return ", ".join([said, *(f"{name} {value:.2f}" for name, value in findings.ratios.items())])


def _outlined(findings: SegmentationFindings) -> str:
    if findings.empty:
        return f"nothing found (highest probability {_percent(findings.probability)})"
    count = len(findings.regions)
    said = f"{findings.label} {_percent(findings.probability)}, {count} region{'s' if count > 1 else ''}"
    return f"{said}, {findings.area_percent:.1f} % of the area"


def _percent(probability: float) -> str:
    """Whole percent; never 0 or 100, which no network can know."""
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def _json(application: str, outcome: Outcome) -> str:
    said: dict[str, Any] = {"file": str(outcome.file), "application": application}
    if outcome.answer is not None:
        said |= {"version": outcome.answer.version, "findings": outcome.answer.findings.model_dump(mode="json")}
    elif outcome.error is not None:
        said["error"] = {"code": outcome.error.code, "detail": str(outcome.error)}
    return jsons.dumps(said | {"notice": NOTICE}, ensure_ascii=False)


def _stem(files: list[Path], number: int) -> str:
    """The file's name without its ending; with its number where an earlier file has the same."""
    stem = files[number].stem
    return f"{stem}-{number + 1}" if stem in {file.stem for file in files[:number]} else stem


def _write(out: Path, stem: str, outcome: Outcome) -> None:
    if outcome.answer is not None and outcome.answer.mask is not None and outcome.overlay is not None:
        (out / f"{stem}-mask.png").write_bytes(outcome.answer.mask)
        (out / f"{stem}-overlay.png").write_bytes(outcome.overlay)
