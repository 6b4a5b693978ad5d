"""Figures for Prometheus: the queue, the workers, and how the answers of the last day do. No label names a person."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from ipaddress import ip_address

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from atisbo.domain.drift import Drift
from atisbo.errors import NotFound, NotSignedIn
from atisbo.services import drift, system, watching
from atisbo.services.system import System
from atisbo.services.watching import Figures
from atisbo.web.deps import AppState, Db, State

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request, db: Db, state: AppState) -> Response:
    """Raises NotSignedIn or NotFound for whoever may not see it."""
    _admit(request, state)
    registry = CollectorRegistry()
    shifts = {name: drift.shifts(db, name) for name in state.applications}
    registry.register(_Figures(system.look(db, state.settings), watching.summary(db), shifts))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _admit(request: Request, state: State) -> None:
    token = state.settings.metrics_token
    if token is not None:
        said = request.headers.get("authorization", "")
        if not hmac.compare_digest(said.encode(), f"Bearer {token}".encode()):
            raise NotSignedIn("token_wrong", "The token is expired or not valid. Sign in again.")
    elif state.settings.public_url is not None or not _here(request):
        raise NotFound("nothing_here", "There is nothing at this address.")


def _here(request: Request) -> bool:
    """Whether the request comes from this machine and not through another one."""
    try:
        return bool(request.client and ip_address(request.client.host).is_loopback) and (
            "x-forwarded-for" not in request.headers
        )
    except ValueError:
        return False


class _Figures(Collector):
    def __init__(self, seen: System, answers: list[Figures], shifts: dict[str, dict[str, Drift]]) -> None:
        self._seen = seen
        self._answers = answers
        self._shifts = shifts

    def collect(self) -> Iterator[Metric]:
        yield from self._system()
        yield from self._versions()
        where = ["application", "property"]
        words = "Population stability index of the newest pictures against those that the network learnt from"
        shift = GaugeMetricFamily("atisbo_input_shift", words, labels=where)
        words = "Index that chance alone reaches once in a hundred times"
        limit = GaugeMetricFamily("atisbo_input_shift_limit", words, labels=where)
        for application, found in self._shifts.items():
            for name, one in found.items():
                shift.add_metric([application, name], one.index)
                limit.add_metric([application, name], one.limit)
        yield from (shift, limit)

    def _system(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("atisbo_jobs", "Jobs by kind and state", labels=["kind", "state"])
        for one in self._seen.queue:
            for state, count in (("waiting", one.waiting), ("running", one.running), ("held", one.held)):
                jobs.add_metric([one.kind, state], count)
        yield jobs
        for name, words, value in (
            ("atisbo_oldest_job_seconds", "How long the oldest waiting job was due", self._seen.oldest_s or 0.0),
            ("atisbo_workers_alive", "Workers heard of lately", sum(one.alive for one in self._seen.workers)),
            ("atisbo_disk_free_bytes", "Free on the disk of the data folder", self._seen.disk.free),
            ("atisbo_disk_total_bytes", "Size of the disk of the data folder", self._seen.disk.total),
        ):
            yield GaugeMetricFamily(name, words, value=value)

    def _versions(self) -> Iterator[Metric]:
        who = ["application", "version"]
        answers = GaugeMetricFamily("atisbo_answers", "Images asked about in the last day", labels=[*who, "outcome"])
        took = GaugeMetricFamily("atisbo_answer_seconds", "From upload to answer, last day", labels=[*who, "quantile"])
        right = GaugeMetricFamily("atisbo_right_ratio", "Right of those reviewed, last day", labels=[*who, "bound"])
        for one in self._answers:
            labels = [one.application, one.version]
            for outcome in ("asked", "refused", "unsure", "failed"):
                answers.add_metric([*labels, outcome], getattr(one, outcome))
            for quantile, value in (("0.5", one.p50_s), ("0.95", one.p95_s)):
                if value is not None:
                    took.add_metric([*labels, quantile], value)
            for bound in ("value", "low", "high"):
                share = getattr(one.right, bound)
                if share is not None:
                    right.add_metric([*labels, bound], share)
        yield from (answers, took, right)
