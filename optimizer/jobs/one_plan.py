"""The solve behind one plan: the decomposition with HiGHS, or the whole model by another solver of Pyomo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optimizer.jobs.prepare import COST, LOSS, Options, Prepared
from optimizer.model.build import build_model
from optimizer.solve.effort import Effort
from optimizer.solve.highs import NAME
from optimizer.solve.one import Point, solve_at


def chosen_solver(name: str) -> Any:
    """The solver of that name, or None for the one that drives the decomposition.

    Raises:
        UsageProblem: if there is no such solver here; lists those there are.
    """
    if name.lower() == NAME:
        return None
    from optimizer.solve.other_solver import find_solver

    return find_solver(name)


def plan_by(solver: Any, ready: Prepared, options: Options) -> Point:
    """Least cost, least cost at a loss, or least loss within a budget.

    Args:
        solver: as :func:`chosen_solver` gives it.
        ready: the case.
        options: what to find, gap and time limit; None takes what the case says.

    Raises:
        Infeasible: if no plan exists under the limits given.
        SolveLimit: if a limit came before any plan was found.
        SolverFailure: if the solver fails or its answer does not verify.
    """
    settings = ready.case.settings.frontier
    effort = Effort(
        gap_share=settings.gap_share if options.gap_share is None else options.gap_share,
        time_limit_s=settings.time_limit_s if options.time_limit_s is None else options.time_limit_s,
        workers=options.workers,
        seed=options.seed,
    )
    caps = {"max_second": options.max_loss_months, "max_first": options.budget_musd}
    if solver is None:
        return solve_at(replace(ready.program, groups=ready.groups), COST, LOSS, **caps, effort=effort)
    from optimizer.solve.other_solver import solve_whole

    return solve_whole(solver, build_model(ready.instance), ready.program, COST, LOSS, **caps, effort=effort)
