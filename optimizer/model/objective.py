"""Cost, term by term and year by year; their present values add up to the objective."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from optimizer.chain.instance import Instance
from optimizer.model.expressions import Terms, linear, scaled
from optimizer.model.limits import load_terms
from optimizer.model.planned import standby_flow


@dataclass
class CostEntry:
    """One cost term in one year: real MUSD of that year, and the factor that makes it a present value.

    ``is_spending`` is False for the residual value of projects, which budgets do not count.
    """

    term: str
    year: int
    factor: float
    terms: Terms = field(default_factory=list)
    constant: float = 0.0
    is_spending: bool = True


def cost_entries(m: Any) -> list[CostEntry]:
    """Every cost term of the plan (formulation section 8). Prices in USD/kg times t / 1000 give MUSD."""
    entries: list[CostEntry] = []
    for t in m.instance.years:
        factor = m.instance.discount_factor[t]
        for kind, term in (("sale", "purchase"), ("toll", "toll")):
            entries.append(CostEntry(term, t, factor, _payments(m, kind, t)))
        entries.append(CostEntry("freight", t, factor, _freight(m, t)))
        entries.append(CostEntry("tariff", t, factor, _tariffs(m, t)))
        entries.append(CostEntry("substitution", t, factor, _substitution(m, t)))
        entries.append(_stock_cost(m, t, factor))
        entries.append(CostEntry("disposal", t, factor, _disposal(m, t)))
        entries.append(CostEntry("byproduct_sales", t, factor, _byproduct_sales(m, t)))
        entries.append(CostEntry("carbon", t, factor, _carbon(m, t)))
        entries.append(CostEntry("restoration", t, factor, _restoration(m, t)))
        entries.append(CostEntry("benchmark", t, factor, _benchmarks(m, t)))
        entries.append(CostEntry("line_stop", t, factor, _line_stops(m, t)))
    entries += _qualification_cost(m) + _sponsorship_cost(m)
    if m.instance.includes_shock_cost:
        for s, shock in m.instance.shocks.items():
            factor = m.instance.discount_factor[shock.start_year]
            cost = [(shock.rate_per_year, m.shock_cost[s])]
            entries.append(CostEntry("shock_cost", shock.start_year, factor, cost, is_spending=False))
    return entries


def _payments(m: Any, kind: str, t: int) -> Terms:
    terms: Terms = []
    for o, offer in m.instance.offers.items():
        if offer.kind == kind and (o, t) in m.committed:
            price = offer.price_usd_per_kg[t] / 1000.0
            terms.append((price * offer.take_or_pay_share, m.committed[o, t]))
            terms.append((price, m.lifted_extra[o, t]))
    return terms


def _owned_flows(m: Any, t: int) -> list[tuple[Any, Any]]:
    return [
        (lane, m.flow[lane.lane, g, t])
        for lane in m.instance.lanes.values()
        if lane.layer == "buyer"
        for g in lane.classes
        if (lane.lane, g, t) in m.flow
    ]


def _freight(m: Any, t: int) -> Terms:
    return [(lane.freight_usd_per_t / 1e6, flow) for lane, flow in _owned_flows(m, t)]


def _tariffs(m: Any, t: int) -> Terms:
    return [
        (lane.tariff_share.get(t, 0.0) * lane.customs_value_usd_per_kg / 1000.0, flow)
        for lane, flow in _owned_flows(m, t)
    ]


def _substitution(m: Any, t: int) -> Terms:
    terms: Terms = []
    for lane, flow in _owned_flows(m, t):
        market = m.instance.markets.get(lane.to_place)
        if market is not None:
            use, extra = market.accepts[lane.product]
            terms.append((extra / use / 1000.0, flow))
    return terms


def _stock_cost(m: Any, t: int, factor: float) -> CostEntry:
    """Carrying cost of the mean of opening and closing stock."""
    instance: Instance = m.instance
    entry = CostEntry("stock", t, factor)
    first = instance.years[0]
    for (place, product), storage in instance.storages.items():
        half = 0.5 * storage.carrying_usd_per_t_year / 1e6
        if t == first:
            entry.constant += half * sum(storage.opening_t.values())
        for g in m.sets.classes.get(("buyer", place, product), ()):
            entry.terms.append((half, m.stock[place, product, g, t]))
            if t > first:
                entry.terms.append((half, m.stock[place, product, g, t - 1]))
    return entry


def _disposal(m: Any, t: int) -> Terms:
    outlets = m.instance.byproducts
    return [
        (outlets[product].disposal_usd_per_kg / 1000.0, m.disposed[place, product, g, t])
        for place, product, g in m.sets.outlets
        if product in outlets
    ]


def _byproduct_sales(m: Any, t: int) -> Terms:
    outlets = m.instance.byproducts
    return [
        (-outlets[product].sale_price_usd_per_kg / 1000.0, m.sold[place, product, g, t])
        for place, product, g in m.sets.outlets
        if product in outlets
    ]


def _carbon(m: Any, t: int) -> Terms:
    instance: Instance = m.instance
    if not instance.carbon_price_usd_per_t or instance.carbon_indicator is None:
        return []
    price = instance.carbon_price_usd_per_t / 1000.0 / 1e6
    terms: Terms = []
    for f in instance.facilities:
        terms.extend(scaled(price, load_terms(m, f, instance.carbon_indicator, t)))
    return terms


def _restoration(m: Any, t: int) -> Terms:
    """Cost of restoring the land that activities use, both layers: nobody pays it in the price."""
    return [
        (recipe.restoration_usd_per_t / 1e6, m.throughput[recipe.recipe, layer, g, t])
        for recipe in m.instance.recipes.values()
        if recipe.restoration_usd_per_t
        for layer in recipe.layers
        for g in m.sets.recipe_classes.get((recipe.recipe, layer), ())
    ]


def _benchmarks(m: Any, t: int) -> Terms:
    """Price of what lies above the share of a benchmark."""
    caps = m.instance.share_caps
    return [(caps[i].penalty_usd_per_kg / 1000.0, above) for (i, year), above in m.over_cap.items() if year == t]


def _line_stops(m: Any, t: int) -> Terms:
    price = m.instance.line_stop_usd_per_kg / 1000.0
    return [(price, m.shortfall[d, t]) for d in m.instance.markets] if m.instance.is_shortfall_allowed else []


def payment_year(instance: Instance, qualification: str, year: int) -> int:
    """Year in which a qualification in force from ``year`` is paid: its lead time before, not before the horizon."""
    lead = math.ceil(instance.qualifications[qualification].lead_time_years - 1e-9)
    return max(instance.years[0], year - lead)


def _qualification_cost(m: Any) -> list[CostEntry]:
    instance: Instance = m.instance
    entries = {t: CostEntry("qualification", t, instance.discount_factor[t]) for t in instance.years}
    for q, t in m.is_qualified:
        cost = instance.qualifications[q].cost_musd
        entry = entries[payment_year(instance, q, t)]
        entry.terms.append((cost, m.is_qualified[q, t]))
        if t > instance.years[0]:
            entry.terms.append((-cost, m.is_qualified[q, t - 1]))
    return list(entries.values())


def _sponsorship_cost(m: Any) -> list[CostEntry]:
    """Money in the decision year, less what a straight line over the plant's life leaves at the end of the horizon."""
    instance: Instance = m.instance
    end_factor = (1.0 + instance.discount_rate_share) ** -len(instance.years)
    entries: list[CostEntry] = []
    for e, t in m.is_sponsored:
        project = instance.projects[e]
        remaining = max(0.0, 1.0 - (instance.years[-1] + 1 - t) / project.life_years)
        decided = m.is_sponsored[e, t]
        entries.append(CostEntry("sponsorship", t, instance.discount_factor[t], [(project.cost_musd, decided)]))
        credit = [(-project.cost_musd * remaining, decided)]
        entries.append(CostEntry("sponsorship", t, end_factor, credit, is_spending=False))
    return entries


