"""What a shock costs beyond the plan: reported for every shock, and on request part of the objective.

Evaluation is loss first, then cost. Unmet demand is charged above anything it could save, so a shock never lowers
cost; force majeure and refused licences suspend take-or-pay; used stock is bought back.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import Instance, Period, Shock
from optimizer.model.compare import no_less
from optimizer.model.expressions import Terms, scaled
from optimizer.model.reach import Branch
from optimizer.model.recourse_calls import lifted_in
from optimizer.model.sets import share_of


def line_stop_price(instance: Instance) -> float:
    """USD per kg of unmet demand: the case's figure, but at least twice the dearest thing that could be saved."""
    dearest = [max(offer.price_usd_per_kg.values(), default=0.0) for offer in instance.offers.values()]
    dearest += [q.spot_price_usd_per_kg for q in instance.qualifications.values()]
    return max([instance.line_stop_usd_per_kg, *(2.0 * price for price in dearest)], default=0.0)


def deliverable_share(instance: Instance, shock: Shock, offer: str, k: int) -> float:
    """Share of an offer's volume its supplier can still hand over: plant working, and some lane out open."""
    data = instance.offers[offer]
    outward = [
        lane
        for lane in instance.lanes.values()
        if lane.layer == "buyer" and lane.from_place == data.facility and lane.product == data.product
    ]
    lanes = [min([1.0, *(shock.lane_share.get((x.lane, k, bit), 1.0) for bit in (0,))]) for x in outward]
    return share_of(shock.facility_share, data.facility, k) * max(lanes, default=1.0)


def add_idle_variables(b: Any, m: Any, branch: Branch) -> None:
    """Tonnes paid for and not taken, per offer and period."""
    keys = [(o, p.period) for o in m.instance.offers for p in branch.shock.periods if (o, p.year) in m.committed]
    b.idle = pyo.Var(keys, domain=pyo.NonNegativeReals)


def recourse_take_or_pay(b: Any, m: Any, o: str, period: Period) -> Any:
    r"""In a shock take-or-pay is due only on what the supplier can deliver: force majeure suspends the rest.

    .. math:: lifted_{ok} + idle_{ok} \ge \tau_o\, \phi_{ok}\, \delta_k\, q_{o,t(k)} \qquad \forall\ s, o, k

    with :math:`\phi` the deliverable share. Unit: t per period. Dual: price of the tonne paid for and not taken.
    """
    if (o, period.year) not in m.committed:
        return pyo.Constraint.Skip
    share = deliverable_share(m.instance, b.branch.shock, o, period.period)
    due = m.instance.offers[o].take_or_pay_share * share * period.months / 12.0
    if due <= 0.0:
        return pyo.Constraint.Skip
    terms: Terms = [*lifted_in(b, m, o, period), (1.0, b.idle[o, period.period])]
    return no_less([*terms, (-due, m.committed[o, period.year])], 0.0)


def shock_cost_terms(b: Any, m: Any, shock: Shock) -> Terms:
    """Money spent in the window of a shock, MUSD (real), as terms over the block's variables."""
    instance: Instance = m.instance
    terms: Terms = []
    for period in shock.periods:
        k, t = period.period, period.year
        for o, offer in instance.offers.items():
            if (o, t) in m.committed:
                price = offer.price_usd_per_kg[t] / 1000.0
                terms.extend(scaled(price, [*lifted_in(b, m, o, period), (1.0, b.idle[o, k])]))
        for lane in instance.lanes.values():
            if lane.layer == "buyer":
                unit = _movement_cost(lane, t, shock.extra_duty_share.get((lane.lane, k), 0.0))
                terms.extend((unit, b.flow[lane.lane, g, k]) for g in lane.classes if (lane.lane, g, k) in b.flow)
        price = line_stop_price(instance) / 1000.0
        terms.extend((price, b.shortfall[d, k]) for d in instance.markets)
    for q, g, k in b.spot:
        terms.append((instance.qualifications[q].spot_price_usd_per_kg / 1000.0, b.spot[q, g, k]))
    return terms + _rebuilding(b, m, shock)


def _movement_cost(lane: Any, t: int, extra_duty_share: float = 0.0) -> float:
    """Freight and duty of a tonne, MUSD; a shock may bring a further duty."""
    duty = (lane.tariff_share.get(t, 0.0) + extra_duty_share) * lane.customs_value_usd_per_kg / 1000.0
    return float(lane.freight_usd_per_t / 1e6 + duty)


def _rebuilding(b: Any, m: Any, shock: Shock) -> Terms:
    """Stock that is gone at the end of the window is bought back at reference price."""
    terms: Terms = []
    last = shock.periods[-1].period
    for place, product, g in m.sets.stores:
        value = m.instance.products[product].reference_price_usd_per_kg / 1000.0
        terms.append((-value, b.stock[place, product, g, last]))
        if shock.start_year > m.instance.years[0]:
            terms.append((value, m.stock[place, product, g, shock.start_year - 1]))
    return terms


def planned_cost_terms(m: Any, shock: Shock) -> Terms:
    """What the plan would have spent on the same things in the window, MUSD (real)."""
    instance: Instance = m.instance
    terms: Terms = []
    for period in shock.periods:
        part, t = period.months / 12.0, period.year
        for o, offer in instance.offers.items():
            if (o, t) in m.committed:
                price = part * offer.price_usd_per_kg[t] / 1000.0
                terms.append((price * offer.take_or_pay_share, m.committed[o, t]))
                terms.append((price, m.lifted_extra[o, t]))
        for lane in instance.lanes.values():
            if lane.layer == "buyer":
                unit = part * _movement_cost(lane, t)
                terms.extend((unit, m.flow[lane.lane, g, t]) for g in lane.classes if (lane.lane, g, t) in m.flow)
    return terms


def opening_value(m: Any, shock: Shock) -> float:
    """Value of the stock in hand today, MUSD, for shocks that start in the first year."""
    if shock.start_year > m.instance.years[0]:
        return 0.0
    value: float = sum(
        float(m.instance.products[product].reference_price_usd_per_kg) * sum(storage.opening_t.values()) / 1000.0
        for (_, product), storage in m.instance.storages.items()
    )
    return value


def shock_cost_definition(b: Any, m: Any) -> Any:
    r"""Extra cost of a shock over its window, where the case counts it in the objective.

    .. math:: K_s \ge \text{cost in the window}_s - \text{planned cost of the window}_s, \quad K_s \ge 0
        \qquad \forall\ s

    A tonne over a lane costs freight and duty; a change of regime brings the duty of that regime while it lasts.
    Unit: MUSD. Dual: yearly rate of the shock, discounted.
    """
    shock = b.branch.shock
    terms = [(1.0, m.shock_cost[shock.shock])]
    terms += scaled(-1.0, shock_cost_terms(b, m, shock)) + planned_cost_terms(m, shock)
    return no_less(terms, opening_value(m, shock))
