"""The five nearest of many: the search that serves, against NumPy's brute force and usearch, in the same run.

``python -m benchmarks.search --size 1000000`` fills an empty database with clustered vectors of 128 numbers, builds the
index as a worker does and asks as a page does: the same functions, the same table, the same permissions.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import psutil
from numpy.typing import NDArray
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from usearch.index import Index

from atisbo.store import db, nearest
from atisbo.store.embeddings import EmbeddingRecord, searchable
from atisbo.store.nearest import Place
from atisbo.store.postgres import EmbeddedPostgres
from atisbo.store.schema import migrate
from atisbo.store.vectors import written

Matrix = NDArray[np.float32]
DIMENSIONS = 128
LABELS = ("drawing", "engraving", "icon", "painting", "sculpture")
RARE = "rare"
"""A label of one picture in a thousand, in every cluster."""
PLACE = Place("bench", "bench-1")
K = 5


@dataclass
class Made:
    """Vectors of length 1 in clusters of very different sizes, each of one label; and questions close to some."""

    vectors: Matrix
    labels: NDArray[np.str_]
    questions: Matrix
    asked_labels: NDArray[np.str_]


def make(size: int, questions: int, seed: int = 7) -> Made:
    """Clusters as pictures form them: few large, many small; within one a few directions vary, the rest is noise."""
    rng = np.random.default_rng(seed)
    count = max(20, round(size**0.5))
    shares = rng.pareto(1.2, count) + 0.2
    of = rng.choice(count, size, p=shares / shares.sum())
    centres = unit(rng.standard_normal((count, DIMENSIONS)))
    directions = rng.standard_normal((count, 8, DIMENSIONS)).astype(np.float32) / DIMENSIONS**0.5
    vectors = np.empty((size, DIMENSIONS), np.float32)
    for start in range(0, size, 50_000):
        part = of[start : start + 50_000]
        vectors[start : start + 50_000] = _near(rng, centres, directions, part)
    labels = np.array(LABELS)[of % len(LABELS)]
    labels[rng.random(size) < 0.001] = RARE
    asked = rng.choice(of, questions)
    return Made(vectors, labels, _near(rng, centres, directions, asked), np.array(LABELS)[asked % len(LABELS)])


def _near(rng: np.random.Generator, centres: Matrix, directions: Matrix, of: NDArray[np.int64]) -> Matrix:
    along = rng.standard_normal((len(of), 1, directions.shape[1])).astype(np.float32)
    noise = rng.standard_normal((len(of), DIMENSIONS)).astype(np.float32) * (0.25 / DIMENSIONS**0.5)
    return unit(centres[of] + 0.35 * (along @ directions[of])[:, 0] + noise)


def unit(vectors: NDArray[Any]) -> Matrix:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def fill(engine: Engine, made: Made) -> list[UUID]:
    """Items and embeddings as a collection has them; returns the embeddings' ids in the order of the vectors."""
    ids = [uuid4() for _ in made.labels]
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("INSERT INTO collections (application) VALUES (%s)", (PLACE.application,))
        columns = "id, application, file_name, label, source, licence, location, created_at"
        with cursor.copy(f"COPY collection_items ({columns}) FROM STDIN") as copy:
            for number, (identity, label) in enumerate(zip(ids, made.labels, strict=True)):
                copy.write_row((identity, PLACE.application, f"{number}.jpg", label, "", "", "", "2026-01-01"))
        rows = "COPY embeddings (id, application, version, item_id, label, vector, created_at) FROM STDIN"
        with cursor.copy(rows) as copy:
            for identity, label, vector in zip(ids, made.labels, made.vectors, strict=True):
                copy.write_row(
                    (identity, *vars(PLACE).values(), identity, label, written(vector.tolist()), "2026-01-01")
                )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE embeddings")
    return ids


@dataclass
class Times:
    """Milliseconds of each question, and the share of the true five that were found."""

    milliseconds: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)

    def said(self) -> dict[str, float]:
        p50, p95, p99 = np.percentile(self.milliseconds, [50, 95, 99])
        found = {"recall@5": round(float(np.mean(self.recall)), 4)} if self.recall else {}
        return {"p50_ms": round(p50, 2), "p95_ms": round(p95, 2), "p99_ms": round(p99, 2), **found}


def measure(ask: Callable[[int], Sequence[Any]], count: int, truth: Sequence[set[Any]]) -> dict[str, float]:
    """Each question once, which warms up what it reads, and then timed again; what is found is held against
    ``truth``."""
    times, cold = Times(), Times()
    for number in range(count):
        _timed(cold, ask, number)
    for number in range(count):
        found, wanted = _timed(times, ask, number), truth[number]
        times.recall.append(len(wanted & set(found)) / len(wanted) if wanted else 1.0)
    return times.said() | {"first_time_p95_ms": cold.said()["p95_ms"]}


def _timed(times: Times, ask: Callable[[int], Sequence[Any]], number: int) -> Sequence[Any]:
    began = time.perf_counter()
    found = ask(number)
    times.milliseconds.append(1000 * (time.perf_counter() - began))
    return found


def exact(made: Made, among: NDArray[np.bool_] | None = None) -> Callable[[int], list[int]]:
    """NumPy: all products, the five largest."""
    places = np.arange(len(made.vectors)) if among is None else np.flatnonzero(among)
    vectors = made.vectors if among is None else made.vectors[places]

    def ask(number: int) -> list[int]:
        alike = vectors @ made.questions[number]
        best = np.argpartition(-alike, K)[:K] if len(alike) > K else np.arange(len(alike))
        return [int(place) for place in places[best]]

    return ask


