"""Every shipped case by SCIP through the same Pyomo model, cut to a size at which it takes the whole model at once."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pytest

from optimizer.batch.vary import Changes, vary
from optimizer.jobs.prepare import COST, LOSS, Prepared, prepare
from optimizer.solve.master import Answer, Master, Question
from optimizer.tables.case import load_case

pytest.importorskip("pyscipopt", reason="SCIP is not installed")
pytestmark = pytest.mark.long

GAP = 0.01
"""Gap at which the mixed-integer solves stop, share of cost."""
SECONDS = 120.0


def shorter(years: tuple[int, ...], last: int) -> list[int]:
    return [year for year in years if year <= last]


def cut(name: str) -> Prepared:
    """A shipped case with its first two years, and shocks of two of its events in the last of them."""
    case = load_case(name)
    settings = case.settings
    last = settings.horizon.first_year + 1
    changes: dict[str, Any] = {
        "horizon.last_year": last,
        "contracts.start_years": shorter(settings.contracts.start_years, last),
        "contracts.qualification_years": shorter(settings.contracts.qualification_years, last),
        "shocks.start_years": [last],
        "shocks.events": list(settings.shocks.events[:2]),
        "policy.shock_regimes": list(settings.policy.shock_regimes[:1]),
    }
    return prepare(vary(case, Changes(changes), name)[1])


@cache
def solved(name: str, cap: float) -> tuple[Prepared, Master, Answer]:
    case = cut(name)
    master = Master(case.program, COST, LOSS)
    return case, master, master.answer(Question(max_second=cap), GAP)


@cache
def middle(name: str) -> float:
    """A cap half-way between what the cheapest plan loses and the least any plan can lose."""
    case, master, cheapest = solved(name, math.inf)
    least = master.relax(Question(weight=0.0)).bound
    return 0.5 * (least + cheapest.attained[0].second)
