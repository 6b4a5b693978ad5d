from __future__ import annotations

import contextlib
import io
import os
import struct
import threading
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from atisbo.domain.applications import SHIPPED
from atisbo.domain.cards import TensorSpec
from atisbo.domain.images import Limits
from atisbo.errors import BadImage
from atisbo.imaging.complaints import overheard
from atisbo.imaging.decode import decode, decode_small, inspect, sniff
from atisbo.imaging.transform import fit
from tests.pictures import CANARY, encoded, jpeg, mucosa, with_metadata

KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
WIDTH, HEIGHT = 96, 64


def ramp() -> Image.Image:
    """Smooth, and different in every corner."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return Image.fromarray(np.stack([x * 2, y * 3, x + y], axis=-1).astype(np.uint8))


def rgba() -> Image.Image:
    image = ramp().convert("RGBA")
    image.putalpha(Image.fromarray((np.mgrid[0:HEIGHT, 0:WIDTH][1] * 2).astype(np.uint8)))
    return image


def over_white(image: Image.Image) -> NDArray[np.uint8]:
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))


def by_pillow(data: bytes) -> NDArray[np.uint8]:
    return over_white(Image.open(io.BytesIO(data)))


def sixteen(channels: int) -> NDArray[np.uint16]:
    """BGR(A) or grey with values that need all 16 bits."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 600, y * 900, (x + y) * 400, x * 680][:channels]
    return np.squeeze(np.stack(planes, axis=-1)).astype(np.uint16)


def by_opencv(ending: str, pixels: NDArray[np.uint16]) -> bytes:
    return cv2.imencode(ending, pixels)[1].tobytes()


def refusal(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(BadImage) as caught:
        decode(data, limits or Limits())
    return caught.value.code


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(ramp(), "JPEG", quality=95), id="jpeg"),
        pytest.param(encoded(ramp(), "JPEG", progressive=True), id="progressive"),
        pytest.param(encoded(ramp().convert("L"), "JPEG"), id="grey jpeg"),
        pytest.param(encoded(ramp().convert("CMYK"), "JPEG", quality=95), id="cmyk jpeg"),
        pytest.param(encoded(ramp(), "PNG"), id="png"),
        pytest.param(encoded(ramp().convert("L"), "PNG"), id="grey png"),
        pytest.param(encoded(ramp().convert("1"), "PNG"), id="1-bit png"),
        pytest.param(encoded(ramp().quantize(64), "PNG"), id="palette png"),
        pytest.param(encoded(ramp().quantize(16), "PNG", bits=4), id="4-bit palette png"),
        pytest.param(encoded(ramp().quantize(64), "PNG", transparency=3), id="palette png, transparent"),
        pytest.param(encoded(rgba(), "PNG"), id="rgba png"),
        pytest.param(encoded(rgba().convert("LA"), "PNG"), id="grey png with alpha"),
        pytest.param(encoded(ramp(), "PNG", transparency=(0, 0, 0)), id="rgb png, one colour transparent"),
        pytest.param(encoded(ramp().convert("L"), "PNG", transparency=30), id="grey png, one value transparent"),
        pytest.param(encoded(ramp(), "WEBP"), id="webp"),
        pytest.param(encoded(ramp(), "WEBP", lossless=True), id="lossless webp"),
        pytest.param(encoded(rgba(), "WEBP", lossless=True), id="webp with alpha"),
        pytest.param(encoded(ramp(), "TIFF"), id="tiff"),
        pytest.param(encoded(ramp(), "TIFF", compression="tiff_lzw"), id="lzw tiff"),
        pytest.param(encoded(ramp(), "TIFF", compression="tiff_adobe_deflate"), id="deflate tiff"),
        pytest.param(encoded(ramp(), "TIFF", compression="packbits"), id="packbits tiff"),
        pytest.param(encoded(ramp(), "TIFF", compression="jpeg"), id="jpeg tiff"),
        pytest.param(encoded(ramp().convert("1"), "TIFF", compression="group4"), id="fax tiff"),
        pytest.param(encoded(ramp().convert("CMYK"), "TIFF"), id="cmyk tiff"),
        pytest.param(encoded(ramp().quantize(64), "TIFF"), id="palette tiff"),
        pytest.param(encoded(rgba(), "TIFF"), id="rgba tiff"),
        pytest.param(encoded(ramp().convert("YCbCr"), "TIFF"), id="ycbcr tiff"),
        pytest.param(encoded(ramp(), "BMP"), id="bmp"),
        pytest.param(encoded(ramp().quantize(64), "BMP"), id="palette bmp"),
        pytest.param(encoded(ramp().convert("1"), "BMP"), id="1-bit bmp"),
    ],
)
def test_pixels_are_those_another_library_sees(data: bytes) -> None:
    """Pillow's, over white where they are transparent; one level of rounding apart."""
    pixels = decode(data)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert np.abs(pixels.astype(int) - by_pillow(data)).max() <= 1


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_are_scaled_to_8(ending: str, channels: int) -> None:
    pixels = decode(by_opencv(ending, sixteen(channels)))
    wanted = np.round(np.atleast_3d(sixteen(channels)) / 257)[..., ::-1]
    assert np.abs(pixels.astype(int) - np.broadcast_to(wanted, pixels.shape)).max() <= 1
    assert pixels.max() > 200


