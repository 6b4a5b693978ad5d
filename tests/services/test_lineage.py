"""What a dataset kept of an image goes with it: the picture, and the masks that no other image has."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from atisbo.domain.access import Actor, Role
from atisbo.services import audit, images, lineage, snapshots
from atisbo.services.work import Workplace
from atisbo.store import blobs as names
from tests.services.curated import ready, snapshot, spotted
from tests.services.test_snapshots import discard, records


def test_masks_go_with_the_last_image_that_has_them(
    workplace: Workplace, make_actor: Callable[..., Actor], describe: snapshots.Describe
) -> None:
    ana, eva, kim = make_actor(), make_actor("eva"), make_actor("kim", Role.ADMINISTRATOR)
    for seed in range(1, 6):
        spotted(workplace, ana, seed)
    gone = [spotted(workplace, eva, seed) for seed in (7, 12, 18)]  # the last two have nothing outlined
    view = ready(snapshot(workplace, make_actor("cleo", Role.CURATOR), describe, spots=True))
    of_image = {item.image_id: item.masks or {} for item in records(workplace, view)}
    (own,), (empty,) = (of_image[gone[number].image.id].values() for number in (0, 1))
    assert [*of_image[gone[2].image.id].values()] == [empty]

    for number, left in enumerate(((False, True), (False, True), (False, False))):
        workplace.within(lambda s, n=number: images.delete(s, eva, image_id=gone[n].image.id))  # type: ignore[misc]
        discard(workplace)
        assert tuple(workplace.blobs.has(names.mask(name)) for name in (own, empty)) == left, number
    told = workplace.within(lambda s: audit.list_(s, kim, action="image.deleted")).items
    assert {tuple(one.facts["datasets"]) for one in told} == {(str(view.id),)}
    assert workplace.within(lambda s: lineage.of_owner(s, eva)) == []


def test_whoever_leaves_may_have_more_images_than_a_statement_has_parameters(
    workplace: Workplace, make_actor: Callable[..., Actor], describe: snapshots.Describe
) -> None:
    ana = make_actor()
    images_of = [spotted(workplace, ana, seed).image.id for seed in range(1, 7)]
    view = ready(snapshot(workplace, make_actor("cleo", Role.CURATOR), describe, spots=True))
    own = [*(uuid4() for _ in range(66_000)), *images_of]
    told = workplace.within(lambda s: lineage.told(s, own))
    assert told == {"datasets": [str(view.id)], "versions": []}
