from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from atisbo.domain.cards import TensorSpec
from atisbo.domain.images import Limits, Region
from atisbo.errors import BadImage, Invalid, Unavailable
from atisbo.imaging.cell import pack, unpack
from atisbo.imaging.corrections import Outlined
from atisbo.imaging.decode import decode
from atisbo.imaging.draw import mask_png
from atisbo.imaging.grain import grain
from atisbo.imaging.palette import palette
from atisbo.imaging.quarantine import Quarantine
from atisbo.imaging.transform import fit
from tests.pictures import CANARY, encoded, jpeg, mucosa, opened, with_metadata

SPEC = TensorSpec(size=(64, 96))
LIMITS = Limits()
MEMORY = 2 << 30
TOUCHED = Path("/tmp/atisbo-test-unpickled")


@pytest.fixture(scope="module")
def quarantine() -> Iterator[Quarantine]:
    quarantine = Quarantine(workers=2, timeout_s=2, memory_bytes=MEMORY, jobs_module="tests.imaging.poison")
    yield quarantine
    quarantine.close()


def poison(quarantine: Quarantine, job: str, *arguments: object) -> Future[dict[str, Any]]:
    return quarantine.submit(job, *arguments, receive=lambda values, _: values)


def prepare(quarantine: Quarantine, data: bytes) -> tuple[int, int]:
    return quarantine.prepare(data, None, SPEC, LIMITS).result().size


def test_pixels_are_those_of_the_one_decoder_and_the_one_preprocessor(quarantine: Quarantine) -> None:
    data = jpeg(320, 256)
    prepared = quarantine.prepare(data, None, SPEC, LIMITS).result()
    assert prepared.size == (256, 320)
    assert prepared.box == Region(x=0, y=0, width=320, height=256)
    assert prepared.media_type == "image/jpeg"
    np.testing.assert_array_equal(prepared.pixels, fit(decode(data), SPEC))
    assert prepared.tone == pytest.approx(prepared.pixels.mean(axis=(0, 1)))
    assert (prepared.brightness, prepared.contrast) == pytest.approx((prepared.pixels.mean(), prepared.pixels.std()))
    assert prepared.palette is None
    assert prepared.grain is None


def test_colours_and_grain_are_told_where_they_are_asked_for(quarantine: Quarantine) -> None:
    prepared = quarantine.prepare(jpeg(320, 256), None, SPEC, LIMITS, looks=True).result()
    assert prepared.palette is not None
    assert prepared.grain is not None
    np.testing.assert_array_equal(prepared.palette, palette(prepared.pixels))
    np.testing.assert_array_equal(prepared.grain, grain(prepared.pixels))


def test_a_region_is_cut_before_anything_is_scaled(quarantine: Quarantine) -> None:
    data = jpeg(320, 256)
    region = Region(x=30, y=40, width=96, height=64)
    prepared = quarantine.prepare(data, region, SPEC, LIMITS).result()
    np.testing.assert_array_equal(prepared.pixels, decode(data)[40:104, 30:126])
    assert (prepared.box, prepared.size) == (region, (256, 320))


def test_a_region_outside_is_refused_with_the_sizes(quarantine: Quarantine) -> None:
    with pytest.raises(Invalid, match="320 × 256") as caught:
        quarantine.prepare(jpeg(320, 256), Region(x=300, y=0, width=21, height=5), SPEC, LIMITS).result()
    assert caught.value.code == "region_outside"


def test_the_limits_hold_in_there(quarantine: Quarantine) -> None:
    with pytest.raises(BadImage) as caught:
        quarantine.prepare(jpeg(320, 256), None, SPEC, Limits(max_pixels=1000)).result()
    assert caught.value.code == "image_too_large"