@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_16_bits_with_transparency_lie_over_white(ending: str) -> None:
    pixels = decode(by_opencv(ending, sixteen(4)))
    values = sixteen(4) / 65535
    wanted = 255 * (values[..., 2::-1] * values[..., 3:] + 1 - values[..., 3:])
    assert np.abs(pixels - wanted).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(ramp(), kind, exif=exif, **options)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(decode(data), wanted)
    assert (inspect(data).width, inspect(data).height) == (WIDTH, HEIGHT)


def test_a_big_endian_tiff_is_turned_upright() -> None:
    entries = [
        *((256, 3, WIDTH << 16), (257, 3, HEIGHT << 16), (258, 3, 8 << 16), (259, 3, 1 << 16), (262, 3, 1 << 16)),
        *((273, 4, 8), (274, 3, 6 << 16), (277, 3, 1 << 16), (278, 4, HEIGHT), (279, 4, WIDTH * HEIGHT)),
    ]
    grey = np.asarray(ramp().convert("L"))
    directory = struct.pack(">H", len(entries)) + b"".join(struct.pack(">HHII", t, k, 1, v) for t, k, v in entries)
    data = b"MM\0*" + struct.pack(">I", 8 + grey.size) + grey.tobytes() + directory + b"\0\0\0\0"
    np.testing.assert_array_equal(decode(data)[..., 0], np.rot90(grey, -1))


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    np.testing.assert_array_equal(decode(encoded(ramp(), "PNG", exif=exif)), np.asarray(ramp()))


