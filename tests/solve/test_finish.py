"""The last touch on a plan: ties are broken without leaving a price paid for nothing."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.finish import Finisher
from optimizer.solve.one import Point
from optimizer.solve.question import Question
from optimizer.solve.recourse import Recourse

FAR, NEXT_DOOR, ABROAD, EXCESS, LOSS = range(5)


def benchmark() -> CompiledProgram:
    """100 t of a country's two plants or one abroad; at most 65 % of the country, or the excess is paid at 2 a tonne.

    Ties: what moves from the plant far off costs 3 a tonne, from the one next door 2, from abroad 1.
    """
    m = pyo.ConcreteModel()
    m.made = pyo.Var([FAR, NEXT_DOOR, ABROAD], bounds=(0, 100))
    m.excess = pyo.Var(bounds=(0, None))
    m.loss = pyo.Var(bounds=(0, 12))
    m.demand = pyo.Constraint(expr=m.made[FAR] + m.made[NEXT_DOOR] + m.made[ABROAD] == 100)
    m.share = pyo.Constraint(expr=0.35 * (m.made[FAR] + m.made[NEXT_DOOR]) - 0.65 * m.made[ABROAD] <= m.excess)
    m.cost = pyo.Expression(expr=2 * m.excess)
    m.ties = pyo.Expression(expr=3 * m.made[FAR] + 2 * m.made[NEXT_DOOR] + m.made[ABROAD])
    m.months = pyo.Expression(expr=1 * m.loss)
    return compile_model(m, {"cost": m.cost, "loss": m.months, "ties": m.ties}, [])


def settled(is_paid: bool) -> np.ndarray:
    """A plan with 90 t from far off, 25 t above the benchmark (0.35 x 90 - 0.65 x 10), as ties leave it."""
    program = benchmark()
    place = {(name, index): at for at, (name, index) in enumerate(program.column_keys)}
    order = [place["made", (at,)] for at in (FAR, NEXT_DOOR, ABROAD)] + [place["excess", ()], place["loss", ()]]
    x = np.zeros(len(order))
    x[order] = [90.0, 0.0, 10.0, 25.0, 0.0]
    point = Point(1, 50.0, 0.0, 0.0, 0.0, "optimal", x, "")
    free = np.zeros(len(order), dtype=bool)
    free[order[:3]] = True
    paid = np.array([is_paid and name == "share" for name, _ in program.row_keys])
    with Recourse(program) as recourse:
        return Finisher(program, "cost", "loss", "ties", recourse).settled(point, free, paid, 10.0)[order]


def test_ties_move_nothing_out_of_an_excess_that_is_paid_for() -> None:
    # From far off to next door, but not abroad: the 25 t are paid and stay.
    assert settled(is_paid=True) == pytest.approx([0.0, 90.0, 10.0, 25.0, 0.0])


def test_without_a_price_on_the_row_all_goes_where_it_moves_least() -> None:
    assert settled(is_paid=False) == pytest.approx([0.0, 0.0, 100.0, 25.0, 0.0])


def test_a_row_with_room_may_use_it() -> None:
    """The same plan with nothing above the benchmark: nobody is held to what is not paid."""
    program = benchmark()
    place = {(name, index): at for at, (name, index) in enumerate(program.column_keys)}
    order = [place["made", (at,)] for at in (FAR, NEXT_DOOR, ABROAD)]
    x = np.zeros(program.lower.size)
    x[order] = [40.0, 0.0, 60.0]
    free = np.zeros(x.size, dtype=bool)
    free[order] = True
    paid = np.array([name == "share" for name, _ in program.row_keys])
    point = Point(1, 0.0, 0.0, 0.0, 0.0, "optimal", x, "")
    with Recourse(program) as recourse:
        left = Finisher(program, "cost", "loss", "ties", recourse).settled(point, free, paid, 10.0)
    assert left[order] == pytest.approx([0.0, 0.0, 100.0])


def licensed(licence_t: float) -> CompiledProgram:
    """100 t made at 1 a tonne under a licence, or bought at 2."""
    m = pyo.ConcreteModel()
    m.made, m.bought = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None))
    m.loss = pyo.Var(bounds=(0, 12))
    m.demand = pyo.Constraint(expr=m.made + m.bought == 100)
    m.licence = pyo.Constraint(expr=m.made <= licence_t)
    m.cost = pyo.Expression(expr=m.made + 2 * m.bought)
    m.months = pyo.Expression(expr=1 * m.loss)
    return compile_model(m, {"cost": m.cost, "loss": m.months, "ties": m.months}, [])


def prices(program: CompiledProgram) -> dict[str, float]:
    """Constraint → price of the program's cheapest plan."""
    with Recourse(program) as recourse:
        finisher = Finisher(program, "cost", "loss", "ties", recourse)
        x = finisher.master.relax(Question()).x
        assert x is not None
        point = Point(1, *finisher.master.values(x), 0.0, 0.0, "optimal", x, "")
        return {constraint: price for constraint, _, price in finisher.prices(point, 10.0)}


def test_a_licence_that_keeps_from_the_cheaper_source_is_worth_what_the_other_costs_more() -> None:
    assert prices(licensed(60.0)) == pytest.approx({"demand": 2.0, "licence": -1.0})


def test_a_licence_just_large_enough_is_worth_nothing() -> None:
    """Demand at 1 to 2 and the licence at 0 to -1 prove the optimum; but with a larger licence nothing is saved."""
    assert prices(licensed(100.0)) == pytest.approx({"demand": 1.0})


def test_prices_leave_the_program_as_it_was() -> None:
    program = licensed(100.0)
    with Recourse(program) as recourse:
        finisher = Finisher(program, "cost", "loss", "ties", recourse)
        x = finisher.master.relax(Question()).x
        assert x is not None
        point = Point(1, *finisher.master.values(x), 0.0, 0.0, "optimal", x, "")
        first = finisher.prices(point, 10.0)
        before = finisher.master.warm.program
        assert finisher.prices(point, 10.0) == first
        assert np.array_equal(before.row_lower, finisher.master.warm.program.row_lower)
        assert np.array_equal(before.row_upper, finisher.master.warm.program.row_upper)
        held = before.row_upper[: program.row_upper.size]
        assert np.array_equal(held, program.row_upper)
