"""Whatever a worker does, and whatever lies on the disk, has words on the system page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.services.work import Workplace
from atisbo.store import queue, sweeps
from atisbo.web.pages.system import kinds
from tests.services.asked import ask
from tests.web.doors import opened
from tests.web.tabs import Tab


def test_every_kind_of_work_and_of_files_has_words() -> None:
    work = {value for name, value in vars(queue).items() if name.isupper() and isinstance(value, str)}
    files = {folder.rstrip("/") for folder in sweeps.KINDS}
    assert {"predict", "learn"} <= work
    assert work | files | {"database"} == set(kinds(lambda message, **_: message))


def test_what_waits_for_its_time_is_not_said_to_be_nothing(
    workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    root = make_actor("root", Role.ADMINISTRATOR)
    tab = Tab(opened(workplace, tmp_path))
    tab.sign_in(root)
    assert "nothing waits" in tab.get("/manage/system").text
    ask(workplace, root)
    workplace.within(lambda s: s.execute(text("UPDATE pgqueuer SET execute_after = now() + interval '5 minutes'")))
    page = tab.get("/manage/system").text
    assert "nothing waits" not in page
    assert "none is due yet" in page
