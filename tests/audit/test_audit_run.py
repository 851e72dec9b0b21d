import numpy as np
import pandas as pd
import pytest
from hand_made_instance import hand_made_instance, hand_made_point
from hand_made_run import (
    CERTIFICATE,
    COST,
    DIG,
    MELT,
    METAL,
    ORE_OWNED,
    ORE_SHADOW,
    instance_tables,
    result_tables,
)

from optimizer.audit import run
from optimizer.audit.claims import check_shocks
from optimizer.audit.frontier import certificate_of, check_frontier
from optimizer.audit.ledger import Ledger
from optimizer.audit.losses import check_probabilities
from optimizer.audit.run import audit_run
from optimizer.audit.view import Case
from optimizer.chain.tables_of import instance_tables as exported
from optimizer.results.extract import Extractor, collect
from optimizer.results.write import read_tables, write_tables
from optimizer.solve.certificate import certificate

CLEAN, CASE = result_tables(), instance_tables()
COMPLETE = run.complete_tables(CLEAN)
PLAIN = {name: run.plain_table(frame) for name, frame in CASE.items()}


def audited(family, results, case):
    """One family of checks alone on what differs from the clean run, which is all a corruption test needs."""
    changed = {name: run.complete_table(name, x) for name, x in results.items() if x is not CLEAN[name]}
    tables, ledger = {**COMPLETE, **changed}, Ledger()
    case = {**PLAIN, **{name: run.plain_table(x) for name, x in case.items() if x is not CASE.get(name)}}
    if family is run.check_keys:
        family(tables, ledger)
    elif family is check_frontier:
        family(tables, CERTIFICATE, ledger)
    else:
        for view in run.views(tables, case):
            family(view, ledger)
    return ledger.audit()


@pytest.fixture(scope="module")
def family_of():
    """Check → family it belongs to."""
    families = (*run.POINT_CHECKS, run.check_keys, check_frontier, check_probabilities, check_shocks)
    results, case = dict(CLEAN), dict(CASE)
    return {check.name: family for family in families for check in audited(family, results, case).checks}


def test_hand_made_run_passes():
    audit = audit_run(CLEAN, CASE, CERTIFICATE)
    assert audit.passed, audit.message()
    assert len(audit.checks) > 55
    assert all(check.largest_violation <= check.tolerance for check in audit.checks)


def test_empty_frontier_passes_without_points():
    assert audit_run({}, CASE).passed


def put(table, column, value, **where):
    """Corruption: set (or, given a function, change) a column in the rows of a result table that match."""

    def corrupt(results, case):
        target = results if table in results else case
        frame = target[table]
        hit = np.ones(len(frame), dtype=bool)
        for name, wanted in where.items():
            hit &= (frame[name] == wanted).to_numpy()
        assert hit.any()
        values = frame[column].tolist()
        changed = [(value(v) if callable(value) else value) if h else v for v, h in zip(values, hit, strict=True)]
        target[table] = frame.assign(**{column: changed})

    return corrupt


def add(table, **row):
    """Corruption: one more row, like the first but for the columns given."""

    def corrupt(results, case):
        target = results if table in results else case
        frame = target[table]
        target[table] = pd.concat([frame, frame.head(1).assign(**row)], ignore_index=True)

    return corrupt


def drop(table, **where):
    """Corruption: rows that match are missing."""

    def corrupt(results, case):
        target = results if table in results else case
        frame = target[table]
        hit = np.ones(len(frame), dtype=bool)
        for name, wanted in where.items():
            hit &= (frame[name] == wanted).to_numpy()
        assert hit.any()
        target[table] = frame[~hit].reset_index(drop=True)

    return corrupt


SHOCK = "fire@2028"
POOL = pd.DataFrame({"shock": [SHOCK], "pool": [0], "facility": ["smelter"], "product": ["metal"]})
SUPPLY = pd.DataFrame(
    {"point": [1], "shock": [SHOCK], "pool": [0], "market": ["market"], "product": ["metal"], "origin_class": [1],
     "year": [2028], "period": [1], "supply_t": [90.0]}
)  # fmt: skip
LEFT_METAL = {"shock": "nominal", "year": 2027, "period": 0, "outlet": "surplus", "product": "metal", "amount_t": 5.0}
SEGMENT = pd.DataFrame({"from_point": [1], "to_point": [7], "integers_hash": ["x"]})


