"""The second stage: what still flows in each period of a shock.

A shock branches off the nominal plan in its start year and inherits qualifications, commitments, capacity and the
stock in hand; nothing is signed or built up because of it (non-anticipativity is structural: these are the same
first-stage variables). Every block can always be solved: demand that cannot be met is shortfall. What a block leaves
out, because the shock does not reach it, is told in ``reach``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import Layer, Period
from optimizer.model.capacity import entitlement_terms, open_capacity
from optimizer.model.compare import equal, no_less, no_more
from optimizer.model.expressions import Terms, scaled
from optimizer.model.planned import availability, handed_over, planned_flow, planned_stock, standby_flow
from optimizer.model.reach import ANY, Branch
from optimizer.model.recourse_calls import lifted_in, present, share_of_year
from optimizer.model.sets import Sets, share_of
from optimizer.model.variables import is_open


def add_recourse_variables(b: Any, m: Any, branch: Branch) -> None:
    """Variables of one shock's block, indexed by class (``ANY`` where not told apart) and period."""
    instance = m.instance
    b.branch = branch
    years = {period.period: period.year for period in branch.shock.periods}

    def everywhere(keys: Iterable[tuple[Any, ...]]) -> pyo.Var:
        return pyo.Var(sorted({(*key, k) for key in keys for k in years}), domain=pyo.NonNegativeReals)

    owned = branch.reached["buyer"]
    b.throughput = everywhere(_conversions(m, branch))
    moves = ((lane, c, k, t) for lane, c in _movements(m, branch) for k, t in years.items())
    open_moves = {(lane, c, k) for lane, c, k, t in moves if _is_open(m, branch, lane, c, k, t)}
    b.flow = pyo.Var(sorted(open_moves), domain=pyo.NonNegativeReals)
    b.delivered = everywhere(_hand_overs(m, branch, m.sets.sales_of, owned))
    b.spot = everywhere(_hand_overs(m, branch, m.sets.spots_of, owned))
    b.supply = everywhere((pool.number, d) for pool in branch.pools for d in pool.markets)
    raises = m.sets.raises if branch.is_classed else ()
    b.reclassified = everywhere(key for key in raises if key[1] in branch.reached[key[0]])
    b.surplus = everywhere(_at_places(m, branch, "supplier", m.sets.surpluses))
    b.disposed = everywhere(_at_places(m, branch, "buyer", m.sets.outlets))
    b.stock = everywhere(
        (place, p, c) for place, p in instance.storages for c in branch.classes(m.sets, "buyer", place, p)
    )
    b.converted = everywhere((o,) for o in m.sets.joint_tolls if instance.offers[o].facility in owned)
    b.shortfall = everywhere((d,) for d in instance.markets)

    b.columns = {v.local_name: dict(v.items()) for v in b.component_objects(pyo.Var)}


def _conversions(m: Any, branch: Branch) -> Iterator[tuple[str, Layer, int]]:
    for recipe, layer, g in m.sets.conversions:
        if m.instance.recipes[recipe].facility in branch.reached[layer]:
            yield recipe, layer, g if branch.is_classed else ANY


def _movements(m: Any, branch: Branch) -> Iterator[tuple[str, int]]:
    for lane, g in m.sets.flows:
        if branch.models(m.instance, lane):
            yield lane, g if branch.is_classed else ANY


def _hand_overs(m: Any, branch: Branch, book: Any, owned: frozenset[str]) -> Iterator[tuple[str, int]]:
    """(offer or qualification, class) at plants whose owned material the block models."""
    for (facility, product), names in book.items():
        if facility in owned:
            classes = branch.classes(m.sets, "supplier", facility, product)
            yield from ((name, c) for name in names for c in classes)


def _at_places(
    m: Any, branch: Branch, layer: Layer, keys: Iterable[tuple[str, str, int]]
) -> Iterator[tuple[str, str, int]]:
    for place, product, g in keys:
        if place in branch.reached[layer]:
            yield place, product, g if branch.is_classed else ANY


def _is_open(m: Any, branch: Branch, lane: str, c: int, k: int, t: int) -> bool:
    """Whether plan and shock leave a lane open for a class in a period."""
    if not is_open(m.instance, lane, 0 if c == ANY else c, t):
        return False
    return all(branch.shock.lane_share.get((lane, k, bit), 1.0) > 0.0 for bit in _bits(m, c))


def _bits(m: Any, c: int) -> list[int]:
    """0 for all material, then each origin bit the class carries."""
    if c == ANY:
        return [0]
    return [0, *(1 << i for i in range(len(m.instance.origin_rules)) if c & (1 << i))]


