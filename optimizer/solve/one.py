"""One plan: cheapest at a cap on the second objective, or least second objective within a budget."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

from optimizer.errors import SolveLimit
from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.effort import Effort
from optimizer.solve.highs import TOLERANCE, Termination
from optimizer.solve.infeasible import limits_named
from optimizer.solve.master import Master
from optimizer.solve.question import Answer, Attained, NoPlan, Question
from optimizer.solve.recourse import Recourse
from optimizer.solve.reduce import reduce

NUDGE = 1e-9
"""Room on an objective that is held at its value, relative."""

INSIST = 8
"""Most mixed-integer rounds of a single plan."""


@dataclass(frozen=True)
class Point:
    """A plan on offer, as one row of the frontier table.

    Attributes:
        number: from the cheapest, 0 for a single plan.
        first, second: values of the two objectives, the second with true losses.
        bound: proven: no plan with at most this second value has a lower first value (-inf if nothing is proven).
        gap: ``first - bound``.
        status: ``optimal`` (within the gap asked for) or ``limit``.
        x: first-stage vector, in the order of the program's columns, with true losses.
        integers_hash: fingerprint of the integer decisions.
    """

    number: int
    first: float
    second: float
    bound: float
    gap: float
    status: str
    x: Floats
    integers_hash: str

    @property
    def gap_share(self) -> float:
        """Gap as a share of the first value (0 when both are 0)."""
        if self.gap <= 0.0:
            return 0.0
        return self.gap / abs(self.first) if self.first else math.inf


def solve_at(
    program: CompiledProgram,
    first: str,
    second: str,
    *,
    max_second: float | None = None,
    max_first: float | None = None,
    effort: Effort | None = None,
) -> Point:
    """Least first objective at a cap on the second, or least second within a budget on the first.

    Without either, the least first objective. Within a budget the second objective is lowered by rounds and the
    result is the best plan found: its bound is on the first objective, never a proof that the second is least.
    Of plans equal in the objective asked for, one that is least in the other (same integers) is returned.

    Args:
        program: compiled program.
        first: name of the objective to pay in.
        second: name of the other.
        max_second: cap on the second objective.
        max_first: budget on the first objective.
        effort: gap, limit, workers that evaluate recourse blocks, seed (default: ``Effort()``).

    Raises:
        Infeasible: if that is proven; carries the conflict.
        SolveLimit: if a limit or an interruption came before any plan was found.
    """
    effort = effort or Effort()
    gap_share, deadline = effort.gap_share, time.perf_counter() + effort.time_limit_s
    cap = math.inf if max_second is None else float(max_second)
    budget = math.inf if max_first is None else float(max_first)
    form = reduce(program)
    with limits_named(program, (first, second)), Recourse(form.program, effort.workers) as recourse:
        master = Master(form.program, first, second, recourse, effort.seed)
        try:
            if math.isfinite(budget) and not math.isfinite(cap):
                point = _safest_within(master, budget, gap_share, deadline)
            else:
                point = _cheapest(master, Question(max_second=cap, max_first=budget), gap_share, deadline)
        except KeyboardInterrupt:
            raise SolveLimit("interrupted before any plan was found") from None
    return replace(point, x=form.whole(point.x))


def _cheapest(master: Master, question: Question, gap_share: float, deadline: float) -> Point:
    """Least first objective under the question's caps, then least second at that cost with the same integers."""
    relaxed = master.relax(question, seconds=deadline - time.perf_counter())
    gap = _gap(gap_share, relaxed.bound)
    answer = master.answer(question, gap, deadline - time.perf_counter(), rounds=INSIST)
    best = _best(master, answer, question)
    return as_point(_tidied(master, best, question), answer.bound, _gap(gap_share, best.first))


def _tidied(master: Master, best: Attained, question: Question) -> Attained:
    """Of equally cheap plans with the same integers, the one that is least in the second objective."""
    ceiling = best.first + NUDGE * (1.0 + abs(best.first))
    held = Question(1.0, question.max_second, min(ceiling, question.max_first), 0.0)
    tidy = master.polish(held, best.x)
    if tidy is None or tidy.second >= best.second or tidy.first > ceiling + NUDGE * (1.0 + abs(best.first)):
        return best
    return tidy


def _safest_within(master: Master, budget: float, gap_share: float, deadline: float) -> Point:
    """Least second objective within a budget: a short proof-free search, then least first at that level."""
    question = Question(weight=1.0, of_first=0.0, max_first=budget)
    gap = gap_share * max(1.0, abs(master.relax(Question(), seconds=deadline - time.perf_counter()).price))
    answer = master.answer(question, gap, deadline - time.perf_counter(), rounds=INSIST)
    best = _best(master, answer, question)
    cap = Question(max_second=best.second + NUDGE * (1.0 + abs(best.second)))
    left = max(1.0, deadline - time.perf_counter())
    cheap = master.answer(cap, _gap(gap_share, best.first), left, best.x, INSIST)
    found = [point for point in cheap.attained if satisfies(cap, point) and point.first <= best.first]
    final = found[0] if found else best
    done = answer.termination is Termination.OPTIMAL and final.first - cheap.bound <= 1.01 * _gap(
        gap_share, final.first
    )
    return as_point(final, cheap.bound, _gap(gap_share, final.first), done=done)


def _gap(share: float, value: float) -> float:
    return max(share * abs(value), 1e-6) if math.isfinite(value) else 1e-6


def _best(master: Master, answer: Answer, question: Question) -> Attained:
    if answer.is_proven_infeasible:
        raise NoPlan(question)
    inside = [point for point in answer.attained if satisfies(question, point)]
    if not inside:
        raise SolveLimit(f"no plan found before the solve ended ({answer.word})")
    return inside[0]


def satisfies(question: Question, point: Attained) -> bool:
    """Whether a point meets the caps, to ten times the tolerance of feasibility."""
    room = 10 * TOLERANCE
    return point.second <= question.max_second + room * (1.0 + abs(point.second)) and (
        point.first <= question.max_first + room * (1.0 + abs(point.first))
    )


def as_point(attained: Attained, bound: float, gap: float, number: int = 0, done: bool | None = None) -> Point:
    """A row of the frontier from an attained plan and a proven bound on its first value."""
    bound = min(bound, attained.first)
    if done is None:
        done = attained.first - bound <= gap * (1.0 + TOLERANCE)
    return Point(
        number=number,
        first=attained.first,
        second=attained.second,
        bound=bound,
        gap=attained.first - bound,
        status="optimal" if done else "limit",
        x=attained.x,
        integers_hash=attained.integers_hash,
    )
