"""How an application's answers do over time, for curators and administrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from atisbo.domain.drift import FAR, Change, Drift
from atisbo.i18n import day_and_month
from atisbo.services import gallery, watching
from atisbo.services.watching import Watch
from atisbo.web import charts, render
from atisbo.web.deps import AppState, CurrentActor, Db
from atisbo.web.pages import manage
from atisbo.web.pages.gallery import chosen_application
from atisbo.web.render import Translate

router = APIRouter(prefix="/manage/watch", include_in_schema=False)


@router.get("")
def watch(
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    application: Annotated[str, Query(max_length=60)] = "",
    version: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")] = "",
    days: int = 30,
) -> Response:
    chosen, _card = chosen_application(state, application)
    seen = watching.look(db, actor, application=chosen.name, version=version or None, days=days)
    _ = render.translator(request)
    return manage.page(
        request,
        actor,
        "manage/watch.html",
        watch=seen,
        application=chosen.name,
        title=chosen.title.in_(render.language_of(request)),
        version=version,
        versions=gallery.versions(db, actor, application=chosen.name),
        days=days,
        spans=watching.SPANS,
        charts=_charts(seen, render.language_of(request)),
        warnings=_warnings(_, seen),
    )


def _charts(seen: Watch, language: str) -> dict[str, Any]:
    days = seen.days
    most = charts.nice(max([one.asked for one in days], default=0))
    slowest = charts.nice(max([one.p95_s for one in days if one.p95_s is not None], default=0))
    return {
        "width": charts.WIDTH,
        "height": charts.HEIGHT,
        "ticks": [
            ((number + 0.5) * charts.WIDTH / len(days), day_and_month(language, days[number].day))
            for number in charts.ticks(len(days))
        ],
        "most": most,
        "asked": charts.bars([one.asked for one in days], most),
        "aside": charts.bars([one.refused + one.unsure for one in days], most),
        "slowest": slowest,
        "p50": charts.line([one.p50_s for one in days], slowest),
        "p95": charts.line([one.p95_s for one in days], slowest),
        "right": charts.line([one.right.value for one in days], 1.0),
        "intervals": charts.whiskers([(one.right.low, one.right.high) for one in days]),
        **{name: _histogram(getattr(seen.drifts, name)) for name in ("brightness", "contrast", "embedding")},
    }


def _histogram(drift: Drift | None) -> dict[str, Any] | None:
    if drift is None:
        return None
    top = max(*drift.before, *drift.recent)
    return {"before": charts.bars(drift.before, top), "recent": charts.bars(drift.recent, top)}


def _warnings(_: Translate, seen: Watch) -> list[tuple[str, bool]]:
    """What changed in the pictures, in words, and whether strongly."""
    words = {
        Change.DARKER: _(
            "The pictures of late are darker than those before. Look at the lamp, the camera and the settings."
        ),
        Change.LIGHTER: _(
            "The pictures of late are lighter than those before. Look at the lamp, the camera and the settings."
        ),
        Change.FLATTER: _(
            "The pictures of late have less contrast than those before: a dirty lens, fog, or another camera?"
        ),
        Change.HARSHER: _("The pictures of late have more contrast than those before. Is it another camera?"),
        Change.OTHER: _("The pictures of late are spread differently from light to dark than those before."),
        Change.UNLIKE: _(
            "Of the pictures of late, {count} % are unlike what this network learnt from; {usual} % would be usual. "
            "Trust its answers to them less, and review some.",
            count=round(100 * (seen.drifts.embedding.recent[-1] if seen.drifts.embedding else 0)),
            usual=round(100 * FAR),
        ),
        Change.MIXTURE: _(
            "The pictures of late are another mixture of kinds than what this network learnt from. Review some of "
            "them: it may be better or worse at these."
        ),
    }
    drifts = (seen.drifts.embedding, seen.drifts.brightness, seen.drifts.contrast)
    return [(words[one.change], one.strong) for one in drifts if one is not None and one.change is not None]
