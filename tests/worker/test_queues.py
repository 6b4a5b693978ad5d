"""What a worker takes: on a machine for training, nothing that people wait for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from atisbo.domain.access import Actor, Role
from atisbo.domain.predictions import Status
from atisbo.domain.versions import State
from atisbo.services import predictions, versions
from atisbo.services.work import Workplace
from tests.conftest import eventually
from tests.services.asked import ask
from tests.services.versions import another, installed

Make = Callable[..., Actor]


def test_a_worker_for_training_leaves_pictures_alone(workplace: Workplace, make_actor: Make) -> None:
    """The picture was asked about first, and waits while the worker judges a version."""
    ana, carla = make_actor("ana"), make_actor("carla", Role.CURATOR)
    workplace.within(lambda s: versions.install(s, installed()))
    asked = ask(workplace, ana, b"picture")
    card, model = another()
    application = installed()["colour"][0]
    brought = workplace.within(
        lambda s: versions.submit(s, carla, blobs=workplace.blobs, application=application, card=card, model=model)
    )
    settings = {
        "ATISBO_DATABASE_URL": str(workplace.settings.database_url),
        "ATISBO_DATA_DIR": str(workplace.settings.data_dir),
        "ATISBO_WORKER_QUEUES": "learn",
    }
    worker = subprocess.Popen([sys.executable, "-m", "atisbo", "worker"], env=os.environ | settings)
    try:
        eventually(
            lambda: workplace.within(lambda s: versions.get(s, carla, version_id=brought.id)).state == State.SUBMITTED,
            within_s=60,
        )
        seen = workplace.within(lambda s: predictions.get(s, ana, prediction_id=asked.id))
        assert seen.status == Status.WAITING
    finally:
        worker.terminate()
        worker.wait(20)