def proof(kind, max_loss, weight, bound):
    columns = ["proof", "kind", "max_loss_months", "weight", "bound_musd", "status"]
    return pd.DataFrame([(1, kind, max_loss, weight, bound, "optimal")], columns=columns)


def ruled(mode="", **tables):
    """Corruption: other instance tables, and how the time to a licence counts."""

    def corrupt(_, case):
        changed = {name: table(case[name]) if callable(table) else table for name, table in tables.items()}
        mode_row = pd.DataFrame({"key": ["licence_time"], "value": [mode]})
        settings = pd.concat([case["settings"], mode_row], ignore_index=True)
        case.update(changed | ({"settings": settings} if mode else {}))

    return corrupt


def behind_its_back(results, case):
    """The tables no longer follow the smelter's suppliers, and it sells 17 t where 60 + 5 t a year give 16.25 t."""
    drop("reached", layer="supplier")(results, case)
    put("deliveries", "delivered_t", 16.0, offer="S", shock=SHOCK, period=2)(results, case)  # beside 1 t of spot


def half_licensed(results, case):
    """Of 200 t a year that the mine could sell, 119.6 t may go to the smelter abroad: of 120 t moved."""
    drop("portfolio", kind="project")(results, case)
    drop("standby", kind="lane")(results, case)
    put("lane_years", "approval_share", 0.598, lane=ORE_SHADOW)(results, case)
    row = pd.DataFrame({"key": ["limits_intermediates"], "value": ["true"]})
    case["settings"] = pd.concat([case["settings"], row], ignore_index=True)


def supplied(**years):
    """A pool of the smelter supplies 20 t where it has 100 t a year, but its lane is not open."""

    def corrupt(results, case):
        results.update(supply=SUPPLY.assign(supply_t=20.0), pools=POOL)
        case["lane_years"] = case["lane_years"].assign(**years)

    return corrupt


def slower_than_usual(results, case):
    """Behind its sale the mine sends 30 t in the second quarter; 0.996 x 120 t a year, with none ready, is 29.88 t."""
    drop("standby", kind="lane")(results, case)
    put("settings", "value", "-0.004", key="surge_share")(results, case)


