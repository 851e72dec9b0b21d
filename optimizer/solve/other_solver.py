"""One plan by any solver that Pyomo knows: the model as one program, every recourse block inside, no decomposition.

The solver's answer is taken on trust no more than that of HiGHS: its point is checked in own arithmetic, its integers
are kept, and what they cost at their true losses must be what it says. Its bound is the one thing that is its word.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numvalue import is_potentially_variable
from pyomo.opt import SolverFactory

from optimizer.errors import Infeasible, SolveLimit, SolverFailure, UsageProblem
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.effort import Effort
from optimizer.solve.highs import NAME, TOLERANCE, LinearProgram, violation
from optimizer.solve.master import Master
from optimizer.solve.one import NUDGE, Point, as_point
from optimizer.solve.question import Attained, Question
from optimizer.solve.read_model import members
from optimizer.solve.recourse import Recourse

FORMS = ("{}", "{}_direct", "appsi_{}", "{}_persistent")
"""Names under which Pyomo may know a solver, in the order in which they are tried."""
INTERFACES = ("pyomo.solvers.", "pyomo.contrib.appsi.", "pyomo.contrib.solver.")
"""Parts of Pyomo that hold its interfaces to solvers."""
LOOSEST = 1e-4
"""Largest scaled violation accepted of another solver's point before it is rounded and evaluated anew."""

_DONE = frozenset({"optimal", "globallyOptimal", "convergenceCriteriaSatisfied"})
_NONE = frozenset({"infeasible", "provenInfeasible"})


@dataclass(frozen=True)
class Goal:
    """Minimise expression ``minimised`` of the model with another one at most ``cap`` (none if infinite)."""

    minimised: str
    capped: str
    cap: float = math.inf


def find_solver(name: str) -> Any:
    """A solver of Pyomo by its name, or by the part of it that people use.

    Raises:
        UsageProblem: if Pyomo knows none of that name, or it is not installed; lists those that would do.
    """
    known = set(SolverFactory)
    for form in FORMS:
        if form.format(name) in known:
            solver = _usable(form.format(name))
            if solver is not None:
                return solver
    what = "is known but not installed here" if any(form.format(name) in known for form in FORMS) else "is unknown"
    raise UsageProblem(f"solver {name!r} {what}; available: {', '.join([NAME, *available()])}")


def available() -> list[str]:
    """Names of Pyomo's solvers that are installed and solve a mixed-integer program of one variable right."""
    direct = [name for name in sorted(SolverFactory) if not name.startswith("_") and _is_interface(name)]
    return [name for name in direct if _usable(name) is not None]


def _is_interface(name: str) -> bool:
    """Whether a name of Pyomo's stands for a solver, not for an algorithm over other solvers."""
    return str(SolverFactory.get_class(name).__module__).startswith(INTERFACES)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Solvers that are not there say so in Pyomo's log; that is no news here."""
    log = logging.getLogger("pyomo")
    usual = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(usual)


