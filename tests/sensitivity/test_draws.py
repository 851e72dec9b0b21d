"""Joint draws: ranges, correlations, the value of knowing, picks, and plans made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sensed import TOYS, indexed, sensed, solved

from optimizer.jobs.prepare import COST, LOSS
from optimizer.jobs.reopen import reopen
from optimizer.sensitivity.bill import Bill
from optimizer.sensitivity.draws import Draws, draw_levels, partial_information, perfect_information, picks_table
from optimizer.sensitivity.figures import Figure
from optimizer.sensitivity.resolve import solved_again


def near(value: float, tolerance: float = 1e-6):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def figure(low: float, high: float) -> Figure:
    return Figure("own:x", "own", "x", low, high, 1, "table", "", "price")


def test_levels_follow_the_triangle_and_the_seed() -> None:
    one = figure(0.8, 1.6)
    levels = draw_levels([one], 4000, 1)[:, 0]
    shares = np.array([one.share(level) for level in levels])
    assert shares.mean() == near((0.8 + 1.0 + 1.6) / 3, 2e-3)  # mean of a triangle
    assert (levels < 0).mean() == near(0.2 / 0.8, 2e-3)  # mass below its mode
    assert levels.min() >= -1.0
    assert levels.max() <= 1.0
    assert np.array_equal(levels, draw_levels([one], 4000, 1)[:, 0])
    assert not np.array_equal(levels, draw_levels([one], 4000, 2)[:, 0])


def test_knowing_a_figure_is_worth_what_the_hand_says() -> None:
    # plan one costs 10; plan two 9 or 11, as the first figure falls: knowing it saves 1 in half of the cases
    first = np.array([-1.0, 1.0, -1.0, 1.0])
    second = np.array([-1.0, -1.0, 1.0, 1.0])
    values = np.column_stack([np.full(4, 10.0), 10.0 + first])
    assert partial_information(first, values) == near(0.5)
    assert partial_information(second, values) == near(0.0)
    assert perfect_information(values) == near(0.5)
    # what moves both alike is not worth knowing, however much it moves them
    assert partial_information(second, values + 100.0 * second[:, None]) == near(0.0)


def test_pick_is_stable_if_the_best_plans_share_it() -> None:
    costs = np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]])
    draws = Draws((), np.zeros((3, 0)), costs, np.zeros((3, 2)))
    at = ("offer", "here", "make", "AAA")
    table = picks_table(draws, [{"both": at, "first": at}, {"both": at, "second": at}], 0.0).set_index("pick")
    assert table["draw_share"].to_dict() == near({"both": 1.0, "first": 2 / 3, "second": 1 / 3})
    assert table["is_stable"].to_dict() == {"both": True, "first": False, "second": False}


def test_draws_of_a_run_agree_with_the_hand_and_repeat(tmp_path: Path) -> None:
    found = sensed(indexed(tmp_path), tmp_path, samples=400)
    (point,) = found.tables["sensitivity_points"].to_dict("records")
    # the own part alone has mean (3 + 4 + 6) / 3; the deck's floor lifts the low end: E max(11, p) for the triangle
    # 10, 12, 20 is 14 + the integral of (x - 10)^2 / 20 over 10 to 11, 1/60
    own, deck = 13 / 3, 0.5 * (14 + 1 / 60)
    freight = 0.05 * (0.7 + 1.0 + 1.6) / 3
    assert point["cost_mean_musd"] == near(0.2 * (own + deck) + freight, 3e-3)
    assert point["best_share"] == 1.0
    worth = found.tables["sensitivity_worth"].set_index("figure")
    assert worth.loc["deck:part", "cost_rank_correlation"] > worth.loc["own:plant_sale", "cost_rank_correlation"] > 0.2
    assert worth["worth_knowing_musd"].max() == near(0.0)  # one plan: nothing to choose
    again = sensed(indexed(tmp_path / "again"), tmp_path / "again", samples=400)
    for name, table in found.tables.items():
        assert table.equals(again.tables[name]), name


def test_bill_adds_up_to_the_objective_and_other_prices_make_another_plan(tmp_path: Path) -> None:
    run = reopen(solved(TOYS / "regimes", tmp_path))
    instance, program, x = run.ready.instance, run.ready.program, run.plans[1]
    bill = Bill.of(instance, program, COST)
    assert bill.cost(x) == near(2.0)  # 2 x 100 t at 10 USD/kg
    assert np.abs(bill.rest).max() == near(0.0)
    prices = np.array(
        [8.0 if item[:2] == ("offer", "home_sale") else p for item, p in zip(bill.items, bill.prices, strict=True)]
    )
    objective = {1: (bill.coefficients(prices), float(bill.given @ prices) + bill.rest_given)}
    (again,) = solved_again(instance, program, (COST, LOSS), x, objective, [x], (30.0, 0.0))
    assert (again.kept_cost_musd, again.cost_musd) == near((2.0, 1.6))  # home sells at 8 instead
    assert "offer:home_sale" in again.picks
    assert "offer:far_sale" not in again.picks


def test_first_draws_are_solved_again_on_request(tmp_path: Path) -> None:
    found = sensed(indexed(tmp_path), tmp_path, samples=20, resolves=2, seconds=30.0)
    solves = found.tables["sensitivity_resolved"]
    assert solves["draw"].tolist() == [1, 2]
    assert (solves["saving_musd"].abs() < 1e-6).all()  # there is no other supplier
    assert found.tables["sensitivity_resolved_picks"]["is_stable"].all()