def recourse_places(m: Any, branch: Branch) -> list[tuple[Layer, str, str, int]]:
    """(layer, facility, product, class) whose material the block balances."""
    return [
        (layer, place, product, c)
        for layer, place, product in m.sets.classes
        if place in branch.reached[layer]
        for c in branch.classes(m.sets, layer, place, product)
    ]


def recourse_balance(b: Any, m: Any, layer: Layer, place: str, product: str, c: int, period: Period) -> Any:
    r"""Material balances hold at every plant a shock reaches; stock starts from what the plan had in hand.

    .. math:: \text{as place\_balance, with } v_{pg,k-1} \text{ and } v_{pg,0} = v_{pg,t(s)-1} \text{ of the plan}
        \qquad \forall\ s, layer, f, p, g, k

    Unit: t per period. Dual: months of loss avoided per t.
    """
    k = period.period
    sets: Sets = m.sets
    terms: Terms = present(
        b.columns["flow"], 1.0, [(lane, c, k) for lane in sets.lanes_into.get((layer, place, product), ())]
    )
    terms += present(
        b.columns["flow"], -1.0, [(lane, c, k) for lane in sets.lanes_from.get((layer, place, product), ())]
    )
    for recipe in sets.recipes_at.get(place, ()):
        net = recipe.made_t(product, period.year) - recipe.inputs.get(product, 0.0)
        terms += present(b.columns["throughput"], net, [(recipe.recipe, layer, c, k)])
    for h in sets.classes.get((layer, place, product), ()) if b.branch.is_classed else ():
        terms += present(b.columns["reclassified"], 1.0, [(layer, place, product, h, c, k)])
        terms += present(b.columns["reclassified"], -1.0, [(layer, place, product, c, h, k)])
    sign = 1.0 if layer == "buyer" else -1.0
    terms += present(b.columns["delivered"], sign, [(o, c, k) for o in sets.sales_of.get((place, product), ())])
    terms += present(b.columns["spot"], sign, [(q, c, k) for q in sets.spots_of.get((place, product), ())])
    terms += present(b.columns["surplus" if layer == "supplier" else "disposed"], -1.0, [(place, product, c, k)])
    stock, opening = _stock_change(b, m, place, product, c, period) if layer == "buyer" else ([], 0.0)
    return equal(terms + stock, -opening)


def _stock_change(b: Any, m: Any, place: str, product: str, c: int, period: Period) -> tuple[Terms, float]:
    """Opening less closing stock of a period: terms, and what is in hand today."""
    k = period.period
    if (place, product, c, k) not in b.stock:
        return [], 0.0
    closing: Terms = [(-1.0, b.stock[place, product, c, k])]
    shock = b.branch.shock
    if k != shock.periods[0].period:
        return [*closing, (1.0, b.stock[place, product, c, k - 1])], 0.0
    opening, today = planned_stock(m, place, product, c, shock.start_year)
    return closing + opening, today


def recourse_demand(b: Any, m: Any, market: str, period: Period) -> Any:
    r"""Demand of the period is met from arrivals and stock, or lost.

    .. math:: \sum_{p,g} \frac{1}{k_{dp}} \Big(\sum_{l \to d} x_{lgk} + \sum_{\pi} w_{\pi dk} + v_{dpg,k-1}
        - v_{dpgk}\Big) + z_{dk} = \delta_k D_{d,t(k)} \qquad \forall\ s, d, k

    with :math:`w_{\pi dk}` the supply from pool :math:`\pi`. Unit: t per period. Dual: months of loss per t of demand.
    """
    terms: Terms = [(1.0, b.shortfall[market, period.period])]
    right = share_of_year(period) * m.instance.markets[market].demand_t.get(period.year, 0.0)
    for product, (use, _) in sorted(m.instance.markets[market].accepts.items()):
        for c in b.branch.classes(m.sets, "buyer", market, product):
            part, today = _market_use(b, m, market, product, c, period)
            terms.extend((coefficient / use, variable) for coefficient, variable in part)
            right -= today / use
    return equal(terms, right)


def _market_use(b: Any, m: Any, market: str, product: str, c: int, period: Period) -> tuple[Terms, float]:
    lanes = m.sets.lanes_into.get(("buyer", market, product), ())
    k = period.period
    terms = present(b.columns["flow"], 1.0, [(lane, c, k) for lane in lanes])
    pools = [pool for pool in b.branch.pools if pool.product == product and pool.origin_class == c]
    taken = [pool for pool in pools if not _bars(m, market, pool.origin_class, period.year)]
    terms += present(b.columns["supply"], 1.0, [(pool.number, market, k) for pool in taken])
    stock, today = _stock_change(b, m, market, product, c, period)
    return terms + stock, today


