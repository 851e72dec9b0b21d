"""The second stage: what still flows in each period of a shock.

A shock branches off the nominal plan in its start year and inherits qualifications, commitments, capacity and the
stock in hand; nothing is signed or built up because of it (non-anticipativity is structural: these are the same
first-stage variables). Every block can always be solved: demand that cannot be met is shortfall.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import Layer, Period, Shock
from optimizer.model.balances import balance_terms
from optimizer.model.capacity import entitlement_terms, open_capacity, throughput_terms
from optimizer.model.compare import equal, no_less, no_more
from optimizer.model.contracts import lifted_terms
from optimizer.model.expressions import Terms, scaled
from optimizer.model.sets import Sets, share_of
from optimizer.model.variables import is_open


def add_recourse_variables(b: Any, m: Any, shock: Shock) -> None:
    """Variables of one shock's block, indexed by period."""
    sets: Sets = m.sets
    instance = m.instance
    periods = [(period.period, period.year) for period in shock.periods]
    numbers = [k for k, _ in periods]
    b.throughput = pyo.Var([(*key, k) for key in sets.conversions for k in numbers], domain=pyo.NonNegativeReals)
    moves = [(lane, g, k) for lane, g in sets.flows for k, t in periods if is_open(instance, lane, g, t)]
    b.flow = pyo.Var([key for key in moves if not _is_closed(m, shock, *key)], domain=pyo.NonNegativeReals)
    b.delivered = pyo.Var(
        [(o, g, k) for o, g in sets.transfers for k, t in periods if (o, t) in m.committed],
        domain=pyo.NonNegativeReals,
    )
    spots = [(q, g) for place, qs in sets.spots_of.items() for q in qs for g in sets.classes[("supplier", *place)]]
    b.spot = pyo.Var([(q, g, k) for q, g in spots for k in numbers], domain=pyo.NonNegativeReals)
    b.reclassified = pyo.Var([(*key, k) for key in sets.raises for k in numbers], domain=pyo.NonNegativeReals)
    b.surplus = pyo.Var([(*key, k) for key in sets.surpluses for k in numbers], domain=pyo.NonNegativeReals)
    b.disposed = pyo.Var([(*key, k) for key in sets.outlets for k in numbers], domain=pyo.NonNegativeReals)
    b.idle = pyo.Var(
        [(o, k) for o in instance.offers for k, t in periods if (o, t) in m.committed], domain=pyo.NonNegativeReals
    )
    b.stock = pyo.Var([(*key, k) for key in sets.stores for k in numbers], domain=pyo.NonNegativeReals)
    b.shortfall = pyo.Var([(d, k) for d in instance.markets for k in numbers], domain=pyo.NonNegativeReals)


def _is_closed(m: Any, shock: Shock, lane: str, g: int, k: int) -> bool:
    """Whether a shock closes a lane altogether for a class of material in a period."""
    return any(shock.lane_share.get((lane, k, bit), 1.0) <= 0.0 for bit in _bits(m, g))


def _bits(m: Any, g: int) -> list[int]:
    """0 for all material, then each origin bit the class carries."""
    return [0, *(1 << i for i in range(len(m.instance.origin_rules)) if g & (1 << i))]


def _share_of_year(period: Period) -> float:
    return period.months / 12.0


def recourse_balance(b: Any, m: Any, shock: Shock, key: tuple[Layer, str, str, int], period: Period) -> Any:
    r"""Material balances hold in every period of a shock; stock starts from what the plan had in hand.

    .. math:: \text{as place\_balance, with } v_{pg,k-1} \text{ and } v_{pg,0} = v_{pg,t(s)-1} \text{ of the plan}
        \qquad \forall\ s, layer, f, p, g, k

    Unit: t per period. Dual: months of loss avoided per t.
    """
    layer, place, product, g = key
    terms = balance_terms(m, b, layer, place, product, g, period.period)
    stock, opening = _stock_change(b, m, shock, place, product, g, period) if layer == "buyer" else ([], 0.0)
    return equal(terms + stock, opening)


