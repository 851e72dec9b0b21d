"""Limits a case sets: shares, numbers of suppliers, budgets, environmental caps."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import LAYERS
from optimizer.model.capacity import stage_flow_terms
from optimizer.model.compare import no_less, no_more
from optimizer.model.contracts import active_terms
from optimizer.model.expressions import Terms, scaled


def origin_share_cap(m: pyo.ConcreteModel, i: int, t: int) -> Any:
    r"""A country, owner or plant supplies at most a share of a stage's output.

    .. math:: \sum_{f \in F_i} w_{ft} \le \sigma_i \sum_{f \in stage_i} w_{ft} + b_{it} \qquad \forall\ i, t

    with :math:`w_{ft}` the output by tracked mass, both layers, less what suppliers leave over to others, and
    :math:`b_{it}` what lies above a benchmark and is paid for at its price; a strict cap has none.
    Unit: t per year. Dual: MUSD per t of room.
    """
    cap = m.instance.share_caps[i]
    at_stage = [f.facility for f in m.instance.facilities.values() if f.stage == cap.stage]
    terms: Terms = []
    for f in at_stage:
        own = 1.0 if f in cap.facilities else 0.0
        terms.extend(scaled(own - cap.max_share, stage_flow_terms(m, f, t)))
    if (i, t) in m.over_cap:
        terms.append((-1.0, m.over_cap[i, t]))
    return no_more(terms, 0.0)


def share_cap_index(m: Any) -> list[tuple[int, int]]:
    """(position of the cap, year)."""
    return [(i, t) for i, cap in enumerate(m.instance.share_caps) for t in cap.years]


def usage_link(m: pyo.ConcreteModel, facility: str, t: int) -> Any:
    r"""A plant counts as a supplier only with a contract in force.

    .. math:: n_{ft} \le \sum_{o \in f} \Big(\sum_{t' \in (t-T_o,t]} s_{ot'} + [\bar q_{ot} > 0]\Big)
        \qquad \forall\ f, t

    Unit: 1. Dual: MUSD.
    """
    terms: Terms = [(1.0, m.is_used[facility, t])]
    running = 0.0
    for o in m.sets.offers_at.get(facility, ()):
        terms.extend(scaled(-1.0, active_terms(m, o, t)))
        running += 1.0 if m.instance.offers[o].running_t.get(t, 0.0) > 0 else 0.0
    return no_more(terms, running)


def usage_definition(m: pyo.ConcreteModel, o: str, t: int) -> Any:
    r"""A contract in force makes its plant a supplier.

    .. math:: n_{ft} \ge \sum_{t' \in (t-T_o,t]} s_{ot'}, \quad n_{ft} = 1 \text{ if } \bar q_{ot} > 0
        \qquad \forall\ o, t

    Unit: 1. Dual: MUSD.
    """
    offer = m.instance.offers[o]
    is_running = offer.running_t.get(t, 0.0) > 0
    used = m.is_used[offer.facility, t]
    if is_running:
        return no_less([(1.0, used)], 1.0)
    return no_less([(1.0, used), *scaled(-1.0, active_terms(m, o, t))], 0.0)


def usage_definition_index(m: Any) -> list[tuple[str, int]]:
    """(offer, year) at plants whose number is limited."""
    return [(o, t) for o, t in m.committed if (m.instance.offers[o].facility, t) in m.is_used]


def supplier_count_floor(m: pyo.ConcreteModel, i: int, t: int) -> Any:
    r"""A stage has at least so many suppliers under contract.

    .. math:: \sum_{f \in F_i} n_{ft} \ge N^{min}_i \qquad \forall\ i, t

    Unit: suppliers. Dual: MUSD per supplier demanded (positive when it binds).
    """
    count = m.instance.supplier_counts[i]
    if count.min_count is None:
        return pyo.Constraint.Skip
    return no_less([(1.0, m.is_used[f, t]) for f in sorted(count.facilities)], float(count.min_count))


def supplier_count_limit(m: pyo.ConcreteModel, i: int, t: int) -> Any:
    r"""A stage has at most so many suppliers under contract.

    .. math:: \sum_{f \in F_i} n_{ft} \le N^{max}_i \qquad \forall\ i, t

    Unit: suppliers. Dual: MUSD per further supplier allowed.
    """
    count = m.instance.supplier_counts[i]
    if count.max_count is None:
        return pyo.Constraint.Skip
    return no_more([(1.0, m.is_used[f, t]) for f in sorted(count.facilities)], float(count.max_count))


def supplier_count_index(m: Any) -> list[tuple[int, int]]:
    """(position of the limit, year)."""
    return [(i, t) for i, count in enumerate(m.instance.supplier_counts) for t in count.years]


def budget_limit(m: pyo.ConcreteModel, i: int) -> Any:
    r"""Spending on the named cost terms stays within the budget, in real money of the years it covers.

    .. math:: \sum_{t \in T_i} \sum_{c \in C_i} K_{ct} \le B_i \qquad \forall\ i

    Unit: MUSD. Dual: MUSD of present value per MUSD of budget.
    """
    budget = m.instance.budgets[i]
    terms: Terms = []
    constant = 0.0
    for (term, year), (part, fixed) in m.cost_terms.items():
        if year in budget.years and (not budget.terms or term in budget.terms):
            terms.extend(part)
            constant += fixed
    return no_more(terms, budget.max_musd - constant)


def environment_limit(m: pyo.ConcreteModel, i: int) -> Any:
    r"""The load of an indicator over the named plants and years stays under a cap.

    .. math:: \sum_{t \in T_i} \sum_{f \in F_i} \sum_{r \in f, g} \phi_{ri}\, y_{rgt} \le \Phi_i
        \quad\text{or}\quad \dots \le 1000\, \Phi_i \sum_{t \in T_i} \sum_d (D_{dt} - z_{dt}) \qquad \forall\ i

    the second where the cap is per kilogram of demand met.
    Unit: unit of the indicator. Dual: MUSD per unit of the load.
    """
    cap = m.instance.environment_caps[i]
    terms: Terms = []
    for t in cap.years:
        for f in sorted(cap.facilities):
            terms.extend(load_terms(m, f, cap.indicator, t))
    if not cap.is_per_kg:
        return no_more(terms, cap.max_value)
    per_t = 1000.0 * cap.max_value
    wanted = 0.0
    for d, market in m.instance.markets.items():
        for t in cap.years:
            wanted += market.demand_t.get(t, 0.0)
            terms.append((per_t, m.shortfall[d, t]))
    return no_more(terms, per_t * wanted)


def load_terms(m: Any, facility: str, indicator: str, t: int) -> Terms:
    """Environmental load of a facility in a year, both layers."""
    terms: Terms = []
    for recipe in m.sets.recipes_at.get(facility, ()):
        per_t = recipe.footprint.get(indicator, 0.0)
        for layer in LAYERS:
            for g in m.sets.recipe_classes.get((recipe.recipe, layer), ()):
                terms.append((per_t, m.throughput[recipe.recipe, layer, g, t]))
    return terms
