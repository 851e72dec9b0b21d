"""Every shipped case by SCIP through the same Pyomo model, cut to a size at which it takes the whole model at once.

Plants, years, contracts and rules of a case are all kept; the cut is in its shocks.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pyomo.environ as pyo
import pytest
from two_solvers import AGREE, fix_integers, highs, posed, same, scip, value

from optimizer.batch.vary import Changes, vary
from optimizer.jobs.prepare import COST, LOSS, Prepared, prepare
from optimizer.solve.master import Answer, Master, Question
from optimizer.tables.case import load_case
from optimizer.tables.locate import shipped_cases

pytest.importorskip("pyscipopt", reason="SCIP is not installed")
pytestmark = pytest.mark.long

EVENTS = 2
"""Events kept: the first of the case's list, or of the table where the case takes all."""
GAP = 0.01
"""Gap at which the mixed-integer solves stop, share of cost."""
SECONDS = 120.0
"""Limit of a mixed-integer solve by SCIP, seconds of computing; what it has proven by then is compared."""


def shortened(name: str) -> Prepared:
    """A shipped case whole but for its shocks: two events and at most one regime, striking in the second year only."""
    case = load_case(name)
    settings = case.settings
    events = settings.shocks.events or tuple(case.tables["events"]["event"])
    changes: dict[str, Any] = {
        "shocks.start_years": [settings.horizon.first_year + 1],
        "shocks.events": list(events[:EVENTS]),
        "policy.shock_regimes": list(settings.policy.shock_regimes[:1]),
    }
    return prepare(vary(case, Changes(changes), name)[1])


@cache
def solved(name: str, cap: float) -> tuple[Prepared, Master, Answer]:
    case = shortened(name)
    master = Master(case.program, COST, LOSS)
    return case, master, master.answer(Question(max_second=cap), GAP)


@cache
def middle(name: str) -> float:
    """A cap half-way between what the cheapest plan loses and the least any plan can lose."""
    _, master, cheapest = solved(name, math.inf)
    least = master.answer(Question(weight=1.0, of_first=0.0), GAP).attained[0].second
    return 0.5 * (least + cheapest.attained[0].second)


@pytest.mark.parametrize("is_capped", [False, True], ids=["free", "capped"])
@pytest.mark.parametrize("name", shipped_cases())
def test_linear_relaxations_of_shipped_cases_agree(name: str, is_capped: bool) -> None:
    cap = middle(name) if is_capped else math.inf
    case, master, _ = solved(name, math.inf)
    model = posed(case, cap)
    pyo.TransformationFactory("core.relax_integer_vars").apply_to(model)
    by_scip, by_highs = value(scip(), model)[1], value(highs(), model)[1]
    assert by_scip == same(by_highs)
    assert by_scip == same(master.relax(Question(max_second=cap)).bound)


@pytest.mark.parametrize("name", shipped_cases())
def test_shipped_cases_with_fixed_integers_agree(name: str) -> None:
    case, master, answer = solved(name, math.inf)
    x = answer.attained[0].x
    model = posed(case, math.inf)
    fix_integers(model, case.program, x)
    by_scip, by_highs = value(scip(), model)[1], value(highs(), model)[1]
    again = master.polish(Question(), x)
    assert again is not None
    assert by_scip == same(by_highs)
    assert by_scip == same(again.first)


@pytest.mark.parametrize("is_capped", [False, True], ids=["free", "capped"])
@pytest.mark.parametrize("name", shipped_cases())
def test_intervals_of_shipped_cases_overlap(name: str, is_capped: bool) -> None:
    cap = middle(name) if is_capped else math.inf
    case, _, answer = solved(name, cap)
    results = scip(GAP, SECONDS).solve(
        posed(case, cap), load_solutions=False, raise_exception_on_nonoptimal_result=False
    )
    bound, incumbent = results.problem.lower_bound, results.problem.upper_bound
    ours = answer.attained[0].first
    room = AGREE * (1.0 + abs(ours))
    assert bound > -math.inf, "SCIP proved nothing in its time"
    assert bound <= ours + room
    assert answer.bound <= (math.inf if incumbent is None else incumbent) + room
