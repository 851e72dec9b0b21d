"""Rules of states on the plan: licences that take time, activities that are closed, construction that is limited."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import Instance, Lane, Period
from optimizer.model.capacity import capacity_per_tonne, entitlement_terms, open_capacity
from optimizer.model.compare import no_less, no_more
from optimizer.model.expressions import Terms, scaled
from optimizer.model.planned import licensed_flow, planned_flow
from optimizer.model.reach import ANY, Branch

DAYS_PER_YEAR = 365.0


def licence_cover(m: pyo.ConcreteModel, market: str, product: str, t: int) -> Any:
    r"""Stock covers the time to a licence: at every year's end a market holds what comes under licence in that time.

    .. math:: \sum_g v_{dpgt} \ge \sum_{l \to d, g} \frac{\tau_{lt}}{365}\, x_{lgt}
        \qquad \forall\ d, p, t: \tau > 0

    with the processing time :math:`\tau` in days. A shorter one (a green channel, a general licence) needs less stock.
    Unit: t. Dual: MUSD per t of stock that the licence takes (positive when it binds).
    """
    terms: Terms = []
    for name in m.sets.lanes_into.get(("buyer", market, product), ()):
        lane = m.instance.lanes[name]
        days = lane.processing_days.get(t, 0.0)
        terms += scaled(-days / DAYS_PER_YEAR, planned_flow(m, name, t))
    classes = m.sets.classes.get(("buyer", market, product), ())
    held = [(1.0, m.stock[market, product, g, t]) for g in classes if (market, product, g, t) in m.stock]
    return no_less(held + terms, 0.0)


def shadow_approval_limit(m: pyo.ConcreteModel, facility: str, product: str, end: str, t: int) -> Any:
    r"""Behind priced sales too, only the licensed part of what a plant could sell moves to a plant abroad.

    .. math:: \sum_{l: f \to f', g} x_{lgt} + \sum_{l: f \to f'} \bar x_{lt}
        \le \frac{\pi_{fpf't}}{u_{fpt}} \Big(\bar C^{sale}_{ft}
        + \sum_{e \in f} \sum_{t' \le t} \rho_{e,t-t'} E_e\, b_{et'}\Big) \qquad \forall\ f, p, f', t: 0 < \pi < 1

    with :math:`u` the least capacity a tonne takes: what was applied for behind others' sales is not known, and is at
    most that. Only where the case limits intermediates. Unit: t per year. Dual: MUSD per t of licensed volume.
    """
    share, terms = licensed_flow(m, ("supplier", facility, product), end, t)
    per_t = share / capacity_per_tonne(m, facility, product, t)
    room = open_capacity(m, facility, "supplier", t)
    return no_more(terms + scaled(-per_t, entitlement_terms(m, facility, t)), per_t * room)


def shadow_approval_index(m: Any) -> list[tuple[str, str, str, int]]:
    """(facility, product, plant abroad, year) with a licence regime that grants part of the applications."""
    x: Instance = m.instance
    if not x.limits_intermediates:
        return []
    return sorted(
        {
            (lane.from_place, lane.product, lane.to_place, t)
            for lane in x.lanes.values()
            if lane.layer == "supplier"
            for t in x.years
            if 0.0 < lane.approval_share.get(t, 1.0) < 1.0
            and capacity_per_tonne(m, lane.from_place, lane.product, t) > 0.0
        }
    )


def licensed_lanes(instance: Instance, t: int) -> list[Lane]:
    """Buyer's lanes to markets on which a licence takes time in a year."""
    return [
        lane
        for lane in instance.lanes.values()
        if lane.layer == "buyer" and lane.to_place in instance.markets and lane.processing_days.get(t, 0.0) > 0
    ]


def licence_cover_index(m: Any) -> list[tuple[str, str, int]]:
    """(market, product, year) where stock has to cover the time to a licence: the market may hold the product."""
    x: Instance = m.instance
    if x.licence_time != "stock":
        return []
    ends = {(lane.to_place, lane.product, t) for t in x.years for lane in licensed_lanes(x, t)}
    return sorted(end for end in ends if end[:2] in x.storages)


def licence_delay(m: pyo.ConcreteModel, facility: str, product: str, market: str, t: int) -> Any:
    r"""Volume added under a licence arrives later by the time to the licence; what ran on goes on.

    .. math:: \sum_{l: f \to d, g} x_{lgt} \le \sum_{o \in f,p} \Big(\pi_{fpdt}\, q_{ot}
        - \frac{\tau_{fpdt}}{365} (q_{ot} - q_{o,t-1})\Big) \qquad \forall\ f, p, d, t: \tau > 0

    with the volume of today's contracts, :math:`\bar q`, before the first year. Where volume falls the row is slack:
    the licensed share and the commitment bind. Unit: t per year. Dual: MUSD per t of earlier delivery.
    """
    terms: Terms = []
    share, days = 1.0, 0.0
    for name in m.sets.lanes_from.get(("buyer", facility, product), ()):
        lane = m.instance.lanes[name]
        if lane.to_place == market:
            share, days = lane.approval_share.get(t, 1.0), lane.processing_days.get(t, 0.0)
            terms.extend((1.0, m.flow[name, g, t]) for g in lane.classes if (name, g, t) in m.flow)
    wait = days / DAYS_PER_YEAR
    before = 0.0
    for o in m.sets.sales_of.get((facility, product), ()):
        if (o, t) in m.committed:
            terms.append((wait - share, m.committed[o, t]))
        if t == m.instance.years[0]:
            before += m.instance.offers[o].running_t.get(t, 0.0)
        elif (o, t - 1) in m.committed:
            terms.append((-wait, m.committed[o, t - 1]))
    return no_more(terms, wait * before)


def licence_delay_index(m: Any) -> list[tuple[str, str, str, int]]:
    """(facility, product, market, year) where a licence delays new volume: all, or where no stock may cover it."""
    x: Instance = m.instance
    if x.licence_time == "ignored":
        return []
    return sorted(
        {
            (lane.from_place, lane.product, lane.to_place, t)
            for t in x.years
            for lane in licensed_lanes(x, t)
            if m.sets.sales_of.get((lane.from_place, lane.product))
            and not (x.licence_time == "stock" and (lane.to_place, lane.product) in x.storages)
        }
    )


def activity_ban(m: pyo.ConcreteModel, recipe: str, layer: str, t: int) -> Any:
    r"""In years in which a rule closes an activity, or a feed at a plant, nothing is converted.

    .. math:: \sum_g y_{rgt} \le 0 \qquad \forall\ r, layer, t \in T^{closed}_r

    Unit: t per year. Dual: MUSD per t that the activity would be worth (negative when it binds).
    """
    classes = m.sets.recipe_classes.get((recipe, layer), ())
    return no_more([(1.0, m.throughput[recipe, layer, g, t]) for g in classes], 0.0)


def activity_ban_index(m: Any) -> list[tuple[str, str, int]]:
    """(recipe, layer, year) that a rule closes."""
    x: Instance = m.instance
    return [
        (r.recipe, layer, t)
        for r in x.recipes.values()
        if r.closed_years
        for layer in r.layers
        for t in sorted(r.closed_years)
    ]


def recourse_ban(b: Any, m: Any, recipe: str, layer: str, period: Period) -> Any:
    r"""A closed activity stays closed in a shock.

    .. math:: \sum_g y_{rgk} \le 0 \qquad \forall\ s, r, layer, k: t(k) \in T^{closed}_r

    Unit: t per period. Dual: months of loss avoided per t.
    """
    if period.year not in m.instance.recipes[recipe].closed_years:
        return pyo.Constraint.Skip
    classes = m.sets.recipe_classes.get((recipe, layer), ()) if b.branch.is_classed else (ANY,)
    run = b.columns["throughput"]
    keys = [(recipe, layer, c, period.period) for c in classes]
    return no_more([(1.0, run[key]) for key in keys if key in run], 0.0)


def recourse_ban_index(m: Any, x: Branch) -> list[tuple[str, str]]:
    """(recipe, layer) closed in some year at plants that a shock's block models."""
    return [
        (r.recipe, layer)
        for r in m.instance.recipes.values()
        if r.closed_years
        for layer in r.layers
        if r.facility in x.reached[layer]
    ]


def build_limit(m: pyo.ConcreteModel, i: int, t: int) -> Any:
    r"""No more projects of a region are under construction at the same time than hands and suppliers allow.

    .. math:: \sum_{e \in E_i} \sum_{t' \in (t-B_e, t]} b_{et'} \le N_i \qquad \forall\ i, t

    with the years of construction :math:`B_e`. Unit: projects. Dual: MUSD per further project (negative when it binds).
    """
    limit = m.instance.build_limits[i]
    terms: Terms = []
    for e in sorted(limit.projects):
        project = m.instance.projects[e]
        span = max(1, project.build_years)
        terms.extend((1.0, m.is_sponsored[e, s]) for s in project.years if t - span < s <= t)
    return no_more(terms, float(limit.max_projects))


def build_limit_index(m: Any) -> list[tuple[int, int]]:
    """(position of the limit, year)."""
    return [(i, t) for i in range(len(m.instance.build_limits)) for t in m.instance.years]
