"""Every toy through the whole pipe, against the figures derived by hand in its README."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from toy import (
    NAMES,
    TOYS,
    cheapest,
    cost_of,
    lifted,
    moved,
    planned,
    point_of,
    price_of,
    ready,
    scratch,
    traced,
    variant,
)

from optimizer.errors import Infeasible
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import COST, LOSS, Options, prepare
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier

COSTS = {
    "benchmark": 1.07,
    "caps-and-counts": 1.11,
    "carbon-price": 1.12,
    "closed-activity": 1.0,
    "content-rule": 1.09,
    "environment-cap": 1.05,
    "force-majeure": 1.45,
    "held-project": 11.0,
    "idle-coproducts": 1.14,
    "joint-production": 0.013,
    "joint-tolls": 0.668,
    "learning-yields": 2.2,
    "licence-time": 2.221875,
    "named-firm": 1.4,
    "no-demand": 0.0,
    "no-foresight": 2.0,
    "no-market": 0.0,
    "one-plant": 1.025 * (1.1**-0.5 + 1.1**-1.5),
    "origin-rule": 0.89,
    "qualify-first": 2.0,
    "regimes": 2.0,
    "shadow-flow": 0.605,
    "smuggling": 1.4,
    "sponsored-project": 20 * 1.1**-0.5 + 2 * 1.1**-1.5 - 5 * 1.1**-2,
    "stock-cover": 2.4,
    "trade-rules": 0.74544,
}


def near(value: float, tolerance: float = 1e-6):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def test_every_toy_has_a_figure_here() -> None:
    assert set(NAMES) == {*COSTS, "plant-location", "cannot-be"}
    for name in NAMES:
        assert (TOYS / name / "README.md").read_text().startswith("# ")


@pytest.mark.parametrize("name", COSTS)
def test_cheapest_plan_costs_what_the_hand_says(name: str) -> None:
    run = planned(name)
    row = point_of(run)
    assert row["cost_musd"] == near(COSTS[name])
    assert row["cost_bound_musd"] == near(COSTS[name])
    assert cost_of(run) == near(COSTS[name])
    assert row["status"] == "optimal"


def test_one_plant_one_market() -> None:
    run = planned("one-plant")
    assert lifted(run, 2027) == near({"plant_sale": 100.0})
    assert lifted(run, 2028) == near({"plant_sale": 100.0})
    assert cost_of(run, "freight") == near(0.025 * (1.1**-0.5 + 1.1**-1.5))
    assert price_of(run, "demand_balance", "market|2027") == near(0.01025 * 1.1**-0.5)
    assert price_of(run, "demand_balance", "market|2028") == near(0.01025 * 1.1**-1.5)
    assert point_of(run)["loss_months"] == 0.0


def test_joint_production_sells_and_disposes_of_its_surplus() -> None:
    run = planned("joint-production")
    assert lifted(run) == near({"conc_sale": 50.0, "heavy_toll": 10.0, "light_toll": 24.0})
    assert moved(run, "b:light_plant>heavy_plant:bundle") == near({0: 20.0})
    out = run.tables["outlets"].set_index("outlet")["amount_t"]
    assert out.to_dict() == near({"sold": 15.0, "disposed": 9.0})
    terms = {"purchase": 0.1, "toll": 0.054, "disposal": 0.009, "byproduct_sales": -0.15}
    assert {term: cost_of(run, term) for term in terms} == near(terms)
    assert price_of(run, "demand_balance", "market|2027") == near(0.0178)
    assert price_of(run, "byproduct_sale_limit", "light_oxide|2027") == near(-0.011)


def test_two_tolls_of_one_route_share_what_is_converted() -> None:
    run = planned("joint-tolls")
    assert lifted(run) == near({"feed_sale": 100, "first_toll": 60, "second_toll": 40})
    assert cost_of(run, "toll") == near(0.06 * 2 + 0.04 * 3)
    assert cost_of(run, "shock_cost") == near(0.1 * (0.32 + 0.6 - 0.64))


def test_priced_sale_uses_capacity_and_origin_but_is_paid_once() -> None:
    run = planned("shadow-flow")
    assert lifted(run) == near({"cheap_sale": 30.0, "dear_sale": 20.0})
    assert moved(run, "s:small>cheap:ore") == near({1: 30.0})
    assert moved(run, "b:cheap>market:part") == near({1: 30.0})
    assert moved(run, "b:dear>market:part") == near({0: 20.0})
    assert cost_of(run, "freight") == near(0.005)
    assert cost_of(run, "purchase") == near(0.6)
    assert price_of(run, "capacity_limit", "small|supplier|2027") == near(-0.005)
    assert price_of(run, "demand_balance", "market|2027") == near(0.0151)


def test_commitments_without_take_or_pay_cover_the_mine_for_nothing() -> None:
    run = planned("shadow-flow", max_loss_months=0.0)
    row = point_of(run)
    assert row["cost_musd"] == near(0.605)
    assert row["loss_months"] == near(0.0)


def test_take_or_pay_is_suspended_by_force_majeure() -> None:
    run = planned("force-majeure")
    assert cost_of(run, "purchase") == near(1.0)
    assert cost_of(run, "shock_cost") == near(0.45)
    assert point_of(run)["loss_months"] == near(6.0)
    (loss,) = run.tables["losses"].to_dict("records")
    assert (loss["survive_months"], loss["recover_months"]) == (0.0, 6.0)


def test_qualified_supplier_without_contract_is_the_cheapest_cover() -> None:
    run = planned("qualify-first", max_loss_months=0.0)
    assert point_of(run)["cost_musd"] == near(2.1)
    assert cost_of(run, "qualification") == near(0.1)
    assert cost_of(run, "stock") == near(0.0)
    assert lifted(run, 2028) == near({"home_sale": 100.0})
    bought = run.tables["deliveries"].query("kind == 'spot'")
    assert bought["offer"].unique().tolist() in (["away|part|*"], [])
    assert run.tables["supply"]["supply_t"].sum() + bought["delivered_t"].sum() == near(100.0, 1e-5)


def test_without_spot_market_stock_is_next_and_signing_last(tmp_path) -> None:
    no_spot = variant(tmp_path / "1", "qualify-first", spot_depths=("make,*,0.5", "make,*,0"))
    assert cheapest(prepare(no_spot).program, 0.0).first == near(2.2)
    (no_spot / "stock_policies.csv").unlink()
    assert cheapest(prepare(no_spot).program, 0.0).first == near(3.1)


def test_frontier_of_qualification_bends_from_stock_to_spot() -> None:
    points = traced("qualify-first").tables["frontier"]
    assert points["loss_months"].max() == near(12.0, 1e-5)
    assert points["loss_months"].min() == near(0.0, 1e-5)
    for loss, cost in zip(points["loss_months"], points["cost_musd"], strict=True):
        assert cost == near(min(2.0 + 0.2 * (1 - loss / 12), 2.1), 1e-5)
        assert loss > 6 - 1e-5 or cost == near(2.1, 1e-5)


def test_a_tolerance_of_a_tenth_of_a_percent_is_reached() -> None:
    program = ready("qualify-first").program
    frontier = trace_frontier(
        program, COST, LOSS, effort=Effort(points=8, tolerance_share=0.001, gap_share=0.0, time_limit_s=600)
    )
    assert frontier.certificate.mean_gap_share <= 0.001
    assert frontier.status == "tolerance"


@pytest.mark.parametrize("name", ["no-demand", "no-market"])
def test_nobody_to_deliver_to_needs_no_plan(name: str) -> None:
    run = planned(name)
    assert point_of(run)["loss_months"] == 0.0
    for table in ("portfolio", "flows", "prices", "throughput"):
        assert run.tables[table].empty, table
    frontier = trace_frontier(ready(name).program, COST, LOSS, effort=Effort(points=4))
    assert [(p.first, p.second) for p in frontier.points] == [(0.0, 0.0)]


def _location() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Plants with capacity, fixed cost and price; demand; freight, plants by customers, USD/t."""
    folder = TOYS / "plant-location"
    plants = pd.read_csv(folder / "projects.csv").merge(pd.read_csv(folder / "offers.csv"), on="facility")
    demand = pd.read_csv(folder / "demand.csv")
    quotes = pd.read_csv(folder / "freight_quotes.csv")
    country = pd.read_csv(folder / "facilities.csv").set_index("facility")["country_iso3"]
    customer = pd.read_csv(folder / "markets.csv").set_index("market")["country_iso3"]
    table = quotes.pivot_table(index="from_country_iso3", columns="to_country_iso3", values="freight_usd_per_t")
    return plants, demand, table.loc[country[plants["facility"]], customer[demand["market"]]]


