from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from atisbo.domain.applications import Sample
from atisbo.domain.texts import LocalisedText
from atisbo.errors import NotFound
from atisbo.services import trials
from atisbo.services.work import Workplace
from tests.services.asked import EYES

WITH_SAMPLE = EYES.model_copy(
    update={"samples": (Sample(file="eye.jpg", title=LocalisedText(en="Eye"), source="nobody"),)}
)


@pytest.fixture(autouse=True)
def _empty(workplace: Workplace) -> None:
    workplace.within(lambda s: s.execute(text("TRUNCATE trials")))


def rows(workplace: Workplace) -> int:
    return int(workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM trials"))) or 0)


def test_a_trial_and_its_job_are_born_together_and_its_answer_is_read_once(workplace: Workplace) -> None:
    trial = workplace.within(lambda s: trials.begin(s, application=WITH_SAMPLE, file="eye.jpg"))
    payload = workplace.within(lambda s: s.scalar(text("SELECT payload FROM pgqueuer WHERE entrypoint = 'try'")))
    said: dict[str, Any] = json.loads(payload or b"")
    assert said == {"trial": str(trial), "application": "eyes", "file": "eye.jpg"}
    assert workplace.within(lambda s: trials.take(s, trial)) is None
    assert rows(workplace) == 1
    workplace.within(lambda s: trials.give(s, trial, {"version": "v"}))
    assert workplace.within(lambda s: trials.take(s, trial)) == {"version": "v"}
    assert rows(workplace) == 0
    assert workplace.within(lambda s: trials.take(s, trial)) is None


def test_an_answer_that_nobody_waits_for_is_dropped(workplace: Workplace) -> None:
    trial = workplace.within(lambda s: trials.begin(s, application=WITH_SAMPLE, file="eye.jpg"))
    workplace.within(lambda s: trials.forget(s, trial))
    workplace.within(lambda s: trials.give(s, trial, {"version": "v"}))
    assert rows(workplace) == 0


def test_what_a_fallen_process_left_behind_goes_with_the_next(workplace: Workplace) -> None:
    workplace.within(lambda s: trials.begin(s, application=WITH_SAMPLE, file="eye.jpg"))
    workplace.within(lambda s: s.execute(text("UPDATE trials SET created_at = now() - interval '3 minutes'")))
    trial = workplace.within(lambda s: trials.begin(s, application=WITH_SAMPLE, file="eye.jpg"))
    workplace.within(lambda s: trials.forget(s, trial))
    assert rows(workplace) == 0


def test_only_samples_can_be_tried(workplace: Workplace) -> None:
    for file in ("other.jpg", "../application.toml", ""):
        with pytest.raises(NotFound):
            workplace.within(lambda s, f=file: trials.begin(s, application=WITH_SAMPLE, file=f))