def _bars(m: Any, market: str, c: int, t: int) -> bool:
    return c != ANY and bool(c & m.instance.markets[market].forbidden_bits.get(t, 0))


def recourse_use_floor(b: Any, m: Any, market: str, product: str, c: int, period: Period) -> Any:
    r"""A market's stock of a product can only be drawn down by what is in it; barred material stays.

    .. math:: \sum_{l \to d} x_{lgk} + \sum_{\pi} w_{\pi dk} + v_{dpg,k-1} - v_{dpgk} \ge 0
        \qquad \forall\ s, d, p, g, k

    Unit: t per period. Dual: months of loss avoided per t of stock.
    """
    terms, today = _market_use(b, m, market, product, c, period)
    return equal(terms, -today) if _bars(m, market, c, period.year) else no_less(terms, -today)


def recourse_stock(b: Any, m: Any, place: str, product: str, period: Period) -> Any:
    r"""No more is held in a shock than there is room for; the plan's own stock always fits.

    .. math:: \sum_g v_{pgk} \le V^{max}_p \qquad \forall\ s, place, p, k

    Unit: t. Dual: months of loss avoided per t of room.
    """
    classes = b.branch.classes(m.sets, "buyer", place, product)
    held = present(b.columns["stock"], 1.0, [(place, product, c, period.period) for c in classes])
    return no_more(held, m.instance.storages[place, product].max_t)


def recourse_capacity(b: Any, m: Any, layer: Layer, facility: str, period: Period) -> Any:
    r"""A plant works with what survives of its open capacity.

    .. math:: \sum_{r \in f,g} u_r y_{rgk} \le \alpha_{fk} \delta_k \Big(\bar C_{f,t(k)}
        + \sum_{e,t'} \rho_{e,t-t'} E_e b_{et'}\Big) \qquad \forall\ s, f, layer, k

    Unit: t per period. Dual: months of loss avoided per t of capacity.
    """
    factor = share_of(b.branch.shock.facility_share, facility, period.period) * share_of_year(period)
    used: Terms = []
    for recipe in m.sets.recipes_at.get(facility, ()):
        classes = m.sets.recipe_classes.get((recipe.recipe, layer), ()) if b.branch.is_classed else (ANY,)
        used += present(
            b.columns["throughput"], recipe.capacity_use, [(recipe.recipe, layer, c, period.period) for c in classes]
        )
    room = entitlement_terms(m, facility, period.year)
    return no_more(used + scaled(-factor, room), factor * open_capacity(m, facility, layer, period.year))


def recourse_delivery(b: Any, m: Any, facility: str, product: str, period: Period) -> Any:
    r"""Behind a sale, a plant delivers at most normal deliveries plus surge, its standby, and what is on the market.

    Sums run over lanes into plants the shock reaches; other customers of the plant keep what they have.

    .. math:: \sum_{l \leftarrow f,p} x_{lgk} \le \alpha_{fk} \delta_k \Big((1+\theta)
        \sum_{l \leftarrow f,p} x_{lg,t(k)} + \sum_{l \leftarrow f,p} \bar x_{l,t(k)} + W_{fp,t(k)}\Big)
        \qquad \forall\ s, f, p, k

    Unit: t per period. Dual: months of loss avoided per t.
    """
    factor = share_of(b.branch.shock.facility_share, facility, period.period) * share_of_year(period)
    surge = factor * (1.0 + m.instance.surge_share)
    terms: Terms = []
    for name in m.sets.lanes_from.get(("supplier", facility, product), ()):
        if b.branch.models(m.instance, name):
            classes = b.branch.classes(m.sets, "supplier", facility, product)
            terms += present(b.columns["flow"], 1.0, [(name, c, period.period) for c in classes])
            terms += scaled(-surge, planned_flow(m, name, period.year))
            terms += scaled(-factor, standby_flow(m, name, period.year))
    return no_more(terms, factor * m.instance.upstream_spot_t.get((facility, product, period.year), 0.0))