def _stock_change(
    b: Any, m: Any, shock: Shock, place: str, product: str, g: int, period: Period
) -> tuple[Terms, float]:
    """Opening less closing stock of a period as terms, and the right-hand side for stock in hand today."""
    k = period.period
    if (place, product, g, k) not in b.stock:
        return [], 0.0
    terms: Terms = [(-1.0, b.stock[place, product, g, k])]
    if k != shock.periods[0].period:
        terms.append((1.0, b.stock[place, product, g, k - 1]))
    elif shock.start_year > m.instance.years[0]:
        terms.append((1.0, m.stock[place, product, g, shock.start_year - 1]))
    else:
        return terms, -m.instance.storages[place, product].opening_t.get(g, 0.0)
    return terms, 0.0


def recourse_demand(b: Any, m: Any, shock: Shock, market: str, period: Period) -> Any:
    r"""Demand of the period is met from arrivals and stock, or lost.

    .. math:: \sum_{p,g} \frac{1}{k_{dp}} \Big(\sum_{l \to d} x_{lgk} + v_{dpg,k-1} - v_{dpgk}\Big) + z_{dk}
        = \delta_k D_{d,t(k)} \qquad \forall\ s, d, k

    Unit: t per period. Dual: months of loss per t of demand.
    """
    terms: Terms = [(1.0, b.shortfall[market, period.period])]
    right = _share_of_year(period) * m.instance.markets[market].demand_t.get(period.year, 0.0)
    for product, (use, _) in sorted(m.instance.markets[market].accepts.items()):
        for g in m.sets.classes.get(("buyer", market, product), ()):
            part, opening = _market_use(b, m, shock, market, product, g, period)
            terms.extend((coefficient / use, variable) for coefficient, variable in part)
            right += opening / use
    return equal(terms, right)


def _market_use(b: Any, m: Any, shock: Shock, market: str, product: str, g: int, period: Period) -> tuple[Terms, float]:
    lanes = m.sets.lanes_into.get(("buyer", market, product), ())
    k = period.period
    terms: Terms = [(1.0, b.flow[lane, g, k]) for lane in lanes if (lane, g, k) in b.flow]
    stock, opening = _stock_change(b, m, shock, market, product, g, period)
    return terms + stock, opening


def recourse_use_floor(b: Any, m: Any, shock: Shock, key: tuple[str, str, int], period: Period) -> Any:
    r"""A market's stock of a product can only be drawn down by what is in it; barred material stays.

    .. math:: \sum_{l \to d} x_{lgk} + v_{dpg,k-1} - v_{dpgk} \ge 0 \qquad \forall\ s, d, p, g, k

    Unit: t per period. Dual: months of loss avoided per t of stock.
    """
    market, product, g = key
    terms, opening = _market_use(b, m, shock, market, product, g, period)
    barred = m.instance.markets[market].forbidden_bits.get(period.year, 0) & g
    return equal(terms, opening) if barred else no_less(terms, opening)


def recourse_capacity(b: Any, m: Any, shock: Shock, facility: str, layer: Layer, period: Period) -> Any:
    r"""A plant works with what survives of its open capacity.

    .. math:: \sum_{r \in f,g} u_r y_{rgk} \le \alpha_{fk} \delta_k \Big(\bar C_{f,t(k)}
        + \sum_{e,t'} \rho_{e,t-t'} E_e b_{et'}\Big) \qquad \forall\ s, f, layer, k

    Unit: t per period. Dual: months of loss avoided per t of capacity.
    """
    factor = share_of(shock.facility_share, facility, period.period) * _share_of_year(period)
    used = throughput_terms(m, b, facility, layer, period.period)
    room = entitlement_terms(m, facility, period.year)
    return no_more(used + scaled(-factor, room), factor * open_capacity(m, facility, layer, period.year))


def recourse_delivery(b: Any, m: Any, shock: Shock, facility: str, product: str, period: Period) -> Any:
    r"""Behind a priced sale, a plant delivers at most its normal deliveries plus surge, and what the open market has.

    .. math:: \sum_{l \leftarrow f,p} x_{lgk} \le \alpha_{fk} \delta_k \Big((1+\theta)
        \sum_{l \leftarrow f,p} x_{lg,t(k)} + W_{fp,t(k)}\Big) \qquad \forall\ s, f, p, k

    Unit: t per period. Dual: months of loss avoided per t.
    """
    factor = share_of(shock.facility_share, facility, period.period) * _share_of_year(period)
    surge = factor * (1.0 + m.instance.surge_share)
    terms: Terms = []
    for name in m.sets.lanes_from.get(("supplier", facility, product), ()):
        for g in m.instance.lanes[name].classes:
            if (name, g, period.period) in b.flow:
                terms.append((1.0, b.flow[name, g, period.period]))
            if (name, g, period.year) in m.flow:
                terms.append((-surge, m.flow[name, g, period.year]))
    return no_more(terms, factor * m.instance.upstream_spot_t.get((facility, product, period.year), 0.0))


