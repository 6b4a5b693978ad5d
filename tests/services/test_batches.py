from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor
from atisbo.domain.images import Region
from atisbo.errors import Invalid, TooLarge, Unavailable
from atisbo.services import batches
from atisbo.services.batches import Question, Result, Sent
from atisbo.services.work import Blobs, Workplace
from tests.services.asked import EYES

Make = Callable[..., Actor]
REGION = Region(x=1, y=2, width=3, height=3)


def sent(name: str, data: bytes) -> Sent:
    return Sent(name, io.BytesIO(data), len(data))


def zipped(name: str, files: dict[str, bytes]) -> Sent:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for inner, data in files.items():
            archive.writestr(inner, data)
    return sent(name, buffer.getvalue())


def ask(workplace: Workplace, actor: Actor, *files: Sent, **more: Any) -> list[Result]:
    question = Question(**({"application": EYES, "regions": {}} | more))
    return batches.ask(workplace, actor, question=question, files=files)


def fates(results: list[Result]) -> list[tuple[str, str]]:
    return [
        (r.file, r.problem.code if r.problem else r.prediction.status.value)
        for r in results
        if r.prediction or r.problem
    ]


def limited(workplace: Workplace, **limits: int) -> Workplace:
    return replace(workplace, settings=workplace.settings.model_copy(update=limits))


def count(workplace: Workplace, table: str) -> int:
    return int(workplace.within(lambda s: s.scalar(text(f"SELECT count(*) FROM {table}"))) or 0)


def test_each_file_has_its_own_fate(workplace: Workplace, make_actor: Make) -> None:
    small = limited(workplace, max_upload_bytes=1024)
    files = [
        sent("../od.jpg", b"right"),
        sent("empty.jpg", b""),
        sent("big.jpg", bytes(2000)),
        zipped("both.zip", {"p1/od.jpg": b"one", "p1/none.jpg": b"", "p2/od.jpg": b"two"}),
        sent("broken.zip", b"PK\x03\x04 and so on"),
        sent("os.jpg", b"left"),
    ]
    assert fates(ask(small, make_actor(), *files)) == [
        ("od.jpg", "waiting"),
        ("empty.jpg", "upload_empty"),
        ("big.jpg", "file_too_large"),
        ("od.jpg", "waiting"),
        ("none.jpg", "upload_empty"),
        ("od.jpg", "waiting"),
        ("broken.zip", "archive_damaged"),
        ("os.jpg", "waiting"),
    ]
    assert count(workplace, "images") == count(workplace, "pgqueuer WHERE entrypoint = 'predict'") == 4


def test_regions_belong_to_files(workplace: Workplace, make_actor: Make) -> None:
    square = replace_region(EYES, "square")
    regions = {"od.jpg": REGION, "p/os.jpg": REGION, "wide.jpg": Region(x=0, y=0, width=4, height=3)}
    files = [sent("od.jpg", b"a"), zipped("z.zip", {"p/os.jpg": b"b"}), sent("wide.jpg", b"c"), sent("none.jpg", b"d")]
    results = ask(workplace, make_actor(), *files, application=square, regions=regions)
    assert [r.prediction.region if r.prediction else r.problem and r.problem.code for r in results] == [
        REGION,
        REGION,
        "region_square",
        "region_needed",
    ]


def replace_region(application: Any, kind: str) -> Any:
    section = application.input.model_copy(update={"region": kind, "region_required": True})
    return application.model_copy(update={"input": section})


def test_sending_the_same_again_makes_nothing_anew(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    files = [sent("a.jpg", b"a"), zipped("z.zip", {"b.jpg": b"b", "c.jpg": b"a"})]
    first = ask(workplace, ana, *files, idempotency_key="k")
    again = ask(workplace, ana, *files, idempotency_key="k")
    assert [r.prediction.id for r in first if r.prediction] == [r.prediction.id for r in again if r.prediction]
    assert count(workplace, "predictions") == 3
    other = ask(workplace, ana, sent("x.jpg", b"x"), idempotency_key="k")
    assert fates(other) == [("x.jpg", "idempotency_reused")]


@pytest.mark.parametrize("key", ["", "x" * 191, "a\nb"])
def test_a_key_that_will_not_do(workplace: Workplace, make_actor: Make, key: str) -> None:
    with pytest.raises(Invalid):
        ask(workplace, make_actor(), sent("a.jpg", b"a"), idempotency_key=key)


def test_none_and_too_many_are_refused_as_a_whole(workplace: Workplace, make_actor: Make) -> None:
    ana, few = make_actor(), limited(workplace, max_batch_files=2)
    with pytest.raises(Invalid):
        ask(few, ana)
    with pytest.raises(TooLarge):
        ask(few, ana, *(sent(f"{n}.jpg", b"x") for n in range(3)))
    assert count(workplace, "images") == 0


def test_the_limits_are_those_of_all_files_together(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    few = limited(workplace, max_batch_files=3)
    files = [sent("a", b"a"), zipped("z.zip", {"b": b"b", "c": b"c", "d": b"d"}), sent("e", b"e")]
    assert fates(ask(few, ana, *files)) == [("a", "waiting"), ("z.zip", "batch_many"), ("e", "waiting")]
    little = limited(workplace, max_batch_bytes=2048, max_upload_bytes=1500)
    files = [sent("a", bytes(1500)), sent("b", bytes(600)), zipped("z.zip", {"c": bytes(600)}), sent("d", bytes(500))]
    assert fates(ask(little, ana, *files)) == [
        ("a", "waiting"),
        ("b", "batch_large"),
        ("z.zip", "batch_large"),
        ("d", "waiting"),
    ]


def test_when_the_storage_is_away_the_rest_is_not_tried(workplace: Workplace, make_actor: Make, tmp_path: Path) -> None:
    tried: list[str] = []

    class Full(Blobs):
        def put(self, name: str, data: bytes) -> None:
            tried.append(name)
            if len(tried) == 18:
                raise Unavailable("storage_away", "The service cannot store files at the moment. Try again later.")

    full = replace(workplace, blobs=Full(None, folder=tmp_path))
    results = ask(full, make_actor(), *(sent(f"{n}", bytes([n])) for n in range(40)))
    assert fates(results) == [(str(n), "waiting" if n < 16 else "storage_away") for n in range(40)]
    assert len(tried) == 18
    assert count(workplace, "predictions") == 16


def test_a_few_are_written_together(workplace: Workplace, make_actor: Make) -> None:
    ask(workplace, make_actor(), *(sent(f"{n}", bytes([n])) for n in range(20)))
    said = "(SELECT DISTINCT xmin::text FROM predictions) AS transactions"
    assert (count(workplace, "predictions"), count(workplace, said)) == (20, 2)


def test_who_sends_the_same_pictures_the_other_way_round_does_not_lock_us_out(
    workplace: Workplace, make_actor: Make
) -> None:
    both = make_actor("ana"), make_actor("ben")
    pictures = [sent(f"{n}", bytes([n])) for n in range(16)]

    def send(who: int) -> list[Result]:
        files = [sent(one.name, one.file.getvalue()) for one in pictures[:: (1, -1)[who]]]  # type: ignore[attr-defined]
        return [result for turn in range(8) for result in ask(workplace, both[who], *files, idempotency_key=f"k{turn}")]

    with ThreadPoolExecutor(2) as pool:
        results = [result for said in pool.map(send, (0, 1)) for result in said]
    assert [result.problem for result in results if result.problem] == []
    assert count(workplace, "predictions") == len(results) == 256