def recourse_standby(b: Any, m: Any, facility: str, product: str, period: Period) -> Any:
    r"""Where only owned material is hit, the supplier hands over at most what is taken and what it has on standby.

    .. math:: \sum_{o,g} d_{ogk} + \sum_{q,g} \sigma_{qgk} \le \delta_k \Big(\sum_{o,g} d_{og,t(k)}
        + \bar d_{fp,t(k)}\Big) \qquad \forall\ s, f, p, k

    Unit: t per period. Dual: months of loss avoided per t of standby.
    """
    terms: Terms = []
    for o in m.sets.sales_of.get((facility, product), ()):
        terms += lifted_in(b, m, o, period)
    classes = b.branch.classes(m.sets, "supplier", facility, product)
    names = m.sets.spots_of.get((facility, product), ())
    terms += present(b.columns["spot"], 1.0, [(q, c, period.period) for q in names for c in classes])
    ready = handed_over(m, facility, product, period.year)
    return no_more(terms + scaled(-share_of_year(period), ready), 0.0)


def recourse_pool(b: Any, m: Any, number: int, period: Period) -> Any:
    r"""Untouched plants hand over at most what is taken, what they have on standby, and what owned chains allow.

    .. math:: \sum_d w_{\pi dk} \le \delta_k \sum_{f \in \pi} \Big(\sum_{o,g} d_{og,t(k)} + \bar d_{fp,t(k)}
        + (1+\theta^{min}) \sum_r a^{out}_{rp} y_{r,t(k)}\Big) \qquad \forall\ s, \pi, k

    Unit: t per period. Dual: months of loss avoided per t.
    """
    pool = b.branch.pools[number]
    terms: Terms = [(1.0, b.supply[number, d, period.period]) for d in pool.markets]
    for facility in pool.facilities:
        terms += scaled(-share_of_year(period), availability(m, b.branch, facility, pool.product, period.year))
    return no_more(terms, 0.0)


def recourse_source(b: Any, m: Any, facility: str, product: str, period: Period) -> Any:
    r"""An untouched plant hands owned material on to reached plants within the same limits.

    .. math:: \sum_{l \leftarrow f,p} x_{lgk} \le \delta_k \Big(\sum_{o,g} d_{og,t(k)} + \bar d_{fp,t(k)} + \dots\Big)
        \qquad \forall\ s, f, p, k

    Unit: t per period. Dual: months of loss avoided per t.
    """
    terms: Terms = []
    for name in m.sets.lanes_from.get(("buyer", facility, product), ()):
        if b.branch.models(m.instance, name):
            classes = b.branch.classes(m.sets, "buyer", facility, product)
            terms += present(b.columns["flow"], 1.0, [(name, c, period.period) for c in classes])
    part = availability(m, b.branch, facility, product, period.year)
    return no_more(terms + scaled(-share_of_year(period), part), 0.0)


def recourse_lane(b: Any, m: Any, lane: str, k: int, bit: int) -> Any:
    r"""A lane that is cut but not closed carries its share of normal traffic plus surge.

    .. math:: \sum_{g \ni bit} x_{lgk} \le \beta_{lk} \delta_k (1+\theta) \sum_{g \ni bit} x_{lg,t(k)}
        \qquad \forall\ s, l, k: 0 < \beta < 1

    Unit: t per period. Dual: months of loss avoided per t.
    """
    shock = b.branch.shock
    share = shock.lane_share[lane, k, bit]
    if share <= 0.0:
        return pyo.Constraint.Skip
    period = next(p for p in shock.periods if p.period == k)
    factor = share * share_of_year(period) * (1.0 + m.instance.surge_share)
    data = m.instance.lanes[lane]
    marked = [g for g in data.classes if not bit or g & bit]
    classes = marked if b.branch.is_classed else [ANY]
    terms = present(b.columns["flow"], 1.0, [(lane, c, k) for c in classes])
    for g in marked:
        terms += scaled(-factor, planned_flow(m, lane, period.year, g))
    return no_more(terms, 0.0)


def loss_definition(b: Any, m: Any) -> Any:
    r"""Loss of a shock: months of criticality-weighted demand lost in the window.

    .. math:: L_s \ge \sum_k n_k \frac{\sum_d \kappa_d z_{dk}}{\sum_d \kappa_d \delta_k D_{d,t(k)}} \qquad \forall\ s

    Unit: months. Dual: weight of the shock in the measure.
    """
    shock = b.branch.shock
    terms: Terms = [(1.0, m.loss[shock.shock])]
    for period in shock.periods:
        weighted = {d: x.criticality * x.demand_t.get(period.year, 0.0) for d, x in m.instance.markets.items()}
        total = sum(weighted.values()) * share_of_year(period)
        if total > 0:
            for d, market in m.instance.markets.items():
                share = -period.months * market.criticality / total
                terms.append((share, b.shortfall[d, period.period]))
    return no_less(terms, 0.0)
