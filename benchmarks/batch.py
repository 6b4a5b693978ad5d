"""What a batch costs: ``atisbo predict`` over a folder against the bare engine on the same network, in one run.

``python -m benchmarks.batch art DIR`` takes turns: the bare engine, the folder, the bare engine again. Loading the
network, which a batch of hundreds does once, is told apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from atisbo.cli.predict import desk_for, outcomes, pictures
from atisbo.config import Settings
from atisbo.domain.applications import SHIPPED
from benchmarks.road import bare


def batch(application: str, files: list[Path]) -> dict[str, Any]:
    """Seconds to load, and images per second from file to finding."""
    began = time.perf_counter()
    with desk_for(application, Settings(), None, overlays=False) as desk:
        list(outcomes(desk, files[:16]))
        loaded = time.perf_counter()
        errors = sum(outcome.error is not None for outcome in outcomes(desk, files))
        ended = time.perf_counter()
    return {"load s": round(loaded - began, 2), "images/s": len(files) / (ended - loaded), "no answer": errors}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("application")
    options.add_argument("folder", type=Path, nargs="?", help="of pictures; the application's samples without one")
    options.add_argument("--images", type=int, default=600, help="in a batch; those of the folder again and again")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=2.0, help="for each way to feed the bare engine")
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    home = SHIPPED / chosen.application
    files = list(islice(cycle(pictures(chosen.folder or home / "samples")), chosen.images))
    engines, batches = [bare(home, chosen.seconds)["best"]], []
    for _ in range(chosen.rounds):
        batches.append(batch(chosen.application, files))
        engines.append(bare(home, chosen.seconds)["best"])
    pairs = zip(batches, engines, engines[1:], strict=False)
    ratios = [one["images/s"] / statistics.mean((before, after)) for one, before, after in pairs]
    figures = {
        "bare images/s": round(statistics.median(engines), 1),
        "batch images/s": round(statistics.median(one["images/s"] for one in batches), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "batches": batches,
    }
    for name, value in figures.items():
        print(f"{name:16} {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
