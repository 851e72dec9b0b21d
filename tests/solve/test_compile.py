from __future__ import annotations

import io

import numpy as np
import pyomo.environ as pyo
import pytest
from two_stage import two_stage

from optimizer.errors import DataProblem
from optimizer.solve.compile import compile_model


def small() -> pyo.ConcreteModel:
    m = pyo.ConcreteModel()
    m.I = pyo.Set(initialize=["a", "b"])
    m.T = pyo.RangeSet(2027, 2028)
    m.x = pyo.Var(m.I, m.T, bounds=(0, 5))
    m.n = pyo.Var(domain=pyo.NonNegativeIntegers)
    m.held = pyo.Var(initialize=3)
    m.held.fix()
    m.range = pyo.Constraint(expr=(-1, m.x["a", 2027] - m.x["b", 2027] + 2 * m.held, 9))
    m.equal = pyo.Constraint(m.T, rule=lambda m, t: m.x["a", t] + m.x["b", t] == m.n + 1)
    m.off = pyo.Constraint(expr=m.n <= 0)
    m.off.deactivate()
    m.profit = pyo.Objective(expr=2 * m.x["a", 2027] - m.n + 7, sense=pyo.maximize)
    m.profit.deactivate()
    m.risk = pyo.Expression(expr=m.n + m.held)
    return m


def test_arrays_of_a_small_model() -> None:
    m = small()
    p = compile_model(m, {"profit": m.profit, "risk": m.risk})
    assert p.column_names == ("x[a,2027]", "x[a,2028]", "x[b,2027]", "x[b,2028]", "n", "held")
    assert p.column_keys[0] == ("x", ("a", 2027))
    assert p.column_keys[4] == ("n", ())
    assert p.row_keys == (("range", ()), ("equal", (2027,)), ("equal", (2028,)))
    vector, constant = p.objectives["profit"]
    assert (p.signs["profit"], p.signs["risk"]) == (-1, 1)
    assert vector.tolist() == [-2, 0, 0, 0, 1, 0]
    assert constant == -7
    assert p.objectives["risk"][0].tolist() == [0, 0, 0, 0, 1, 0]
    assert p.objectives["risk"][1] == 3
    # Range row: -1 <= xa - xb + 6 <= 9, the fixed variable folded into the bounds.
    assert (p.row_lower[0], p.row_upper[0]) == (-7, 3)
    assert p.matrix.toarray()[0].tolist() == [1, 0, -1, 0, 0, 0]
    assert (p.row_lower[1], p.row_upper[1]) == (1, 1)
    assert (p.lower[5], p.upper[5]) == (3, 3)
    assert p.is_integer.tolist() == [False] * 4 + [True, False]
    assert p.upper[4] == np.inf


def _print(model: pyo.ConcreteModel) -> str:
    out = io.StringIO()
    model.pprint(ostream=out)
    return out.getvalue()


def test_never_alters_the_model() -> None:
    m, blocks = two_stage(1)
    before = _print(m)
    compile_model(m, {"cost": m.cost, "loss": m.loss_measure}, blocks)
    assert _print(m) == before
    m = small()
    before = _print(m)
    compile_model(m, {"profit": m.profit, "risk": m.n + 2 * m.x["a", 2027]})
    assert _print(m) == before


def test_blocks_are_cut_out() -> None:
    m, blocks = two_stage(0, suppliers=3, shocks=2)
    p = compile_model(m, {"cost": m.cost, "loss": m.loss_measure}, blocks)
    whole = compile_model(m, {"cost": m.cost, "loss": m.loss_measure})
    assert len(p.blocks) == 2
    block = p.blocks[1]
    assert p.column_names[block.theta] == "loss[1]"
    assert block.column_keys[0] == ("flow", (0,))
    assert block.column_names[0] == "shock[1].flow[0]"
    # three capacity rows, stock, balance, and the definition of the loss, which stands outside the block
    assert set(block.row_names) >= {"shock[1].balance", "loss_definition[1]"}
    assert len(block.row_names) == 6
    assert np.flatnonzero(block.theta_coefficient).size == 1
    assert not block.linking[:, [block.theta]].toarray().any()
    rows = p.matrix.shape[0] + sum(len(b.row_names) for b in p.blocks)
    columns = p.matrix.shape[1] + sum(len(b.column_names) for b in p.blocks)
    assert whole.matrix.shape == (rows, columns)


def test_what_cannot_be_compiled_is_listed() -> None:
    m = small()
    m.square = pyo.Constraint(expr=m.x["a", 2027] ** 2 <= 4)
    m.product = pyo.Constraint(expr=m.x["a", 2027] * m.n <= 4)
    with pytest.raises(DataProblem) as raised:
        compile_model(m, {"risk": m.risk})
    assert {p.row for p in raised.value.problems} == {"square", "product"}
    m, blocks = two_stage(0, shocks=2)
    m.coupling = pyo.Constraint(expr=m.shock[0].drawn + m.shock[1].drawn <= 3)
    with pytest.raises(DataProblem, match="coupling"):
        compile_model(m, {"cost": m.cost}, blocks)
    m, blocks = two_stage(0, shocks=2)
    with pytest.raises(DataProblem, match="recourse"):
        compile_model(m, {"cost": m.cost + m.shock[0].drawn}, blocks)


def test_constant_rows() -> None:
    m = small()
    m.true = pyo.Constraint(expr=m.held <= 4)
    m.false = pyo.Constraint(expr=m.held <= 2)
    m.free = pyo.Constraint(expr=(-np.inf, m.n + m.held, np.inf))
    p = compile_model(m, {"risk": m.risk})
    assert "true" not in p.row_names
    assert "free" not in p.row_names  # no side that could bind
    assert p.row_upper[p.row_names.index("false")] == -1
