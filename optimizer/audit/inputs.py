"""The tables of the instance themselves: whole, each row once, and naming only what is there.

Other checks look rows up and take what is missing for nothing, no tariff or no limit. That is right of tables of
exceptions and limits (shares of what a shock cuts, spot behind suppliers, caps); of those that must have a row for each
lane, plant or year a missing one would be read as a fact that nobody stated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from optimizer.audit.ledger import Ledger
from optimizer.audit.view import Case

KEYS: dict[str, tuple[str, ...]] = {
    "settings": ("key",), "facilities": ("facility",), "capacities": ("facility", "year"), "recipes": ("recipe",),
    "recipe_flows": ("recipe", "product", "direction"), "footprints": ("recipe", "indicator"), "lanes": ("lane",),
    "lane_years": ("lane", "year"), "lane_classes": ("lane", "origin_class"), "markets": ("market",),
    "market_products": ("market", "product"), "demand": ("market", "year"), "offers": ("offer",),
    "offer_years": ("offer", "year"), "qualifications": ("qualification",),
    "qualification_years": ("qualification", "year"), "projects": ("project",), "project_years": ("project", "year"),
    "project_profile": ("project", "age"), "storages": ("place", "product"),
    "opening_stock": ("place", "product", "origin_class"), "byproducts": ("product",), "products": ("product",),
    "shocks": ("shock",), "shock_periods": ("shock", "period"), "facility_shares": ("shock", "facility", "period"),
    "lane_shares": ("shock", "lane", "period", "origin_bit"),
    "place_classes": ("layer", "place", "product", "origin_class"), "upstream_spot": ("facility", "product", "year"),
    "year_weights": ("start_year",), "discount_factors": ("year",), "origin_rules": ("origin_bit",),
    "stages": ("position",),
}  # fmt: skip
"""Table that every run has → columns that tell its rows apart."""
LIMITS = ("share_caps", "supplier_counts", "budgets", "environment_caps")
"""Tables that every run has, in which one limit may stand twice."""
YEARLY = {
    "capacities": "facilities",
    "lane_years": "lanes",
    "demand": "markets",
    "offer_years": "offers",
    "qualification_years": "qualifications",
    "project_years": "projects",
}
"""Table with a row for every year of the horizon of each of these."""
SETTINGS = (
    "first_year", "last_year", "discount_rate_share", "surge_share", "measure_kind", "measure_alpha",
    "carbon_price_usd_per_t", "carbon_indicator", "is_shortfall_allowed", "closes_at_opening", "includes_shock_cost",
    "line_stop_usd_per_kg", "licence_time", "limits_intermediates",
)  # fmt: skip
_MAY_LACK = ("penalty_usd_per_kg", "min_count", "max_count")
"""Columns of numbers that may say nothing."""
_BOOKS = {
    "facility": "facilities", "recipe": "recipes", "lane": "lanes", "market": "markets", "offer": "offers",
    "qualification": "qualifications", "project": "projects", "shock": "shocks", "product": "products",
    "stage": "stages",
}  # fmt: skip
"""Column of a name → the table that it must stand in, in whatever table it is."""
_OPEN = {("qualifications", "market"), ("subsidies", "facility"), ("subsidies", "project"), ("subsidies", "product"),
         ("price_parts", "market"), ("price_parts", "product"), ("share_caps", "stage"),
         ("supplier_counts", "stage")}  # fmt: skip
"""Columns that may also hold a word for all or for none."""
_PARTS = (
    ("recipes", "recipe", "recipe_flows"),
    ("lanes", "lane", "lane_classes"),
    ("markets", "market", "market_products"),
    ("projects", "project", "project_profile"),
    ("shocks", "shock", "shock_periods"),
)
"""What must have at least one row in another table."""


def check_inputs(case: Case, ledger: Ledger) -> bool:
    """Whether the tables of the instance can be taken at their word; what is wrong with them is entered."""
    lacking = [name for name in (*KEYS, *LIMITS) if name not in case.tables]
    ledger.forbid("input_tables", pd.DataFrame({"table": lacking}))
    keys = set(case.settings) if "settings" in case.tables else set(SETTINGS)
    ledger.forbid("input_settings", pd.DataFrame({"key": [key for key in SETTINGS if key not in keys]}))
    if not ledger.audit().passed:
        return False
    for name, key in KEYS.items():
        rows = case.tables[name]
        ledger.forbid("input_keys", rows.loc[rows.duplicated(list(key)), list(key)].assign(table=name))
    _check_numbers(case, ledger)
    _check_years(case, ledger)
    _check_references(case, ledger)
    _check_bits(case, ledger)
    _check_parts(case, ledger)
    _check_public_money(case, ledger)
    _check_order(case, ledger)
    return ledger.audit().passed


def _check_numbers(case: Case, ledger: Ledger) -> None:
    """No number is missing where one is read."""
    ledger.forbid("input_numbers", pd.DataFrame())
    for name, frame in case.tables.items():
        lacks = frame[frame.columns.difference(list(_MAY_LACK))].select_dtypes("number").isna()
        for column in [column for column in lacks.columns if lacks[column].any()]:
            key = list(KEYS.get(name, tuple(frame.columns[:1])))
            ledger.forbid("input_numbers", frame.loc[lacks[column], key].assign(table=name, column=column))


def _check_years(case: Case, ledger: Ledger) -> None:
    """Tables by year have every year of every item, and no other."""
    for name, book in YEARLY.items():
        column = KEYS[book][0]
        wanted = case.tables[book][[column]].merge(pd.DataFrame({"year": case.years}), how="cross")
        told = case.tables[name][[column, "year"]].drop_duplicates()
        both = wanted.merge(told, on=[column, "year"], how="outer", indicator="found")
        ledger.forbid("input_years", both.loc[both["found"] != "both", [column, "year"]].assign(table=name))
    factors = case.tables["discount_factors"].merge(
        pd.DataFrame({"year": case.years, "expected": list(case.discount.values())}), on="year", how="outer"
    )
    off = (factors["discount_factor"] - factors["expected"]).abs()
    ledger.note("input_discount", factors, off, tolerance=1e-9)


def _check_references(case: Case, ledger: Ledger) -> None:
    """Names of plants, lanes, products and all else stand in the table of their kind."""
    tables = case.tables
    known = {column: set(tables[book][column]) | {""} for column, book in _BOOKS.items()}
    places = known["facility"] | known["market"]
    known |= {"place": places, "from_place": places, "to_place": places}
    for name, frame in tables.items():
        for column in frame.columns.intersection(list(known)):
            if (name, column) not in _OPEN:
                strange = frame.loc[~frame[column].isin(known[column]), [column]]
                ledger.forbid("input_references", strange.assign(table=name))
    periods = pd.MultiIndex.from_frame(tables["shock_periods"][["shock", "period"]])
    for name in ("facility_shares", "lane_shares"):
        rows = tables[name][["shock", "period"]]
        ledger.forbid("input_references", rows[~pd.MultiIndex.from_frame(rows).isin(periods)].assign(table=name))


def _check_bits(case: Case, ledger: Ledger) -> None:
    """Origin classes, marks and what is barred are made of the bits of the case's rules."""
    known = int(np.bitwise_or.reduce(case.tables["origin_rules"]["origin_bit"].astype(int), initial=0))
    for name, frame in case.tables.items():
        for column in frame.columns:
            if column.endswith("_bits") or column in ("origin_bit", "origin_class"):
                strange = frame.loc[(frame[column].astype(int) & ~known) != 0, [column]]
                ledger.forbid("input_references", strange.assign(table=name))


