"""What a person sees while a run goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Display:
    """A bar per epoch with loss, images per second and the time left; silent in all processes but the first."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
        )
        self.console = Console(quiet=True) if quiet else console
        self._bars = Progress(*columns, console=self.console)
        self._bar: TaskID | None = None
        self._since, self._images = time.monotonic(), 0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The display is live within."""
        with self._bars:
            yield

    def epoch(self, title: str, steps: int, done: int) -> None:
        """A new epoch begins."""
        self._bar = self._bars.add_task(title, total=steps, completed=done, said="")
        self._since, self._images = time.monotonic(), 0

    def step(self, images: int, loss: float) -> None:
        """A step is done; ``loss`` is the epoch's mean so far."""
        self._images += images
        if self._bar is not None:
            pace = self._images / max(1e-6, time.monotonic() - self._since)
            self._bars.update(self._bar, advance=1, said=f"loss {loss:.4f}, {pace:.0f} images/s")

    def close(self, epoch: int, trained: dict[str, float], validated: dict[str, float], *, better: bool) -> None:
        """An epoch is over."""
        if self._bar is not None:
            self._bars.remove_task(self._bar)
            self._bar = None
        words = f"epoch {epoch}: {in_words(trained)}"
        if validated:
            words += f" · validation {in_words(validated)}" + (" · best" if better else "")
        self.console.print(words, highlight=False)


def in_words(figures: dict[str, float], digits: int = 4) -> str:
    """For example ``loss 0.1234, dice 0.8123``."""
    return ", ".join(f"{name.replace('_', ' ')} {value:.{digits}f}" for name, value in figures.items())