def test_a_damaged_exif_block_does_not_cost_the_picture() -> None:
    data = encoded(ramp(), "JPEG")
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff"
    assert decode(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]).shape == (
        HEIGHT,
        WIDTH,
        3,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_ends_early_is_refused_and_nothing_is_printed(
    kind: str, part: float, capfd: pytest.CaptureFixture[str]
) -> None:
    data = encoded(ramp(), kind)
    assert refusal(data[: int(len(data) * part)]) in ("image_truncated", "image_damaged", "image_unsupported")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_with_its_middle_missing_is_refused(
    options: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    """It has a proper end: OpenCV would fill the rest with grey, and only libjpeg's standard error tells."""
    data = encoded(ramp(), "JPEG", quality=95, **options)
    assert refusal(data[: len(data) * 2 // 3] + b"\xff\xd9") in ("image_truncated", "image_damaged")
    assert capfd.readouterr() == ("", "")


def test_a_png_with_a_changed_byte_is_refused() -> None:
    data = bytearray(encoded(ramp(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert refusal(bytes(data)) == "image_damaged"


def test_a_png_with_an_impossible_depth_is_refused() -> None:
    data = bytearray(encoded(ramp().convert("L"), "PNG", transparency=30))
    data[24] = 0
    assert refusal(bytes(data)) == "image_damaged"


def test_a_png_with_too_few_rows_is_refused() -> None:
    rows = zlib.compress(b"\0" * (1 + 3 * 64) * 32)
    assert refusal(png_of(64, 64, rows)) == "image_damaged"


def test_bytes_after_a_jpegs_end_do_no_harm() -> None:
    data = encoded(ramp(), "JPEG")
    np.testing.assert_array_equal(decode(data + b"\0" * 100 + data), decode(data))


def moving(kind: str) -> bytes:
    return encoded(ramp(), kind, save_all=True, append_images=[ramp().rotate(180)])


@pytest.mark.parametrize(
    ("data", "code"),
    [(moving("WEBP"), "image_animated"), (moving("PNG"), "image_animated"), (moving("TIFF"), "image_pages")],
)
def test_what_moves_or_has_pages_is_refused(data: bytes, code: str) -> None:
    assert refusal(data) == code


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.txt", "a")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encoded(ramp(), "GIF"), "GIF"),
        (b'<?xml version="1.0"?>\n<!-- a drawing --><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<svg/>", "SVG"),
        (b"<!---->" * 200 + b"<svg/>", "SVG"),
        (b"  <!DOCTYPE html><html></html>", "HTML"),
        (b"<HTML><body>404</body></HTML>", "HTML"),
        (zipped(), "ZIP"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0" * 128 + b"DICM" + b"\0" * 50, "DICOM"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "MP4"),
        (b"\x7fELF\x02\x01", "EXE"),
        (encoded(ramp(), "JPEG2000"), "JPEG 2000"),
        (encoded(ramp(), "ICO"), "ICO"),
        (b"II+\0\x08\0\0\0", "BigTIFF"),
    ],
)
def test_something_else_is_called_by_its_name(data: bytes, name: str) -> None:
    with pytest.raises(BadImage, match=f"seems to be {name},") as caught:
        decode(data)
    assert caught.value.code == "image_unsupported"


@pytest.mark.parametrize(
    "data", [b"hello", b"<!---->" * 300, b"\0" * 5000, bytes(range(256)) * 20, b"BM not a bitmap at all, only text"]
)
def test_no_picture_at_all_is_refused(data: bytes) -> None:
    assert sniff(data) is None
    assert refusal(data) == "image_unsupported"


def test_no_bytes_at_all() -> None:
    assert refusal(b"") == "image_empty"


def tiff_header(width: int, height: int) -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 1)]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + b"\0\0\0\0"


def bmp_header(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def webp_header(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + sides
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_header(width: int, height: int) -> bytes:
    data = encoded(ramp(), "JPEG")
    start = data.index(b"\xff\xc0")
    return data[: start + 5] + struct.pack(">HH", height, width) + data[start + 9 :]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png_of(13_000, 13_000, zlib.compress(b"\0" * (1 + 39_000) * 13_000, 9)), id="png"),
        pytest.param(jpeg_header(13_000, 13_000), id="jpeg"),
        pytest.param(tiff_header(13_000, 13_000), id="tiff"),
        pytest.param(bmp_header(13_000, -13_000), id="bmp"),
        pytest.param(webp_header(13_000, 13_000), id="webp"),
        pytest.param(png_of(2**31 - 1, 2**31 - 1, b""), id="absurd"),
        pytest.param(tiff_header(1, 2**32 - 1), id="long"),
    ],
)
def test_a_bomb_is_refused_before_memory_is_asked_for(data: bytes) -> None:
    tracemalloc.start()
    try:
        assert refusal(data) == "image_too_large"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_limits_are_for_pixels_and_for_both_sides() -> None:
    data = encoded(ramp(), "PNG")
    assert decode(data, Limits(max_pixels=WIDTH * HEIGHT, max_side=WIDTH, min_side=HEIGHT)).shape == (HEIGHT, WIDTH, 3)
    assert refusal(data, Limits(max_pixels=WIDTH * HEIGHT - 1)) == "image_too_large"
    assert refusal(data, Limits(max_side=WIDTH - 1)) == "image_too_large"
    assert refusal(data, Limits(min_side=HEIGHT + 1)) == "image_too_small"


@pytest.mark.parametrize("image", [ramp().convert("F"), ramp().convert("LAB")])
def test_colours_that_cannot_be_read_are_refused(image: Image.Image) -> None:
    assert refusal(encoded(image, "TIFF")) == "image_unsupported"


def test_an_endless_chain_of_tiff_directories_ends() -> None:
    data = bytearray(tiff_header(64, 64))
    data[-4:] = struct.pack("<I", 8)
    assert refusal(bytes(data)) == "image_damaged"


def test_nothing_of_the_metadata_is_in_the_pixels() -> None:
    assert CANARY.encode() in with_metadata()
    assert CANARY.encode() not in decode(with_metadata()).tobytes()


def test_what_another_thread_prints_meanwhile_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    done, said = threading.Event(), threading.Event()

    def chatter() -> None:
        os.write(2, b"somebody else's line\nCorrupt JPEG data: premature end of data segment\n")
        said.set()
        done.wait(10)

    thread = threading.Thread(target=chatter)
    with overheard() as complaints:
        thread.start()
        assert said.wait(10)
    done.set()
    thread.join()
    assert complaints.damage
    assert capfd.readouterr().err == "somebody else's line\n"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(
    kind=st.sampled_from([encoded(ramp().resize((24, 20)), kind) for kind in KINDS]),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 4000),
)
def test_changed_bytes_give_pixels_or_a_sentence(kind: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(kind)
    for where, value in changes:
        data[where % len(data)] = value
    data = data[: len(data) - cut % len(data)] if cut % 3 == 0 else data
    with contextlib.suppress(BadImage):
        pixels = decode(bytes(data), Limits(max_pixels=1_000_000))
        assert (pixels.dtype, pixels.shape[2]) == (np.uint8, 3)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([encoded(ramp(), kind)[:12] for kind in KINDS]))
def test_any_bytes_after_a_magic_number_give_a_sentence(rest: bytes, magic: bytes) -> None:
    with pytest.raises(BadImage):
        decode(magic + rest, Limits(max_pixels=1_000_000))


def test_a_frame_is_decoded_quickly() -> None:
    """At most half as long again as OpenCV alone, of which most is the picture itself."""
    data = jpeg(1280, 1024)
    flags = cv2.IMREAD_COLOR_RGB

    def best(work: Callable[[], object]) -> float:
        times = []
        for _ in range(15):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        return min(times)

    assert best(lambda: decode(data)) < 1.5 * best(lambda: cv2.imdecode(np.frombuffer(data, np.uint8), flags))


def test_a_phones_second_view_in_the_same_jpeg_is_ignored() -> None:
    data = encoded(ramp(), "MPO", save_all=True, append_images=[ramp().rotate(180)])
    np.testing.assert_array_equal(decode(data), by_pillow(data))


def test_a_tiff_may_carry_a_thumbnail_of_itself() -> None:
    small = ramp().resize((24, 16))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    data = encoded(ramp(), "TIFF", save_all=True, append_images=[small])
    assert Image.open(io.BytesIO(data)).n_frames == 2
    np.testing.assert_array_equal(decode(data), np.asarray(ramp()))


@pytest.mark.parametrize(
    ("size", "by", "orientation"), [((1025, 1034), 1, 6), ((1026, 1034), 2, 6), ((2056, 2064), 4, 1)]
)
def test_a_large_jpeg_is_unpacked_small_and_shrinks_to_the_same_picture(
    size: tuple[int, int], by: int, orientation: int
) -> None:
    """Upright as the whole one, its size told, and next to nothing lost where it is shrunk further."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(SHIPPED / "polyp/samples/frame-2.jpg") as frame:  # 1348 × 1070
        wide = frame.resize((2 * frame.width, 2 * frame.height)) if size[0] > frame.height else frame
        part = wide.crop((0, 0, size[1], size[0]))
    data = encoded(part, "JPEG", quality=92, exif=exif.tobytes())
    spec = TensorSpec(size=(256, 256))
    pixels, whole = decode_small(data, Limits(), spec.size)
    full = decode(data)
    assert whole == full.shape[:2]
    assert pixels.shape[:2] == (whole[0] // by, whole[1] // by)
    difference = np.abs(fit(pixels, spec).astype(int) - fit(full, spec))
    assert difference.mean() < 0.5
    assert np.quantile(difference, 0.999) <= 8


def test_what_is_no_jpeg_is_unpacked_whole_and_what_is_damaged_is_refused_small_too() -> None:
    png = encoded(mucosa(1100, 1100), "PNG")
    assert decode_small(png, Limits(), (256, 256))[0].shape == (1100, 1100, 3)
    data = encoded(mucosa(1100, 1100), "JPEG")
    with pytest.raises(BadImage):
        decode_small(data[: len(data) // 2], Limits(), (256, 256))