def recourse_contract(b: Any, m: Any, shock: Shock, o: str, period: Period) -> Any:
    r"""Under a contract the buyer can call the committed volume plus surge, as far as the plant still works.

    .. math:: lifted_{ok} \le \alpha_{fk} \delta_k (1+\theta_o) q_{o,t(k)} \qquad \forall\ s, o, k

    Unit: t per period. Dual: months of loss avoided per t of commitment.
    """
    offer = m.instance.offers[o]
    lifted = lifted_terms(m, b, o, period.period)
    if (o, period.year) not in m.committed:
        return no_more(lifted, 0.0) if lifted else pyo.Constraint.Skip
    factor = share_of(shock.facility_share, offer.facility, period.period) * _share_of_year(period)
    return no_more([*lifted, (-factor * (1.0 + offer.surge_share), m.committed[o, period.year])], 0.0)


def recourse_spot(b: Any, m: Any, shock: Shock, q: str, period: Period) -> Any:
    r"""Without a contract, a qualified supplier can be asked for what its spot market still has.

    .. math:: \sum_g \sigma_{qgk} \le \alpha_{fk} \delta_k S_{q,t(k)}\, k_{q,t(k)} \qquad \forall\ s, q, k

    Unit: t per period. Dual: months of loss avoided per t of spot depth.
    """
    data = m.instance.qualifications[q]
    classes = m.sets.classes[("supplier", data.facility, data.product)]
    terms: Terms = [(1.0, b.spot[q, g, period.period]) for g in classes]
    factor = share_of(shock.facility_share, data.facility, period.period) * _share_of_year(period)
    depth = factor * data.spot_t.get(period.year, 0.0)
    if data.is_held:
        return no_more(terms, depth)
    return no_more([*terms, (-depth, m.is_qualified[q, period.year])], 0.0)


def recourse_lane(b: Any, m: Any, shock: Shock, lane: str, k: int, bit: int) -> Any:
    r"""A lane that is cut but not closed carries its share of normal traffic plus surge.

    .. math:: \sum_{g \ni bit} x_{lgk} \le \beta_{lk} \delta_k (1+\theta) \sum_{g \ni bit} x_{lg,t(k)}
        \qquad \forall\ s, l, k: 0 < \beta < 1

    Unit: t per period. Dual: months of loss avoided per t.
    """
    period = next(p for p in shock.periods if p.period == k)
    share = shock.lane_share[lane, k, bit]
    if share <= 0.0:
        return pyo.Constraint.Skip
    factor = share * _share_of_year(period) * (1.0 + m.instance.surge_share)
    terms: Terms = []
    for g in m.instance.lanes[lane].classes:
        if bit and not g & bit:
            continue
        if (lane, g, k) in b.flow:
            terms.append((1.0, b.flow[lane, g, k]))
        if (lane, g, period.year) in m.flow:
            terms.append((-factor, m.flow[lane, g, period.year]))
    return no_more(terms, 0.0)


def loss_definition(b: Any, m: Any, shock: Shock) -> Any:
    r"""Loss of a shock: months of criticality-weighted demand lost in the window.

    .. math:: L_s \ge \sum_k n_k \frac{\sum_d \kappa_d z_{dk}}{\sum_d \kappa_d \delta_k D_{d,t(k)}} \qquad \forall\ s

    Unit: months. Dual: weight of the shock in the measure.
    """
    terms: Terms = [(1.0, m.loss[shock.shock])]
    for period in shock.periods:
        weighted = {d: x.criticality * x.demand_t.get(period.year, 0.0) for d, x in m.instance.markets.items()}
        total = sum(weighted.values()) * _share_of_year(period)
        if total > 0:
            for d, market in m.instance.markets.items():
                share = -period.months * market.criticality / total
                terms.append((share, b.shortfall[d, period.period]))
    return no_less(terms, 0.0)
