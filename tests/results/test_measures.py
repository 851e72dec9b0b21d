"""Measures of small discrete distributions, worked by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.results.measures import (
    KINDS,
    cvar,
    expected,
    loss_measure,
    losses_of,
    normalised,
    stock_drawn,
    value_at_risk,
    worst,
)

LOSSES, EVEN = [0.0, 1.0, 2.0, 5.0], [0.25] * 4


@pytest.mark.parametrize(
    ("alpha", "result"),
    [
        (0.0, 2.0),  # mean of all
        (0.5, 3.5),  # mean of 2 and 5
        (0.75, 5.0),  # the worst quarter
        (0.9, 5.0),
        (1.0, 5.0),
        (0.6, (0.15 * 2 + 0.25 * 5) / 0.4),  # the shock on the edge is split
    ],
)
def test_cvar_of_four_even_losses(alpha, result):
    assert cvar(LOSSES, EVEN, alpha) == pytest.approx(result, abs=1e-12)


def test_uneven_probabilities_are_weighted_and_scaled():
    # tail of 0.2: all of 10 (0.1) and half of 4 (0.2 -> 0.1)
    assert cvar([4.0, 10.0, 1.0], [0.2, 0.1, 0.7], 0.8) == pytest.approx(7.0)
    assert cvar([4.0, 10.0, 1.0], [2, 1, 7], 0.8) == pytest.approx(7.0)
    assert value_at_risk([4.0, 10.0, 1.0], [0.2, 0.1, 0.7], 0.8) == 4.0
    assert expected([4.0, 10.0], [3, 1]) == pytest.approx(5.5)
    assert worst([4.0, 10.0]) == 10.0


def test_nothing_can_happen():
    assert cvar([], [], 0.8) == expected([], []) == worst([]) == value_at_risk([], [], 0.5) == 0.0
    assert normalised([0.0, 0.0]).tolist() == [0.5, 0.5]


def test_impossible_values_are_refused():
    with pytest.raises(ValueError, match="alpha"):
        cvar([1.0], [1.0], 1.2)
    with pytest.raises(ValueError, match="non-negative"):
        expected([1.0], [-1.0])


@given(st.lists(st.tuples(st.floats(0, 24), st.floats(0.01, 1)), min_size=1, max_size=12), st.floats(0, 0.95))
def test_cvar_is_the_least_value_of_its_defining_expression(pairs, alpha):
    losses, weights = np.array(pairs).T
    shares = weights / weights.sum()
    least = min(eta + shares @ np.maximum(losses - eta, 0.0) / (1 - alpha) for eta in [0.0, *losses])
    assert cvar(losses, weights, alpha) == pytest.approx(least, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 24), st.floats(0.01, 1)), min_size=1, max_size=8), st.floats(0, 1))
def test_splitting_a_shock_changes_nothing(pairs, alpha):
    losses, weights = (list(part) for part in zip(*pairs, strict=True))
    halves = [weights[0] / 2, *weights[1:], weights[0] / 2]
    assert cvar([*losses, losses[0]], halves, alpha) == pytest.approx(cvar(losses, weights, alpha), abs=1e-9)


SHOCKS = pd.DataFrame(
    {
        "shock": ["a@1", "b@1", "a@2", "b@2"],
        "start_year": [1, 1, 2, 2],
        "weight": [0.9, 0.1, 0.9, 0.1],
        "rate_per_year": [0.09, 0.01, 0.09, 0.01],
    }
)
MONTHS = {"a@1": 1.0, "b@1": 6.0, "a@2": 0.0, "b@2": 4.0}


@pytest.mark.parametrize(
    ("kind", "weights", "result"),
    [
        ("cvar_by_start_year", {}, 0.5 * 3.5 + 0.5 * 2.0),  # tail of 0.2: (0.1 x 6 + 0.1 x 1) / 0.2; (0.1 x 4) / 0.2
        ("cvar_by_start_year", {1: 3.0, 2: 1.0}, 0.75 * 3.5 + 0.25 * 2.0),
        ("cvar", {}, (0.05 * 6 + 0.05 * 4 + 0.1 * 1) / 0.2),
        ("worst_case", {}, 6.0),
        ("expected", {}, 0.45 * 1 + 0.05 * 6 + 0.05 * 4),
    ],
)
def test_measure_over_start_years(kind, weights, result):
    assert loss_measure(MONTHS, SHOCKS, kind, 0.8, weights) == pytest.approx(result)


@pytest.mark.parametrize("kind", KINDS)
def test_what_never_happens_changes_no_measure(kind):
    never = pd.DataFrame({"shock": ["c@1", "c@3"], "start_year": [1, 3], "weight": 0.0, "rate_per_year": 0.0})
    more = pd.concat([SHOCKS, never], ignore_index=True)
    lost = {**MONTHS, "c@1": 24.0, "c@3": 24.0}
    # neither the worst case nor the years weighed are touched
    assert loss_measure(lost, more, kind, 0.8, {}) == loss_measure(MONTHS, SHOCKS, kind, 0.8, {})
    assert loss_measure(lost, never, kind, 0.8, {}) == 0.0


def test_unknown_measure_is_refused():
    with pytest.raises(ValueError, match="median"):
        loss_measure(MONTHS, SHOCKS, "median", 0.8, {})


def test_months_lost_and_times_to_survive_and_recover():
    """Two markets (critical 2 and 0.5), three periods of 1, 1 and 3 months; 10 t a month each.

    Period 2 lacks 5 t of the critical one: 2 x 5 / (2 x 10 + 0.5 x 10) = 0.4 of a month; period 3 lacks 15 of 30 t of
    the other: 0.5 x 15 / 75 = 0.1 of three months.
    """
    periods = pd.DataFrame(
        {
            "shock": "s",
            "period": [1, 2, 3],
            "first_month": [0.0, 1.0, 2.0],
            "months": [1.0, 1.0, 3.0],
            "window_months": 5.0,
        }
    )
    demand = pd.DataFrame(
        [("s", market, k, 10.0 * length, weight)
         for market, weight in (("x", 2.0), ("y", 0.5)) for k, length in ((1, 1), (2, 1), (3, 3))],
        columns=["shock", "market", "period", "demand_t", "criticality"],
    )  # fmt: skip
    short = pd.DataFrame({"shock": "s", "market": ["x", "y"], "period": [2, 3], "shortfall_t": [5.0, 15.0]})
    row = losses_of(short, periods, demand).iloc[0]
    assert row["loss_months"] == pytest.approx(0.4 + 0.3)
    assert (row["survive_months"], row["recover_months"]) == (1.0, 5.0)
    never = losses_of(short.head(0), periods, demand).iloc[0]
    assert (never["loss_months"], never["survive_months"], never["recover_months"]) == (0.0, 5.0, 0.0)


def test_stock_carries_the_first_part_of_a_long_period():
    """Four months merged into one period: 40 t wanted, 20 from stock, 20 lacking: two months without a cut."""
    periods = pd.DataFrame(
        {"shock": "s", "period": [1, 2], "first_month": [0.0, 4.0], "months": [4.0, 8.0], "window_months": 12.0}
    )
    demand = pd.DataFrame({"shock": "s", "market": "x", "period": [1, 2], "demand_t": [40.0, 80.0], "criticality": 1.0})
    short = pd.DataFrame({"shock": "s", "market": "x", "period": [1], "shortfall_t": [20.0]})
    opening = pd.DataFrame({"shock": "s", "market": ["x"], "stock_t": [20.0]})
    left = pd.DataFrame({"shock": "s", "market": ["x"], "period": [2], "stock_t": [5.0]})
    drawn = stock_drawn(left, opening, periods)
    assert drawn["drawn_t"].tolist() == [20.0, -5.0]
    row = losses_of(short, periods, demand, drawn).iloc[0]
    assert (row["loss_months"], row["survive_months"], row["recover_months"]) == (2.0, 2.0, 4.0)
    assert losses_of(short, periods, demand).iloc[0]["survive_months"] == 0.0
