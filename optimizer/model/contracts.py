"""Contracts: qualification apart from signing, commitment windows, take-or-pay, terms."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.model.compare import equal, no_less, no_more
from optimizer.model.expressions import Terms, scaled
from optimizer.model.planned import licensed_flow


def active_terms(m: Any, o: str, t: int) -> Terms:
    """Signatures of an offer whose term covers the year: 1 while a new contract is in force."""
    offer = m.instance.offers[o]
    return [(1.0, m.is_signed[o, s]) for s in offer.start_years if s <= t < s + offer.term_years]


def lifted_terms(m: Any, o: str, t: int) -> Terms:
    """Volume taken under an offer: tonnes handed over (sale) or main product converted (toll)."""
    offer = m.instance.offers[o]
    if offer.kind == "sale":
        classes = m.sets.classes.get(("supplier", offer.facility, offer.product), ())
        return [(1.0, m.delivered[o, g, t]) for g in classes if (o, g, t) in m.delivered]
    if o in m.sets.joint_tolls:
        return [(1.0, m.converted[o, t])] if (o, t) in m.converted else []
    return converted_terms(m, o, t)


def converted_terms(m: Any, o: str, t: int) -> Terms:
    """Main product made for the buyer by the recipes of a toll offer, whoever it is counted to."""
    offer = m.instance.offers[o]
    return [
        (recipe.made_t(offer.product, t), m.throughput[recipe.recipe, "buyer", g, t])
        for recipe in m.sets.toll_recipes[o]
        for g in m.sets.recipe_classes.get((recipe.recipe, "buyer"), ())
    ]


def commitment_floor(m: pyo.ConcreteModel, o: str, t: int) -> Any:
    r"""A signed contract reserves at least its minimum volume; a running one keeps what was agreed.

    .. math:: q_{ot} \ge \bar q_{ot} + Q^{min}_o \sum_{t' \in (t-T_o, t]} s_{ot'} \qquad \forall\ o, t

    Unit: t per year. Dual: MUSD per t/yr of minimum order (positive when it binds).
    """
    offer = m.instance.offers[o]
    terms: Terms = [(1.0, m.committed[o, t]), *scaled(-offer.min_t, active_terms(m, o, t))]
    return no_less(terms, offer.running_t.get(t, 0.0))


def commitment_limit(m: pyo.ConcreteModel, o: str, t: int) -> Any:
    r"""Nothing is reserved without a signature, and never more than the offer's largest volume.

    .. math:: q_{ot} \le \bar q_{ot} + Q^{max}_o \sum_{t' \in (t-T_o, t]} s_{ot'} \qquad \forall\ o, t

    Unit: t per year. Dual: MUSD per t/yr of further volume (negative when it binds).
    """
    offer = m.instance.offers[o]
    terms: Terms = [(1.0, m.committed[o, t]), *scaled(-offer.max_t, active_terms(m, o, t))]
    return no_more(terms, offer.running_t.get(t, 0.0))


def term_limit(m: pyo.ConcreteModel, o: str, t: int) -> Any:
    r"""At most one contract of an offer is in force at a time; renewal starts when the term has ended.

    .. math:: \sum_{t' \in (t-T_o, t]} s_{ot'} \le 1 \qquad \forall\ o, t

    Unit: 1. Dual: MUSD.
    """
    terms = active_terms(m, o, t)
    return no_more(terms, 1.0) if len(terms) > 1 else pyo.Constraint.Skip


def lifting_limit(m: pyo.ConcreteModel, o: str, t: int) -> Any:
    r"""What is taken stays within what is reserved; where nothing can be reserved, nothing is converted for the buyer.

    .. math:: \sum_g d_{ogt} \le q_{ot} \quad\text{(sale)}, \qquad \sum_{r,g} a^{out}_{rp} y_{rgt} \le q_{ot}
        \quad\text{(toll)} \qquad \forall\ o, t

    Unit: t per year. Dual: MUSD per t/yr of commitment.
    """
    lifted = lifted_terms(m, o, t)
    if (o, t) not in m.committed:
        return no_more(lifted, 0.0) if lifted else pyo.Constraint.Skip
    return no_more([*lifted, (-1.0, m.committed[o, t])], 0.0)


def toll_split(m: pyo.ConcreteModel, o: str, t: int) -> Any:
    r"""What tolls of the same route make of the same product is counted to one of them, or in parts to several.

    .. math:: \sum_{o \in O} e_{ot} = \sum_{r,g} a^{out}_{rp} y_{rgt}
        \qquad \forall\ O = \{o: r(o) = r, p(o) = p\},\ |O| > 1,\ t

    Such offers carry :math:`e_{ot}` as their lifted volume. Unit: t per year. Dual: MUSD per t converted.
    """
    parts: Terms = [term for each in m.sets.joint_tolls[o] for term in lifted_terms(m, each, t)]
    return equal([*parts, *scaled(-1.0, converted_terms(m, o, t))], 0.0)


def toll_split_index(m: Any) -> list[tuple[str, int]]:
    """(first offer, year) of the tolls that share a route."""
    return [(o, t) for o in m.sets.first_tolls for t in m.instance.years]


def take_or_pay_definition(m: pyo.ConcreteModel, o: str, t: int) -> Any:
    r"""A share of the reserved volume is paid whether taken or not; the rest is paid when taken.

    .. math:: \sum_g d_{ogt} \le \tau_o q_{ot} + x^{extra}_{ot}, \qquad paid_{ot} = \tau_o q_{ot} + x^{extra}_{ot}
        \qquad \forall\ o, t

    Unit: t per year. Dual: MUSD per t, the price saved by one tonne less.
    """
    share = m.instance.offers[o].take_or_pay_share
    terms = [*lifted_terms(m, o, t), (-share, m.committed[o, t]), (-1.0, m.lifted_extra[o, t])]
    return no_more(terms, 0.0)


def qualification_link(m: pyo.ConcreteModel, o: str, t: int) -> Any:
    r"""A contract can only be in force with a supplier whose product is qualified.

    .. math:: \sum_{t' \in (t-T_o, t]} s_{ot'} \le k_{qt}, \quad q = q(o) \qquad \forall\ o, t

    Unit: 1. Dual: MUSD, value of being qualified in that year.
    """
    q = m.instance.offers[o].qualification
    if q is None or m.instance.qualifications[q].is_held:
        return pyo.Constraint.Skip
    return no_more([*active_terms(m, o, t), (-1.0, m.is_qualified[q, t])], 0.0)


def qualification_link_index(m: Any) -> list[tuple[str, int]]:
    """(offer, year) pairs in which a new contract can be in force."""
    return [(o, t) for o, t in m.committed if active_terms(m, o, t)]


def qualification_progress(m: pyo.ConcreteModel, q: str, t: int) -> Any:
    r"""A qualification, once in force, stays; it can come into force only where its lead time allows.

    .. math:: k_{qt} \ge k_{q,t-1}, \qquad k_{qt} = k_{q,t-1} \text{ if } t \notin T_q \qquad \forall\ q, t > t_0

    Unit: 1. Dual: MUSD.
    """
    if t == m.instance.years[0]:
        return pyo.Constraint.Skip
    terms: Terms = [(1.0, m.is_qualified[q, t]), (-1.0, m.is_qualified[q, t - 1])]
    return no_less(terms, 0.0) if t in m.instance.qualifications[q].years else equal(terms, 0.0)


def sponsorship_limit(m: pyo.ConcreteModel, e: str) -> Any:
    r"""A project is sponsored once.

    .. math:: \sum_t b_{et} \le 1 \qquad \forall\ e

    Unit: 1. Dual: MUSD.
    """
    return no_more([(1.0, m.is_sponsored[e, t]) for t in m.instance.projects[e].years], 1.0)


def approval_limit(m: pyo.ConcreteModel, facility: str, product: str, end: str, t: int) -> Any:
    r"""Where only part of the export applications is granted, only that part of the reserved volume can move.

    .. math:: \sum_{l: f \to d, g} x_{lgt} \le \pi_{fpdt} \sum_{o \in f,p} q_{ot}
        \qquad \forall\ f, p, d, t: 0 < \pi < 1

    and for plants as ends of owned goods where the case limits intermediates too. Unit: t per year. Dual: MUSD per t of
    licensed volume.
    """
    share, terms = licensed_flow(m, ("buyer", facility, product), end, t)
    offers = m.sets.sales_of.get((facility, product), ())
    reserved: Terms = [(-share, m.committed[o, t]) for o in offers if (o, t) in m.committed]
    return no_more(terms + reserved, 0.0)


def approval_index(m: Any) -> list[tuple[str, str, str, int]]:
    """(facility, product, end, year) with a licence regime that grants part of the applications."""
    found = {
        (lane.from_place, lane.product, lane.to_place, t)
        for lane in m.instance.lanes.values()
        if lane.layer == "buyer"
        and (lane.to_place in m.instance.markets or m.instance.limits_intermediates)
        and m.sets.sales_of.get((lane.from_place, lane.product))
        for t in m.instance.years
        if 0.0 < lane.approval_share.get(t, 1.0) < 1.0
    }
    return sorted(found)
