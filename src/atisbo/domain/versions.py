"""The life of a version: where one stands, and what may become of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from atisbo.domain.cards import Card


class State(StrEnum):
    """Where a version stands."""

    RECEIVED = "received"
    """Its files are stored; a worker has not yet tried the network against its card, in a closed room."""
    REFUSED = "refused"
    """The network is not what its card says, or is more than a network; a failure says why."""
    SUBMITTED = "submitted"
    """The network fits its card. How good it is beside the active one is not known."""
    EVALUATED = "evaluated"
    """Judged on a sealed test set against the version that was active then."""
    ACTIVE = "active"
    """It answers. At most one of an application."""
    RETIRED = "retired"
    """It answers no more; its card stays, for the answers that it gave."""


CANDIDATE: Final = frozenset({State.SUBMITTED, State.EVALUATED, State.RETIRED})
"""What may be activated."""


def meaning(card: Card) -> dict[str, Any]:
    """What decides answers and figures: all of a card but its issue, to tell whether two cards say the same."""
    return card.model_dump(mode="json", exclude={"issue"})


def same_question(one: Card, other: Card) -> bool:
    """Whether two versions can stand for one another: what was reviewed of one means the same of the other."""
    return (one.task, one.output.labels, one.output.positive) == (
        other.task,
        other.output.labels,
        other.output.positive,
    )


def proves_better(evaluation: dict[str, Any] | None, active: str | None) -> bool:
    """Whether a judgement found a candidate better than the version that is active now."""
    said = evaluation or {}
    return said.get("verdict") == "better" and said.get("against") == active