def _transport(plants: pd.DataFrame, demand: pd.DataFrame, freight: pd.DataFrame, opened: list[int]) -> float:
    """Least cost of serving all customers from the opened plants, MUSD; infinite if they are too small."""
    unit = (plants["price_usd_per_kg"].to_numpy()[:, None] * 1000 + freight.to_numpy())[opened] / 1e6
    count, customers = unit.shape
    capacity = np.kron(np.eye(count), np.ones(customers))
    meets = np.kron(np.ones(count), np.eye(customers))
    answer = linprog(
        unit.ravel(),
        A_ub=capacity,
        b_ub=plants["entitlement_t_per_year"].to_numpy()[opened],
        A_eq=meets,
        b_eq=demand["demand_t_per_year"].to_numpy(),
    )
    return float(answer.fun + plants["cost_musd"].to_numpy()[opened].sum()) if answer.status == 0 else np.inf


def test_plant_location_against_all_subsets() -> None:
    plants, demand, freight = _location()
    subsets = [list(s) for size in range(1, len(plants) + 1) for s in combinations(range(len(plants)), size)]
    costs = {tuple(s): _transport(plants, demand, freight, s) for s in subsets}
    best = min(costs, key=costs.__getitem__)
    run = planned("plant-location")
    assert point_of(run)["cost_musd"] == near(costs[best])
    opened = run.tables["portfolio"].query("kind == 'project'")["offer"].tolist()
    assert opened == plants["project"].iloc[list(best)].tolist()
    runner_up = sorted(costs.values())[1]
    assert runner_up > costs[best] + 1e-4, "the toy must have one best set"
    assert 1 < len(best) < len(plants)


