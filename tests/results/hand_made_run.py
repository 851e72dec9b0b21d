"""A small run whose every figure is written by hand: two plants, one market, two years, one shock.

A mine (unmarked) sells ore; a smelter (marked with bit 1) turns 2 t of ore into 1 t of metal and 0.5 t of slag. The
market needs 100 t of metal a year: 60 t from the sale ``S``, 40 t from the toll ``T`` fed by 80 t of ore from the sale
``O``. In 2028 half the smelter stops for three months and its lane to the market carries 40 %: 10 t of stock
bridge it, 3 t of 25 t are missing, so 3 x 3/25 = 0.36 months are lost.
"""

import numpy as np
import pandas as pd

from optimizer.results.schema import TABLES

YEARS = (2027, 2028)
DISCOUNT = {2027: 1.1**-0.5, 2028: 1.1**-1.5}
FREIGHT = 0.1 + 0.008  # 100 t x 1000 USD/t; 80 t x 100 USD/t
YEARLY = {
    "purchase": 60 * 50 / 1e3 + 80 * 5 / 1e3,
    "toll": 40 * 10 / 1e3,
    "freight": FREIGHT,
    "tariff": 0.1 * 40 * 100 / 1e3,
    "substitution": 1.0 * 100 / 1e3,
    "stock": 1000 * 10 / 1e6,
    "disposal": 5 * 1 / 1e3,
    "byproduct_sales": -15 * 2 / 1e3,
    "carbon": 100 * (200 * 10) / 1e3 / 1e6,
}
ONCE = {"qualification": 1.0 * DISCOUNT[2027], "sponsorship": 10.0 * (DISCOUNT[2027] - 0.8 * 1.1**-2)}
COST = sum(YEARLY.values()) * sum(DISCOUNT.values()) + sum(ONCE.values())
LOSS = 0.36

ORE_SHADOW, ORE_OWNED, METAL = "s:mine>smelter:ore", "b:mine>smelter:ore", "b:smelter>market:metal"
DIG, MELT = "mine|dig|ore", "smelter|melt|ore"
CERTIFICATE = {"mean_gap_share": 0.005, "max_gap_share": 0.005, "uncertain_share": 0.0, "tolerance": 0.01, "solves": 1}
# In 2028 the project adds 50 t at the mine: 10 t of ore, 5 t of metal beyond the 60 t taken, 2.5 t of slag for others.
STANDBY = (
    (1, "hand_over", "smelter", "metal", 2028, 5.0),
    (1, "lane", "mine", ORE_SHADOW, 2028, 10.0),
    (1, "recipe", "mine", DIG, 2028, 10.0),
    (1, "recipe", "smelter", MELT, 2028, 5.0),
)


def frame(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns.split())


def _states():
    """(shock, year, period, sale metal, tolled metal, spot metal, stock after, opening stock)."""
    yield "nominal", 2027, 0, 60.0, 40.0, 0.0, 10.0
    yield "nominal", 2028, 0, 60.0, 40.0, 0.0, 10.0
    yield "fire@2028", 2028, 1, 6.0, 6.0, 0.0, 0.0
    yield "fire@2028", 2028, 2, 14.0, 10.0, 1.0, 0.0


def _is_followed(shock, plant):
    """Whether the tables tell of a plant: of the mine, which the fire does not touch, in the plan alone."""
    return shock == "nominal" or plant != "mine"