def served(engine: Engine, made: Made, label: Callable[[int], str] | None = None) -> Callable[[int], list[UUID]]:
    """As services/neighbours.py asks, a transaction each; somebody without pictures of their own."""
    me, factory = uuid4(), db.sessions(engine)

    def ask(number: int) -> list[UUID]:
        with factory() as session:
            found = nearest.nearest(
                session,
                PLACE,
                to=tuple(made.questions[number].tolist()),
                by="embedding",
                where=[searchable(me), *([EmbeddingRecord.label == label(number)] if label else [])],
                limit=K,
                indexed=label is None or not nearest.are_few(session, PLACE, label(number)),
            )
            return [one.id for one in found]

    return ask


@contextmanager
def peak() -> Iterator[dict[str, float]]:
    """Most memory of the database's processes, in GiB, looked at every two seconds (private, not what they share)."""
    said, over = {"peak_gib": 0.0}, threading.Event()

    def look() -> None:
        while not over.wait(2):
            total = 0
            for process in psutil.process_iter(["name"]):
                if process.info["name"] == "postgres":
                    try:
                        total += process.memory_full_info().uss
                    except psutil.Error:
                        continue
            said["peak_gib"] = max(said["peak_gib"], round(total / 1024**3, 2))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        over.set()
        thread.join()


def run(size: int, questions: int, data_dir: Path) -> dict[str, Any]:
    made = make(size, questions)
    said: dict[str, Any] = {"size": size, "questions": questions, "m": nearest.M}
    said |= {"ef_construction": nearest.EF_CONSTRUCTION, "ef_search": db.EF_SEARCH}
    postgres = EmbeddedPostgres(data_dir)
    engine = db.connect(postgres.start())
    try:
        migrate(engine)
        kept = data_dir / "ids.json"
        if kept.exists():
            ids = [UUID(identity) for identity in json.loads(kept.read_text())]
        else:
            began = time.perf_counter()
            ids = fill(engine, made)
            said["fill_s"] = round(time.perf_counter() - began, 1)
            kept.write_text(json.dumps([str(identity) for identity in ids]))
        said |= _compare(engine, made, ids, questions)
    finally:
        engine.dispose()
        postgres.stop()
    return said


def _compare(engine: Engine, made: Made, ids: list[UUID], questions: int) -> dict[str, Any]:
    brute = exact(made)
    whole = [set(brute(number)) for number in range(questions)]
    truth = [{ids[place] for place in one} for one in whole]
    masks = {label: exact(made, made.labels == label) for label in (*LABELS, RARE)}
    filtered = [{ids[p] for p in masks[str(made.asked_labels[n])](n)} for n in range(questions)]
    rare = [{ids[p] for p in masks[RARE](n)} for n in range(questions)]

    def same(number: int) -> str:
        return str(made.asked_labels[number])

    few = min(questions, 50)
    said: dict[str, Any] = {"numpy": measure(brute, min(questions, 200), whole)}
    with Session(engine) as session:
        built = nearest.has_index(session, PLACE, "embedding")
    if not built:
        said["postgres, every vector"] = measure(served(engine, made), few, truth)
        said["index"] = _index(engine)
    said["postgres, index"] = measure(served(engine, made), questions, truth)
    said["postgres, index, same label"] = measure(served(engine, made, same), questions, filtered)
    said["postgres, index, rare label"] = measure(served(engine, made, lambda _: RARE), few, rare)
    if not built:  # it takes as long to build as the one that was kept
        said["usearch"] = _usearch(made, questions, whole)
    return said


def _index(engine: Engine) -> dict[str, float]:
    with peak() as memory:
        began = time.perf_counter()
        nearest.build(engine, PLACE, "embedding", dimensions=DIMENSIONS)
        seconds = round(time.perf_counter() - began, 1)
    with Session(engine) as session:
        size = session.scalar(text("SELECT pg_relation_size(:name)"), {"name": PLACE.index("embedding")}) or 0
    return {"build_s": seconds, "size_gib": round(size / 1024**3, 2), **memory}


def _usearch(made: Made, questions: int, truth: list[set[int]]) -> dict[str, Any]:
    index = Index(
        ndim=DIMENSIONS,
        metric="cos",
        dtype="f16",
        connectivity=nearest.M,
        expansion_add=nearest.EF_CONSTRUCTION,
        expansion_search=db.EF_SEARCH,
    )
    began = time.perf_counter()
    index.add(np.arange(len(made.vectors)), made.vectors)
    built = round(time.perf_counter() - began, 1)

    def ask(number: int) -> list[int]:
        return [int(key) for key in index.search(made.questions[number], K).keys]

    return {"build_s": built, "size_gib": round(index.memory_usage / 1024**3, 2)} | measure(ask, questions, truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="vectors")
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--m", type=int, default=nearest.M)
    parser.add_argument("--ef-construction", type=int, default=nearest.EF_CONSTRUCTION)
    parser.add_argument("--ef-search", type=int, default=db.EF_SEARCH)
    parser.add_argument("--keep", type=Path, help="folder for the database; the next run asks the one that is there")
    asked = parser.parse_args()
    nearest.M, nearest.EF_CONSTRUCTION = asked.m, asked.ef_construction  # type: ignore[misc]
    db.EF_SEARCH = asked.ef_search  # type: ignore[misc]
    with tempfile.TemporaryDirectory(prefix="atisbo-search-") as folder:
        print(json.dumps(run(asked.size, asked.questions, asked.keep or Path(folder)), indent=1))


if __name__ == "__main__":
    main()