class Touch:
    """Leaves a trace where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(TOUCHED),)


@pytest.mark.parametrize(
    ("job", "arguments", "code"),
    [
        ("crash", (), "image_crashed"),
        ("hang", (), "image_too_slow"),
        ("hoard", (), "image_memory"),
        ("fail", (), "image_crashed"),
        ("babble", (b"\xff" * 64,), "image_crashed"),
        ("babble", (b"",), "image_crashed"),
        ("babble", (b"\0\0\0\2{}",), "image_crashed"),
        ("babble", (pack({"values": {}}, {"pixels": b"too few"}),), "image_crashed"),
        (
            "babble",
            (pack({"error": {"type": "SystemExit", "code": "x", "message": "x", "values": {}}}),),
            "image_crashed",
        ),
        ("babble", (pickle.dumps(Touch()),), "image_crashed"),
    ],
)
def test_a_child_that_misbehaves_costs_its_own_picture_only(
    quarantine: Quarantine, job: str, arguments: tuple[object, ...], code: str
) -> None:
    bad = quarantine.submit(job, *arguments, receive=lambda _, blocks: blocks["missing"])
    good = [quarantine.prepare(jpeg(seed=n), None, SPEC, LIMITS) for n in range(6)]
    with pytest.raises(BadImage) as caught:
        bad.result()
    assert caught.value.code == code
    assert [future.result().size for future in good] == [(256, 320)] * 6
    assert not TOUCHED.exists()


def test_a_hang_is_ended_at_the_limit(quarantine: Quarantine) -> None:
    began = time.monotonic()
    with pytest.raises(BadImage, match="too long"):
        poison(quarantine, "hang").result()
    assert 1.9 < time.monotonic() - began < 10


def test_more_memory_than_allowed_is_not_taken_from_the_parent(quarantine: Quarantine) -> None:
    before = psutil.Process().memory_info().rss
    with pytest.raises(BadImage, match="memory"):
        poison(quarantine, "hoard").result()
    assert psutil.Process().memory_info().rss - before < 50 << 20


def test_a_child_that_died_in_between_does_not_cost_the_next_picture(quarantine: Quarantine) -> None:
    for _ in range(4):
        child = poison(quarantine, "pry").result()["pid"]
        os.kill(child, signal.SIGKILL)
        while Path(f"/proc/{child}/stat").exists() and Path(f"/proc/{child}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)
        assert prepare(quarantine, jpeg()) == (256, 320)


def test_a_child_holds_no_secrets_and_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_DATABASE_URL", CANARY)
    inner = Quarantine(workers=1, timeout_s=20, memory_bytes=MEMORY, jobs_module="tests.imaging.poison")
    reached = poison(inner, "pry").result()
    inner.close()
    assert set(reached["environment"]) <= {
        "LANG",
        "LC_CTYPE",
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "LD_LIBRARY_PATH",
    }
    assert reached["core"] == 0
    assert reached["no_new_privileges"]
    assert reached["modules"] == []
    if os.geteuid() == 0:
        assert (reached["uid"], reached["shadow"], reached["root"]) == (65534, None, None)


def test_views_carry_the_pixels_and_nothing_else(quarantine: Quarantine) -> None:
    region = Region(x=1, y=2, width=30, height=40)
    mask = np.zeros((300, 400), np.uint8)
    mask[50:90, 60:200] = 255
    outlined = Outlined(mask_png(mask), [[]])
    pictures = quarantine.views(with_metadata(400, 300), region, outlined, LIMITS, analysed=True).result()
    cut = {"crop.png", "part.jpg", "analysed.png"}
    assert set(pictures) == {"preview.jpg", "thumbnail.jpg", "overlay.png", "layers.png"} | cut
    assert opened(pictures["analysed.png"]).size == opened(pictures["crop.png"]).size
    assert np.array_equal(np.asarray(opened(pictures["layers.png"])), mask // 255)
    assert opened(pictures["crop.png"]).size == (30, 40)
    assert opened(pictures["overlay.png"]).size == (400, 300)
    assert max(opened(pictures["thumbnail.jpg"]).size) == 320
    assert all(CANARY.encode() not in picture for picture in pictures.values())
    assert set(quarantine.views(jpeg(), None, None, LIMITS).result()) == {"preview.jpg", "thumbnail.jpg"}


def test_a_mask_of_another_size_is_refused(quarantine: Quarantine) -> None:
    with pytest.raises(BadImage):
        quarantine.views(jpeg(), None, Outlined(mask_png(np.zeros((8, 8), np.uint8)), ()), LIMITS).result()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_changed_bytes_give_pixels_or_a_sentence(quarantine: Quarantine, kind: str) -> None:
    """A small part of what the torture suite does: cut, flip and overwrite bytes of real files."""
    chance = random.Random(7)
    original = encoded(mucosa(96, 64), kind)
    outcomes = []
    for _ in range(120):
        data = bytearray(original)
        for _ in range(chance.randint(0, 4)):
            where = len(data) if chance.random() < 0.5 else 100
            data[chance.randrange(where)] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        future = quarantine.prepare(bytes(data), None, SPEC, LIMITS)
        error = future.exception()
        if error is None:
            assert future.result().pixels.shape == (64, 96, 3)
            outcomes.append("pixels")
        else:
            assert isinstance(error, BadImage)
            outcomes.append(error.code)
    assert "image_crashed" not in outcomes
    assert {"pixels", "image_damaged"} <= set(outcomes)


def test_a_full_queue_says_so() -> None:
    inner = Quarantine(workers=1, timeout_s=30, memory_bytes=MEMORY, capacity=2, jobs_module="tests.imaging.poison")
    poison(inner, "pry").result()
    running = poison(inner, "hang")
    while not running.running():
        time.sleep(0.01)
    waiting = [poison(inner, "pry"), poison(inner, "pry")]
    with pytest.raises(Unavailable) as caught:
        poison(inner, "pry")
    assert caught.value.code == "decoder_busy"
    waiting[0].cancel()
    began = time.monotonic()
    inner.close()
    assert time.monotonic() - began < 5
    assert isinstance(running.exception(), Unavailable)
    assert waiting[0].cancelled()
    assert isinstance(waiting[1].exception(), Unavailable)
    with pytest.raises(Unavailable):
        poison(inner, "pry")
    inner.close()


def test_a_child_that_cannot_start_is_not_the_pictures_fault() -> None:
    inner = Quarantine(workers=1, timeout_s=5, memory_bytes=MEMORY, jobs_module="atisbo.imaging.no_such_module")
    with pytest.raises(Unavailable) as caught:
        prepare(inner, jpeg())
    assert caught.value.code == "decoder_down"
    inner.close()


def test_closing_leaves_no_process_behind() -> None:
    before = set(psutil.Process().children())
    inner = Quarantine(workers=2, timeout_s=5, memory_bytes=MEMORY)
    prepare(inner, jpeg())
    ours = set(psutil.Process().children()) - before
    assert len(ours) == 2
    inner.close()
    assert not set(psutil.Process().children()) & ours


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = textwrap.dedent("""\
        import sys, time, psutil
        from atisbo.imaging.quarantine import Quarantine
        quarantine = Quarantine(workers=2, timeout_s=5, memory_bytes=2 << 30)
        print(*[child.pid for child in psutil.Process().children()], flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(children) == 2
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_messages_come_back_as_they_were() -> None:
    head, blocks = unpack(pack({"values": {"é": [1, None]}}, {"a": b"12", "b": memoryview(b"")}))
    assert head["values"] == {"é": [1, None]}
    assert {name: bytes(block) for name, block in blocks.items()} == {"a": b"12", "b": b""}
    with pytest.raises(ValueError, match="blocks"):
        unpack(pack({}, {"a": b"12"}) + b"3")
