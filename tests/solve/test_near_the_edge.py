"""Cases on the edge: demand that just can, or just cannot, be met; caps at the least loss; many equal plans."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "properties"))
from small_case import Accident, Small, Supplier, compiled, least_cost, least_loss, write

from optimizer.errors import Infeasible
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import COST, LOSS, Options
from optimizer.results.folder import read_run
from optimizer.solve.effort import Effort
from optimizer.solve.one import solve_at

TOLERATED = 1e-5
"""Share of demand that may be missing from a plan the solver accepts; more than that must be told as impossible."""
WHOLE = Small(
    (Supplier("plant_0", 20.0, 60.0, 0.0, 60.0), Supplier("plant_1", 30.0, 40.0, 40.0, 40.0)),
    (Accident("fire_0", ("plant_0",), 0.1, 6, 0.0),),
    demand=100.0,
)
"""Both plants at their limits make exactly what is wanted, the second by one whole contract. By hand: (60 t at
20 USD/kg + 40 t at 30 USD/kg) / 1e3 = 2.4 MUSD before discounting."""
DISCOUNTED = 1.05**-0.5
"""Mid-year factor of the only year."""


# A thousandth less demand is a thousandth of 100 t less from the first plant.
@pytest.mark.parametrize("more", [-1e-3, -1e-9, 0.0, 1e-12, 1e-9, 1e-7, 1e-3])
def test_demand_at_the_limit_is_met_or_told_impossible(more: float, tmp_path: Path) -> None:
    program = compiled(replace(WHOLE, demand=100.0 * (1.0 + more)), tmp_path / "case")
    try:
        cost = least_cost(program)[0]
    except Infeasible:
        assert more > 0.0
        return
    assert more < TOLERATED
    assert cost == pytest.approx((2.4 + min(0.0, more) * 100.0 * 20.0 / 1e3) * DISCOUNTED, rel=1e-6)


def test_a_plan_without_any_room_passes_the_audit(tmp_path: Path) -> None:
    plan = solve_plan(write(WHOLE, tmp_path / "case"), tmp_path / "run", Options())
    assert read_run(plan.path).audit["passed"] is True


@pytest.mark.parametrize("share", [1.0 - 1e-3, 1.0 - 1e-9, 1.0, 1.0 + 1e-9])
def test_a_cap_at_the_least_loss_has_a_plan_or_is_told_impossible(share: float, tmp_path: Path) -> None:
    program = compiled(replace(WHOLE, demand=80.0), tmp_path / "case")
    least = least_loss(program)
    try:
        point = solve_at(program, COST, LOSS, effort=Effort(gap_share=0.0), max_second=share * least)
    except Infeasible:
        assert share < 1.0
        return
    assert share > 1.0 - 1e-6
    assert point.second == pytest.approx(least, abs=1e-5)


def test_many_equal_plans_give_one_answer_and_the_same_again(tmp_path: Path) -> None:
    # By hand: eight plants of 25 t at one price, 100 t wanted: any four of them, 100 t * 20 USD/kg / 1e3 = 2 MUSD.
    plants = tuple(Supplier(f"plant_{k}", 20.0, 25.0, 25.0, 25.0) for k in range(8))
    fires = tuple(Accident(f"fire_{k}", (f"plant_{k}",), 0.1, 12, 0.0) for k in range(8))
    equal = Small(plants, fires, demand=100.0)
    program = compiled(equal, tmp_path / "case")
    one, again = (solve_at(program, COST, LOSS, effort=Effort(gap_share=0.0)) for _ in range(2))
    assert one.first == pytest.approx(2.0 * DISCOUNTED, rel=1e-6)
    assert one.x.tolist() == again.x.tolist()
    assert math.isclose(least_cost(program, one.second)[0], one.first, rel_tol=1e-6)