CORRUPTIONS = [
    ("material_balance", put("flows", "flow_t", 81.0, lane="b:mine>smelter:ore", year=2027)),
    ("material_balance", put("throughput", "throughput_t", 39.0, layer="buyer", year=2027)),
    ("material_balance", drop("reclassified", layer="supplier", year=2027)),
    ("material_balance", put("recipe_flows", "t_per_t", 2.1, product="ore", direction="input")),
    ("demand_balance", put("flows", "flow_t", 99.0, lane=METAL, year=2027)),
    ("demand_balance", put("shortfalls", "shortfall_t", 2.0, shock=SHOCK)),
    ("shortfall_limit", put("shortfalls", "shortfall_t", 25.1, shock=SHOCK)),  # a quarter of 100 t is wanted
    ("market_use", put("stock", "stock_t", 200.0, year=2027)),
    ("shortfall_allowed", put("shortfalls", "shortfall_t", 1.0, shock="nominal", year=2027)),
    ("market_origin", put("demand", "forbidden_bits", 1, year=2028)),
    ("market_products", put("market_products", "product", "ore")),
    ("stock_limit", put("storages", "max_t", 9.0)),
    ("shock_stock_limit", add("stock", shock=SHOCK, period=1, year=2028, stock_t=21.0)),
    ("stock_floor", put("stock", "stock_t", 9.0, year=2028)),
    ("stock_floor", put("storages", "min_t", 10.5)),
    ("capacity", put("capacities", "open_toll_t", 39.0, facility="smelter")),
    ("capacity", put("capacities", "open_sale_t", 140.0, facility="mine")),
    ("shock_capacity", put("facility_shares", "open_share", 0.3)),
    ("recipe_layer", put("recipes", "layers", "supplier", facility="smelter")),
    ("entitlement_once", put("recipes", "capacity_use", 1.5, facility="mine")),
    ("origin_marks", put("facilities", "origin_bits", 2, facility="smelter")),
    ("reclassification", put("reclassified", "from_class", 2, year=2027)),
    ("lane_classes", put("flows", "origin_class", 3, lane=METAL, year=2027)),
    ("lane_ends", put("flows", "to_facility", "mine", lane=METAL, year=2027)),
    ("licence", put("lane_years", "approval_share", 0.0, lane=METAL, year=2028)),
    ("licensed_volume", put("lane_years", "approval_share", 0.5, lane=METAL, year=2028)),
    ("shadow_licences", half_licensed),
    ("surplus_of_coproducts", put("outlets", "layer", "buyer", outlet="surplus", year=2027)),
    ("outlets_of_owned", put("outlets", "layer", "supplier", outlet="sold")),
    ("sold_nominal_only", put("outlets", "outlet", "sold", shock=SHOCK, outlet="disposed")),
    ("byproduct_sales_limit", put("byproducts", "max_sale_t_per_year", 14.0)),
    ("contract_start", put("offer_years", "may_start", False, offer="S")),
    ("contract_minimum", put("offers", "min_t", 61.0, offer="S")),
    ("contract_maximum", put("offers", "max_t", 59.0, offer="S")),
    ("contract_maximum", drop("portfolio", offer="S")),
    ("one_contract_at_a_time", add("portfolio", start_year=2028, end_year=2029)),
    ("term", put("portfolio", "end_year", 2029, offer="S")),
    ("held_today", put("qualifications", "is_held", False, qualification="Q")),
    ("lifted_sales", put("commitments", "lifted_t", 59.0, offer="S")),
    ("lifted_tolls", put("commitments", "lifted_t", 39.0, offer="T")),
    ("lifted_within_commitment", put("commitments", "committed_t", 59.0, offer="S")),
    ("lifted_is_paid", put("commitments", "paid_t", 59.0, offer="S")),
    ("paid_within_commitment", put("commitments", "paid_t", 61.0, offer="S")),
    ("take_or_pay", put("offers", "take_or_pay_share", 1.1, offer="S")),
    ("reserved_capacity", put("capacities", "open_sale_t", 59.0, facility="smelter")),
    ("qualification_start", put("qualification_years", "may_start", False, qualification="QO")),
    ("qualified_before_signing", put("portfolio", "start_year", 2028, offer="QO")),
    ("qualified_before_delivery", drop("portfolio", offer="QO")),
    ("sponsorship_start", put("project_years", "may_start", False)),
    ("one_sponsorship", add("portfolio", kind="project", offer="E", start_year=2028)),
    ("shock_contracts", put("commitments", "committed_t", 39.0, offer="S")),
    ("shock_tolls", put("commitments", "committed_t", 33.0, offer="T")),
    ("shock_spot", put("qualification_years", "spot_t", 3.0, qualification="Q")),
    ("spot_in_shocks_only", put("deliveries", "kind", "spot", offer="S", shock="nominal")),
    ("shock_delivery", put("settings", "value", "-0.2", key="surge_share")),
    ("shock_delivery", slower_than_usual),
    ("shock_lanes", put("lane_shares", "open_share", 0.39)),
    ("shock_lanes", put("lane_shares", "open_share", 0.0)),
    ("demand_balance", put("stock", "stock_t", 9.0, year=2027)),  # the shock's opening is the plan's
    ("cut_plants_are_followed", drop("reached", layer="buyer")),
    ("shock_sources", put("flows", "flow_t", 21.0, lane=ORE_OWNED, shock=SHOCK, period=2)),  # a quarter of 80 t is 20
    ("standby_owed", put("standby", "standby_t", 53.0, kind="hand_over")),  # 60 t taken, 60 x 1.2 + 40 of spot owed
    ("standby_balance", put("standby", "standby_t", 9.0, kind="lane")),
    ("standby_balance", put("standby", "standby_t", 4.0, item=MELT)),
    ("standby_balance", put("standby", "standby_t", 11.0, item=DIG)),  # digs nothing beside ore: none may be spare
    ("standby_capacity", put("capacities", "open_sale_t", 64.0, facility="smelter")),
    (
        "standby_once",
        put("capacities", "open_toll_t", 24.0, facility="smelter"),
    ),  # 60 + 40 worked, 5 ready, 80 + 24 open
    ("standby_ways", put("lane_years", "approval_share", 0.0, lane=ORE_SHADOW, year=2028)),
    ("standby_ways", ruled(recipe_closures=pd.DataFrame({"recipe": [MELT], "year": [2028]}))),
    ("left_over_is_made", put("outlets", "amount_t", 31.0, outlet="surplus", year=2027)),  # 60 x 0.5 = 30 t of slag
    ("joint_production_is_drawn", add("outlets", **LEFT_METAL)),
    ("shock_standby", behind_its_back),
    ("shock_pools", lambda results, _: results.update(supply=SUPPLY, pools=POOL)),
    ("pool_lanes", lambda results, _: results.update(supply=SUPPLY, pools=POOL.assign(facility="mine"))),
    ("pools_are_untouched", lambda results, _: results.update(pools=POOL)),
    ("shock_rows_are_followed", add("deliveries", shock=SHOCK, period=1, offer="O")),
    ("shock_rows_are_followed", add("throughput", shock=SHOCK, period=1, recipe=DIG, facility="mine")),
    ("shock_rows_are_followed", put("outlets", "place", "mine", shock=SHOCK)),
    ("shock_rows_are_followed", put("reclassified", "place", "mine", shock=SHOCK)),
    ("shock_rows_are_followed", put("flows", "to_facility", "mine", shock=SHOCK, lane=ORE_OWNED)),
    ("shock_rows_are_followed", put("flows", "from_facility", "mine", shock=SHOCK, lane=METAL)),
    ("material_balance", put("throughput", "throughput_t", 7.0, shock=SHOCK, period=1, layer="buyer")),
    ("share_cap", put("share_caps", "max_share", 0.9)),
    ("supplier_minimum", put("supplier_counts", "min_count", 2.0)),
    ("supplier_maximum", put("supplier_counts", "max_count", 0.0)),
    ("budget", put("budgets", "max_musd", 10.9)),
    ("environment_cap", put("environment_caps", "max_value", 3999.0)),
    ("environment_table", put("environment", "value", 3000.0)),
    ("environment_cap", ruled(environment_caps=lambda x: x.assign(is_per_kg=True, max_value=0.0199))),
    ("reexport", ruled(lane_years=lambda x: x.assign(barred_bits=1))),
    ("closed_activities", ruled(recipe_closures=pd.DataFrame({"recipe": [MELT], "year": [2028]}))),
    (
        "simultaneous_builds",
        ruled(
            build_limits=pd.DataFrame({"name": ["crews"], "projects": ["E"], "max_projects": [0]}),
            projects=lambda x: x.assign(build_years=2),
        ),
    ),
    ("licence_cover", ruled("stock", lane_years=lambda x: x.assign(processing_days=60.0))),
    ("licence_delay", ruled("delay", lane_years=lambda x: x.assign(processing_days=60.0))),
    ("cost_restoration", ruled(recipes=lambda x: x.assign(restoration_usd_per_t=100.0))),
    ("cost_benchmark", ruled(share_caps=lambda x: x.assign(penalty_usd_per_kg=2.0, max_share=0.5))),
    ("shares_table", put("shares", "flow_share", 0.5, stage="mining")),
    ("pool_products", lambda results, _: results.update(supply=SUPPLY.assign(product="ore"), pools=POOL)),
    ("pool_classes", lambda results, _: results.update(supply=SUPPLY.assign(origin_class=2), pools=POOL)),
    ("pool_licences", supplied(approval_share=0.0)),
    ("pool_licences", supplied(barred_bits=1)),
    ("portfolio_facts", put("portfolio", "country_iso3", "AAA", offer="S")),
    ("portfolio_facts", put("portfolio", "kind", "toll", offer="S")),
    ("portfolio_volumes", put("portfolio", "committed_t_per_year", 61.0, offer="S")),
    ("portfolio_volumes", put("portfolio", "committed_t_per_year", 49.0, kind="project")),  # 50 t from its second year
    ("listed_today", drop("portfolio", kind="held")),
    ("listed_today", put("offer_years", "running_t", 5.0, offer="S")),
    ("decided_to_the_end", put("portfolio", "end_year", 2027, kind="project")),
    ("words", put("outlets", "outlet", "given away", outlet="disposed")),
    ("places", put("throughput", "facility", "mine", recipe=MELT)),
    ("places", put("standby", "facility", "smelter", kind="lane")),
    ("classes_are_told", put("flows", "origin_class", -1, lane=METAL)),
    ("demand_table", put("shortfalls", "demand_t", 100.0, shock=SHOCK)),  # of a quarter of a year
    ("demand_listed", drop("shortfalls", year=2027)),
    ("frontier_cost_usd_per_kg", put("frontier", "cost_usd_per_kg", lambda value: value * 1.01)),
    ("shocks_described", put("shocks", "start_year", 2027)),
    ("proofs_are_known", put("bounds", "kind", "promise")),
    ("bound_is_proven", drop("bounds", kind="cap")),
    ("gap_share", put("frontier", "cost_bound_musd", np.nan)),  # a gap of which nothing is proven
    ("no_negative_amounts", put("flows", "flow_t", np.nan, lane=METAL, year=2027)),
    *[
        (f"cost_{term}", put("costs", "cost_musd", lambda value: value * 1.01 + 0.001, term=term))
        for term in ("purchase", "toll", "freight", "tariff", "substitution", "stock", "disposal", "byproduct_sales")
    ],
    ("cost_carbon", put("settings", "value", "300", key="carbon_price_usd_per_t")),
    ("cost_qualification", drop("costs", term="qualification")),
    ("cost_sponsorship", put("projects", "life_years", 20.0)),
    ("cost_total", put("frontier", "cost_musd", COST + 0.01)),
    ("shock_loss_months", put("losses", "loss_months", 0.35)),
    ("shock_survive_months", put("losses", "survive_months", 3.0)),
    ("shock_recover_months", put("losses", "recover_months", 6.0)),
    ("shock_loss_months", drop("losses", shock=SHOCK)),
    ("losses_of_known_shocks", put("losses", "shock", "flood@2028")),
    ("sales_are_offers", put("deliveries", "offer", "T", offer="S", year=2027)),
    ("cost_years", put("costs", "year", 2031, term="qualification")),
    ("frontier_loss_months", put("frontier", "loss_months", 0.3)),
    ("frontier_expected_loss_months", put("frontier", "expected_loss_months", 0.3)),
    ("frontier_worst_loss_months", put("frontier", "worst_loss_months", 0.3)),
    ("shock_weights", lambda _, case: case.update(shocks=case["shocks"].assign(probability=0.5))),
    ("shocks_table", lambda results, _: results.update(shocks=results["shocks"].assign(weight=0.5))),
    ("nondominated", add("frontier", point=2, cost_musd=COST + 1)),
    ("cheapest_first", add("frontier", point=0, cost_musd=COST + 1, loss_months=0.1)),
    ("bound_is_proven", put("bounds", "bound_musd", 0.99 * COST)),
    ("bound_below_cost", put("frontier", "cost_bound_musd", 1.01 * COST)),
    ("proofs_hold", lambda results, _: results.update(bounds=proof("cap", 0.4, np.nan, 1.01 * COST))),
    ("proofs_hold", lambda results, _: results.update(bounds=proof("weight", np.nan, 2.0, COST + 0.73))),
    ("proofs_hold", lambda results, _: results.update(bounds=proof("infeasible", 0.4, np.nan, np.nan))),
    ("gap_share", put("frontier", "gap_share", 0.001)),
    ("certificate", put("bounds", "bound_musd", 0.9 * COST)),
    ("segments", lambda results, _: results.update(segments=SEGMENT)),
    ("keys", add("shares", flow_share=0.0)),
    ("points", put("shares", "point", 9, stage="mining")),
    ("no_negative_amounts", put("flows", "flow_t", -1.0, lane=METAL, year=2027)),
    ("references", put("flows", "lane", "elsewhere", year=2027)),
    ("periods", put("flows", "period", 7, shock=SHOCK)),
]