def _check_parts(case: Case, ledger: Ledger) -> None:
    """Nothing lacks its parts: recipes make something, shocks last, and so on."""
    tables = case.tables
    outputs = tables["recipe_flows"].query("direction == 'output'")
    for book, column, name in _PARTS:
        parts = outputs if name == "recipe_flows" else tables[name]
        rows = tables[book]
        ledger.forbid("input_parts", rows.loc[~rows[column].isin(parts[column]), [column]].assign(table=name))
    weights, starts = tables["year_weights"], tables["shocks"][["start_year"]].drop_duplicates()
    if len(weights):
        lacking = starts[~starts["start_year"].isin(weights["start_year"])]
        ledger.forbid("input_parts", lacking.assign(table="year_weights"))


def _check_public_money(case: Case, ledger: Ledger) -> None:
    """Where programmes pay, what every offer and every project cost before them is told, each part in every year."""
    tables = case.tables
    parts, costs = (tables.get(name, pd.DataFrame()) for name in ("price_parts", "project_costs"))
    if tables.get("subsidies", pd.DataFrame()).empty:
        return
    key = ["offer", "product", "market"]
    wanted = tables["offers"][["offer"]].assign(product="", market="")
    wanted = pd.concat([wanted, parts[key]]).drop_duplicates().merge(pd.DataFrame({"year": case.years}), how="cross")
    told = parts[[*key, "year"]].assign(told=True)
    lacking = wanted.merge(told, on=[*key, "year"], how="left")
    ledger.forbid("input_public_money", lacking.loc[lacking["told"].isna(), [*key, "year"]])
    unknown = tables["projects"].loc[~tables["projects"]["project"].isin(costs["project"]), ["project"]]
    ledger.forbid("input_public_money", unknown)


def _check_order(case: Case, ledger: Ledger) -> None:
    """Periods of a shock follow each other over its window; a project's shares are told for every age from 0."""
    for shock, months in _spans(case):
        ledger.note("input_periods", pd.DataFrame({"shock": [shock]}), np.array([months]), tolerance=1e-6)
    profile = case.tables["project_profile"].sort_values(["project", "age"])
    ages = profile.groupby("project").cumcount()
    ledger.forbid(
        "input_parts", profile.loc[profile["age"] != ages, ["project", "age"]].assign(table="project_profile")
    )


def _spans(case: Case) -> Iterator[tuple[str, float]]:
    """Months by which the periods of each shock miss its window: gaps, overlaps, and what is left at the end."""
    windows = case.map("shocks", "shock", "window_months")
    for shock, rows in case.tables["shock_periods"].sort_values(["shock", "period"]).groupby("shock"):
        starts, months = rows["first_month"].to_numpy(float), rows["months"].to_numpy(float)
        ends = np.concatenate([[0.0], starts + months])
        yield str(shock), float(np.abs(starts - ends[:-1]).sum() + abs(windows.get(shock, 0.0) - ends[-1]))
