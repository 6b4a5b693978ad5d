"""Tensors answered by a worker's hands: with the active version, and with one that waits for its turn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from atisbo.domain.access import Actor, Role
from atisbo.domain.tensors import Tensor
from atisbo.errors import NotAllowed, NotFound
from atisbo.services import tensors, versions
from atisbo.services.tensors import Given
from atisbo.services.work import Workplace
from atisbo.store.queue import TENSORS
from atisbo.worker.tensors import Answering
from tests.services.versions import another, installed
from tests.worker.workshop import tools, work

Make = Callable[..., Actor]


def ask(workplace: Workplace, actor: Actor, version: str | None, *, forgotten: bool = False) -> Given | None:
    """What a worker hands over for one red picture."""
    height, width = installed()["colour"][1].input.size
    red = np.zeros((1, height, width, 3), np.uint8)
    red[..., 0] = 255
    said = (Tensor("pixels", "UINT8", red.shape, red.tobytes()),)
    meant = workplace.within(lambda s: tensors.meant(s, actor, installed(), model="colour", version=version))
    job = workplace.within(lambda s: tensors.begin(s, actor, meant, said))
    if forgotten:
        workplace.within(lambda s: tensors.forget(s, job))
    with tools() as (_, registry):
        assert work(workplace, TENSORS, Answering(workplace, registry).run) == 1
    return workplace.within(lambda s: tensors.take(s, job))


def best(given: Given | None) -> int:
    assert given is not None
    shape = given.said["outputs"][0]["shape"]
    count = int(np.prod(shape))
    return int(np.frombuffer(given.answer, np.float32)[:count].reshape(shape).argmax())


def test_a_version_that_is_not_active_answers_those_who_look_after_versions(
    workplace: Workplace, make_actor: Make
) -> None:
    workplace.within(lambda s: versions.install(s, installed()))
    carla, ana = make_actor("carla", Role.CURATOR), make_actor("ana")
    card, model = another(shift=1)
    application = installed()["colour"][0]
    other = workplace.within(
        lambda s: versions.submit(s, carla, blobs=workplace.blobs, application=application, card=card, model=model)
    )
    now, then = ask(workplace, ana, None), ask(workplace, carla, other.name)
    labels = len(card.output.labels)
    assert best(then) == (best(now) + 1) % labels
    assert [one and one.said["version"] for one in (now, then)] == [installed()["colour"][1].version, other.name]
    with pytest.raises((NotFound, NotAllowed)):
        ask(workplace, ana, other.name)


def test_a_network_that_is_gone_is_told_and_nobody_is_asked_for_nothing(workplace: Workplace, make_actor: Make) -> None:
    workplace.within(lambda s: versions.install(s, installed()))
    carla = make_actor("carla", Role.CURATOR)
    card, model = another(shift=2)
    application = installed()["colour"][0]
    other = workplace.within(
        lambda s: versions.submit(s, carla, blobs=workplace.blobs, application=application, card=card, model=model)
    )
    assert ask(workplace, carla, None, forgotten=True) is None
    workplace.blobs.delete(f"networks/{card.sha256}.onnx")
    given = ask(workplace, carla, other.name)
    assert given is not None
    assert given.said["failure"]["code"] == "network_gone"