@pytest.mark.parametrize(("check", "corrupt"), CORRUPTIONS, ids=[name for name, _ in CORRUPTIONS])
def test_corruption_is_caught(check, corrupt, family_of):
    results, case = dict(CLEAN), dict(CASE)
    corrupt(results, case)
    failures = audited(family_of.get(check, run.check_costs), results, case).failures
    found = {failure.name: failure for failure in failures}
    assert check in found
    assert found[check].rows
    assert found[check].largest_violation > found[check].tolerance


@pytest.mark.parametrize(
    ("apart", "mean"),
    [
        (0.0, 0.1 / 100.1),  # one place: the cheapest plan is at most 0.1 too dear
        (1e-12, 0.1 / 100.1),  # the same to a solver
        (1e-6, 0.6 / 100.6),  # nearer than solvers tell, but still a curve: at 100.6 until its very end
    ],
)
def test_plans_that_hardly_differ_in_loss_get_the_certificate_that_was_told(apart, mean):
    points = pd.DataFrame({"point": [1, 2], "cost_musd": [100.1, 100.6], "loss_months": [0.3 + apart, 0.3]})
    bounds = pd.DataFrame({"kind": ["cap"], "max_loss_months": [None], "weight": [None], "bound_musd": [100.0]})
    none = pd.DataFrame({"from_point": [], "to_point": []}, dtype=int)
    found, told = certificate_of(points, bounds, none), certificate(points, bounds, none)
    assert found == pytest.approx({name: getattr(told, name) for name in found}, abs=1e-6)
    assert found["mean_gap_share"] == pytest.approx(mean, abs=1e-9)


