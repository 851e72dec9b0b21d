"""Infeasible cases: exactly the planted conflict is named, with what would have to give."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_markets import TOYS, market

from optimizer.errors import Infeasible
from optimizer.jobs.frontier import frontier_of, solve_plan
from optimizer.jobs.prepare import Options

OPEN = {"one": (10, 0, 1000, 0, 0), "two": (12, 0, 1000, 0, 0), "three": (15, 0, 1000, 0, 0)}
CAP = '\n[[limits.share_cap]]\nname = "cap"\nstage = "make"\ncountry = "{}"\nmax_share = {}\n'
BUDGET = '\n[[limits.budget]]\nname = "purchases"\nterms = ["purchase"]\nmax_musd = {}\n'

solvers = pytest.mark.parametrize("solver", [solve_plan, frontier_of], ids=["solve", "frontier"])


def refused(solver, case: Path, tmp_path: Path) -> Infeasible:
    with pytest.raises(Infeasible) as raised:
        solver(case, tmp_path / "run", Options())
    assert raised.value.exit_code == 3
    assert not (tmp_path / "run").exists()
    return raised.value


@solvers
def test_demand_beyond_all_plants(tmp_path: Path, solver) -> None:
    # 30 + 30 + 30 t for 100 t: ten tonnes are missing, wherever they come from.
    case = market(tmp_path, "small", OPEN, capacity={"one": 30, "two": 30, "three": 30})
    found = refused(solver, case, tmp_path)
    plants = [f"open capacity of plants: {p}" for p in ("one", "two", "three")]
    assert sorted(found.conflict) == ["demand: market", *sorted(plants)]
    assert sorted(found.relaxation) == [
        "lower demand: market by 10 t/yr (2027)",
        "raise open capacity of plants: one by 10 t/yr (2027)",
        "raise open capacity of plants: three by 10 t/yr (2027)",
        "raise open capacity of plants: two by 10 t/yr (2027)",
    ]


@solvers
def test_share_cap_against_capacity(tmp_path: Path, solver) -> None:
    # `one` may have 40 %; `two` has 30 t, `three` does not sell: 100 t need 70 % of `one` or 60 t of `two`.
    offers = {"one": OPEN["one"], "two": OPEN["two"]}
    case = market(tmp_path, "tight", offers, capacity={"two": 30}, extra=CAP.format("AAA", 0.4))
    found = refused(solver, case, tmp_path)
    assert set(found.conflict) == {"demand: market", "open capacity of plants: two", "share caps: cap"}
    assert set(found.relaxation) == {
        "raise share caps: cap by 30 points (2027)",
        "raise open capacity of plants: two by 30 t/yr (2027)",
        "lower demand: market by 50 t/yr (2027)",  # 50 t are 30 from `two` and 20, which is 40 %, from `one`
    }


@solvers
def test_largest_volumes_are_named_where_they_are_what_is_missing(tmp_path: Path, solver) -> None:
    offers = {"one": (10, 0, 40, 0, 0), "two": (12, 0, 40, 0, 0)}
    found = refused(solver, market(tmp_path, "few", offers), tmp_path)
    assert set(found.conflict) == {
        "demand: market",
        "largest volumes of offers: part from one",
        "largest volumes of offers: part from two",
    }
    assert "raise largest volumes of offers: part from one by 20 t/yr (2027)" in found.relaxation


@solvers
def test_conflict_only_whole_contracts_have(tmp_path: Path, solver) -> None:
    """Half of each contract would do (50 t at 10 and 50 t at 12, 1.1 MUSD), but contracts are whole.

    Both must be signed (60 % caps); `two` then takes at least 100 t, all paid (1.2), and `one` delivers at least 40 t
    (0.4): 1.6 MUSD against a budget of 1.5. The least order of `one` adds nothing to that.
    """
    offers = {"one": (10, 100, 1000, 1, 0), "two": (12, 100, 1000, 1, 0)}
    extra = CAP.format("AAA", 0.6) + CAP.format("BBB", 0.6).replace('"cap"', '"other cap"') + BUDGET.format(1.5)
    found = refused(solver, market(tmp_path, "whole", offers, extra=extra), tmp_path)
    assert set(found.conflict) == {
        "budgets: purchases",
        "demand: market",
        "minimum orders and running contracts: part from two",
        "share caps: cap",
        "share caps: other cap",
    }
    assert "contracts are whole" in str(found)
    assert "raise budgets: purchases by 0.7 MUSD" in found.relaxation  # both whole: 1.0 + 1.2


def test_least_loss_that_can_be_had(tmp_path: Path) -> None:
    with pytest.raises(Infeasible) as raised:  # the only plant stands for 6 of 12 months
        solve_plan(TOYS / "force-majeure", tmp_path / "run", Options(max_loss_months=1.0))
    assert raised.value.conflict == ("the largest loss allowed",)
    assert raised.value.relaxation == ("raise the largest loss allowed by 5 months",)
