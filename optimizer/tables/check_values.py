"""Values within a table: ranges the right way round, years in the horizon, baskets and shares that add up."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.errors import Problem
from optimizer.tables.read import Row
from optimizer.tables.view import View, at, number, show

BASKET_TOLERANCE = 0.005
"""Baskets are sums of rounded analyses: they may miss 1 by this much."""

_ORDERED = (
    ("offers", "min_t_per_year", "max_t_per_year"),
    ("offers", "first_start_year", "last_start_year"),
    ("offers", "price_low_usd_per_kg", "price_usd_per_kg"),
    ("offers", "price_usd_per_kg", "price_high_usd_per_kg"),
    ("prices", "low_usd_per_kg", "base_usd_per_kg"),
    ("prices", "base_usd_per_kg", "high_usd_per_kg"),
    ("projects", "first_year", "last_year"),
    ("offtakes", "from_year", "to_year"),
    ("licences", "valid_from_year", "valid_to_year"),
    ("event_effects", "from_month", "to_month"),
    ("stock_policies", "min_t", "max_t"),
    ("stock_policies", "opening_t", "max_t"),
    ("freight_quotes", "low", "high"),
    ("qualification_terms", "low", "high"),
    ("footprints", "low", "high"),
    ("events", "low", "high"),
    ("regimes", "rate_low", "rate_high"),
    ("regimes", "branch_low", "branch_high"),
    ("yield_learning", "low", "high"),
    ("activity_rules", "from_year", "to_year"),
    ("feed_properties", "low", "high"),
    ("restoration_costs", "low", "high"),
    ("subsidy_terms", "from_year", "to_year"),
    ("hazards", "low", "high"),
    ("hazards", "median_low_months", "median_high_months"),
    ("hazards", "depth_low_share", "depth_high_share"),
    ("replay_effects", "from_month", "to_month"),
    ("recovery_times", "low_months", "recover_months"),
    ("recovery_times", "recover_months", "high_months"),
    ("deflators", "low", "price_index"),
    ("deflators", "price_index", "high"),
)
"""(table, column, column that must not be smaller)."""


def value_problems(view: View) -> Iterator[Problem]:
    """Yield values that contradict each other or the horizon (T028 to T031, T044)."""
    yield from _order(view)
    yield from _dates(view)
    yield from _empty_effects(view)
    yield from _baskets(view)
    yield from _offtakes(view)
    yield from _branches(view)
    yield from _horizon(view)
    yield from _demand(view)


def _order(view: View) -> Iterator[Problem]:
    for table, low, high in _ORDERED:
        for row in view.rows(table):
            least, most = number(row, low), number(row, high)
            if least is not None and most is not None and least > most:
                remedy = f"exchange the two values, or correct {low} or {high}"
                yield at(row, "T030", low, f"at most {high} ({most:g})", remedy, f"`{least:g}`")


def _dates(view: View) -> Iterator[Problem]:
    for row in view.rows("tariffs"):
        first, last = row["valid_from"], row["valid_to"]
        if first is not None and last is not None and str(first) > str(last):
            yield at(row, "T030", "valid_from", f"at most valid_to ({last})", "exchange the two dates, or correct one")


def _empty_effects(view: View) -> Iterator[Problem]:
    for row in view.rows("event_effects"):
        first, last = number(row, "from_month"), number(row, "to_month")
        if first is not None and first == last:
            remedy = "to_month is the month in which the effect ends: write a later one"
            yield at(row, "T030", "from_month", f"less than to_month ({last:g})", remedy, f"`{first:g}`")


def _baskets(view: View) -> Iterator[Problem]:
    if not view.is_judgeable("compositions"):
        return
    shares: dict[str, float] = {}
    last: dict[str, Row] = {}
    faulty = set()
    for row in view.rows("compositions"):
        ore, share = str(row["ore"]), number(row, "share")
        if share is None:
            faulty.add(ore)
        shares[ore] = shares.get(ore, 0.0) + (share or 0.0)
        last[ore] = row
    for ore, total in shares.items():
        if ore not in faulty and abs(total - 1) > BASKET_TOLERANCE + 1e-9:
            allowed = f"shares of an ore that sum to 1 (±{BASKET_TOLERANCE:g})"
            remedy = "add the missing components, or divide every share by the sum"
            yield at(last[ore], "T028", "share", allowed, remedy, f"{total:.4g} as the sum over `{ore}`")


def _offtakes(view: View) -> Iterator[Problem]:
    by_facility: dict[str, list[Row]] = {}
    for row in view.rows("offtakes"):
        by_facility.setdefault(str(row["facility"]), []).append(row)
    for facility, rows in by_facility.items():
        for row in rows:
            year = number(row, "from_year")
            if year is None:
                continue
            total = sum(number(other, "committed_share") or 0.0 for other in rows if _covers(other, year))
            if total > 1 + 1e-9:
                allowed = "shares of one facility that sum to at most 1 in every year"
                remedy = "lower the shares, or correct the years"
                found = f"{total:.4g} promised of `{facility}` in {year:g}"
                yield at(row, "T044", "committed_share", allowed, remedy, found)
                break


def _branches(view: View) -> Iterator[Problem]:
    """Branches of one regime exclude each other."""
    totals: dict[str, float] = {}
    for row in view.rows("regimes"):
        parent = row["branch_of"]
        if parent is None:
            continue
        totals[str(parent)] = totals.get(str(parent), 0.0) + (number(row, "branch_share") or 0.0)
        if totals[str(parent)] > 1 + 1e-9:
            allowed = "branches of one regime that sum to at most 1"
            remedy = "lower the shares: the branches exclude each other"
            yield at(row, "T044", "branch_share", allowed, remedy, f"{totals[str(parent)]:.4g} after `{parent}`")
            totals[str(parent)] = 0.0


def _covers(row: Row, year: float) -> bool:
    first, last = number(row, "from_year"), number(row, "to_year")
    return first is not None and last is not None and first <= year <= last


def _horizon(view: View) -> Iterator[Problem]:
    first, last = view.settings.horizon.first_year, view.settings.horizon.last_year
    for row in view.rows("demand"):
        year = number(row, "year")
        if year is not None and not first <= year <= last:
            remedy = "correct the year, widen the horizon in case.toml, or delete the row"
            yield at(row, "T029", "year", f"{first} to {last}", remedy)
    for row in view.rows("contracts"):
        year = number(row, "end_year")
        if year is not None and year < first:
            remedy = "correct the year, or delete the row: the contract has ended"
            yield at(row, "T029", "end_year", f"{first} or later", remedy)


def _demand(view: View) -> Iterator[Problem]:
    if not view.is_judgeable("demand", "market_products"):
        return
    with_demand, with_product = view.names("demand", "market"), view.names("market_products", "market")
    for row in view.rows("markets"):
        name = row["market"]
        if name is None:
            continue
        if name not in with_demand:
            remedy = f"add rows for {show(name)} to demand.csv (0 is a demand), or delete the market"
            yield at(row, "T031", "market", "a market with at least one row in demand.csv", remedy)
        if name not in with_product:
            remedy = f"add the products that {show(name)} accepts to market_products.csv"
            yield at(row, "T032", "market", "a market with at least one row in market_products.csv", remedy)
