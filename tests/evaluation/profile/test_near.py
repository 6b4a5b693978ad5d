from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from atisbo.evaluation.profile import near
from atisbo.imaging.likeness import DETAIL_BYTES, SIDE, detail, perceptual_hash
from tests.evaluation.profile.trees import scene


def planted(count: int) -> np.ndarray:
    """Hashes of chance, a third of them with 0 to 9 bits of another one turned."""
    random = np.random.default_rng(5)
    hashes = random.integers(0, 2**64, count, np.uint64)
    for place in range(0, count - 1, 3):
        turned = random.choice(64, random.integers(0, 10), replace=False)
        hashes[place + 1] = hashes[place] ^ np.bitwise_or.reduce(
            np.uint64(1) << turned.astype(np.uint64), initial=np.uint64(0)
        )
    return hashes


@pytest.mark.parametrize("bits", [0, 3, 4, 7])
def test_no_pair_within_the_bound_is_missed(bits: int) -> None:
    hashes = planted(900)
    every = np.bitwise_count(hashes[:, None] ^ hashes[None]) <= bits
    wanted = {(int(a), int(b)) for a, b in np.argwhere(np.triu(every, 1))}
    details = np.ones((900, DETAIL_BYTES), np.int8)
    found = near.near(hashes, details, bits=bits)
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == wanted
    assert not found.at_least
    assert len(wanted) > 25
    assert (found.bits == np.bitwise_count(hashes[found.first] ^ hashes[found.second])).all()


def test_many_of_one_hash_hang_together_without_all_their_pairs() -> None:
    hashes = np.full(500, 77, np.uint64)
    found = near.near(hashes, np.ones((500, DETAIL_BYTES), np.int8))
    assert len(found) == 499
    assert not near.groups(500, found).any()


def test_pictures_composed_alike_are_told_apart_by_their_detail() -> None:
    details = np.frombuffer(looks(1)[1] + looks(2)[1], np.int8).reshape(2, -1)
    assert len(near.near(np.array([3, 3], np.uint64), details)) == 0


def test_nothing_has_no_duplicates() -> None:
    found = near.near(np.empty(0, np.uint64), np.empty((0, DETAIL_BYTES), np.int8))
    assert (len(found), len(near.groups(0, found))) == (0, 0)


def test_groups_join_through_pairs() -> None:
    pairs = near.Pairs(*(np.array(column) for column in ([0, 4, 1], [1, 5, 3], [0, 0, 0], [1.0, 1.0, 1.0])))
    assert near.groups(7, pairs).tolist() == [0, 0, 2, 0, 4, 4, 6]


def test_long_chains_are_one_group_whatever_their_order() -> None:
    links = np.random.default_rng(2).permutation(999)
    pairs = near.Pairs(links, links + 1, np.zeros(999, np.uint8), np.ones(999, np.float32))
    assert not near.groups(1000, pairs).any()


def test_a_film_is_one_group_without_all_pairs_of_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three films of 1,000 frames, each frame a bit or two away from its film's first."""
    monkeypatch.setattr(near, "_FINDS", 100_000)
    random = np.random.default_rng(3)
    hashes = np.repeat(random.integers(0, 2**64, 3, np.uint64), 1000)
    for _ in range(2):
        hashes ^= np.uint64(1) << random.integers(0, 64, 3000).astype(np.uint64)
    found = near.near(hashes, np.ones((3000, DETAIL_BYTES), np.int8))
    assert found.at_least
    assert 3000 <= len(found) < 3000 * 100
    assert np.bincount(near.groups(3000, found)).max() == 1000


def looks(seed: int, turn: int = 0, size: tuple[int, int] = (96, 80)) -> tuple[int, bytes]:
    picture = scene(seed, 192, 160).rotate(turn).resize(size, Image.Resampling.BILINEAR).convert("L")
    small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
    return int.from_bytes(perceptual_hash(small)), detail(small)


def test_a_smaller_copy_looks_the_same_and_another_picture_does_not() -> None:
    one, smaller, other = looks(1), looks(1, size=(60, 50)), looks(2)
    assert (one[0] ^ smaller[0]).bit_count() <= 4
    assert (one[0] ^ other[0]).bit_count() > 15