def operation():
    """Rows of all tables of operation, from sale, toll and spot volumes alone."""
    rows = {n: [] for n in ("flows", "throughput", "deliveries", "outlets", "reclassified", "stock", "shortfalls")}
    for shock, year, period, sale, toll, spot, stock in _states():
        when = {"point": 1, "shock": shock, "year": year, "period": period}
        shadow = sale + spot
        for lane, layer, start, end, product, mark, amount in (
            (ORE_SHADOW, "supplier", "mine", "smelter", "ore", 0, 2 * shadow),
            (ORE_OWNED, "buyer", "mine", "smelter", "ore", 0, 2 * toll),
            (METAL, "buyer", "smelter", "market", "metal", 1, shadow + toll),
        ):
            ends = {"layer": layer, "from_facility": start, "to_facility": end, "product": product}
            rows["flows"].append({**when, **ends, "lane": lane, "origin_class": mark, "flow_t": amount})
        for recipe, plant, layer, mark, amount in (
            (DIG, "mine", "supplier", 0, 2 * shadow + 2 * toll),
            (MELT, "smelter", "supplier", 1, shadow),
            (MELT, "smelter", "buyer", 1, toll),
        ):
            run = {"recipe": recipe, "facility": plant, "layer": layer, "origin_class": mark, "throughput_t": amount}
            rows["throughput"] += [{**when, **run}] if _is_followed(shock, plant) else []
        for offer, kind, mark, amount in (
            ("S", "sale", 1, sale), ("O", "sale", 0, 2 * toll), ("Q", "spot", 1, spot),
        ):  # fmt: skip
            sold = {"offer": offer, "kind": kind, "origin_class": mark, "delivered_t": amount}
            plant = "mine" if offer == "O" else "smelter"
            rows["deliveries"] += [{**when, **sold}] if amount and _is_followed(shock, plant) else []
        slag = {"place": "smelter", "product": "slag", "origin_class": 1}
        rows["outlets"].append({**when, **slag, "layer": "supplier", "outlet": "surplus", "amount_t": shadow / 2})
        is_nominal = shock == "nominal"
        dumped = 5.0 if is_nominal else toll / 2
        rows["outlets"].append({**when, **slag, "layer": "buyer", "outlet": "disposed", "amount_t": dumped})
        if is_nominal:
            rows["outlets"].append({**when, **slag, "layer": "buyer", "outlet": "sold", "amount_t": 15.0})
        for layer, amount in (("supplier", 2 * shadow), ("buyer", 2 * toll)):
            raised = {"layer": layer, "place": "smelter", "product": "ore", "from_class": 0, "to_class": 1}
            rows["reclassified"].append({**when, **raised, "amount_t": amount})
        if stock:
            held = {"place": "market", "product": "metal", "origin_class": 1, "stock_t": stock}
            rows["stock"].append({**when, **held})
        missing = 3.0 if period == 1 else 0.0
        if is_nominal or missing:
            demand = 100.0 if is_nominal else 25.0
            rows["shortfalls"].append({**when, "market": "market", "demand_t": demand, "shortfall_t": missing})
    return {name: pd.DataFrame(entries) for name, entries in rows.items()}


def result_tables():
    """All result tables of the run."""
    tables = operation()
    signed = "point kind offer facility product stage country_iso3 start_year end_year committed_t_per_year"
    tables["portfolio"] = frame(
        signed,
        (1, "sale", "S", "smelter", "metal", "smelting", "BBB", 2027, 2028, 60.0),
        (1, "sale", "O", "mine", "ore", "mining", "AAA", 2027, 2028, 80.0),
        (1, "toll", "T", "smelter", "metal", "smelting", "BBB", 2027, 2028, 40.0),
        (1, "held", "Q", "smelter", "metal", "smelting", "BBB", 2027, 2028, 0.0),
        (1, "qualification", "QO", "mine", "ore", "mining", "AAA", 2027, 2028, 0.0),
        (1, "project", "E", "mine", "", "mining", "AAA", 2027, 2028, 50.0),
    )
    tables["standby"] = frame("point kind facility item year standby_t", *STANDBY)
    volumes = [(1, o, t, v, v, v) for o, v in (("S", 60.0), ("O", 80.0), ("T", 40.0)) for t in YEARS]
    tables["commitments"] = frame("point offer year committed_t lifted_t paid_t", *volumes)
    costs = [(1, term, t, value * DISCOUNT[t]) for term, value in YEARLY.items() for t in YEARS]
    costs += [(1, term, 2027, value) for term, value in ONCE.items()]
    tables["costs"] = frame("point term year cost_musd", *costs)
    # 12 of 25 t arrive in the first three months; 10 t of stock carry the rest until 3 t are lacking.
    survive = 3 * 10 / (10 + 3)
    tables["losses"] = frame(
        "point shock loss_months survive_months recover_months", (1, "fire@2028", LOSS, survive, 3.0)
    )
    tables["shares"] = frame(
        "point stage country_iso3 flow_share", (1, "mining", "AAA", 1.0), (1, "smelting", "BBB", 1.0)
    )
    tables["environment"] = frame("point indicator facility value unit", (1, "ghg_kgco2e", "mine", 4000.0, "kg CO2e"))
    per_kg = COST * 1e3 / (100 * sum(DISCOUNT.values()))
    tables["frontier"] = frame(
        " ".join(TABLES["frontier"].columns), (1, COST, LOSS, 0.995 * COST, 0.005, "optimal", LOSS, LOSS, per_kg)
    )
    tables["bounds"] = frame(
        " ".join(TABLES["bounds"].columns), (1, "cap", LOSS, np.nan, 0.995 * COST, np.nan, "optimal")
    )
    tables["reached"] = frame(
        "shock layer facility", ("fire@2028", "buyer", "smelter"), ("fire@2028", "supplier", "smelter")
    )
    shock = ("fire@2028", "fire", "Fire", 2028, 1.0, 0.02, 6.0, True, "Half the smelter stops.")
    tables["shocks"] = frame(" ".join(TABLES["shocks"].columns), shock)
    return {name: tables.get(name, pd.DataFrame(columns=list(t.columns))) for name, t in TABLES.items()}


