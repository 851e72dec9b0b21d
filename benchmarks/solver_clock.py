"""When HiGHS was at work, in every process of a trace: what is left of the wall time is ours.

``run`` and ``passModel`` count as HiGHS. Changes of bounds, rows and costs of a warm program, and reading its solution,
are calls into HiGHS too but count as ours. Moments are of the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optimizer.solve import highs
from optimizer.solve.crew import Crew
from optimizer.solve.studio import open_studio

RUNS, CALLS = array("d"), array("d")
"""Starts and ends: of HiGHS in this process, of the calls a worker answers."""


def dated(book: array[float], method: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, with the moments of its start and end put down."""

    def called(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return method(*arguments, **named)
        finally:
            book.extend((began, time.perf_counter()))

    return called


def watch() -> None:
    """Put down every run and every hand-over of a program in this process from now on."""
    highs.run, highs.load = dated(RUNS, highs.run), dated(RUNS, highs.load)


class Watched:
    """A studio in a worker, with the moments of its calls and of the solver."""

    def __init__(self, *arguments: Any) -> None:
        watch()
        self.studio = dated(CALLS, open_studio)(*arguments)

    def __getattr__(self, name: str) -> Any:
        return dated(CALLS, getattr(self.studio, name))

    def moments(self) -> tuple[Any, Any]:
        """Starts and ends of the solver's runs and of the calls, one row each."""
        return np.array(RUNS).reshape(-1, 2), np.array(CALLS).reshape(-1, 2)


class WatchedCrew(Crew):
    """Workers that are asked for their moments before they leave."""

    found: Sequence[tuple[Any, Any]] = ()

    def __init__(self, build: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> None:
        super().__init__(Watched, arguments)

    def close(self) -> None:
        if self._members:
            with contextlib.suppress(Exception):
                WatchedCrew.found = self.ask([("moments", ())] * len(self))
        super().close()


def covered(intervals: Sequence[Any]) -> float:
    """Seconds that at least one of some intervals (rows of start, end) covers."""
    rows = np.concatenate([np.zeros((0, 2)), *intervals])
    if not len(rows):
        return 0.0
    rows = rows[np.argsort(rows[:, 0])]
    ends = np.maximum.accumulate(rows[:, 1])
    starts = np.maximum(rows[1:, 0], ends[:-1])
    return float(rows[0, 1] - rows[0, 0] + np.sum(np.maximum(rows[1:, 1] - starts, 0.0)))
