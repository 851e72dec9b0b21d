"""Two solvers on one Pyomo model: the model posed, its integers fixed, its value by SCIP and by HiGHS."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.opt import SolverFactory

from optimizer.jobs.prepare import Prepared
from optimizer.model.build import build_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.read_model import members

AGREE = 1e-6
"""Relative difference of two solvers on the same program."""


def same(value: float) -> Any:
    return pytest.approx(value, rel=AGREE, abs=1e-6)


def scip(gap_share: float = 0.0, seconds: float | None = None) -> Any:
    solver = SolverFactory("scip_direct")
    tight = {"numerics/feastol": 1e-9, "numerics/dualfeastol": 1e-9, "limits/gap": gap_share}
    solver.config.solver_options.update(tight)
    if seconds is not None:
        solver.config.time_limit = seconds
        solver.config.solver_options["timing/clocktype"] = 1  # seconds of computing, however busy the machine is
    return solver


def highs() -> Any:
    solver = SolverFactory("appsi_highs")
    solver.config.mip_gap = 0.0
    solver.options = {"mip_abs_gap": 0.0, "primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
    return solver


def posed(case: Prepared, cap: float) -> Any:
    """The whole model of a case, all shocks inside: least cost at a loss."""
    model = build_model(case.instance)
    model.cost_objective.activate()
    if math.isfinite(cap) and case.program.blocks:
        model.loss_cap = pyo.Constraint(expr=model.loss_measure.expr <= cap)
    return model


def value(solver: Any, model: Any) -> tuple[float, float]:
    """Bound and value; infinite where nothing is possible."""
    results = solver.solve(model, load_solutions=False)
    word = str(results.solver.termination_condition)
    if word in ("infeasible", "provenInfeasible", "infeasibleOrUnbounded"):
        return math.inf, math.inf
    assert word in ("optimal", "convergenceCriteriaSatisfied"), word
    model.solutions.load_from(results)
    return float(results.problem.lower_bound), float(pyo.value(model.cost))


def fix_integers(model: Any, program: CompiledProgram, x: Any) -> None:
    """Fix every integer variable of the model at its rounded value in a point of the compiled program."""
    chosen = dict(zip(program.column_names, np.round(x), strict=True))
    for component in model.component_objects(pyo.Var):
        for data, label, _ in members(component):
            if not data.is_continuous():
                data.fix(chosen[label])
