"""The toy whose shocks nobody foresees: its frontier, the value of foresight by brute force, all four measures."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
from toy import cheapest, held, planned, price_of, ready, traced, variant

from optimizer.chain.instance import Measure
from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.model.build import build_model, recourse_blocks
from optimizer.results.measures import loss_measure
from optimizer.solve.compile import compile_model

DEMAND, YEARS = 100.0, (2027, 2028)
RATES = {"alpha_fails": 0.3, "beta_fails": 0.1}
LEVELS = (0.0, 25.0, 50.0, 75.0, 100.0)

Plan = tuple[float, float, float, float]
"""Tonnes committed: alpha and beta in the first year, alpha and beta in the second."""


def _cost(plan: Plan) -> float:
    return (10 * (plan[0] + plan[2]) + 12 * (plan[1] + plan[3])) / 1000


def _losses(plan: Plan) -> dict[str, float]:
    left = {"alpha_fails": (plan[1], plan[3]), "beta_fails": (plan[0], plan[2])}
    return {f"{e}@{t}": 12 * (1 - left[e][k] / DEMAND) for e in RATES for k, t in enumerate(YEARS)}


PLANS = [(a, b, c, d) for a, b, c, d in product(LEVELS, repeat=4) if a + b >= DEMAND and c + d >= DEMAND]


def _without_foresight(worst: float) -> float:
    return min(_cost(plan) for plan in PLANS if max(_losses(plan).values()) <= worst + 1e-9)


def _with_foresight(worst: float) -> float:
    """Mean over shocks of the cheapest plan made for that shock alone."""
    rates = {shock: RATES[shock.split("@")[0]] for shock in _losses(PLANS[0])}
    best = {s: min(_cost(plan) for plan in PLANS if _losses(plan)[s] <= worst + 1e-9) for s in rates}
    return sum(rate * best[s] for s, rate in rates.items()) / sum(rates.values())


@pytest.mark.parametrize(("worst", "cost"), [(12.0, 2.0), (9.0, 2.1), (6.0, 2.2), (3.0, 3.3), (0.0, 4.4)])
def test_plan_is_the_one_that_does_not_foresee(worst: float, cost: float) -> None:
    assert _without_foresight(worst) == pytest.approx(cost)
    point = cheapest(ready("no-foresight").program, worst)
    assert point.first == pytest.approx(cost, abs=1e-6)
    assert point.second <= worst + 1e-5


def test_foresight_would_be_worth_money() -> None:
    assert _with_foresight(0.0) == pytest.approx(2.15)
    assert cheapest(ready("no-foresight").program, 0.0).first - _with_foresight(0.0) == pytest.approx(2.25, abs=1e-6)


def test_all_shocks_share_one_set_of_commitments() -> None:
    run = planned("no-foresight", max_loss_months=3.0)
    rows = run.tables["commitments"].set_index(["offer", "year"])["committed_t"]
    assert set(rows.round(4)) == {75.0}
    losses = run.tables["losses"].set_index("shock")["loss_months"]
    assert losses.to_dict() == pytest.approx(dict.fromkeys(_losses(PLANS[0]), 3.0), abs=1e-5)


@pytest.mark.parametrize(("loss", "slope"), [(9.0, 0.2 / 6), (3.0, 2.2 / 6)])
def test_price_of_a_month_is_the_slope_of_the_curve(loss: float, slope: float) -> None:
    assert price_of(planned("no-foresight", max_loss_months=loss), "loss_cap", "") == pytest.approx(-slope, abs=1e-6)


def test_frontier_lies_on_the_curve() -> None:
    points = traced("no-foresight").tables["frontier"]
    assert points["loss_months"].max() == pytest.approx(12.0, abs=1e-4)
    assert points["loss_months"].min() == pytest.approx(0.0, abs=1e-4)
    for loss, cost in zip(points["loss_months"], points["cost_musd"], strict=True):
        curve = 2.0 + 0.2 * (12 - loss) / 6 if loss >= 6 else 4.4 - 2.2 * loss / 6
        assert cost == pytest.approx(curve, rel=1e-5)


UNEVEN = {"alpha": (100.0, 50.0), "beta": (0.0, 50.0)}
"""All from alpha in 2027, half and half in 2028: losses 12, 0 and 6, 6."""

MEASURED = [
    ("worst_case", 0.2, {}, 12.0),
    ("expected", 0.2, {}, 0.375 * 12 + 0.5 * 6),
    ("cvar", 0.2, {}, (0.375 * 12 + 0.425 * 6) / 0.8),
    ("cvar_by_start_year", 0.2, {}, (0.75 * 12 / 0.8 + 6) / 2),
    ("cvar_by_start_year", 0.2, {2027: 3.0, 2028: 1.0}, 0.75 * 11.25 + 0.25 * 6),
    ("cvar_by_start_year", 0.8, {}, (12 + 6) / 2),
    ("cvar", 0.8, {}, 12.0),
    ("cvar", 0.5, {}, (0.375 * 12 + 0.125 * 6) / 0.5),
]


@pytest.mark.parametrize(("kind", "alpha", "weights", "by_hand"), MEASURED)
def test_measures_of_an_uneven_plan_by_hand(kind, alpha, weights, by_hand) -> None:
    instance = replace(ready("no-foresight").instance, measure=Measure(kind, alpha, weights))
    model = build_model(instance)
    program = compile_model(model, {COST: model.cost, LOSS: model.loss_measure}, recourse_blocks(model))
    fixed = {(f"{plant}_sale", t): volumes[k] for plant, volumes in UNEVEN.items() for k, t in enumerate(YEARS)}
    point = cheapest(held(program, "committed", fixed))
    assert point.first == pytest.approx(2.1, abs=1e-6)
    assert point.second == pytest.approx(by_hand, abs=1e-5)
    shocks = pd.DataFrame(
        [(s.shock, s.start_year, s.probability, s.rate_per_year) for s in instance.shocks.values()],
        columns=["shock", "start_year", "weight", "rate_per_year"],
    )
    losses = {"alpha_fails@2027": 12.0, "beta_fails@2027": 0.0, "alpha_fails@2028": 6.0, "beta_fails@2028": 6.0}
    assert loss_measure(losses, shocks, kind, alpha, weights) == pytest.approx(by_hand)


CAPPED = [
    ('kind = "worst_case"\nalpha = 0.8', 2.15),
    ('kind = "expected"', 2.1),
    ('kind = "cvar_by_start_year"\nalpha = 0.2', 2 * (1 + 0.2 * (12 - 5.4 / 0.7) / 12)),
    ('kind = "cvar_by_start_year"\nalpha = 0.8\nyear_weights = { 2027 = 3, 2028 = 1 }', 2.1),
]


@pytest.mark.parametrize(("measure", "cost"), CAPPED)
def test_cost_of_seven_and_a_half_months_by_measure(measure: str, cost: float, tmp_path) -> None:
    folder = variant(tmp_path, "no-foresight", {'kind = "worst_case"\nalpha = 0.8': measure})
    point = cheapest(prepare(folder).program, 7.5)
    assert point.first == pytest.approx(cost, abs=1e-6)
    assert point.second == pytest.approx(7.5, abs=1e-4)
