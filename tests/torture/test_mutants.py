"""Thousands of damaged pictures through the quarantine: no crash of the parent, no hang, a sentence for each."""

from __future__ import annotations

import os
import random
import time
from collections import Counter

import psutil
import pytest

from atisbo.domain.cards import TensorSpec
from atisbo.domain.images import Limits
from atisbo.errors import BadImage
from atisbo.imaging.quarantine import Quarantine
from tests.pictures import encoded, mucosa

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1800)]
COUNT = max(500, int(20_000 * float(os.environ.get("ATISBO_TORTURE", "1"))))
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
LONGEST_S = 5.0


def mutant(original: bytes, chance: random.Random) -> bytes:
    """Overwritten bytes, most often near the beginning; pieces cut out, doubled or cut off."""
    data = bytearray(original)
    for _ in range(chance.randint(0, 8)):
        where = len(data) if chance.random() < 0.5 else min(100, len(data))
        data[chance.randrange(where)] = chance.choice((0, 255, chance.randrange(256)))
    if chance.random() < 0.2:
        start = chance.randrange(len(data))
        piece = data[start : start + chance.randrange(1, 200)]
        data[start:start] = piece * chance.randint(1, 3)
    if chance.random() < 0.2:
        start = chance.randrange(len(data))
        del data[start : start + chance.randrange(1, 200)]
    if chance.random() < 0.2:
        del data[max(1, chance.randrange(len(data))) :]
    return bytes(data)


def test_mutants() -> None:
    chance = random.Random(11)
    originals = [encoded(mucosa(96, 64), kind) for kind in KINDS]
    quarantine = Quarantine(workers=2, timeout_s=LONGEST_S, memory_bytes=2 << 30)
    process, fates, slowest = psutil.Process(), Counter[str](), 0.0
    before = process.memory_info().rss
    try:
        for number in range(COUNT):
            data = mutant(originals[number % len(originals)], chance)
            began = time.monotonic()
            future = quarantine.prepare(data, None, TensorSpec(size=(64, 96)), Limits(max_pixels=1_000_000))
            error = future.exception(timeout=LONGEST_S + 10)
            slowest = max(slowest, time.monotonic() - began)
            assert error is None or isinstance(error, BadImage), error
            fates["pixels" if error is None else error.code] += 1
    finally:
        quarantine.close()
    assert {"pixels", "image_damaged"} <= set(fates), fates
    assert slowest < LONGEST_S + 1
    assert process.memory_info().rss - before < 50 << 20
