"""Many small pieces of database work, done in few transactions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from atisbo.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Grouped(Generic[Item, Result]):
    """Callers who arrive while a group is at work form the next group.

    ``work`` takes the items of a group and returns one result for each, in order. If it raises, each is tried alone, so
    that only the culprit hears of it; but what is away is away for all of them.

    Args:
        company: whether others are about to come. Then a group waits for them, until it has ``enough`` or
            ``patience_s`` are over; otherwise nobody waits for a timer.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        largest: int = 64,
        company: Callable[[], bool] = lambda: False,
        enough: int = 8,
        patience_s: float = 0.1,
    ) -> None:
        self._work = work
        self._largest = largest
        self._company = company
        self._enough = enough
        self._patience_s = patience_s
        self._grown = asyncio.Event()
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    def __call__(self, item: Item) -> asyncio.Future[Result]:
        """The item's result; it is on its way before anybody waits."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._waiting) >= self._enough:
            self._grown.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        while self._waiting:
            if self._company() and len(self._waiting) < self._enough:
                self._grown.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._grown.wait(), self._patience_s)
            group, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
            await self._do(group)

    async def _do(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await asyncio.to_thread(self._work, [item for item, _ in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, Unavailable):
                for one in group:
                    await self._do([one])
                return
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)
