"""Models that cannot be compiled say so with their names; oddities of writing make no difference."""

from __future__ import annotations

import math

import pyomo.environ as pyo
import pytest

import optimizer
from optimizer.errors import DataProblem, UsageProblem
from optimizer.solve.compile import compile_model
from optimizer.solve.frontier import trace_frontier


def small(**columns):
    model = pyo.ConcreteModel()
    model.x = pyo.Var(domain=columns.get("domain", pyo.NonNegativeReals))
    model.y = pyo.Var(bounds=(-3, 4))
    model.row = pyo.Constraint(expr=model.x + model.y >= 2)
    return model


def told(model, objectives=None, blocks=()) -> list[str]:
    with pytest.raises(DataProblem) as problem:
        compile_model(model, {"cost": model.x} if objectives is None else objectives, blocks)
    return [f"{p.row}|{p.column}|{p.found}" for p in problem.value.problems]


def test_a_domain_of_steps_is_told() -> None:
    found = told(small(domain=pyo.Set(initialize=[0, 2, 4])))
    assert len(found) == 1
    assert "x" in found[0]


def test_an_indexed_objective_is_told() -> None:
    model = small()
    model.goals = pyo.Expression([1, 2], initialize=lambda m, k: k * m.x)
    assert "an indexed component" in told(model, {"cost": model.goals})[0]
    one = compile_model(model, {"cost": model.goals[2]})
    assert one.objectives["cost"][0].tolist() == [2.0, 0.0]


def test_what_is_not_linear_or_not_finite_is_told() -> None:
    model = small()
    model.z = pyo.Var([1, 2], bounds=(0, 1))
    model.sets = pyo.SOSConstraint(var=model.z, sos=1)
    model.square = pyo.Constraint(expr=model.x * model.y <= 1)
    model.endless = pyo.Constraint(expr=math.inf * model.x + model.y <= 1)
    found = " ".join(told(model))
    assert "a SOSConstraint" in found
    assert "a nonlinear term" in found
    assert "a coefficient that is not finite" in found


def shocked(domain=pyo.NonNegativeReals, theta_inside: bool = False):
    """A block in which 3 t are short unless x covers them."""
    model = small()
    model.theta = pyo.Var()
    model.shock = pyo.Block()
    model.shock.short = pyo.Var(domain=domain)
    model.shock.inner = pyo.Var()
    model.shock.cover = pyo.Constraint(expr=model.shock.short + model.x >= 3)
    model.shock.loss = pyo.Constraint(expr=model.theta >= model.shock.short)
    return model, model.shock.inner if theta_inside else model.theta


def test_blocks_that_are_no_blocks_are_told() -> None:
    model, theta = shocked(domain=pyo.NonNegativeIntegers)
    assert "an integer variable in a recourse block" in told(model, blocks=[(model.shock, theta)])[0]
    model, theta = shocked(theta_inside=True)
    assert "a theta inside a recourse block" in told(model, blocks=[(model.shock, theta)])[0]
    model, theta = shocked()
    assert "a variable of a recourse block" in told(model, {"cost": model.shock.short}, [(model.shock, theta)])[0]
    program = compile_model(model, {"cost": model.x}, [(model.shock, theta)])
    assert [block.name for block in program.blocks] == ["shock"]


def test_rows_that_are_switched_off_open_or_constant_are_left_out() -> None:
    model = small()
    model.many = pyo.Constraint([1, 2], rule=lambda m, k: k * m.x <= 5)
    model.many[1].deactivate()
    model.open = pyo.Constraint(expr=pyo.inequality(-math.inf, model.x, math.inf))
    model.shifted = pyo.Constraint(expr=1.0 * model.x + 2.0 * model.y + 1.5 <= 4)
    program = compile_model(model, {"cost": model.x})
    assert list(program.row_names) == ["row", "many[2]", "shifted"]
    assert program.row_upper.tolist() == [math.inf, 5.0, 2.5]
    assert (program.lower.tolist(), program.upper.tolist()) == ([0.0, -3.0], [math.inf, 4.0])


def test_a_variable_that_lives_elsewhere_joins_at_the_end() -> None:
    model, other = small(), pyo.ConcreteModel()
    other.z = pyo.Var(bounds=(1, 9))
    model.link = pyo.Constraint(expr=model.x + other.z <= 7)
    model.again = pyo.Constraint(expr=2 * model.y + 3 * other.z <= 8)
    program = compile_model(model, {"cost": model.x})
    assert list(program.column_names) == ["x", "y", "z"]
    assert program.matrix.toarray().tolist() == [[1, 1, 0], [1, 0, 1], [0, 2, 3]]
    assert program.upper[2] == 9.0


def test_an_objective_without_an_end_is_wrong_usage() -> None:
    model = pyo.ConcreteModel()
    model.x = pyo.Var()
    model.y = pyo.Var(bounds=(0, 1))
    model.cost = pyo.Expression(expr=model.x)
    model.loss = pyo.Expression(expr=model.y)
    with pytest.raises(UsageProblem, match="lowered without limit"):
        trace_frontier(model, "cost", "loss")


def test_objectives_without_names_are_traced_too() -> None:
    model = small()
    front = trace_frontier(model, model.x + 0.0, -1.0 * model.y)
    # the loss is -y, at least -4; the row asks x + y >= 2, so that nothing of x is needed there
    assert [(p.first, p.second) for p in front.points] == [(0.0, -4.0)]


def test_the_package_has_the_names_it_promises_and_no_others() -> None:
    assert optimizer.compile_model is compile_model
    with pytest.raises(AttributeError, match="no_such_call"):
        _ = optimizer.no_such_call
