"""The certified frontier of two objectives of any linear mixed-integer program."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from optimizer.errors import SolveLimit, UsageProblem
from optimizer.solve.certificate import Certificate, Lines, bound_at, certificate
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.crew import Crew, Hire, Team
from optimizer.solve.curve import EXACT, SAME, Bound, Ledger, Segment, bounds_frame, sampled
from optimizer.solve.desk import Desk
from optimizer.solve.effort import Effort
from optimizer.solve.exact import Exact
from optimizer.solve.infeasible import limits_named
from optimizer.solve.journal import Journal
from optimizer.solve.master import Master
from optimizer.solve.one import Point, as_point
from optimizer.solve.question import Attained, NoPlan, Question
from optimizer.solve.recourse import BlockPlan, Recourse
from optimizer.solve.reduce import Reduced, reduce, unreduced
from optimizer.solve.search import Progress, Search
from optimizer.solve.studio import open_studio


@dataclass(frozen=True)
class Frontier:
    """A frontier and its proofs; values are minimised ones (a maximised objective stands with its sign turned).

    Attributes:
        program: what was solved, so that points can be read by its column keys.
        first, second: names of the two objectives.
        points: nondominated plans, from the cheapest, numbered from 1.
        bounds: every proof.
        segments: attained lines between points of equal integers.
        certificate: the three figures, recomputed from the tables.
        tolerance: the mean gap asked for.
        solves: number of questions put to the solver.
        status: ``complete`` (exact, all proven), ``tolerance`` (mean gap within it), ``limit`` or ``interrupted``.
        seconds: wall time by part.
        is_repeatable: whether the same inputs and seed give the same again: no solve was cut short by time, and
            nothing was taken over from an earlier attempt.
    """

    program: CompiledProgram
    first: str
    second: str
    points: tuple[Point, ...]
    bounds: tuple[Bound, ...]
    segments: tuple[Segment, ...]
    certificate: Certificate
    tolerance: float
    solves: int
    status: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    is_repeatable: bool = True

    def points_table(self) -> pd.DataFrame:
        """The ``frontier`` table of the contract."""
        return _points_table(self.points)

    def bounds_table(self) -> pd.DataFrame:
        """The ``bounds`` table of the contract, with the column ``max_cost_musd`` beside."""
        return bounds_frame(self.bounds)

    def segments_table(self) -> pd.DataFrame:
        """The ``segments`` table of the contract."""
        return _segments_table(self.segments)

    def recourse(self, point: Point, secondary: Sequence[Any] | None = None, workers: int = 1) -> list[BlockPlan]:
        """Recourse solutions of a point, on demand: least loss, then least ``secondary`` cost."""
        with Recourse(self.program, workers) as recourse:
            return recourse.plan(point.x, secondary)


def _points_table(points: Sequence[Point]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "point": [p.number for p in points],
            "cost_musd": [p.first for p in points],
            "loss_months": [p.second for p in points],
            "cost_bound_musd": [p.bound for p in points],
            "gap_share": [p.gap_share for p in points],
            "status": [p.status for p in points],
        }
    )


def _segments_table(segments: Sequence[Segment]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "from_point": [s.from_point for s in segments],
            "to_point": [s.to_point for s in segments],
            "integers_hash": [s.integers_hash for s in segments],
        }
    )


def trace_frontier(
    model: Any,
    first: Any = "cost",
    second: Any = "loss",
    effort: Effort | None = None,
    *,
    exact: bool = False,
    progress: Callable[[Progress], None] | None = None,
    journal: Journal | None = None,
    hire: Hire = Crew,
) -> Frontier:
    """Trace the frontier of two objectives.

    Args:
        model: a Pyomo model (compiled once, never altered) or a compiled program.
        first: objective paid in: a name in the program, or a component or expression of the model.
        second: the other objective, likewise.
        effort: gaps, limits, workers and seed (default: ``Effort()``).
        exact: the complete nondominated set with its segments (programs without blocks).
        progress: told how far the trace is, after every wave of answers.
        journal: answers of an earlier attempt on the same program, from which this one goes on, and where every
            new answer is kept at once.
        hire: makes the workers: processes of this machine, or those of a cluster.

    Raises:
        Infeasible: if no plan exists, by proof.
        SolveLimit: if a limit or an interruption came before any plan was found.
        UsageProblem: for exact mode with recourse blocks.
    """
    began = time.perf_counter()
    effort = effort or Effort()
    program, names = as_program(model, first, second)
    compiled = time.perf_counter()
    if exact and program.blocks:
        raise UsageProblem("exact mode needs a program without recourse blocks; trace it with a tolerance instead")
    ledger = Ledger(EXACT if program.is_integer.all() and not program.blocks else SAME)
    deadline, journal = began + effort.time_limit_s, journal or Journal()
    form = unreduced(program) if exact else reduce(program)
    with ExitStack() as stack:
        stack.enter_context(limits_named(program, names))
        crew: Team | None = None
        if effort.workers > 1 and not exact:
            crew = stack.enter_context(hire(open_studio, [(form.program.lean(), *names, effort.seed)] * effort.workers))
        recourse = stack.enter_context(Recourse(form.program, team=crew))
        master = Master(form.program, *names, recourse, effort.seed)
        if exact:
            solves, status = _run_exact(master, ledger, deadline, progress, journal)
        else:
            desk = Desk(master, deadline, journal, crew)
            search = Search(desk, ledger, effort, progress)
            solves, status = _run(search, effort.points)
    seconds = {"compile": compiled - began, "solve": time.perf_counter() - compiled}
    tolerance = 1e-6 if exact else max(effort.gap_share, effort.tolerance_share)
    how = (tolerance, effort.tolerance_share)
    found = _frontier((program, form), names, ledger, solves, status, how, seconds, effort.points)
    is_cut_short = not journal.is_repeatable or status == "interrupted" or time.perf_counter() >= deadline
    return replace(found, is_repeatable=not is_cut_short)


def as_program(model: Any, first: Any, second: Any) -> tuple[CompiledProgram, tuple[str, str]]:
    """The compiled program and the names of its two objectives.

    Raises:
        UsageProblem: if a compiled program has no objective of that name.
    """
    if isinstance(model, CompiledProgram):
        missing = [name for name in (first, second) if name not in model.objectives]
        if missing:
            raise UsageProblem(f"no objective {missing[0]!r}; there are: {', '.join(model.objectives)}")
        return model, (first, second)
    from optimizer.solve.compile import compile_model

    components = [model.find_component(found) if isinstance(found, str) else found for found in (first, second)]
    names = [found if isinstance(found, str) else str(getattr(found, "name", "")) for found in (first, second)]
    if any(component is None for component in components):
        raise UsageProblem(f"the model has no component {names[components.index(None)]!r}")
    if not all(names) or names[0] == names[1]:
        names = ["first", "second"]
    program = compile_model(model, dict(zip(names, components, strict=True)))
    return program, (names[0], names[1])


def _run(search: Search, points: int) -> tuple[int, str]:
    status = "limit"
    try:
        search.take_up()
        search.linear()
        search.lines()
        if search.ledger.points:
            search.refine(points)
        if search.ledger.points and search.ledger.figures().mean_gap_share <= search.effort.tolerance_share:
            status = "tolerance"
    except KeyboardInterrupt:
        status = "interrupted"
    if not search.ledger.points:
        _raise_empty(search.ledger)
    return search.solves, status


def _run_exact(
    master: Master,
    ledger: Ledger,
    deadline: float,
    progress: Callable[[Progress], None] | None,
    journal: Journal,
) -> tuple[int, str]:
    exact = Exact(master, ledger, deadline, progress=_solves_told(progress), journal=journal)
    status = "limit"
    try:
        exact.run()
        status = "complete" if exact.is_complete else "limit"
    except KeyboardInterrupt:
        status = "interrupted"
    if not ledger.points:
        _raise_empty(ledger)
    return exact.solves, status


def _solves_told(progress: Callable[[Progress], None] | None) -> Callable[[int], None] | None:
    return None if progress is None else (lambda count: progress(Progress(count)))


def _raise_empty(ledger: Ledger) -> None:
    if any(bound.kind == "infeasible" and math.isinf(bound.max_second) for bound in ledger.bounds):
        raise NoPlan(Question())
    raise SolveLimit("no plan found before the limit")


def _frontier(
    forms: tuple[CompiledProgram, Reduced],
    names: tuple[str, str],
    ledger: Ledger,
    solves: int,
    status: str,
    tolerances: tuple[float, float],
    seconds: Mapping[str, float],
    wanted: int,
) -> Frontier:
    front = sampled(ledger.nondominated(), wanted)
    segments = front.segments
    proven = ledger.proven()
    program, form = forms
    whole = [replace(plan, x=form.whole(plan.x)) for plan in front.points]
    points = tuple(_point(k, plan, proven, tolerances[0]) for k, plan in enumerate(whole, start=1))
    found = certificate(_points_table(points), bounds_frame(ledger.bounds), _segments_table(segments))
    return Frontier(
        program, *names, points, tuple(ledger.bounds), tuple(segments), found, tolerances[1], solves, status, seconds
    )


def _point(number: int, plan: Attained, proven: Lines, tolerance: float) -> Point:
    bound = bound_at(proven, plan.second)
    if math.isinf(bound) and bound > 0:
        bound = plan.first
    return as_point(plan, bound, tolerance * max(abs(plan.first), 1e-9), number)
