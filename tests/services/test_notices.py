"""Whoever asked for long work is told when it ends, once, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from atisbo.domain import notices as rules
from atisbo.domain.access import Actor, Role
from atisbo.domain.datasets import Status
from atisbo.services import notices, predictions, snapshots
from atisbo.services.notices import Kind
from atisbo.services.predictions import Outcome
from atisbo.services.work import Workplace
from tests.services.curated import eye, snapshot
from tests.services.test_batches import ask, sent

Make = Callable[..., Actor]


def said(workplace: Workplace, actor: Actor) -> list[tuple[Kind, dict[str, Any]]]:
    return [(one.kind, one.about) for one in workplace.within(lambda s: notices.list_(s, actor))]


def look(workplace: Workplace, payload: dict[str, Any]) -> bool:
    """What a worker does with the job."""
    since = datetime.fromisoformat(payload["since"])
    return workplace.within(
        lambda s: notices.announce(s, owner_id=UUID(payload["owner"]), application=payload["application"], since=since)
    )


def test_a_batch_is_told_of_when_all_is_answered(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor("ana"), make_actor("eva")
    files = [sent(f"{number}.jpg", bytes([number])) for number in range(rules.FEWEST)]
    asked = [one.prediction for one in ask(workplace, ana, *files[:6]) + ask(workplace, ana, *files[6:])]
    query = text("SELECT payload, execute_after - now() AS wait FROM pgqueuer WHERE entrypoint = 'announce'")
    (job,) = workplace.within(lambda s: s.execute(query).all())
    assert timedelta(0) < job.wait < timedelta(seconds=rules.QUIET_S)
    payload = json.loads(bytes(job.payload))
    assert not look(workplace, payload), "nothing is answered yet"
    ids = [one.id for one in asked if one]
    attempts = workplace.within(lambda s: predictions.claim(s, ids))
    failure = {"code": "x", "message": "x", "values": {}}
    outcomes = [Outcome(one, attempts[one], "failed", failure=failure) for one in ids]
    workplace.within(lambda s: predictions.record(s, outcomes))
    assert not look(workplace, payload), "more may still be coming"
    workplace.within(lambda s: s.execute(text("UPDATE predictions SET created_at = created_at - interval '1 minute'")))
    early = datetime.fromisoformat(payload["since"]) - timedelta(minutes=1)
    assert look(workplace, payload | {"since": early.isoformat()})
    count = rules.FEWEST
    assert said(workplace, ana) == [(Kind.BATCH, {"application": "eyes", "count": count, "failed": count})]
    assert said(workplace, eva) == []
    assert workplace.within(lambda s: notices.unseen(s, ana)) == 1
    workplace.within(lambda s: notices.see(s, ana))
    assert workplace.within(lambda s: notices.unseen(s, ana)) == 0


def test_few_images_are_not_worth_a_word(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    long_ago = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    payload = {"owner": str(ana.user_id), "application": "eyes", "since": long_ago.isoformat()}
    assert look(workplace, payload)
    assert said(workplace, ana) == []


@pytest.mark.parametrize("images", [2, 8])
def test_a_dataset_is_told_of_also_when_it_fails(
    workplace: Workplace, make_actor: Make, describe: snapshots.Describe, images: int
) -> None:
    cleo = make_actor("cleo", Role.CURATOR)
    for seed in range(images):
        eye(workplace, cleo, seed)
    view = snapshot(workplace, cleo, describe)
    ((kind, about),) = said(workplace, cleo)
    assert kind is Kind.DATASET
    assert about == {"id": str(view.id), "name": view.name, "failed": images == 2}
    assert (view.status is Status.FAILED) is (images == 2)


def test_only_the_newest_are_kept(workplace: Workplace, make_actor: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "KEPT", 3)
    ana = make_actor()
    for number in range(5):
        about = {"id": "x", "name": str(number), "failed": False}
        workplace.within(lambda s, about=about: notices.tell(s, ana.user_id, Kind.RUN, about))  # type: ignore[misc]
    assert [about["name"] for _, about in said(workplace, ana)] == ["4", "3", "2"]
