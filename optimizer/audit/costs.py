"""Every cost term recomputed from flows, contracts and prices; the sum against the cost of the point."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from optimizer.audit.balances import opening_stock
from optimizer.audit.ledger import MUSD, Ledger
from optimizer.audit.shares import above_cap, stage_output
from optimizer.audit.view import NOMINAL, View, column_of

Part = tuple[str, pd.Series, pd.Series]
"""(term, year, MUSD of that year) per row."""

RECOURSE_TERM = "shock_cost"
"""Depends on recourse costs, which no result table holds: only its part in the sum is checked."""


def check_costs(view: View, ledger: Ledger) -> None:
    """Each term in each year, and the sum of all terms against the frontier's cost."""
    key = ["term", "year"]
    spending = spending_of(view)
    present = spending.assign(expected=spending["spent_musd"] * spending["year"].map(view.case.discount))
    present["expected"] += spending["credit_musd"]
    told = view.results["costs"]
    unknown = told[~told["year"].isin(view.case.years)]
    ledger.forbid("cost_years", unknown[key])
    rows = told[told["term"] != RECOURSE_TERM].merge(present[[*key, "expected"]], on=key, how="outer")
    rows = rows.fillna({"cost_musd": 0.0, "expected": 0.0})
    off = (rows["cost_musd"] - rows["expected"]).abs()
    for term, part in rows.groupby("term"):
        ledger.note(f"cost_{term}", part[[*key, "cost_musd", "expected"]], off[part.index], part["expected"], MUSD)
    total = pd.DataFrame({"point": [view.point], "costs_musd": [told["cost_musd"].sum()]})
    total = total.merge(view.results["frontier"][["point", "cost_musd"]], on="point")
    gap = (total["costs_musd"] - total["cost_musd"]).abs()
    ledger.note("cost_total", total, gap, told["cost_musd"].abs().sum(), MUSD)


def spending_of(view: View) -> pd.DataFrame:
    """``term, year, spent_musd, credit_musd``: money of the year, and present values credited against it."""
    parts = [
        pd.DataFrame({"term": term, "year": year.to_numpy(), "spent_musd": amount.to_numpy(dtype=float)})
        for term, year, amount in _parts(view)
    ]
    spent = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True).assign(credit_musd=0.0)
    frame = pd.concat([part for part in (spent, _residuals(view)) if len(part)] or [spent], ignore_index=True)
    return frame.groupby(["term", "year"], as_index=False)[["spent_musd", "credit_musd"]].sum()


def _parts(view: View) -> Iterator[Part]:
    yield from _contracts(view)
    yield from _movements(view)
    yield from _qualifications(view)
    yield from _stock(view)
    yield from _outlets(view)
    yield from _carbon(view)
    yield from _land(view)
    yield from _benchmarks(view)
    projects = view.results["portfolio"].query("kind == 'project'")
    prices = projects["offer"].map(view.case.map("projects", "project", "cost_musd")).astype(float)
    yield "sponsorship", projects["start_year"], prices
    if view.case.is_on("is_shortfall_allowed"):
        short = view.nominal("shortfalls")
        yield "line_stop", short["year"], view.case.number("line_stop_usd_per_kg") * short["shortfall_t"] / 1e3


def _contracts(view: View) -> Iterator[Part]:
    case = view.case
    rows = view.results["commitments"].merge(case.tables["offers"][["offer", "kind"]], on="offer")
    rows = rows.merge(case.tables["offer_years"][["offer", "year", "price_usd_per_kg"]], on=["offer", "year"])
    for kind, term in (("sale", "purchase"), ("toll", "toll")):
        mine = rows[rows["kind"] == kind]
        yield term, mine["year"], mine["paid_t"] * mine["price_usd_per_kg"] / 1e3


