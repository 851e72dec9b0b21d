"""Traces that are asked for more points, taken up again, or end at once."""

from __future__ import annotations

import numpy as np
import pytest
from brute import enumerate_front, program

from optimizer.errors import SolveLimit
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier
from optimizer.solve.journal import Journal


def steps():
    """Four things that each take away one month, at 1, 3, 6 and 10: 0, 1, 4, 10 and 20 for 4 to 0 months."""
    return program(
        np.array([[1.0, 3.0, 6.0, 10.0], [-1.0] * 4]),
        np.ones((1, 4)),
        np.array([4.0]),
        np.ones(4),
        np.ones(4, dtype=bool),
    )


def told(frontier) -> set[tuple[float, float]]:
    return {(round(p.first, 6), round(p.second, 6)) for p in frontier.points}


STEPS = {(0.0, 0.0), (1.0, -1.0), (4.0, -2.0), (10.0, -3.0), (20.0, -4.0)}


def test_more_points_are_found_where_the_curve_has_them_and_no_more() -> None:
    assert enumerate_front(steps()) == STEPS
    few = trace_frontier(steps(), "first", "second", Effort(tolerance_share=1.0))
    assert told(few) <= STEPS
    many = trace_frontier(steps(), "first", "second", Effort(tolerance_share=1.0, points=9))
    assert told(many) == STEPS  # nine were asked for, there are five
    assert many.solves > few.solves


def test_an_exact_trace_that_is_taken_up_asks_nothing_again() -> None:
    kept, more, counts = [], [], []
    first = trace_frontier(steps(), "first", "second", exact=True, journal=Journal(keep=kept.append))
    again = trace_frontier(
        steps(),
        "first",
        "second",
        exact=True,
        journal=Journal(kept, keep=more.append),
        progress=lambda progress: counts.append(progress.solves),
    )
    assert told(first) == told(again) == STEPS
    assert (first.status, again.status) == ("complete", "complete")
    assert len(kept) == first.solves
    assert more == []  # every answer was there already
    assert counts[-1] == again.solves


@pytest.mark.parametrize("exact", [True, False])
def test_a_trace_without_time_ends_without_a_plan(exact) -> None:
    with pytest.raises(SolveLimit, match="no plan found before the limit"):
        trace_frontier(steps(), "first", "second", Effort(time_limit_s=0.0), exact=exact)
