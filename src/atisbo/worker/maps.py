"""Computing maps of embeddings, in a child process that gives way to everything else."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
from typing import Any, Final

import numpy as np
from pgqueuer.models import Job

from atisbo.services import maps
from atisbo.services.maps import Embedded
from atisbo.services.work import Workplace

log = logging.getLogger(__name__)
_PATIENCE_S: Final = 1200.0
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Charting:
    """May run twice for the same job: the second map takes the place of the first."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def run(self, job: Job) -> None:
        """Compute the map of one application."""
        said: dict[str, str] = json.loads(job.payload or b"{}")
        found = await asyncio.to_thread(self._workplace.within, lambda session: maps.gather(session, **said))
        if not found.ids:
            return
        names = sorted({label for label in found.labels if label is not None})
        made = await _compute(_packed(found, names))
        places = await asyncio.to_thread(_places, found, made, names)
        explained = [round(float(share), 4) for share in made["explained"]]
        await asyncio.to_thread(
            self._workplace.within,
            lambda session: maps.keep(session, places=places, explained=explained, **said),
        )
        log.info("map of %s: %d pictures", said["application"], len(places))


def _packed(found: Embedded, names: list[str]) -> bytes:
    buffer = io.BytesIO()
    numbers = {name: number for number, name in enumerate(names)} | {None: -1}
    labels = np.array([numbers[label] for label in found.labels], np.int64)
    np.savez(buffer, vectors=np.array(found.vectors, np.float32), labels=labels)
    return buffer.getvalue()


async def _compute(packed: bytes) -> dict[str, Any]:
    """What :mod:`atisbo.evaluation.maps` makes of it; the child ends with this call, however that ends."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "atisbo.evaluation.maps"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | _ONE_THREAD,
    )
    try:
        written, _ = await asyncio.wait_for(child.communicate(packed), _PATIENCE_S)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise RuntimeError(f"the map's process ended with {child.returncode}")
    return dict(np.load(io.BytesIO(written), allow_pickle=False))


def _places(found: Embedded, made: dict[str, Any], names: list[str]) -> dict[Any, dict[str, Any]]:
    columns = {name: np.round(made[name].astype(float), 4).tolist() for name in ("pca", "umap", "flat")}
    kin = [names[number] if number >= 0 else None for number in made["kin"]]
    return {
        identity: {name: values[at] for name, values in columns.items()} | {"kin": kin[at]}
        for at, identity in enumerate(found.ids)
    }
