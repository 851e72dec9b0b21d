"""Stress figures of nothing: no sample, no loss, no time to recover, plans that leave demand unmet."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from toy_instance import everything, two_suppliers

from optimizer.chain.instance import Measure, Storage
from optimizer.errors import SolverFailure
from optimizer.solve.compiled import RecourseBlock
from optimizer.stress.draws import fresh_shocks
from optimizer.stress.estimate import mean_estimate, measure_estimate, share_estimate
from optimizer.stress.evaluate import _loss_per_tonne, _Small
from optimizer.stress.removal import _Times
from optimizer.stress.templates import Plans
from optimizer.stress.times import Clock, opening_stock
from optimizer.stress.used import use_of


def test_no_sample_estimates_nothing() -> None:
    none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
    for kind in ("worst_case", "cvar", "expected", "cvar_by_start_year"):
        found = measure_estimate(none, whole, whole, Measure(kind, 0.8, {}))
        assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    assert mean_estimate(none, whole).value == 0.0
    unknown = share_estimate(0.0, 0.0)
    assert (unknown.value, unknown.low, unknown.high) == (0.0, 0.0, 1.0)  # nothing is known of the share


def test_only_the_events_of_the_plan_are_drawn_where_the_case_names_them() -> None:
    events = pd.DataFrame({"event": ["fire", "flood"], "rate_per_year": [0.1, 0.9]})
    effects = pd.DataFrame({"event": ["fire", "flood"], "to_month": [3, 6], "open_share": [0.5, 0.0]})
    tables = {"events": events, "event_effects": effects}
    drawn = fresh_shocks(tables, ["fire"], (2027, 2028), 10, 0, 12.0)
    rows = drawn.events[["event", "start_year", "multiplicity", "duration_months", "depth_share"]]
    assert rows.values.tolist() == [["fire", 2027, 5, 3.0, 0.5], ["fire", 2028, 5, 3.0, 0.5]]
    assert drawn.rate_per_year == pytest.approx(0.1)
    assert set(fresh_shocks(tables, [], (2027,), 1000, 0, 12.0).events["event"]) == {"fire", "flood"}


def test_a_loss_below_notice_cuts_nothing() -> None:
    clock = Clock(
        np.array([3.0, 9.0]), np.array([0.0, 3.0]), np.array([[30.0, 90.0]]), np.array([[30.0, 90.0]]),
        np.array([0, 1]), np.array([-1, -1]), np.zeros(2), 12.0,
    )  # fmt: skip
    assert clock.read(np.zeros(2), np.zeros(1)) == (12.0, 0.0)
    # a third of the second period is missing: met for 3 months, met again after 12
    assert clock.read(np.array([0.0, 30.0]), np.zeros(1)) == (3.0, 12.0)


def test_opening_stock_counts_only_what_a_market_takes() -> None:
    rich = everything()
    other = Storage("plant", "ore", {0: 40.0}, 0.0, 60.0, 0.0)
    away = Storage("works", "metal", {0: 40.0}, 0.0, 60.0, 0.0)
    case = replace(rich, storages={**rich.storages, ("plant", "ore"): other, ("works", "metal"): away})
    keys = (
        ("stock", ("plant", "metal", 0, 2027)),
        ("stock", ("plant", "ore", 0, 2027)),
        ("stock", ("works", "metal", 0, 2027)),
    )
    found = opening_stock(case, Plans(keys, {1: np.array([6.0, 7.0, 8.0])}), 1)
    assert {year: stock.tolist() for year, stock in found.items()} == {2027: [15.0], 2028: [6.0], 2029: [0.0]}


def test_a_plan_that_leaves_demand_unmet_is_asked_about_every_strike() -> None:
    case = two_suppliers()
    keys = (("flow", ("b:cheap>plant:magnet", 0, 2027)), ("shortfall", ("plant", 2028)))
    full, short = (use_of(case, Plans(keys, {1: np.array([50.0, t])}), 1) for t in (0.0, 5.0))
    assert full.places[2027] == {"b:cheap>plant:magnet", "cheap"}
    assert (full.lasts_years, short.lasts_years) == (math.inf, -math.inf)


def test_stock_that_rises_lasts_for_ever_and_one_that_falls_does_not() -> None:
    case = two_suppliers()
    keys = tuple(("stock", ("plant", "magnet", 0, t)) for t in (2027, 2028))
    lasts = {
        name: use_of(case, Plans(keys, {1: np.array(tonnes)}), 1).lasts_years
        for name, tonnes in {"rises": [10.0, 20.0], "falls": [30.0, 20.0]}.items()
    }
    assert lasts == {"rises": math.inf, "falls": 2.0}  # 20 t fall by 10 t a year


def test_a_node_without_a_time_to_recover_has_none() -> None:
    rows = pd.DataFrame({"kind": ["facility"], "stage": ["melt"], "node": ["*"], "recover_months": [6]})
    times = _Times({"recovery_times": rows})
    assert times.of("facility", "plant", "melt") == 6
    assert times.of("facility", "plant", "dig") is None
    assert times.of("country", "AAA") is None


def block(theta, lower=0.0) -> RecourseBlock:
    """One column that may be short of 10 t, and a row that turns tonnes into months."""
    rows = sparse.csr_matrix([[1.0], [-0.1]])
    return RecourseBlock(
        "s", 0, sparse.csr_matrix((2, 1)), rows, np.array(theta), np.array([-np.inf, lower]), np.array([10.0, np.inf]),
        np.zeros(1), np.full(1, np.inf), ("short",), ("cap", "loss"),
    )  # fmt: skip


def test_months_per_tonne_come_from_the_one_row_that_defines_the_loss() -> None:
    assert _loss_per_tonne(block([0.0, 1.0])).tolist() == [0.1]
    assert _loss_per_tonne(block([0.0, 0.0])).tolist() == [0.0]  # nothing can be lost
    for wrong in (block([1.0, 1.0]), block([0.0, 1.0], lower=2.0)):
        with pytest.raises(SolverFailure, match="does not define its loss by one row"):
            _loss_per_tonne(wrong)


def test_a_block_in_which_nothing_can_move_loses_nothing() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert _Small(block([0.0, 1.0]), none, none, np.zeros(2), np.zeros(1)).loss(np.zeros(0)) == 0.0