def _usable(name: str) -> Any:
    """The solver, if it is there and answers a question whose answer is known; else None."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var(domain=pyo.Integers, bounds=(0, 5))
    model.row = pyo.Constraint(expr=2 * model.x >= 3)
    model.goal = pyo.Objective(expr=model.x)
    with _silent():
        try:
            solver = SolverFactory(name)
            if not solver.available(exception_flag=False):
                return None
            solver.solve(model)
            return SolverFactory(name) if model.x.value is not None and abs(model.x.value - 2) < TOLERANCE else None
        except Exception:  # a plugin may raise anything where its solver is missing or of another kind
            return None


def solve_whole(
    solver: Any,
    model: Any,
    program: CompiledProgram,
    first: str,
    second: str,
    *,
    max_second: float | None = None,
    max_first: float | None = None,
    effort: Effort | None = None,
) -> Point:
    """Least first objective at a cap on the second, or least second within a budget, of the whole model.

    Args:
        solver: as :func:`find_solver` gives it.
        model: the Pyomo model with its recourse blocks; gets an objective and a cap.
        program: the same model, compiled.
        first: name of the objective to pay in; an expression of the model and an objective of the program.
        second: the other one.
        max_second: cap on the second objective.
        max_first: budget on the first objective.
        effort: gap and limit, where the solver takes them (default: ``Effort()``).

    Raises:
        Infeasible: if the solver says so.
        SolveLimit: if it was stopped before it had a plan.
        SolverFailure: if it fails, or its plan does not hold in own arithmetic.
    """
    goal = Goal(first, second, math.inf if max_second is None else max_second)
    effort = effort or Effort()
    gap_share, deadline = effort.gap_share, time.perf_counter() + effort.time_limit_s
    if max_first is not None and max_second is None:
        safest = _solved(solver, model, Goal(second, first, max_first), gap_share, deadline)
        cap = safest.values[second]
        goal = Goal(first, second, cap + NUDGE * (1.0 + abs(cap)))
    whole = _solved(solver, model, goal, gap_share, deadline)
    plan = _verified(program, first, second, goal.cap, whole)
    if max_first is not None and plan.first > max_first + 10 * TOLERANCE * (1.0 + abs(max_first)):
        raise Infeasible(f"no plan exists within the limits given, {_name(solver)} says")
    return as_point(plan, whole.bound, max(gap_share * abs(plan.first), 1e-6), done=None if whole.is_done else False)


@dataclass(frozen=True)
class Whole:
    """What the solver gave: values by variable and by expression, its bound, and whether it was done."""

    variables: Mapping[str, float]
    values: Mapping[str, float]
    bound: float
    is_done: bool


def _solved(solver: Any, model: Any, goal: Goal, gap_share: float, deadline: float) -> Whole:
    """Pose a goal to the solver and read the answer."""
    for name in ("posed_objective", "posed_cap"):
        model.del_component(name)
    minimised, capped = getattr(model, goal.minimised), getattr(model, goal.capped)
    model.posed_objective = pyo.Objective(expr=minimised)
    is_same_for_all = not is_potentially_variable(capped.expr)  # as the loss of a case without shocks
    if is_same_for_all and pyo.value(capped) > goal.cap:
        raise Infeasible(f"no plan exists within the limits given: {goal.capped} is {pyo.value(capped):g} for all")
    if math.isfinite(goal.cap) and not is_same_for_all:
        model.posed_cap = pyo.Constraint(expr=capped.expr <= goal.cap)
    _limit(solver, gap_share, deadline - time.perf_counter())
    with _silent():
        try:
            results = solver.solve(model, load_solutions=False)
        except Exception as error:  # a plugin may raise anything
            raise SolverFailure(f"{_name(solver)} failed: {type(error).__name__}: {error}") from error
    word = str(results.solver.termination_condition)
    if word in _NONE:
        raise Infeasible(
            f"no plan exists within the limits given, {_name(solver)} says; {NAME} would name the conflict"
        )
    if not _has_plan(results):
        if word in _DONE or "imit" not in word:
            raise SolverFailure(f"{_name(solver)} gave no plan: {word}")
        raise SolveLimit(f"no plan found before {_name(solver)} ended ({word})")
    _load(model, results)
    bound = results.problem.lower_bound
    return Whole(
        _values(model),
        {goal.minimised: float(pyo.value(minimised)), goal.capped: float(pyo.value(capped))},
        -math.inf if bound is None or not math.isfinite(float(bound)) else float(bound),
        word in _DONE,
    )


def _has_plan(results: Any) -> bool:
    return len(results.solution) > 0


def _load(model: Any, results: Any) -> None:
    model.solutions.load_from(results)


def _values(model: Any) -> dict[str, float]:
    """Value by name of every variable that has one, named as in the compiled program."""
    found = {}
    for component in model.component_objects(pyo.Var, descend_into=True):
        for data, name, _ in members(component):
            if data.value is not None:
                found[name] = float(data.value)
    return found


def _name(solver: Any) -> str:
    return str(getattr(solver, "name", type(solver).__name__))


def _limit(solver: Any, gap_share: float, seconds: float) -> None:
    """Set what the solver takes of a relative gap and a time limit; names differ between Pyomo's interfaces."""
    config = getattr(solver, "config", None)
    wanted = {"rel_gap": gap_share, "mip_gap": gap_share}
    if math.isfinite(seconds):
        wanted["time_limit"] = max(seconds, 0.1)
    for name, setting in wanted.items():
        if config is not None and name in config:
            setattr(config, name, setting)


def _verified(program: CompiledProgram, first: str, second: str, cap: float, whole: Whole) -> Attained:
    """The plan with the solver's integers, its other columns re-optimised at its true losses.

    Raises:
        SolverFailure: if the solver's point breaks a row, a bound or integrality in own arithmetic, if its integers
            allow no plan as cheap as it says, or if the plan is cheaper than what it says is least.
    """
    x = np.array([whole.variables.get(name, math.nan) for name in program.column_names])
    x = np.where(np.isnan(x), np.clip(0.0, program.lower, program.upper), x)
    stage = LinearProgram(
        program.matrix, program.row_lower, program.row_upper, program.lower, program.upper, x, 0.0, program.is_integer
    )
    worst = violation(stage, x)
    if worst > LOOSEST:
        raise SolverFailure(f"the solver's plan does not hold: largest scaled violation {worst:.2g}")
    with Recourse(program) as recourse:
        plan = Master(program, first, second, recourse).polish(Question(max_second=cap), x)
    claimed, room = whole.values[first], LOOSEST * (1.0 + abs(whole.values[first]))
    if plan is None or plan.first > claimed + room:
        raise SolverFailure(f"the solver's plan does not hold with its true losses at a cost of {claimed:.6g}")
    if plan.first < whole.bound - room:
        raise SolverFailure(f"the solver's bound {whole.bound:.6g} does not hold: its plan costs {plan.first:.6g}")
    return plan
