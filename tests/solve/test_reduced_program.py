"""A reduced program has the same plans, objectives and losses as the whole."""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest
from two_stage import two_stage

from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier
from optimizer.solve.highs import Termination, violation
from optimizer.solve.master import Master
from optimizer.solve.question import Question
from optimizer.solve.reduce import reduce, unreduced
from optimizer.solve.starts import Ending, Start, Starts
from optimizer.solve.warm import BASIC, Basis


def chained(seed: int) -> CompiledProgram:
    """The two-stage toy, its stock bought through a chain of three steps that each lose some, and a fixed fee."""
    m, blocks = two_stage(seed)
    m.step = pyo.Var(range(3), bounds=(0, 6))
    m.fee = pyo.Var(bounds=(0.5, 0.5))
    m.bought = pyo.Constraint(expr=0.9 * m.step[0] == m.step[1])
    m.shipped = pyo.Constraint(expr=m.step[2] == 0.8 * m.step[1])
    m.stored = pyo.Constraint(expr=m.stock == m.step[2])
    m.most = pyo.Constraint(expr=m.step[1] <= 4.5)
    m.never = pyo.Constraint(expr=m.step[0] + m.step[1] + m.fee <= 20.0)
    m.paid = pyo.Expression(expr=m.cost + 0.1 * m.step[0] + m.fee)
    return compile_model(m, {"cost": m.paid, "loss": m.loss_measure}, blocks)


def test_a_chain_becomes_one_column_with_the_tightest_bounds() -> None:
    program = chained(0)
    form = reduce(program)
    # step[0] = s, step[1] = 0.9 s, step[2] = stock = 0.72 s: three columns of four go, and the fixed fee. Rows: bought,
    # shipped, stored (equalities of two), most (one column) and never (holds within bounds) go.
    assert form.program.lower.size == program.lower.size - 4
    assert form.program.matrix.shape[0] == program.matrix.shape[0] - 5
    names = list(program.column_names)
    chain = [names.index(name) for name in ("step[0]", "step[1]", "step[2]", "stock")]
    (own,) = {int(np.flatnonzero(form.back[place].toarray())[0]) for place in chain}
    top = np.where(np.arange(form.program.upper.size) == own, form.program.upper, 0.0)
    # stock <= 4 and step[1] <= 4.5 say s <= 5.56 and s <= 5; step[2] = 0.72 x 5 = 3.6
    assert form.whole(top)[chain] == pytest.approx([5.0, 4.5, 3.6, 3.6])
    assert form.whole(top)[names.index("fee")] == 0.5
    assert form.program.is_integer.sum() == program.is_integer.sum()


@pytest.mark.parametrize("seed", range(4))
def test_bounds_plans_and_losses_are_those_of_the_whole(seed: int) -> None:
    program = chained(seed)
    form = reduce(program)
    whole, small = Master(program, "cost", "loss"), Master(form.program, "cost", "loss")
    for question in (Question(), Question(max_second=6.0), Question(0.4), Question(of_first=0.0, weight=1.0)):
        ours, theirs = small.relax(question), whole.relax(question)
        assert ours.bound == pytest.approx(theirs.bound, rel=1e-6, abs=1e-6)
        answer = small.answer(question, 1e-7)
        assert answer.bound == pytest.approx(whole.answer(question, 1e-7).bound, rel=1e-5, abs=1e-5)
        plan = answer.attained[0]
        x = form.whole(plan.x)
        assert violation(whole.linear, x) <= 1e-6
        assert whole.values(x) == pytest.approx((plan.first, plan.second), rel=1e-7)
        assert whole.fingerprint(x) == plan.integers_hash
        losses = whole.recourse.evaluate(x).losses
        assert losses == pytest.approx(small.recourse.evaluate(plan.x).losses, abs=1e-6)


def test_points_of_a_frontier_come_back_whole() -> None:
    program = chained(1)
    found = trace_frontier(program, "cost", "loss", Effort(points=5, tolerance_share=0.002, gap_share=0.001))
    master = Master(program, "cost", "loss")
    assert len(found.points) > 2
    for point in found.points:
        assert point.x.size == program.lower.size
        assert violation(master.linear, point.x) <= 1e-6
        assert master.values(point.x) == pytest.approx((point.first, point.second), rel=1e-6)


def contradictory(kind: str) -> Any:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, 1)), pyo.Var(bounds=(0, 1))
    if kind == "one column":
        m.most = pyo.Constraint(expr=3.0 * m.x >= 6.0)
    elif kind == "two columns":
        m.tied = pyo.Constraint(expr=m.x == 2.0 * m.y + 1.5)
    else:
        m.both = pyo.Constraint(expr=m.x == m.y)
        m.apart = pyo.Constraint(expr=m.x == m.y + 0.25)
    m.cost = pyo.Expression(expr=m.x + m.y)
    m.loss = pyo.Expression(expr=-m.x)
    return m


@pytest.mark.parametrize("kind", ["one column", "two columns", "a loop"])
def test_a_contradiction_stays_one(kind: str) -> None:
    m = contradictory(kind)
    program = reduce(compile_model(m, {"cost": m.cost, "loss": m.loss})).program
    assert Master(program, "cost", "loss").relax(Question()).termination is Termination.INFEASIBLE


def test_integers_and_thetas_are_never_taken_out() -> None:
    m = pyo.ConcreteModel()
    m.count, m.amount = pyo.Var(domain=pyo.Integers, bounds=(0, 3)), pyo.Var(bounds=(0, 100))
    m.lots = pyo.Constraint(expr=m.amount == 25.0 * m.count)
    m.cost, m.loss = pyo.Expression(expr=m.amount), pyo.Expression(expr=-m.amount)
    form = reduce(compile_model(m, {"cost": m.cost, "loss": m.loss}))
    assert form.program.is_integer.tolist() == [True]
    assert form.program.objectives["cost"][0].tolist() == [25.0]
    assert form.whole(np.array([2.0])).tolist() == [2.0, 50.0]


def test_unreduced_changes_nothing() -> None:
    program = chained(0)
    form, x = unreduced(program), np.linspace(-1.0, 1.0, program.lower.size)
    assert form.program is program
    assert np.array_equal(form.whole(x), x)


def test_a_relaxation_begins_at_the_nearest_known_optimum() -> None:
    starts = Starts()
    assert starts.nearest(Question(max_second=1.0)) is None
    nowhere = Ending(Basis([], []), ())
    known = [Start(second, price, nowhere) for second, price in ((3.0, 0.1), (1.0, 5.0), (0.2, 80.0))]
    for start in known:
        starts.add(start)
    assert starts.nearest(Question(max_second=1.4)) is known[1]
    assert starts.nearest(Question(30.0)) is known[2]
    assert starts.nearest(Question(0.3)) is known[0]


def test_a_start_knows_its_cuts_whatever_is_held_later() -> None:
    lower = highspy.HighsBasisStatus.kLower
    ending = Ending(Basis([BASIC], [lower, BASIC, BASIC, lower]), held=(4, 7))  # two rows, then cuts 4 and 7
    assert ending.binding == {7: lower}
    assert ending.with_cuts([2, 7, 9]).rows == [lower, BASIC, BASIC, lower, BASIC]
