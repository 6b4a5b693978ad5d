from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from pgqueuer.errors import RetryRequested
from PIL import Image

from atisbo.domain.access import Actor
from atisbo.domain.applications import load
from atisbo.errors import ConsentNeeded, Invalid
from atisbo.services import regions
from atisbo.services.asking import Upload
from atisbo.services.work import Workplace
from atisbo.store.queue import FIND, URGENT
from atisbo.worker.find import Finding
from tests.applications_for_tests.networks import HERE
from tests.pictures import encoded
from tests.worker.workshop import eye, jobs, tools, work

Make = Callable[..., Actor]
EYE, _ = load(HERE / "eye")
PHOTOGRAPH = Upload(encoded(Image.fromarray(eye()), "PNG"), "eye.png")


@pytest.fixture
def finding(workplace: Workplace) -> Iterator[Finding]:
    with tools() as (quarantine, registry):
        yield Finding(workplace, quarantine, registry)


def ask(workplace: Workplace, actor: Actor, upload: Upload = PHOTOGRAPH) -> str | None:
    return workplace.within(
        lambda s: regions.ask(s, actor, blobs=workplace.blobs, number=uuid4(), application=EYE, source=upload)
    )


def lying(workplace: Workplace) -> list[str]:
    return list(workplace.blobs.names("proposals/"))


def test_the_bytes_go_with_the_answer(workplace: Workplace, make_actor: Make, finding: Finding) -> None:
    name = ask(workplace, make_actor())
    assert lying(workplace) == [name]
    (job,) = jobs(workplace, FIND)
    assert job["priority"] == URGENT, "somebody is looking at the page"
    assert work(workplace, FIND, finding.run) == 1
    assert lying(workplace) == []


def test_also_where_they_are_no_picture(workplace: Workplace, make_actor: Make, finding: Finding) -> None:
    ask(workplace, make_actor(), Upload(b"no picture", "eye.png"))
    work(workplace, FIND, finding.run)
    assert lying(workplace) == []


def test_nothing_lies_there_for_whoever_may_not(workplace: Workplace, make_actor: Make) -> None:
    with pytest.raises(ConsentNeeded):
        ask(workplace, make_actor(agrees=False))
    with pytest.raises(Invalid, match="empty"):
        ask(workplace, make_actor("ben"), Upload(b"", "eye.png"))
    assert lying(workplace) == []
    assert jobs(workplace, FIND) == []


def test_a_second_one_waits_for_its_turn(workplace: Workplace, make_actor: Make, finding: Finding) -> None:
    ana = make_actor()
    for _ in range(2):
        ask(workplace, ana)
    first, second = (SimpleNamespace(payload=json.dumps(said).encode()) for said in jobs(workplace, FIND))

    async def both() -> list[Any]:
        return await asyncio.gather(finding.run(first), finding.run(second), return_exceptions=True)

    done, put_off = asyncio.run(both())
    assert done is None
    assert isinstance(put_off, RetryRequested)
    assert len(lying(workplace)) == 1
    work(workplace, FIND, finding.run)
    assert lying(workplace) == []


def test_what_a_killed_process_left_is_swept(workplace: Workplace) -> None:
    old, new = f"proposals/{int(time.time()) - 7200}-{uuid4()}", f"proposals/{int(time.time())}-{uuid4()}"
    for name in (old, new):
        workplace.blobs.put(name, b"bytes")
    regions.sweep(workplace.blobs)
    assert lying(workplace) == [new]
    workplace.blobs.delete(new)