def test_idle_plants_thin_out_no_share(tmp_path) -> None:
    run = planned("idle-coproducts")
    assert lifted(run) == near({"far_sale": 65.0, "near_sale": 35.0})
    dug = run.tables["throughput"].set_index("facility")["throughput_t"]
    assert (dug["far_mine"], dug["near_mine"]) == near((81.25, 43.75))
    shares = run.tables["shares"].set_index(["stage", "country_iso3"])["flow_share"]
    assert (shares["mine", "AAA"], shares["make", "AAA"]) == near((0.65, 0.65))
    at_making = variant(tmp_path, "idle-coproducts", {'stage = "mine"': 'stage = "make"'})
    assert cheapest(prepare(at_making).program).first == near(1.14)


def test_without_the_limit_on_joint_production_an_idle_plant_would_hide_a_share() -> None:
    program = ready("idle-coproducts").program
    free = program.row_upper.copy()
    free[[name == "joint_limit" for name, _ in program.row_keys]] = np.inf
    assert cheapest(replace(program, row_upper=free)).first == near(1.0)


def test_share_cap_and_least_number_of_suppliers_bind() -> None:
    run = planned("caps-and-counts")
    assert lifted(run) == near({"one_sale": 60.0, "two_sale": 30.0, "three_sale": 10.0})
    assert price_of(run, "demand_balance", "market|2027") == near(0.0108)
    assert price_of(run, "commitment_floor", "three_sale|2027") == near(0.003)
    caps = run.tables["prices"].query("constraint == 'origin_share_cap'")
    assert caps["price"].tolist() == near([-0.002])
    shares = run.tables["shares"].set_index("country_iso3")["flow_share"]
    assert shares.to_dict() == near({"AAA": 0.6, "BBB": 0.3, "CCC": 0.1})


def test_marked_material_stays_out_of_the_strict_market() -> None:
    run = planned("origin-rule")
    assert lifted(run, 2027) == near({"conversion": 80.0, "ore_x": 80.0})
    assert lifted(run, 2028) == near({"conversion": 80.0, "ore_x": 50.0, "ore_b": 30.0})
    assert moved(run, "b:plant>strict:part", 2027) == near({1: 30.0})
    assert moved(run, "b:plant>strict:part", 2028) == near({0: 30.0})
    assert moved(run, "b:plant>free:part", 2028) == near({1: 50.0})
    assert price_of(run, "demand_balance", "strict|2027") == near(0.005)
    assert price_of(run, "demand_balance", "strict|2028") == near(0.008)
    assert price_of(run, "demand_balance", "free|2028") == near(0.005)