def spending_by_term(entries: list[CostEntry]) -> dict[tuple[str, int], tuple[Terms, float]]:
    """(term, year) → undiscounted spending, as budgets count it."""
    spending: dict[tuple[str, int], tuple[Terms, float]] = {}
    for entry in entries:
        if entry.is_spending:
            terms, constant = spending.get((entry.term, entry.year), ([], 0.0))
            spending[entry.term, entry.year] = (terms + entry.terms, constant + entry.constant)
    return spending


def present_value(entries: list[CostEntry]) -> Any:
    """Present value of all entries as one linear expression, MUSD."""
    terms: Terms = []
    constant = 0.0
    for entry in entries:
        terms.extend(scaled(entry.factor, entry.terms))
        constant += entry.factor * entry.constant
    return linear(_collected(terms), constant)


def _collected(terms: Terms) -> Terms:
    """Merge coefficients of the same variable."""
    merged: dict[int, tuple[float, Any]] = {}
    for coefficient, variable in terms:
        before = merged.get(id(variable), (0.0, variable))[0]
        merged[id(variable)] = (before + coefficient, variable)
    return list(merged.values())


RESERVED_MUSD_PER_T = 1e-3
"""Weight of a reserved tonne in the tie-break: above any freight, so that reserves come first."""


def ties(m: Any) -> Any:
    """What decides between plans equal in cost and loss: tonnes reserved, then suppliers' own freight; no part of cost.

    Volume reserved without take-or-pay is free, and so is where shadow flow comes from, because the price of a sale
    covers its upstream: both would be arbitrary in the optimum. The plan reported reserves no more than its cost and
    loss need, and of those it is the one whose suppliers move least (decision record 0005).
    """
    lanes = [lane for lane in m.instance.lanes.values() if lane.layer == "supplier"]
    keys = [(lane, (lane.lane, g, t)) for lane in lanes for g in lane.classes for t in m.instance.years]
    terms: Terms = [(lane.freight_usd_per_t / 1e6, m.flow[key]) for lane, key in keys if key in m.flow]
    for lane in lanes:
        for t in m.instance.years:
            terms += scaled(lane.freight_usd_per_t / 1e6, standby_flow(m, lane.lane, t))
    return linear([*terms, *((RESERVED_MUSD_PER_T, volume) for volume in m.committed.values())])