def test_certificate_of_two_points_and_three_proofs():
    """Points (100, 4), (140, 2); proofs: 90 for all, 120 up to loss 3, cost + 10 loss >= 132.

    U is 140 on 2..4 (the cheap point only counts at 4). L: from 2 to 3 the larger of 120 and 132 - 10 r (112 at 2), so
    120; from 3 to 4 the larger of 90 and 132 - 10 r (102 at 3, 92 at 4), so 97 on average.
    Area between: 20 + 43 = 63 of 280; above the least cost of 100: 20 + 40 - 0.2 (the triangle of 102 over 100,
    2 high and 0.2 wide), of a box of 2 x 40.
    """
    points = pd.DataFrame({"point": [1, 2], "cost_musd": [100.0, 140.0], "loss_months": [4.0, 2.0]})
    bounds = pd.concat([proof("cap", np.nan, np.nan, 90.0), proof("cap", 3.0, np.nan, 120.0),
                        proof("weight", np.nan, 10.0, 132.0)])  # fmt: skip
    none = pd.DataFrame({"from_point": [], "to_point": []})
    found = certificate_of(points, bounds, none)
    assert found["mean_gap_share"] == pytest.approx(63 / 280, abs=1e-6)
    assert found["max_gap_share"] == pytest.approx(48 / 140, abs=1e-3)
    assert found["uncertain_share"] == pytest.approx(59.8 / 80, abs=1e-5)
    line = pd.DataFrame({"from_point": [1], "to_point": [2]})
    assert certificate_of(points, bounds, line)["mean_gap_share"] == pytest.approx(
        certificate(points, bounds, line).mean_gap_share, abs=1e-5
    )


