"""How quickly a folder is profiled, beside a plain loop of Pillow and NumPy doing the same work in the same run.

``python -m benchmarks.profile DIR …`` opens every picture of each folder both ways, in turns, and prints images per
second and their ratio. The loop decodes, takes the mean of each channel, a SHA-256 of the bytes and a perceptual hash
(64 bits of a DCT). The profile does that in child processes that survive any file, and more: damage, colour modes, fine
structure for near duplicates, and masks where there are any (here they are left out of both).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from atisbo.evaluation.profile.layout import places
from atisbo.evaluation.profile.records import Record
from atisbo.evaluation.profile.survey import JOBS, Details, Survey
from atisbo.evaluation.profile.walk import walk
from atisbo.imaging.quarantine import Quarantine

MEMORY_BYTES = 2 << 30


def plain(root: Path, files: list[str]) -> None:
    """One picture after the other, as one would write it."""
    for name in files:
        data = (root / name).read_bytes()
        hashlib.sha256(data).digest()
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        np.asarray(picture).mean(axis=(0, 1))
        small = np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.BOX), np.float32)
        lowest = cv2.dct(small)[:8, :8]
        np.packbits(lowest.ravel() > np.median(lowest))


def ours(root: Path, files: list[str], workers: int) -> tuple[float, float]:
    """Seconds from the first file to the last, and seconds with starting the processes."""
    found, _ = places(root, files, [], [])
    records = [Record(name, found[name]) for name in files]
    began = time.perf_counter()
    quarantine, details = Quarantine(workers, 60, MEMORY_BYTES, jobs_module=JOBS), Details()
    with tempfile.NamedTemporaryFile(suffix=".png") as first:  # wait until the processes are there
        Image.new("RGB", (20, 20)).save(first.name)
        for _ in range(workers):
            Survey(Path("/"), quarantine, details).run([Record(first.name, found[files[0]])], lambda _: None)
    ready = time.perf_counter()
    Survey(root, quarantine, details).run(records, lambda _: None)
    ended = time.perf_counter()
    quarantine.close()
    details.close()
    if bad := [record.path for record in records if not record.good]:
        raise SystemExit(f"not opened: {bad[:5]}")
    return ended - ready, ended - began


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    for root in chosen.folders:
        tree = walk(root)
        placed, _ = places(root, tree.files, [], [])
        files = [name for name in tree.files if placed[name].role == "image"]
        plain(root, files)  # once, so that both find the files in memory
        rounds = [(timed(lambda: plain(root, files)), *ours(root, files, chosen.workers)) for _ in range(chosen.rounds)]  # noqa: B023
        loop, profile, whole = (len(files) / statistics.median(column) for column in zip(*rounds, strict=True))
        said = {"folder": root.name, "images": len(files), "workers": chosen.workers, "loop": loop, "profile": profile}
        said |= {"profile_with_start": whole, "ratio": profile / loop, "ratio_with_start": whole / loop}
        print(json.dumps({name: round(v, 2) if isinstance(v, float) else v for name, v in said.items()}))


if __name__ == "__main__":
    main()
