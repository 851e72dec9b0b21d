"""Decision variables of the first stage, with domains, bounds and meaning."""

from __future__ import annotations

import pyomo.environ as pyo

from optimizer.chain.instance import Instance
from optimizer.model.sets import Sets


def add_contract_variables(m: pyo.ConcreteModel) -> None:
    """Qualifications, signatures, commitments and sponsored projects."""
    instance: Instance = m.instance
    years = instance.years
    starts = [(o.offer, t) for o in instance.offers.values() for t in o.start_years]
    volumes = [(o.offer, t) for o in instance.offers.values() for t in years if can_commit(instance, o.offer, t)]
    m.is_signed = pyo.Var(starts, domain=pyo.Binary, doc="offer o starts in year t")
    m.committed = pyo.Var(volumes, domain=pyo.NonNegativeReals, doc="t/yr of offer o reserved in year t")
    m.lifted_extra = pyo.Var(volumes, domain=pyo.NonNegativeReals, doc="t/yr paid beyond take-or-pay")
    joint = [(o, t) for o, t in volumes if o in m.sets.joint_tolls]
    m.converted = pyo.Var(joint, domain=pyo.NonNegativeReals, doc="t/yr converted under toll o of a route with several")
    steps = [(q.qualification, t) for q in instance.qualifications.values() if not q.is_held for t in years]
    m.is_qualified = pyo.Var(steps, domain=pyo.Binary, doc="qualification q is in force in year t")
    for q, t in steps:
        if not any(y <= t for y in instance.qualifications[q].years):
            m.is_qualified[q, t].fix(0)
    decisions = [(e.project, t) for e in instance.projects.values() for t in e.years]
    m.is_sponsored = pyo.Var(decisions, domain=pyo.Binary, doc="project e is sponsored in year t")
    counted = sorted({(f, t) for limit in instance.supplier_counts for f in limit.facilities for t in limit.years})
    soft = [
        (i, t) for i, cap in enumerate(instance.share_caps) if cap.penalty_usd_per_kg is not None for t in cap.years
    ]
    m.over_cap = pyo.Var(soft, domain=pyo.NonNegativeReals, doc="t above the share of benchmark i in year t")
    m.is_used = pyo.Var(counted, domain=pyo.Binary, doc="facility f has a contract in year t")


def can_commit(instance: Instance, offer: str, year: int) -> bool:
    """Whether any contract under the offer can be in force in the year."""
    data = instance.offers[offer]
    if data.running_t.get(year, 0.0) > 0:
        return True
    return any(start <= year < start + data.term_years for start in data.start_years)


def add_operation_variables(m: pyo.ConcreteModel) -> None:
    """Nominal operation: conversion, movement, change of hands, stock, outlets, shortfall."""
    instance: Instance = m.instance
    sets: Sets = m.sets
    years = instance.years
    m.throughput = pyo.Var(
        [(*key, t) for key in sets.conversions for t in years], domain=pyo.NonNegativeReals, doc="t of throughput"
    )
    m.flow = pyo.Var(
        [(lane, g, t) for lane, g in sets.flows for t in years if is_open(instance, lane, g, t)],
        domain=pyo.NonNegativeReals,
        doc="t moved over lane l in class g",
    )
    m.delivered = pyo.Var(
        [(o, g, t) for o, g in sets.transfers for t in years if (o, t) in m.committed],
        domain=pyo.NonNegativeReals,
        doc="t that change into the buyer's hands",
    )
    m.reclassified = pyo.Var(
        [(*key, t) for key in sets.raises for t in years], domain=pyo.NonNegativeReals, doc="t counted as class h"
    )
    m.surplus = pyo.Var(
        [(*key, t) for key in sets.surpluses for t in years],
        domain=pyo.NonNegativeReals,
        doc="t of co-product left to the supplier's other customers",
    )
    outlets = [(*key, t) for key in sets.outlets for t in years]
    m.sold = pyo.Var(
        [key for key in outlets if key[1] in instance.byproducts], domain=pyo.NonNegativeReals, doc="t sold"
    )
    m.sold_of = {}
    for key in m.sold:
        m.sold_of.setdefault((key[1], key[3]), []).append(key)
    m.disposed = pyo.Var(outlets, domain=pyo.NonNegativeReals, doc="t disposed of")
    m.stock = pyo.Var(
        [(*key, t) for key in sets.stores for t in years], domain=pyo.NonNegativeReals, doc="t held at the end of t"
    )
    m.shortfall = pyo.Var(
        [(d.market, t) for d in instance.markets.values() for t in years],
        domain=pyo.NonNegativeReals,
        doc="t of nominal demand not met",
    )
    for d, t in m.shortfall:
        demand = instance.markets[d].demand_t.get(t, 0.0)
        m.shortfall[d, t].setub(demand if instance.is_shortfall_allowed else 0.0)


def is_open(instance: Instance, lane: str, origin_class: int, year: int) -> bool:
    """Whether the lane may carry the class in the year: licence not denied, here or abroad, market takes the class."""
    data = instance.lanes[lane]
    if data.approval_share.get(year, 1.0) <= 0.0 or origin_class & data.barred_bits.get(year, 0):
        return False
    market = instance.markets.get(data.to_place)
    return market is None or not origin_class & market.forbidden_bits.get(year, 0)


def add_risk_variables(m: pyo.ConcreteModel) -> None:
    """Losses per shock and the terms of the resilience measure."""
    instance: Instance = m.instance
    start_years = sorted({shock.start_year for shock in instance.shocks.values()})
    m.loss = pyo.Var(
        list(instance.shocks),
        domain=pyo.NonNegativeReals,
        bounds=lambda _, s: (0.0, instance.shocks[s].window_months * _largest_weight(instance)),
        doc="months of demand lost in shock s",
    )
    m.excess = pyo.Var(list(instance.shocks), domain=pyo.NonNegativeReals, doc="loss beyond the value at risk, months")
    m.value_at_risk = pyo.Var(start_years or [0], domain=pyo.NonNegativeReals, doc="value at risk, months")
    costed = list(instance.shocks) if instance.includes_shock_cost else []
    m.shock_cost = pyo.Var(costed, domain=pyo.NonNegativeReals, doc="extra cost of shock s over its window, MUSD")
    m.worst_loss = pyo.Var(domain=pyo.NonNegativeReals, doc="largest loss of any shock, months")


def _largest_weight(instance: Instance) -> float:
    """Factor by which weighting by criticality can stretch a loss beyond the window: none, weights average one."""
    weights = [market.criticality for market in instance.markets.values()]
    return max([1.0, *weights])