def test_extracted_written_and_read_run_passes(tmp_path):
    program, point = hand_made_point()
    instance = hand_made_instance()
    tables = collect(instance, [Extractor(instance, program).tables(point)], {"bounds": CLEAN["bounds"]})
    write_tables(tmp_path / "run", tables)
    write_tables(tmp_path / "inputs", exported(instance))
    audit = audit_run(read_tables(tmp_path / "run"), read_tables(tmp_path / "inputs"), CERTIFICATE)
    assert audit.passed, audit.message()
    assert audit.record()["passed"]


def test_a_case_without_tolls_shocks_or_stock_can_be_audited():
    sales = set(CASE["offers"].query("kind == 'sale'")["offer"])
    case = {**CASE, **{name: CASE[name].head(0) for name in ("storages", "opening_stock")}}
    case = {name: frame.head(0) if "shock" in frame.columns else frame for name, frame in case.items()}
    for name, frame in case.items():
        if "offer" in frame.columns:
            case[name] = frame[frame["offer"].isin(sales)].reset_index(drop=True)
    assert not audit_run(CLEAN, case).passed
    empty = audit_run({"frontier": CLEAN["frontier"]}, case)
    assert "demand_balance" in {check.name for check in empty.failures}


def test_dearer_and_safer_beats_nothing():
    results = dict(CLEAN)
    add("frontier", point=2, cost_musd=COST + 10, loss_months=0.1)(results, {})
    failed = {failure.name for failure in audited(check_frontier, results, dict(CASE)).failures}
    assert not failed & {"nondominated", "cheapest_first"}


