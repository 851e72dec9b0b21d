"""What suppliers keep ready for the buyer beyond what is taken: *standby*, covered by their own chains.

A contract reserves more than the buyer lifts, grants a surge, and a qualified supplier has a spot market. A supplier
can hand that over only if its own plants and its own suppliers have room for it. So the plan holds, beside the shadow
flow of what is lifted, a second flow over the same plants: standby flow, which comes on top when the buyer calls. It
uses open capacity and licences like shadow flow, carries no class, costs nothing and pollutes nothing as long as nobody
calls. In a shock, plants the shock does not touch hand over what is lifted and on standby, and behind sales plants ship
what they have on standby besides their normal deliveries and surge. Decision record 0008 has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import Instance
from optimizer.model.compare import equal, no_less, no_more
from optimizer.model.expressions import Terms, scaled
from optimizer.model.planned import handed_over, standby_flow
from optimizer.model.sets import Place, Sets


def add_standby_variables(m: pyo.ConcreteModel) -> None:
    """Standby volumes and the flow behind them; none where no shock could call them."""
    instance: Instance = m.instance
    sets: Sets = m.sets
    years = instance.years if instance.shocks else ()
    supplied = [lane for lane in instance.lanes.values() if lane.layer == "supplier"]
    run = [recipe for recipe in instance.recipes.values() if "supplier" in recipe.layers]
    pairs = [pair for pair in sets.sales_of if ("supplier", *pair) in sets.classes]
    m.standby = pyo.Var(
        [(*pair, t) for pair in pairs for t in years],
        domain=pyo.NonNegativeReals,
        doc="t/yr of a product a plant can hand over beyond what is taken",
    )
    m.standby_flow = pyo.Var(
        [(lane.lane, t) for lane in supplied for t in years if any((lane.lane, g, t) in m.flow for g in lane.classes)],
        domain=pyo.NonNegativeReals,
        doc="t/yr a lane between suppliers carries on top when the buyer calls",
    )
    m.standby_throughput = pyo.Var(
        [(recipe.recipe, t) for recipe in run for t in years if t not in recipe.closed_years],
        domain=pyo.NonNegativeReals,
        doc="t/yr of throughput that comes on top when the buyer calls",
    )


def standby_limit(m: pyo.ConcreteModel, facility: str, product: str, t: int) -> Any:
    r"""A supplier keeps ready no more than it owes: what is reserved, with surge, and its spot market.

    .. math:: \sum_{o,g} d_{ogt} + \bar d_{fpt} \le \sum_o (1+\theta_o)\, q_{ot} + \sum_q S_{qt} k_{qt}
        \qquad \forall\ f, p, t

    Unit: t per year. Dual: MUSD per t of volume owed.
    """
    terms: Terms = [*handed_over(m, facility, product, t)]
    spot = 0.0
    for o in m.sets.sales_of.get((facility, product), ()):
        if (o, t) in m.committed:
            terms.append((-1.0 - m.instance.offers[o].surge_share, m.committed[o, t]))
    for q in m.sets.spots_of.get((facility, product), ()):
        data = m.instance.qualifications[q]
        if data.is_held:
            spot += data.spot_t.get(t, 0.0)
        else:
            terms.append((-data.spot_t.get(t, 0.0), m.is_qualified[q, t]))
    return no_more(terms, spot)


def standby_balance(m: pyo.ConcreteModel, facility: str, product: str, t: int) -> Any:
    r"""Standby is made from standby: it balances at every supplier, where co-products left over are at hand as well.

    .. math:: \sum_{l \to f} \bar x_{lt} + \sum_r (a^{out}_{rp} - a^{in}_{rp})\, \bar y_{rt} + \sum_g u_{pgt}
        \ge \sum_{l \leftarrow f} \bar x_{lt} + \bar d_{fpt} \qquad \forall\ f, p, t

    with equality where a product is no co-product. Unit: t per year. Dual: MUSD per t of standby at that place.
    """
    sets: Sets = m.sets
    place: Place = ("supplier", facility, product)
    terms: Terms = _carried(m, sets.lanes_into.get(place, ()), t)
    terms += scaled(-1.0, _carried(m, sets.lanes_from.get(place, ()), t))
    for recipe in sets.recipes_at.get(facility, ()):
        net = recipe.made_t(product, t) - recipe.inputs.get(product, 0.0)
        if net and (recipe.recipe, t) in m.standby_throughput:
            terms.append((net, m.standby_throughput[recipe.recipe, t]))
    if (facility, product, t) in m.standby:
        terms.append((-1.0, m.standby[facility, product, t]))
    if not terms:
        return pyo.Constraint.Skip
    left = [m.surplus[facility, product, g, t] for g in sets.classes[place] if (facility, product, g, t) in m.surplus]
    return no_less([*terms, *((1.0, u) for u in left)], 0.0) if left else equal(terms, 0.0)


def _carried(m: Any, lanes: Iterable[str], t: int) -> Terms:
    return [term for lane in lanes for term in standby_flow(m, lane, t)]


def standby_balance_index(m: Any) -> list[tuple[str, str, int]]:
    """(facility, product, year) of the suppliers' places."""
    years = m.instance.years if m.instance.shocks else ()
    places = [key[1:] for key in m.sets.classes if key[0] == "supplier" and key[1] not in m.instance.markets]
    return [(*place, t) for place in places for t in years]
