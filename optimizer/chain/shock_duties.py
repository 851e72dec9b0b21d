"""Duties that a change of regime brings as a shock: what a lane pays beyond the plan's duty while it lasts.

They weigh only where the expected extra cost of shocks is part of cost; losses are in months and know no prices. Relief
counts like a rise, with its sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from optimizer.chain.instance import Facility, Lane, Market, Period, Product, Shock
from optimizer.chain.phases import PlanRules, phases_of, regimes_in_force
from optimizer.chain.records import number, rows_of
from optimizer.chain.regimes import EVENT_PREFIX
from optimizer.chain.trade import TradeRules

Duty = Callable[[str, str, str, int], float]


def with_duties(
    case: Any,
    shocks: Mapping[str, Shock],
    lanes: Mapping[str, Lane],
    facilities: Mapping[str, Facility],
    markets: Mapping[str, Market],
    products: Mapping[str, Product],
) -> Mapping[str, Shock]:
    """Give the shocks with the duties that changes of regime bring on the buyer's lanes; others as they are."""
    policy, horizon = case.settings.policy, case.settings.horizon
    if not (policy.shock_regimes and case.settings.shortfall.includes_shock_cost):
        return shocks
    before = PlanRules(case.tables, phases_of(case.tables, policy, horizon.first_year, horizon.last_year))
    months = {row["regime"]: number(row, "shock_months", 12.0) for row in rows_of(case.tables, "regimes")}
    country = {name: facility.country_iso3 for name, facility in facilities.items()}
    country |= {name: market.country_iso3 for name, market in markets.items()}
    owned = [lane for lane in lanes.values() if lane.layer == "buyer"]
    ends = {x.lane: (country[x.to_place], country[x.from_place], products[x.product].form) for x in owned}
    found = dict(shocks)
    for regime in policy.shock_regimes:
        after = TradeRules(case.tables, regimes_in_force(case.tables, regime))
        brought = (EVENT_PREFIX + regime, f"{EVENT_PREFIX}{regime}-from-")
        for name, shock in shocks.items():
            if shock.event == brought[0] or shock.event.startswith(brought[1]):
                extra = _extra(shock, ends, before.tariff_share, after.tariff_share, months[regime])
                found[name] = replace(shock, extra_duty_share=extra)
    return found


def _extra(
    shock: Shock, ends: Mapping[str, tuple[str, str, str]], before: Duty, after: Duty, months: float
) -> dict[tuple[str, int], float]:
    """Give (lane, period) → mean duty beyond the plan's over the period, where there is any."""
    found = {}
    for lane, end in ends.items():
        for period in shock.periods:
            change = after(*end, period.year) - before(*end, period.year)
            share = round(change * _overlap(period, months), 12)
            if share:
                found[lane, period.period] = share
    return found


def _overlap(period: Period, months: float) -> float:
    """Part of a period that lies within the first months of a shock."""
    within = min(period.first_month + period.months, months) - period.first_month
    return min(1.0, max(0.0, within / period.months))
