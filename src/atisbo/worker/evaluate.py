"""Judging candidates: two networks, a sealed test set, and a child process that sees nothing else."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from pgqueuer.models import Job

from atisbo.domain.cards import Card
from atisbo.domain.datasets import Split
from atisbo.errors import AtisboError, Invalid, Unavailable
from atisbo.services import evaluations, exports
from atisbo.services.evaluations import Trial
from atisbo.services.work import Workplace
from atisbo.store.blobs import evaluated
from atisbo.worker import child
from atisbo.worker.versions import stored


class Evaluating:
    """May run twice for the same job: the judgement is the same."""

    def __init__(self, workplace: Workplace, stop: asyncio.Event) -> None:
        self._workplace = workplace
        self._stop = stop

    async def run(self, job: Job) -> None:
        await self.judge(UUID(json.loads(job.payload or b"{}")["version"]))

    async def judge(self, version_id: UUID) -> None:
        """Judge a candidate, if that is still wanted.

        Raises:
            Unavailable: a part is away; it is still to be judged.
        """
        trial = await asyncio.to_thread(
            self._workplace.within, lambda session: evaluations.begin(session, version_id=version_id)
        )
        if trial is None:
            return
        folder = Path(tempfile.mkdtemp(prefix="atisbo-trial-"))
        try:
            await asyncio.to_thread(self._prepare, trial, folder)
            await self._judge(version_id, folder)
        except Unavailable:
            raise
        except AtisboError as error:
            fault = error
            await asyncio.to_thread(
                self._workplace.within, lambda session: evaluations.fail(session, version_id=version_id, error=fault)
            )
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _prepare(self, trial: Trial, folder: Path) -> None:
        for name, card in (("active", trial.active), ("candidate", trial.candidate)):
            place(folder / name, card, stored(self._workplace.blobs, card))
        blobs, reason = self._workplace.blobs, f"judging {trial.candidate.version}"
        data, sides = folder / "data", (Split.TEST,)
        self._workplace.within(
            lambda session: exports.write(
                session, blobs=blobs, dataset_id=trial.dataset_id, folder=data, sides=sides, reason=reason
            )
        )

    async def _judge(self, version_id: UUID, folder: Path) -> None:
        async def look() -> bool:
            return self._stop.is_set()

        precision = {"ATISBO_ENGINE_PRECISION": self._workplace.settings.engine_precision}
        idle = self._workplace.settings.answers
        code = await child.run(("trial", str(folder)), folder / "log.txt", look, precision, idle=idle)
        if self._stop.is_set():
            return
        if code != 0 or not (folder / "result.json").is_file():
            said = child.tail(folder / "log.txt", 1)
            raise Invalid("trial_failed", "It could not be judged. {fault}", fault=said or f"exit {code}")
        await asyncio.to_thread(self._keep, version_id, folder)

    def _keep(self, version_id: UUID, folder: Path) -> None:
        result = json.loads((folder / "result.json").read_bytes())
        for path in folder.glob("*.webp"):
            self._workplace.blobs.put(evaluated(version_id, path.name), path.read_bytes())
        self._workplace.within(lambda session: evaluations.finish(session, version_id=version_id, result=result))


def place(folder: Path, card: Card, network: bytes) -> None:
    """A folder with a card and its network, as commands take it."""
    folder.mkdir(parents=True)
    card.write(folder / "card.json")
    (folder / "model.onnx").write_bytes(network)
