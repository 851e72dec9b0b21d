"""What a trace knew when: every plan and proof with the second it came, and what it left open then, in any box."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optimizer.solve import frontier as engine
from optimizer.solve.certificate import attained_lines, figures, proven_lines, trace
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.curve import Bound, Ledger, bounds_frame, chains, nondominated
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import Frontier, trace_frontier
from optimizer.solve.question import Attained
from optimizer.solve.search import Progress


@dataclass(frozen=True)
class Box:
    """The part of the plane that is looked at: losses ``low`` to ``high``, costs ``floor`` to ``top``."""

    low: float
    high: float
    floor: float
    top: float

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]]) -> Box:
        """From the cheapest of some (cost, loss) to the safest."""
        cheap, safe = min(points), min(points, key=lambda point: (point[1], point[0]))
        return cls(safe[1], cheap[1], cheap[0], safe[0])


@dataclass(frozen=True)
class Left:
    """What is open in a box: mean gap and uncertain share, and the share of its losses at which a plan is known."""

    mean_gap: float
    uncertain: float
    covered: float


def left_in(box: Box, points: Sequence[Attained], bounds: Sequence[Bound], has_segments: bool = True) -> Left:
    """What plans and proofs leave open in a box.

    Left of the safest plan nothing is attained: there the top of the box stands for the cost, so all below is open.
    Segments join plans of equal integers, unless the method compared does not know them.
    """
    pairs = chains(points) if has_segments else []
    first = np.array([*(point.first for point in points), box.top])
    second = np.array([*(point.second for point in points), box.low])
    ends = np.array([box.top, box.floor]), np.array([box.low, box.high])
    curve = trace(attained_lines(first, second, pairs), proven_lines(bounds_frame(bounds)), *ends)
    found = figures(curve, *ends)
    attained_top = float(curve.upper_left[0])
    shrunk = (attained_top - box.floor) / (box.top - box.floor)
    safest = min((point.second for point in points), default=math.inf)
    covered = float(np.clip((box.high - safest) / (box.high - box.low), 0.0, 1.0))
    return Left(found.mean_gap_share, found.uncertain_share * shrunk, covered)


class Dated(Ledger):
    """A ledger that remembers when it was told what."""

    def __init__(self, same: float) -> None:
        super().__init__(same)
        self.dated_points: list[tuple[float, Attained]] = []
        self.dated_bounds: list[tuple[float, Bound]] = []

    def add_points(self, points: Sequence[Attained]) -> None:
        for point in points:
            known = len(self.points)
            super().add_points([point])
            if len(self.points) > known:
                self.dated_points.append((time.perf_counter(), point))

    def add_bound(self, bound: Bound | None) -> None:
        super().add_bound(bound)
        if bound is not None:
            self.dated_bounds.append((time.perf_counter(), bound))


@dataclass
class Timeline:
    """A finished trace with everything it knew by the second (counted from its start)."""

    began: float
    seconds: float = 0.0
    told: list[tuple[float, Progress]] = field(default_factory=list)
    frontier: Frontier | None = None
    ledger: Dated | None = None

    def known(self, second: float) -> tuple[list[Attained], list[Bound]]:
        """Plans and proofs known by then."""
        assert self.ledger is not None
        points = [point for moment, point in self.ledger.dated_points if moment - self.began <= second]
        return points, [bound for moment, bound in self.ledger.dated_bounds if moment - self.began <= second]

    def portfolios(self, second: float) -> int:
        """Different portfolios on the curve known by then."""
        points, _ = self.known(second)
        return len({point.integers_hash for point in nondominated(points).points}) if points else 0

    @property
    def box(self) -> Box:
        """The range of the final curve."""
        assert self.frontier is not None
        return Box.around([(point.first, point.second) for point in self.frontier.points])

    def left(self, second: float, box: Box | None = None) -> Left:
        """What was open by then, by default in the range of the final curve."""
        return left_in(box or self.box, *self.known(second))

    def reached(self, uncertain: float, box: Box) -> float:
        """First second at which at most this share of a box was open; infinite if never."""
        for second, _ in self.told:
            if self.left(second, box).uncertain <= uncertain:
                return second
        return math.inf


def timed_trace(program: CompiledProgram, first: str, second: str, **options: Any) -> Timeline:
    """Trace a frontier and keep what was known when."""
    books: list[Dated] = []

    def open_book(same: float) -> Dated:
        books.append(Dated(same))
        return books[-1]

    usual, engine.Ledger = engine.Ledger, open_book  # type: ignore[misc,assignment]
    line = Timeline(time.perf_counter())

    def told(progress: Progress) -> None:
        line.told.append((time.perf_counter() - line.began, progress))

    try:
        effort = {name: options.pop(name) for name in list(options) if name in Effort.__dataclass_fields__}
        line.frontier = trace_frontier(program, first, second, Effort(**effort), progress=told, **options)
    finally:
        engine.Ledger = usual  # type: ignore[misc]
    line.seconds, line.ledger = time.perf_counter() - line.began, books[0]
    return line
