"""Training runs, for curators: start one, watch its curves, end it."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from atisbo import i18n
from atisbo.domain.access import Actor
from atisbo.domain.datasets import Split
from atisbo.domain.runs import MOST_EPOCHS, Overrides, State
from atisbo.errors import Invalid, UserError
from atisbo.services import datasets, recipes, runs
from atisbo.services.runs import RunView
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, protect
from atisbo.web.deps import State as Doors
from atisbo.web.pages import manage
from atisbo.web.pages.forms import blame, see
from atisbo.web.render import Translate, translator

router = APIRouter(prefix="/manage/runs", include_in_schema=False, dependencies=[Depends(protect)])
Text = Annotated[str, Form(max_length=200)]
WIDTH: Final = 320
HEIGHT: Final = 140
INSTALL: Final = "pip install 'atisbo[training]'"
ELSEWHERE: Final = "ATISBO_WORKER_QUEUES=learn atisbo worker"


def state_words(_: Translate) -> dict[str, str]:
    return {
        State.WAITING: _("Waiting for a worker"),
        State.RUNNING: _("Learning"),
        State.DONE: _("Done"),
        State.FAILED: _("Failed"),
        State.CANCELLED: _("Cancelled"),
    }


@router.get("")
def everything(
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    application: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    return _list(request, db, actor, state, application)


def _list(
    request: Request, db: Session, actor: Actor, state: Doors, chosen: str, *, status: int = 200, **context: Any
) -> Response:
    _, language = translator(request), render.language_of(request)
    found = runs.list_(db, actor)
    name = chosen if chosen in state.applications else next(iter(state.applications), "")
    sets = datasets.choices(db, actor, application=name) if name else []
    return manage.page(
        request,
        actor,
        "manage/runs.html",
        status=status,
        runs=found,
        titles={key: one.title.in_(language) for key, (one, _card) in state.applications.items()},
        chosen=name,
        datasets=[one for one in sets if one.counts.get(Split.TRAINING)],
        training_side=Split.TRAINING,
        recipes=recipes.fitting(*state.application(name)) if name else [],
        equipped=find_spec("torch") is not None,
        install=INSTALL,
        elsewhere=ELSEWHERE,
        state_words=state_words(_),
        **{"said_before": {"epochs": "", "learning_rate": ""}, **context},
    )


@router.post("")
def start(
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    dataset: Annotated[UUID, Form()],
    application: Text = "",
    recipe: Text = "",
    epochs: Text = "",
    learning_rate: Text = "",
    from_active: Text = "",
) -> Response:
    said = {"epochs": epochs, "learning_rate": learning_rate}
    try:
        with db.begin_nested():
            asked, card = state.application(application)
            view = runs.start(
                db,
                actor,
                application=asked,
                card=card,
                dataset_id=dataset,
                recipe=recipe,
                overrides=_overrides(said),
                from_active=bool(from_active),
            )
    except UserError as error:
        context = {"errors": blame(request, error, {}), "said_before": said}
        return _list(request, db, actor, state, application, status=error.status, **context)
    return see(f"/manage/runs/{view.id}")


def _overrides(said: dict[str, str]) -> Overrides:
    """Raises Invalid: a number is none, or out of its bounds."""
    try:
        return Overrides.model_validate({name: text.replace(",", ".") for name, text in said.items() if text.strip()})
    except ValidationError as error:
        if error.errors()[0]["loc"] == ("epochs",):
            raise Invalid(
                "epochs_wrong", "Epochs have to be a whole number from 1 to {most}.", most=MOST_EPOCHS
            ) from error
        raise Invalid("learning_rate_wrong", "The learning rate has to be a number above 0, at most 1.") from error


@router.get("/{run_id:uuid}")
def one(request: Request, run_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> Response:
    return _one(request, db, actor, state, run_id, "manage/run.html")


@router.get("/{run_id:uuid}/now")
def now(request: Request, run_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> Response:
    """Only what changes while it runs."""
    return _one(request, db, actor, state, run_id, "manage/run_now.html")


def _one(
    request: Request, db: Session, actor: Actor, state: Doors, run_id: UUID, template: str, **context: Any
) -> Response:
    _, language = translator(request), render.language_of(request)
    view = runs.get(db, actor, run_id=run_id)
    known = state.applications.get(view.application)
    failure = view.failure
    return manage.page(
        request,
        actor,
        template,
        run=view,
        title=known[0].title.in_(language) if known else view.application,
        panels=panels(view, _, language),
        fault=partial(_, failure.message)(**failure.values) if failure else "",
        state_words=state_words(_),
        recipe_words=_recipe_words(_),
        width=WIDTH,
        height=HEIGHT,
        **context,
    )


@router.post("/{run_id:uuid}/cancellation")
def cancel(request: Request, run_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> Response:
    try:
        with db.begin_nested():
            runs.cancel(db, actor, run_id=run_id)
    except UserError as error:
        return _one(request, db, actor, state, run_id, "manage/run.html", errors=blame(request, error, {}))
    return see(f"/manage/runs/{run_id}")


def _recipe_words(_: Translate) -> dict[str, str]:
    """What a run can be told to do; the names of other things stand as the recipe has them."""
    return {
        "epochs": _("Epochs"),
        "batch_size": _("Pictures at a time"),
        "optimiser": _("Optimiser"),
        "learning_rate": _("Learning rate"),
        "encoder_learning_rate": _("Learning rate of the encoder"),
        "weight_decay": _("Weight decay"),
        "warmup": _("Warm-up, share of the epochs"),
        "floor": _("Learning rate at the end, share of the highest"),
        "patience": _("Epochs without progress until it ends"),
        "watch": _("Figure that is watched"),
        "clip": _("Gradients clipped at"),
        "average": _("Average of the weights"),
        "border_weight": _("Weight of the border"),
        "label_smoothing": _("Label smoothing"),
    }


def panels(view: RunView, _: Translate, language: str) -> list[dict[str, Any]]:
    """One for each figure of the curves: its lines over epochs, as points of an SVG, and the latest values."""
    sides = {"train": _("Training images"), "validation": _("Validation images")}
    names = dict.fromkeys(name for figures in view.curves.values() for name in figures)
    titles = {
        "loss": _("Loss"),
        "dice": _("Dice"),
        "accuracy": _("Right answers"),
        "balanced_accuracy": _("Balanced accuracy"),
        "auc": _("Area under the ROC curve"),
    }
    titles["iou"] = _("Overlap (IoU)")
    made = []
    for name in names:
        lines = {side: view.curves[side][name] for side in sides if view.curves.get(side, {}).get(name)}
        values = [value for line in lines.values() for value in line]
        low, high = (0.0, 1.0) if name != "loss" and max(values) <= 1 else (min(0.0, *values), max(values))
        place = partial(_points, epochs=view.epochs, low=low, high=high or 1.0)
        made.append(
            {
                "title": titles.get(name, name.replace("_", " ").capitalize()),
                "lines": [
                    {
                        "side": side,
                        "word": sides[side],
                        "points": place(line),
                        "last": i18n.number(language, line[-1], 3),
                    }
                    for side, line in lines.items()
                ],
                "low": i18n.number(language, low, 1),
                "high": i18n.number(language, high, 1),
            }
        )
    return made


def _points(line: list[float], *, epochs: int, low: float, high: float) -> str:
    """``x,y x,y …``: the first epoch at the left edge, the recipe's last one at the right."""
    span, spread = max(epochs - 1, len(line) - 1, 1), (high - low) or 1.0
    return " ".join(
        f"{WIDTH * place / span:.1f},{HEIGHT * (1 - (value - low) / spread):.1f}" for place, value in enumerate(line)
    )