def test_carbon_price_changes_the_plan(tmp_path) -> None:
    run = planned("carbon-price")
    assert lifted(run) == near({"clean_sale": 100.0})
    assert cost_of(run, "carbon") == near(0.02)
    load = run.tables["environment"].set_index("facility")["value"]
    assert load["clean"] == near(200_000.0)
    free = variant(tmp_path, "carbon-price", {"carbon_price_usd_per_t = 100": "carbon_price_usd_per_t = 0"})
    unpriced = solve_plan(free, tmp_path / "run", Options())
    assert lifted(unpriced) == near({"dirty_sale": 100.0})
    assert point_of(unpriced)["cost_musd"] == near(1.0)


def test_environment_cap_binds() -> None:
    run = planned("environment-cap")
    assert lifted(run) == near({"dirty_sale": 50.0, "clean_sale": 50.0})
    assert price_of(run, "environment_limit", "0") == near(-0.001 / 18)


def test_duties_stack_and_licences_limit() -> None:
    run = planned("trade-rules")
    assert lifted(run) == near({"licensed_sale": 18.0, "taxed_sale": 32.0})
    assert cost_of(run, "tariff") == near(0.17344)
    assert price_of(run, "approval_limit", "licensed|part|market|2027") == near(-0.00142)
    assert not any(lane.startswith("b:denied") for lane in run.inputs["lanes"]["lane"])
    lane = run.inputs["lane_years"].set_index("lane").loc["b:taxed>market:part"]
    assert lane["tariff_share"] == near(0.271)


def test_project_pays_through_what_it_is_worth_at_the_end(tmp_path) -> None:
    run = planned("sponsored-project")
    assert lifted(run, 2027) == near({"old_sale": 100.0})
    assert lifted(run, 2028) == near({"new_sale": 100.0})
    assert cost_of(run, "sponsorship") == near(10 * 1.1**-0.5 - 5 * 1.1**-2)
    (project,) = run.tables["portfolio"].query("kind == 'project'").to_dict("records")
    assert (project["offer"], project["start_year"]) == ("build_new", 2027)
    folder = variant(tmp_path, "sponsored-project", projects=(",10,1,0,4,", ",10,1,0,2,"))
    assert cheapest(prepare(folder).program).first == near(10 * (1.1**-0.5 + 1.1**-1.5))


def test_stock_carries_the_line() -> None:
    run = planned("stock-cover", max_loss_months=2.0)
    assert point_of(run)["cost_musd"] == near(2.42)
    assert cost_of(run, "stock") == near(0.02)
    held = run.tables["stock"].query("shock == 'nominal' and year == 2027")
    assert held["stock_t"].tolist() == near([20.0], 1e-5)
    assert price_of(run, "loss_cap", "") == near(-0.01)
    (loss,) = run.tables["losses"].to_dict("records")
    assert loss["loss_months"] == near(2.0)
    assert loss["recover_months"] == 4.0
    assert cheapest(ready("stock-cover").program, 0.0).first == near(2.44)


def test_lines_run_until_the_stock_is_gone() -> None:
    losses = planned("stock-cover", max_loss_months=2.0).tables["losses"]
    assert losses["survive_months"].tolist() == near([2.0], 1e-5)


def test_least_loss_within_a_budget() -> None:
    row = point_of(planned("stock-cover", budget_musd=2.43))
    assert row["cost_musd"] == near(2.43, 1e-5)
    assert row["loss_months"] == near(1.0, 1e-4)


def test_limits_that_exclude_each_other_are_named() -> None:
    target = Path(scratch().name) / "never"
    with pytest.raises(Infeasible) as raised:
        solve_plan(TOYS / "cannot-be", target, Options())
    assert not list(target.parent.glob("never*"))
    assert raised.value.exit_code == 3
    assert {line.split(":")[0] for line in raised.value.conflict} == {"demand", "share caps"}
    assert "origin_share_cap" not in str(raised.value)