def test_a_stage_at_which_nothing_is_made_has_no_shares():
    results, case = dict(CLEAN), dict(CASE)
    put("throughput", "throughput_t", 0.0, facility="mine")(results, case)
    put("shares", "flow_share", 0.0, stage="mining")(results, case)
    failed = {failure.name for failure in audited(run.check_policy, results, case).failures}
    assert "shares_table" not in failed


def test_an_environmental_cap_counts_its_own_load_in_its_own_years():
    # 200 t of ore a year at 10 kg: 2,000 kg in 2027 alone; water is another matter.
    for most, fails in ((2000.0, False), (1999.0, True)):
        water = CASE["footprints"].assign(indicator="water_m3", value_per_t=7.0)
        case = {**CASE, "footprints": pd.concat([CASE["footprints"], water], ignore_index=True)}
        case["environment_caps"] = CASE["environment_caps"].assign(years="2027", max_value=most)
        failed = {failure.name for failure in audited(run.check_policy, dict(CLEAN), case).failures}
        assert ("environment_cap" in failed) == fails


def test_a_cap_per_kilogram_is_one_per_kilogram_of_demand_met():
    # 4,000 kg over two years in which 200 t are used: 0.02 kg per kg.
    for most, fails in ((0.0201, False), (0.0199, True)):
        case = {**CASE, "environment_caps": CASE["environment_caps"].assign(is_per_kg=True, max_value=most)}
        failed = {failure.name for failure in audited(run.check_policy, dict(CLEAN), case).failures}
        assert ("environment_cap" in failed) == fails


def test_what_comes_under_a_new_volume_waits_for_its_licence():
    # 60 t are signed in 2027, where nothing ran before: 60 x (1 - 30/365) = 55.07 t can come, after 31 days 54.9.
    for days, fails in ((30.0, False), (31.0, True)):
        results, case = dict(CLEAN), dict(CASE)
        ruled("delay", lane_years=lambda x, days=days: x.assign(processing_days=days))(results, case)
        put("flows", "flow_t", 55.0, lane=METAL, shock="nominal")(results, case)
        failed = {failure.name for failure in audited(run.check_rules, results, case).failures}
        assert ("licence_delay" in failed) == fails


def test_a_project_that_brings_nothing_up_is_not_counted_on():
    # The mine digs 2 x (60 + 40) t and keeps 10 t ready: with 209 t open it needs the project's 50 t.
    for profile, fails in ((PLAIN["project_profile"], False), (PLAIN["project_profile"].head(0), True)):
        results, case = dict(CLEAN), {**CASE, "project_profile": profile}
        put("capacities", "open_sale_t", 209.0, facility="mine")(results, case)
        failed = {failure.name for failure in audited(run.check_standby, results, case).failures}
        assert ("standby_capacity" in failed) == fails


