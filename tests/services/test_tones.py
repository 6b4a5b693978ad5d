from __future__ import annotations

from collections.abc import Callable

import pytest

from atisbo.domain.access import Actor, Role
from atisbo.domain.datasets import Split
from atisbo.errors import NotAllowed
from atisbo.services import datasets, profiles, snapshots, tones
from atisbo.services.tones import Tones
from atisbo.services.work import Workplace
from atisbo.store.embeddings import EmbeddingRecord
from tests.services.curated import eye, ready, snapshot
from tests.services.test_neighbours import answered, collect, complete

Make = Callable[..., Actor]


def seen(workplace: Workplace, actor: Actor) -> list[Tones]:
    return list(workplace.within(lambda session: profiles.get(session, actor, application="eyes")).tones)


def test_each_channel_is_counted_by_class_among_what_one_may_see(workplace: Workplace, make_actor: Make) -> None:
    ana, bea, carl = make_actor("ana"), make_actor("bea"), make_actor("carl", Role.CURATOR)
    collect(workplace, 0, label="normal")
    answered(workplace, ana, 81, tone=(0, 15.9, 255))
    answered(workplace, ana, 82, tone=(100, 16, 255))
    answered(workplace, bea, 83, tone=(50, 60, 70))
    complete(workplace)
    (mine,) = seen(workplace, ana)
    assert (mine.label, mine.count) == ("glaucoma", 2), "what was imported as numbers has no colours to count"
    red, green, blue = mine.channels
    assert [at for at, count in enumerate(red.counts) if count] == [0, 6]
    assert list(green.counts[:3]) == [1, 1, 0], "a step begins with its level"
    assert (blue.counts[-1], len(blue.counts)) == (2, tones.STEPS)
    assert (red.mean, red.deviation) == pytest.approx((50, 50))
    assert (blue.mean, blue.deviation) == pytest.approx((255, 0))
    assert [one.count for one in seen(workplace, carl)] == [3]


def test_of_a_dataset_the_sealed_side_stays_closed(
    workplace: Workplace, make_actor: Make, describe: snapshots.Describe
) -> None:
    ana, curator = make_actor(), make_actor("cleo", Role.CURATOR)
    asked = [eye(workplace, ana, seed, ("normal", "glaucoma")[seed % 2]) for seed in range(20)]
    looks = [
        EmbeddingRecord(
            application="eyes", version="v1", prediction_id=one.id, image_id=one.image.id, tone=(number, 0, 0)
        )
        for number, one in enumerate(asked)
    ]
    workplace.within(lambda session: session.add_all(looks))
    view = ready(snapshot(workplace, curator, describe))
    sealed = view.counts[Split.TEST]
    assert 0 < sealed < 20
    found = workplace.within(lambda session: tones.of_dataset(session, curator, dataset_id=view.id))
    assert {one.label for one in found} <= {"normal", "glaucoma"}
    assert sum(one.count for one in found) == 20 - sealed
    open_ = [
        item.prediction_id
        for side in (Split.TRAINING, Split.VALIDATION)
        for item in workplace.within(
            lambda session, side=side: datasets.items(session, curator, dataset_id=view.id, split=side).items  # type: ignore[misc]
        )
    ]
    total = sum(one.channels[0].mean * one.count for one in found)
    assert total == pytest.approx(sum(number for number, one in enumerate(asked) if one.id in open_))
    with pytest.raises(NotAllowed):
        workplace.within(lambda session: tones.of_dataset(session, make_actor("eva"), dataset_id=view.id))
