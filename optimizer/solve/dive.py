"""From a linear relaxation to a portfolio in some ten linear solves.

Where the relaxation is nearly whole, rounding it by steps finds a plan within a small fraction of a percent of the
bound, long before a mixed-integer solve has finished its root: on the flagship in two seconds instead of sixteen.
At each step the fractional integers near their ceiling are fixed there (at least the one nearest), those near their
floor there, and the relaxation is solved again from its last basis. A step that leaves nothing feasible is undone and
its first choice forbidden; where that leaves nothing either, the step before is undone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.solve.compiled import Floats, Integers
from optimizer.solve.highs import TOLERANCE
from optimizer.solve.master import Master
from optimizer.solve.question import Attained, Question

UP, DOWN = 0.6, 0.2
"""Fractions from which an integer is rounded up, and down to which it is rounded down."""

STEPS = 60
"""Most linear solves of one dive; it needs 8 to 25 as a rule."""

UNDONE = 6
"""Most steps undone before a dive is given up."""


@dataclass(frozen=True)
class _Step:
    """Bounds before a step, and what it rounded up, nearest first."""

    lower: Floats
    upper: Floats
    raised: Integers


def dive(master: Master, question: Question, step: float = 0.0) -> Attained | None:
    """A plan near the optimum of a question's relaxation, with its true losses; None if none is found.

    Args:
        master: whose linear program was just relaxed for this question.
        question: what to minimise under which caps.
        step: as of :meth:`optimizer.solve.master.Master.relax`.
    """
    master.set_idle_aside()
    x = _whole(master)
    return None if x is None else master.polish(question, x, is_near=True, step=step)


def _whole(master: Master) -> Floats | None:
    """A vector with whole integers, by rounding from relaxation to relaxation."""
    lower, upper = master.program.lower.copy(), master.program.upper.copy()
    steps: list[_Step] = []
    undone = 0
    for _ in range(STEPS):
        outcome = master.warm.solve()
        if outcome.values is None:
            undone += 1
            if not steps or undone > UNDONE:
                return None
            lower, upper = _forbidden(steps.pop())
        else:
            fractions = _fractions(master, outcome.values)
            if not np.any(fractions):
                return outcome.values
            steps.append(_Step(lower.copy(), upper.copy(), _raised(master.integers, fractions)))
            _round(master.integers, outcome.values, steps[-1], (lower, upper), undone > 0)
        master.warm.change_column_bounds(lower, upper)
    return None


def _fractions(master: Master, x: Floats) -> Floats:
    """What each integer column is above its floor; 0 if whole."""
    values = x[master.integers]
    fractions = values - np.floor(values + TOLERANCE)
    return np.where(fractions > TOLERANCE, fractions, 0.0)


def _raised(integers: Integers, fractions: Floats) -> Integers:
    """Columns to round up, nearest to their ceiling first: at least one."""
    order = np.argsort(-fractions, kind="stable")
    count = max(1, int(np.sum(fractions >= UP)))
    return integers[order[:count]]


def _round(integers: Integers, x: Floats, step: _Step, bounds: tuple[Floats, Floats], is_wary: bool) -> None:
    """Tighten bounds: what is whole stays at least there, the raised go up, what is near its floor goes down.

    Once a step had to be undone nothing goes down any more: that may have been the reason.
    """
    lower, upper = bounds
    values = x[integers]
    whole = np.abs(values - np.round(values)) <= TOLERANCE
    lower[integers[whole]] = np.maximum(lower[integers[whole]], np.round(values[whole]))
    lower[step.raised] = np.maximum(lower[step.raised], np.ceil(x[step.raised] - TOLERANCE))
    if is_wary:
        np.minimum(lower, upper, out=lower)
        return
    low = ~whole & (values - np.floor(values) <= DOWN) & ~np.isin(integers, step.raised)
    upper[integers[low]] = np.minimum(upper[integers[low]], np.floor(values[low]))
    np.minimum(lower, upper, out=lower)


def _forbidden(step: _Step) -> tuple[Floats, Floats]:
    """The bounds before a step, with its first choice forbidden."""
    lower, upper = step.lower.copy(), step.upper.copy()
    first = step.raised[0]
    upper[first] = max(lower[first], upper[first] - 1.0)
    return lower, upper