def instance_tables():
    """The tables of the instance behind the run."""
    settings = {
        "case": "hand_made", "first_year": "2027", "last_year": "2028", "discount_rate_share": "0.1",
        "surge_share": "0.2", "measure_kind": "cvar_by_start_year", "measure_alpha": "0.8",
        "carbon_price_usd_per_t": "100", "carbon_indicator": "ghg_kgco2e", "is_shortfall_allowed": "false",
        "includes_shock_cost": "false", "line_stop_usd_per_kg": "0", "closes_at_opening": "true",
        "licence_time": "false", "limits_intermediates": "false",
    }  # fmt: skip
    years = YEARS
    return {
        "settings": pd.DataFrame({"key": list(settings), "value": list(settings.values())}),
        "facilities": frame(
            "facility name operator country_iso3 latitude longitude stage status is_aggregate origin_bits",
            ("mine", "Mine", "M", "AAA", 0.0, 0.0, "mining", "operating", False, 0),
            ("smelter", "Smelter", "S", "BBB", 1.0, 1.0, "smelting", "operating", False, 1),
        ),
        "capacities": frame(
            "facility year capacity_t open_sale_t open_toll_t",
            *[("mine", t, 400.0, 200.0, 0.0) for t in years],
            *[("smelter", t, 400.0, 80.0, 60.0) for t in years],
        ),
        "recipes": frame(
            "recipe facility route capacity_use layers",
            (DIG, "mine", "dig", 1.0, "supplier"),
            (MELT, "smelter", "melt", 1.0, "supplier;buyer"),
        ),
        "recipe_flows": frame(
            "recipe product direction t_per_t",
            (DIG, "ore", "output", 1.0),
            (MELT, "ore", "input", 2.0),
            (MELT, "metal", "output", 1.0),
            (MELT, "slag", "output", 0.5),
        ),
        "footprints": frame("recipe indicator value_per_t", (DIG, "ghg_kgco2e", 10.0)),
        "lanes": frame(
            "lane layer from_place to_place product mode distance_km passages lead_time_days freight_usd_per_t "
            "customs_value_usd_per_kg from_port to_port",
            (ORE_SHADOW, "supplier", "mine", "smelter", "ore", "sea", 1e3, "", 9.0, 100.0, 5.0, "", ""),
            (ORE_OWNED, "buyer", "mine", "smelter", "ore", "sea", 1e3, "", 9.0, 100.0, 5.0, "", ""),
            (METAL, "buyer", "smelter", "market", "metal", "sea", 9e3, "", 30.0, 1000.0, 40.0, "", ""),
        ),
        "lane_years": frame(
            "lane year tariff_share approval_share",
            *[(lane, t, 0.1 if lane == METAL else 0.0, 1.0) for lane in (ORE_SHADOW, ORE_OWNED, METAL) for t in years],
        ),
        "lane_classes": frame("lane origin_class", (ORE_SHADOW, 0), (ORE_OWNED, 0), (METAL, 1)),
        "markets": frame(
            "market name country_iso3 latitude longitude segment criticality",
            ("market", "Market", "CCC", 2.0, 2.0, "civil", 1.0),
        ),
        "market_products": frame("market product use_kg_per_kg substitution_usd_per_kg", ("market", "metal", 1.0, 1.0)),
        "demand": frame("market year demand_t forbidden_bits", *[("market", t, 100.0, 0) for t in years]),
        "offers": frame(
            "offer kind facility product recipe min_t max_t term_years take_or_pay_share surge_share first_stage "
            "last_stage qualification",
            ("S", "sale", "smelter", "metal", "", 10.0, 70.0, 2, 0.5, 0.2, "mining", "smelting", "Q"),
            ("O", "sale", "mine", "ore", "", 10.0, 90.0, 2, 0.5, 0.2, "mining", "mining", "QO"),
            ("T", "toll", "smelter", "metal", MELT, 10.0, 50.0, 2, 0.5, 0.2, "smelting", "smelting", ""),
        ),
        "offer_years": frame(
            "offer year price_usd_per_kg running_t may_start",
            *[(o, t, price, 0.0, t == 2027) for o, price in (("S", 50.0), ("O", 5.0), ("T", 10.0)) for t in years],
        ),
        "qualifications": frame(
            "qualification facility product market is_held lead_time_years cost_musd spot_price_usd_per_kg",
            ("Q", "smelter", "metal", "*", True, 1.0, 3.0, 80.0),
            ("QO", "mine", "ore", "*", False, 0.5, 1.0, 8.0),
        ),
        "qualification_years": frame(
            "qualification year may_start spot_t",
            *[("Q", t, False, 40.0) for t in years],
            *[("QO", t, True, 0.0) for t in years],
        ),
        "projects": frame(
            "project facility name entitlement_t_per_year cost_musd life_years", ("E", "mine", "E", 50.0, 10.0, 10.0)
        ),
        "project_years": frame("project year may_start", ("E", 2027, True), ("E", 2028, True)),
        "project_profile": frame("project age share", ("E", 0, 0.0), ("E", 1, 1.0)),
        "storages": frame("place product min_t max_t carrying_usd_per_t_year", ("market", "metal", 0.0, 20.0, 1000.0)),
        "opening_stock": frame("place product origin_class opening_t", ("market", "metal", 1, 10.0)),
        "byproducts": frame(
            "product sale_price_usd_per_kg max_sale_t_per_year disposal_usd_per_kg", ("slag", 2.0, 15.0, 1.0)
        ),
        "products": frame(
            "product name form ore basis tracked_share reference_price_usd_per_kg control_group",
            ("ore", "Ore", "ore", "", "t", 0.5, 5.0, ""),
            ("metal", "Metal", "metal", "", "t", 1.0, 50.0, ""),
            ("slag", "Slag", "slag", "", "t", 0.0, 0.0, ""),
        ),
        "shocks": frame(
            "shock event name start_year rate_per_year probability window_months price_multiple story",
            ("fire@2028", "fire", "Fire", 2028, 0.02, 1.0, 6.0, 1.0, "Half the smelter stops."),
        ),
        "shock_periods": frame(
            "shock period year first_month months", ("fire@2028", 1, 2028, 0.0, 3.0), ("fire@2028", 2, 2028, 3.0, 3.0)
        ),
        "facility_shares": frame("shock facility period open_share", ("fire@2028", "smelter", 1, 0.5)),
        "lane_shares": frame("shock lane period origin_bit open_share", ("fire@2028", METAL, 1, 1, 0.4)),
        "place_classes": frame("layer place product origin_class", ("buyer", "market", "metal", 1)),
        "upstream_spot": frame("facility product year spot_t"),
        "share_caps": frame("name stage facilities max_share years", ("most", "mining", "mine", 1.0, "2027;2028")),
        "supplier_counts": frame(
            "name stage facilities min_count max_count years", ("few", "smelting", "smelter", 1.0, 1.0, "2027;2028")
        ),
        "budgets": frame("name terms years max_musd", ("purse", "sponsorship;qualification", "2027", 11.0)),
        "environment_caps": frame(
            "name indicator facilities years max_value", ("air", "ghg_kgco2e", "mine", "2027;2028", 4000.0)
        ),
        "year_weights": frame("start_year weight"),
        "discount_factors": frame("year discount_factor", *DISCOUNT.items()),
        "origin_rules": frame("origin_bit rule", (1, "marked")),
        "stages": frame("position stage", (0, "mining"), (1, "smelting")),
    }
