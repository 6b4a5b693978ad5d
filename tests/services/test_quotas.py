"""Nobody keeps more than they may, however many uploads arrive at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.errors import Conflict, NotAllowed, StorageFull, TooLarge, TooMany
from atisbo.services import deletions, erasure, images, predictions, users
from atisbo.services.work import Workplace
from atisbo.store.blobs import Blobs
from tests.conftest import PASSWORD
from tests.services.asked import ask

Make = Callable[..., Actor]


def allow(workplace: Workplace, root: Actor, actor: Actor, images: int | None, bytes: int | None) -> None:
    workplace.within(lambda s: users.set_room(s, root, user_id=actor.user_id, max_images=images, max_bytes=bytes))


def test_so_many_images_and_no_more_even_at_once(workplace: Workplace, make_actor: Make) -> None:
    root, ana = make_actor("root", Role.ADMINISTRATOR), make_actor("ana")
    allow(workplace, root, ana, 5, None)

    def one(number: int) -> bool:
        try:
            ask(workplace, ana, bytes([number + 1]))
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(16))) == 5
    kept = workplace.within(lambda s: users.get(s, root, user_id=ana.user_id))
    assert (kept.images, kept.bytes, kept.room.images, kept.own_room) == (5, 5, 5, True)


def test_so_many_bytes_and_no_more_and_deleting_makes_room(workplace: Workplace, make_actor: Make) -> None:
    root, ana = make_actor("root", Role.ADMINISTRATOR), make_actor("ana")
    allow(workplace, root, ana, None, 100)
    first = ask(workplace, ana, b"x" * 60)
    with pytest.raises(TooLarge, match="ask an administrator"):
        ask(workplace, ana, b"y" * 60)
    workplace.within(lambda s: images.delete(s, ana, image_id=first.image.id))
    ask(workplace, ana, b"y" * 60)
    allow(workplace, root, ana, None, None)
    ask(workplace, ana, b"z" * 60)
    assert workplace.within(lambda s: users.get(s, root, user_id=ana.user_id)).bytes == 120
    workplace.within(lambda s: erasure.erase(s, ana, password=PASSWORD))
    assert workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM usage"))) == 0


def test_deleting_and_bringing_back_makes_no_room(workplace: Workplace, make_actor: Make) -> None:
    root, ana = make_actor("root", Role.ADMINISTRATOR), make_actor("ana")
    allow(workplace, root, ana, 2, 100)

    def delete(actor: Actor, view: predictions.PredictionView) -> UUID:
        return workplace.within(lambda s: images.delete(s, actor, image_id=view.image.id))

    def undo(actor: Actor, deed: UUID) -> None:
        workplace.within(lambda s: deletions.undo(s, actor, deed=deed))

    def kept() -> int:
        return workplace.within(lambda s: users.get(s, root, user_id=ana.user_id)).images

    first, second, third = (delete(ana, ask(workplace, ana, name)) for name in (b"1", b"2", b"3"))
    fourth = delete(root, ask(workplace, ana, b"4"))
    undo(ana, first)
    undo(ana, second)
    with pytest.raises(TooMany, match="as many images here as you may: 2"):
        undo(ana, third)
    with pytest.raises(Conflict, match="its owner has no room"):
        undo(root, fourth)
    assert kept() == 2
    allow(workplace, root, ana, None, 2)
    with pytest.raises(TooLarge):
        undo(ana, third)
    allow(workplace, root, ana, 4, 100)
    undo(ana, third)
    undo(root, fourth)
    assert kept() == 4


def test_only_administrators_allow_more(workplace: Workplace, make_actor: Make) -> None:
    ana, curator = make_actor("ana"), make_actor("kim", Role.CURATOR)
    for actor in (ana, curator):
        with pytest.raises(NotAllowed):
            allow(workplace, actor, ana, 5, 5)


def test_an_upload_that_would_eat_into_the_disks_reserve_is_refused(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    ana, blobs = make_actor("ana"), Blobs.open(tmp_path, reserve_bytes=1 << 60)
    with pytest.raises(StorageFull) as refused:
        ask(replace(workplace, blobs=blobs), ana, b"one more")
    assert (refused.value.status, refused.value.code) == (507, "storage_full")
    assert list(blobs.names("")) == []
    blobs.put("derived/mask.png", b"results have room")