def _movements(view: View) -> Iterator[Part]:
    case = view.case
    lanes = case.tables["lanes"].query("layer == 'buyer'")
    columns = ["lane", "to_place", "product", "freight_usd_per_t", "customs_value_usd_per_kg"]
    rows = view.nominal("flows")[["lane", "year", "flow_t"]].merge(lanes[columns], on="lane")
    yield "freight", rows["year"], rows["freight_usd_per_t"] * rows["flow_t"] / 1e6
    rows = rows.merge(case.tables["lane_years"][["lane", "year", "tariff_share"]], on=["lane", "year"], how="left")
    duty = rows["tariff_share"].fillna(0.0) * rows["customs_value_usd_per_kg"] * rows["flow_t"] / 1e3
    yield "tariff", rows["year"], duty
    uses = case.tables["market_products"].rename(columns={"market": "to_place"})
    rows = rows.merge(uses, on=["to_place", "product"])
    extra = rows["substitution_usd_per_kg"] * rows["flow_t"] / rows["use_kg_per_kg"] / 1e3
    yield "substitution", rows["year"], extra


def _qualifications(view: View) -> Iterator[Part]:
    new = view.results["portfolio"].query("kind == 'qualification'")
    data = view.case.tables["qualifications"].rename(columns={"qualification": "offer"})
    rows = new[["offer", "start_year"]].merge(data[["offer", "lead_time_years", "cost_musd"]], on="offer")
    lead = rows["lead_time_years"].map(lambda years: math.ceil(years - 1e-9))
    yield "qualification", (rows["start_year"] - lead).clip(lower=view.case.years[0]), rows["cost_musd"]


def _stock(view: View) -> Iterator[Part]:
    limits = view.case.tables["storages"][["place", "product", "carrying_usd_per_t_year"]]
    for held in (opening_stock(view), view.results["stock"]):
        rows = held[held["shock"] == NOMINAL][["place", "product", "year", "stock_t"]]
        rows = rows.merge(limits, on=["place", "product"])
        yield "stock", rows["year"], rows["carrying_usd_per_t_year"] * rows["stock_t"] / 2e6


def _outlets(view: View) -> Iterator[Part]:
    rows = view.nominal("outlets").merge(view.case.tables["byproducts"], on="product")
    sold, disposed = rows[rows["outlet"] == "sold"], rows[rows["outlet"] == "disposed"]
    yield "byproduct_sales", sold["year"], -sold["sale_price_usd_per_kg"] * sold["amount_t"] / 1e3
    yield "disposal", disposed["year"], disposed["disposal_usd_per_kg"] * disposed["amount_t"] / 1e3


def _carbon(view: View) -> Iterator[Part]:
    price, indicator = view.case.number("carbon_price_usd_per_t"), view.case.settings.get("carbon_indicator", "")
    footprints = view.case.tables["footprints"]
    rows = view.nominal("throughput").merge(footprints[footprints["indicator"] == indicator], on="recipe")
    yield "carbon", rows["year"], price * rows["value_per_t"] * rows["throughput_t"] / 1e9


def _land(view: View) -> Iterator[Part]:
    """Cost of restoring the land that activities use, both layers."""
    recipes = view.case.tables["recipes"]
    recipes = recipes[["recipe"]].assign(usd_per_t=column_of(recipes, "restoration_usd_per_t", 0.0).astype(float))
    rows = view.nominal("throughput").merge(recipes, on="recipe")
    yield "restoration", rows["year"], rows["usd_per_t"] * rows["throughput_t"] / 1e6


def _benchmarks(view: View) -> Iterator[Part]:
    """What lies above a benchmark, at its price."""
    caps = view.case.tables["share_caps"]
    run = stage_output(view)
    for cap, price in zip(caps.to_dict("records"), column_of(caps, "penalty_usd_per_kg", math.nan), strict=True):
        if not pd.isna(price):
            rows = above_cap(run, cap)
            yield "benchmark", rows["year"], float(price) * rows["above_t"].clip(lower=0.0) / 1e3


def _residuals(view: View) -> pd.DataFrame:
    """What is left of sponsored plants at the end of the horizon, credited at its present value."""
    case = view.case
    data = case.tables["projects"].rename(columns={"project": "offer"})[["offer", "cost_musd", "life_years"]]
    rows = view.results["portfolio"].query("kind == 'project'")[["offer", "start_year"]].merge(data, on="offer")
    left = (1.0 - (case.years[-1] + 1 - rows["start_year"]) / rows["life_years"]).clip(lower=0.0)
    factor = (1.0 + case.number("discount_rate_share")) ** -len(case.years)
    return pd.DataFrame(
        {
            "term": "sponsorship",
            "year": rows["start_year"],
            "spent_musd": 0.0,
            "credit_musd": -rows["cost_musd"] * left * factor,
        }
    )
