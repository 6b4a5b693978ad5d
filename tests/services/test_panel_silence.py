"""While a panel is open, nothing that others said reaches its readers by another way."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any
from zipfile import ZipFile

from atisbo.domain.access import Actor, Role
from atisbo.domain.gallery import Reviewed, Wanted
from atisbo.imaging.quarantine import Quarantine
from atisbo.services import gallery, gallery_archive
from atisbo.services.work import Workplace
from tests.services.asked import answered
from tests.services.test_corrections import work
from tests.services.test_inbox import answer, give, panel, quarantine

__all__ = ["quarantine"]
Make = Callable[..., Actor]


def told(workplace: Workplace, actor: Actor) -> set[str]:
    """What the gallery's lists, its filter and its archive say that people said."""

    def listed(**wanted: Any) -> list[gallery.Item]:
        return workplace.within(lambda s: gallery.list_(s, actor, wanted=Wanted("eyes", **wanted))).items

    found = {f"list: {one}" for item in listed() for one in item.verdicts}
    found |= {f"filter: {one.value}" for one in (Reviewed.RIGHT, Reviewed.WRONG) if listed(reviewed=one)}
    archive = b"".join(gallery_archive.archive(workplace, actor, wanted=Wanted("eyes"), said={}))
    table = ZipFile(io.BytesIO(archive)).read("images.csv").decode("utf-8-sig")
    for row in csv.DictReader(io.StringIO(table)):
        found |= {f"{column}: {row[column]}" for column in ("verdicts", "labels") if row[column]}
    return found


def test_the_gallery_does_not_tell_the_second_reader_what_the_first_said(
    workplace: Workplace, make_actor: Make, quarantine: Quarantine
) -> None:
    ana, eva, leo = make_actor(), make_actor("eva", Role.CURATOR), make_actor("leo", Role.CURATOR)
    answered(workplace, ana)
    assert panel(workplace, eva) == 1
    [first] = give(workplace, eva)
    answer(workplace, eva, first, "wrong", label="normal")
    assert told(workplace, leo) == set()
    [second] = give(workplace, leo)
    answer(workplace, leo, second, "wrong", label="normal")
    work(workplace, quarantine)
    assert told(workplace, leo) == {"list: wrong", "filter: wrong", "verdicts: wrong wrong", "labels: normal normal"}


def test_whoever_may_know_the_answer_is_not_asked_to_read_blind(workplace: Workplace, make_actor: Make) -> None:
    eva, leo, mia = (make_actor(name, Role.CURATOR) for name in ("eva", "leo", "mia"))
    answered(workplace, eva)
    assert panel(workplace, leo, hidden=True) == 1
    assert give(workplace, eva) == [], "it is her own image"
    assert [len(give(workplace, reader)) for reader in (leo, mia)] == [1, 1]