def test_a_recipe_that_makes_none_of_a_product_is_covered_by_what_it_makes():
    # 60 t of metal behind sales come from a recipe without slag, which another recipe there makes and sells.
    clean = "smelter|clean|ore"
    for left, fails in (((), False), ((add("outlets", **LEFT_METAL),), True)):
        results, case = dict(CLEAN), dict(CASE)
        add("recipes", recipe=clean, facility="smelter")(results, case)
        for product, amount in (("metal", 1.0), ("slag", 0.0)):
            add("recipe_flows", recipe=clean, product=product, direction="output", t_per_t=amount)(results, case)
        add("offers", offer="G", product="slag")(results, case)
        put("throughput", "recipe", clean, recipe=MELT, layer="supplier")(results, case)
        put("outlets", "amount_t", 0.0, outlet="surplus")(results, case)
        for corrupt in left:
            corrupt(results, case)
        failed = {failure.name for failure in audited(run.check_standby, results, case).failures}
        assert ("joint_production_is_drawn" in failed) == fails


def test_plants_built_one_after_the_other_are_not_built_at_once():
    # One a year each, by a crew that builds one at a time: E in 2027, F in 2028; in one year they are too many.
    crew = pd.DataFrame({"name": ["crew"], "projects": ["E;F"], "max_projects": [1]})
    for start, fails in ((2028, False), (2027, True)):
        results, case = dict(CLEAN), {**CASE, "build_limits": crew}
        case["projects"] = CASE["projects"].assign(build_years=1)
        add("projects", project="F")(results, case)
        add("portfolio", kind="project", offer="F", start_year=start)(results, case)
        failed = {failure.name for failure in audited(run.check_rules, results, case).failures}
        assert ("simultaneous_builds" in failed) == fails


def test_only_a_credit_for_the_product_in_the_year_lowers_its_price():
    # S sells metal at 50 USD/kg. A credit of 4, half of it passed on, would make that 48.
    columns = ["kind", "facility", "project", "product", "from_year", "to_year", "value", "pass_through_share"]
    part = pd.DataFrame({"offer": ["S"], "year": [2027], "product": [""], "kg_per_kg": [1.0],
                         "price_usd_per_kg": [50.0], "floor_usd_per_kg": [0.0]})  # fmt: skip
    for kind, product, first, fails in (
        ("production_credit", "metal", 2027, True),
        ("production_credit", "*", 2026, True),
        ("production_credit", "ore", 2027, False),
        ("production_credit", "metal", 2028, False),
        ("investment_credit", "metal", 2027, False),
    ):
        term = pd.DataFrame([(kind, "smelter", "none", product, first, 2030, 4.0, 0.5)], columns=columns)
        found = audited(run.check_subsidies, dict(CLEAN), {**CASE, "price_parts": part, "subsidies": term})
        assert ("subsidised_prices" in {failure.name for failure in found.failures}) == fails, (kind, product, first)


def test_classes_are_one_where_neither_a_market_nor_a_lane_asks_for_them():
    # The fire's cut of the lane concerns class 1 alone; where it concerns all, rows of the shock tell no classes apart.
    assert Case(PLAIN).unclassed == set()
    assert Case({**PLAIN, "lane_shares": PLAIN["lane_shares"].assign(origin_bit=0)}).unclassed == {SHOCK}


def test_every_check_has_a_corruption(family_of):
    """Those of public money, which run once and not per point, have theirs on a toy that has such money."""
    assert set(family_of) - {name for name, _ in CORRUPTIONS} == set()


def test_message_names_check_and_row():
    results = {**CLEAN, "flows": CLEAN["flows"].assign(flow_t=1.0)}
    message = audit_run(results, CASE).message()
    assert "material_balance" in message
    assert "smelter" in message
