"""Capacity: what one buyer can have of a plant, with what sponsoring adds."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import LAYERS, Layer
from optimizer.model.compare import no_more
from optimizer.model.coproducts import left_over
from optimizer.model.expressions import Terms, scaled
from optimizer.model.sets import entitlement_profile


def throughput_terms(m: Any, facility: str, layer: Layer, t: int) -> Terms:
    """Capacity used at a facility in a layer, on the facility's basis."""
    terms: Terms = []
    for recipe in m.sets.recipes_at.get(facility, ()):
        for g in m.sets.recipe_classes.get((recipe.recipe, layer), ()):
            terms.append((recipe.capacity_use, m.throughput[recipe.recipe, layer, g, t]))
    return terms


def standby_terms(m: Any, facility: str, layer: Layer, t: int) -> Terms:
    """Capacity that a plant keeps ready for the buyer beyond what it works, on its own basis."""
    run = m.standby_throughput if layer == "supplier" else {}
    recipes = m.sets.recipes_at.get(facility, ())
    return [(r.capacity_use, run[r.recipe, t]) for r in recipes if (r.recipe, t) in run]


def entitlement_terms(m: Any, facility: str, t: int) -> Terms:
    """Capacity that sponsored projects add at a facility in a year, in t per year."""
    terms: Terms = []
    for e in m.sets.projects_at.get(facility, ()):
        project = m.instance.projects[e]
        for decided in project.years:
            share = entitlement_profile(m.instance, e, decided, t)
            terms.append((share * project.entitlement_t_per_year, m.is_sponsored[e, decided]))
    return terms


def open_capacity(m: Any, facility: str, layer: Layer, t: int) -> float:
    """Capacity of a facility open to the buyer in a layer without sponsoring, in t per year."""
    data = m.instance.facilities[facility]
    by_year = data.open_sale_t if layer == "supplier" else data.open_toll_t
    return float(by_year.get(t, 0.0))


def capacity_limit(m: pyo.ConcreteModel, facility: str, layer: Layer, t: int) -> Any:
    r"""A plant works, and keeps ready, no more for the buyer than its open capacity and what the buyer has sponsored.

    .. math:: \sum_{r \in f, g} u_r\, y_{rgt} + \sum_{r \in f} u_r\, \bar y_{rt} \le \bar C_{ft}
        + \sum_{e \in f} \sum_{t' \le t} \rho_{e,t-t'} E_e\, b_{et'} \qquad \forall\ f, layer, t

    with standby throughput :math:`\bar y` in the supplier layer only.

    Unit: t per year on the facility's basis. Dual: MUSD per t/yr of capacity (negative when it binds).
    """
    used = throughput_terms(m, facility, layer, t) + standby_terms(m, facility, layer, t)
    return no_more(used + scaled(-1.0, entitlement_terms(m, facility, t)), open_capacity(m, facility, layer, t))


def entitlement_limit(m: pyo.ConcreteModel, facility: str, t: int) -> Any:
    r"""Sponsored capacity serves either layer, but only once.

    .. math:: \sum_{layer} \sum_{r \in f, g} u_r\, y_{rgt} + \sum_{r \in f} u_r\, \bar y_{rt}
        \le \bar C^{sale}_{ft} + \bar C^{toll}_{ft}
        + \sum_{e \in f} \sum_{t' \le t} \rho_{e,t-t'} E_e\, b_{et'} \qquad \forall\ f \text{ with projects}, t

    Unit: t per year. Dual: MUSD per t/yr of entitlement.
    """
    used = [term for layer in LAYERS for term in throughput_terms(m, facility, layer, t)]
    used += standby_terms(m, facility, "supplier", t)
    room = sum(open_capacity(m, facility, layer, t) for layer in LAYERS)
    return no_more(used + scaled(-1.0, entitlement_terms(m, facility, t)), room)


def commitment_capacity_limit(m: pyo.ConcreteModel, facility: str, layer: Layer, t: int) -> Any:
    r"""No more is signed at a plant than it can reserve for one buyer.

    .. math:: \sum_{o \in f} u_o\, q_{ot} \le \bar C_{ft} + \sum_{e \in f} \sum_{t' \le t} \rho_{e,t-t'} E_e\, b_{et'}
        \qquad \forall\ f, layer, t

    with :math:`u_o` the least capacity a tonne of the offer's product takes. Running contracts are inside.

    Unit: t per year on the facility's basis. Dual: MUSD per t/yr of capacity.
    """
    kind = "sale" if layer == "supplier" else "toll"
    terms: Terms = []
    running = 0.0
    for o in m.sets.offers_at.get(facility, ()):
        offer = m.instance.offers[o]
        if offer.kind == kind and (o, t) in m.committed:
            use = capacity_per_tonne(m, facility, offer.product, t)
            terms.append((use, m.committed[o, t]))
            running += use * offer.running_t.get(t, 0.0)
    room = max(open_capacity(m, facility, layer, t), running)
    return no_more(terms + scaled(-1.0, entitlement_terms(m, facility, t)), room)


def capacity_per_tonne(m: Any, facility: str, product: str, t: int) -> float:
    """Least capacity, on the facility's basis, that a tonne of a product takes there in a year."""
    uses = [
        recipe.capacity_use / recipe.made_t(product, t)
        for recipe in m.sets.recipes_at.get(facility, ())
        if recipe.outputs.get(product, 0.0) > 0
    ]
    return min(uses, default=0.0)


def stage_flow_terms(m: Any, facility: str, t: int) -> Terms:
    """Output of a facility by tracked mass, both layers together, less what is left over (t per year)."""
    terms: Terms = []
    for recipe in m.sets.recipes_at.get(facility, ()):
        tracked = sum(recipe.made_t(p, t) * m.instance.products[p].tracked_share for p in recipe.outputs)
        for layer in LAYERS:
            for g in m.sets.recipe_classes.get((recipe.recipe, layer), ()):
                terms.append((tracked, m.throughput[recipe.recipe, layer, g, t]))
    for product in sorted({p for recipe in m.sets.recipes_at.get(facility, ()) for p in recipe.outputs}):
        terms += scaled(-m.instance.products[product].tracked_share, left_over(m, facility, product, t))
    return terms
