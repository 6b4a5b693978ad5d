from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile, ZipInfo

import pytest

from atisbo.domain.images import display_name
from atisbo.errors import UserError
from atisbo.services.archives import Limits, unpack

LIMITS = Limits(files=5, file_bytes=1000, total_bytes=3000)


def packed(files: dict[str, bytes], method: int = ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def entries(data: bytes, limits: Limits = LIMITS) -> list[tuple[str, bytes | str]]:
    """Each file's bytes, or the code of what was wrong with it."""
    found = unpack(io.BytesIO(data), limits)
    return [(e.name, e.problem.code if e.problem else e.data or b"") for e in found]


def refused(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(UserError) as error:
        entries(data, limits)
    return error.value.code


def test_files_come_out_and_what_systems_add_is_passed_over() -> None:
    data = packed(
        {
            "eyes/od.jpg": b"right",
            "os.png": b"left",
            "eyes/": b"",
            "__MACOSX/eyes/._od.jpg": b"x",
            ".DS_Store": b"x",
            "eyes/Thumbs.db": b"x",
            "empty.jpg": b"",
        }
    )
    assert entries(data) == [("eyes/od.jpg", b"right"), ("os.png", b"left"), ("empty.jpg", b"")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\x03\x04" + bytes(60), "archive_damaged"),
        (b"", "archive_damaged"),
        (b"PK\x05\x06", "archive_damaged"),
        (b"PK\x05\x06" + bytes(18), "archive_empty"),
        (packed({})[:-1], "archive_damaged"),
        (packed({"a": b"1"})[:-30], "archive_damaged"),
        (packed({"folder/": b""}), "archive_empty"),
        (packed({str(n): b"x" for n in range(6)}), "batch_many"),
        (packed({str(n): bytes(900) for n in range(4)}), "batch_large"),
    ],
)
def test_an_archive_that_will_not_do(data: bytes, code: str) -> None:
    assert refused(data) == code


def test_one_bad_file_does_not_spoil_the_others() -> None:
    data = packed({"a": b"good", "big": bytes(1001), "inner": packed({"x": b"y"}), "z": b"fine"})
    assert entries(data) == [
        ("a", b"good"),
        ("big", "file_too_large"),
        ("inner", "archive_nested"),
        ("z", b"fine"),
    ]


def test_a_file_that_was_damaged_on_the_way() -> None:
    data = packed({"a": b"some bytes that are stored", "b": b"others"}, method=0)
    broken = data.replace(b"some bytes", b"SOME BYTES", 1)
    assert entries(broken) == [("a", "archive_damaged"), ("b", b"others")]


@pytest.mark.parametrize("method", [ZIP_LZMA, ZIP_BZIP2])
def test_only_ordinary_packing_is_opened(method: int) -> None:
    assert entries(packed({"a": b"bytes"}, method)) == [("a", "archive_method")]


def test_a_locked_file_is_not_opened() -> None:
    data = bytearray(packed({"a": b"bytes"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert entries(bytes(data)) == [("a", "archive_locked")]


def test_a_bomb_is_told_by_its_directory() -> None:
    bomb = packed({f"{n}.jpg": bytes(10_000_000) for n in range(3)})
    assert len(bomb) < 50_000
    assert refused(bomb) == "batch_large"


def test_a_bomb_that_lies_about_its_size_unpacks_no_further() -> None:
    """The directory says 10 bytes; the data unpacks to ten million."""
    data = bytearray(packed({"a": bytes(10_000_000)}))
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, 10)
    struct.pack_into("<L", data, 22, 10)
    tracemalloc.start()
    assert entries(bytes(data)) == [("a", "archive_damaged")]
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_files_that_share_their_bytes_are_counted_each() -> None:
    """David Fifield's bomb: many entries of the directory point at the same data."""
    name, body = b"a", zlib.compress(bytes(900), 9)[2:-4]
    crc = zlib.crc32(bytes(900))
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(body), 900, 1, 0) + name + body
    entry = (
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, crc, len(body), 900, 1, 0, 0, 0, 0, 0, 0) + name
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 5, 5, 5 * len(entry), len(local), 0)
    assert refused(local + entry * 5 + end) == "batch_large"


def test_a_directory_that_is_too_long_is_not_read() -> None:
    many = packed({f"{n:05}": b"" for n in range(3000)})
    tracemalloc.start()
    assert refused(many) == "batch_many"
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_very_large_kind_of_archive_is_not_taken() -> None:
    data = packed({"a": b"x"})
    at = data.rindex(b"PK\x05\x06")
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    assert refused(data[:at] + locator + data[at:]) == "archive_zip64"


def test_what_is_used_up_counts() -> None:
    data = packed({"a": b"x", "b": b"y"})
    assert refused(data, Limits(5, 1000, 3000, used_files=4)) == "batch_many"
    assert refused(data, Limits(5, 1000, 3000, used_bytes=2999)) == "batch_large"


def test_paths_and_links_lead_nowhere() -> None:
    """A name is a name: nothing is written under it, and a link is a few bytes that are no picture."""
    link = ZipInfo("link.jpg")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    names = ["../../escape.jpg", "/etc/passwd", "C:\\windows\\x.jpg", "a/../../b.jpg", "nul\x00.jpg", "\u202egpj.exe"]
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        for name in names:
            archive.writestr(name, b"bytes")
    found = dict(entries(buffer.getvalue(), Limits(files=20, file_bytes=1000, total_bytes=3000)))
    assert found.pop("link.jpg") == b"/etc/passwd"
    assert len(found) == len(names)
    assert set(found.values()) == {b"bytes"}
    for name in (*found, "a" * 5000 + ".jpg"):
        shown = display_name(name)
        assert shown.isprintable()
        assert not {"/", "\\"} & set(shown)
        assert shown not in ("", ".", "..")
