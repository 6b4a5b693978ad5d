"""Training runs on a worker: prepare, train in a child process, submit what came of it."""

from __future__ import annotations

import asyncio
import json
import platform
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.datasets import LEARNING
from atisbo.errors import AtisboError, Invalid, Misconfigured, Unavailable
from atisbo.imaging.folders import PICTURES
from atisbo.services import exports, runs
from atisbo.services.runs import Order
from atisbo.services.work import Workplace
from atisbo.worker import child
from atisbo.worker.evaluate import place
from atisbo.worker.versions import stored

_SHOWN: Final = ("samples", "collection")
"""Folders of an application with pictures of its kind."""


class Learning:
    """A run that is cut off goes on from its last checkpoint, on the machine that has it.

    Args:
        applications: by name.
        stop: this worker is to end.
    """

    def __init__(self, workplace: Workplace, applications: dict[str, Application], stop: asyncio.Event) -> None:
        self._workplace = workplace
        self._applications = applications
        self._stop = stop

    async def run(self, job: Job) -> None:
        await self.learn(UUID(json.loads(job.payload or b"{}")["run"]))

    async def learn(self, run_id: UUID) -> None:
        """Take a run in hand, from its beginning or from its last checkpoint.

        Raises:
            RetryRequested: this worker ends; the run goes on later.
            Unavailable: a part is away; it goes on when that is back.
        """
        order = await self._within(lambda session: runs.begin(session, run_id=run_id, worker=platform.node()))
        if order is None:
            return
        folder = self._workplace.settings.data_dir / "runs" / str(run_id)
        try:
            await self._learn(run_id, order, folder)
        except Unavailable:
            raise
        except AtisboError as error:
            fault = error
            await self._within(lambda session: runs.ended(session, run_id=run_id, attempt=order.attempt, error=fault))
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _learn(self, run_id: UUID, order: Order, folder: Path) -> None:
        command = await asyncio.to_thread(self._prepare, order, folder)
        log, out = folder / "log.txt", folder / "out"

        async def look() -> bool:
            curves, words = _curves(out), child.tail(log)
            try:
                go_on = await self._within(
                    lambda session: runs.progress(
                        session, run_id=run_id, attempt=order.attempt, curves=curves, log=words
                    )
                )
            except Unavailable:
                go_on = True
            return self._stop.is_set() or not go_on

        code = await child.run(command, log, look, idle=self._workplace.settings.answers)
        await look()
        if code == 0:
            await asyncio.to_thread(self._submit, run_id, order, out)
        elif await self._within(lambda session: runs.stopped(session, run_id=run_id)):
            await self._within(lambda session: runs.ended(session, run_id=run_id, attempt=order.attempt, error=None))
        elif self._stop.is_set():
            raise RetryRequested(timedelta(seconds=1), "the worker ends; another one goes on")
        else:
            raise _failed(child.tail(log))

    def _prepare(self, order: Order, folder: Path) -> list[str]:
        """Lay out recipe, data and weights, once; the words for the child."""
        out, recipe = folder / "out", folder / f"{order.recipe_name}.json"
        data = folder / f"snapshot-{order.dataset_sha256[:12]}"
        if not (folder / "ready").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            recipe.write_text(json.dumps(order.recipe), encoding="utf-8")
            self._write(order, data)
            if order.start is not None:
                place(folder / "start", order.start, stored(self._workplace.blobs, order.start))
                self._gather(order.application, folder / "foreign")
            (folder / "ready").touch()
        words = ["train", str(recipe), "--data", str(data), "--out", str(out)]
        if order.start is not None:
            words += ["--start", str(folder / "start" / "model.onnx")]
        if (folder / "foreign").is_dir():
            words += ["--foreign", str(folder / "foreign")]
        return [*words, *(["--resume"] if (out / "checkpoint.pt").is_file() else [])]

    def _gather(self, application: str, folder: Path) -> None:
        """What the other applications show: pictures of other kinds, which a gate is kept by."""
        places = [one.folder for name, one in self._applications.items() if name != application]
        shown = [path for place in places for part in _SHOWN for path in sorted((place / part).rglob("*"))]
        for number, path in enumerate(one for one in shown if one.suffix.lower() in PICTURES):
            folder.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / f"{number:04d}{path.suffix.lower()}")

    def _write(self, order: Order, data: Path) -> None:
        blobs = self._workplace.blobs
        self._workplace.within(
            lambda session: exports.write(
                session, blobs=blobs, dataset_id=order.dataset_id, folder=data, sides=LEARNING
            )
        )

    def _submit(self, run_id: UUID, order: Order, out: Path) -> None:
        card, model = Card.read(out / "card.json"), (out / "model.onnx").read_bytes()
        if order.application not in self._applications:
            raise Misconfigured("application_gone", "The application {name} is not here.", name=order.application)
        application, blobs = self._applications[order.application], self._workplace.blobs
        self._workplace.within(
            lambda session: runs.done(
                session,
                run_id=run_id,
                attempt=order.attempt,
                blobs=blobs,
                application=application,
                card=card,
                model=model,
            )
        )

    async def _within(self, use: Any) -> Any:
        return await asyncio.to_thread(self._workplace.within, use)


def _curves(out: Path) -> dict[str, Any]:
    """What the run has written so far; nothing while it is being written."""
    try:
        found: dict[str, Any] = json.loads((out / "curves.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _failed(log: str) -> AtisboError:
    """The child's last word; without its training part it says what to install."""
    last = log.splitlines()[-1] if log else ""
    if "atisbo[training]" in log:
        return Misconfigured(
            "training_missing",
            "The worker's machine has no training part. Install it there: pip install 'atisbo[training]'",
        )
    return Invalid("run_failed", "It ended without a network. {fault}", fault=last.removeprefix("atisbo: ") or "–")
