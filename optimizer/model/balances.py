"""Material balances: what comes to a place leaves it, is converted, stored or counted as something else."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import Layer
from optimizer.model.compare import equal, no_less, no_more
from optimizer.model.expressions import Terms


def place_balance(m: pyo.ConcreteModel, layer: Layer, place: str, product: str, g: int, t: int) -> Any:
    r"""Whatever arrives at a plant or is made there is shipped, used, handed over, stored, sold or left over.

    .. math:: \sum_{l \to f} x_{lgt} + \sum_r a^{out}_{rp} y_{rgt} + \sum_{h \subset g} c_{phgt} + v_{pg,t-1}
        \pm \sum_o d_{ogt} = \sum_{l \leftarrow f} x_{lgt} + \sum_r a^{in}_{rp} y_{rgt}
        + \sum_{h \supset g} c_{pght} + u_{pgt} + v_{pgt}
        \qquad \forall\ layer, f, p, g, t

    where :math:`a^{out}_{rp}` is that of the year, :math:`\varphi_{rt} a^{out}_{rp}`, at plants that still learn.

    Unit: t per year. Dual: MUSD per t of the product at that place; positive when one more tonne there is worth money.
    """
    return equal(
        _movement_terms(m, layer, place, product, g, t) + _stock_terms(m, layer, place, product, g, t),
        _opening(m, layer, place, product, g, t),
    )


def _movement_terms(m: Any, layer: Layer, place: str, product: str, g: int, t: int) -> Terms:
    """Everything but stock, with arrivals positive."""
    sets = m.sets
    terms: Terms = []
    _add(terms, m.flow, 1.0, [(lane, g, t) for lane in sets.lanes_into.get((layer, place, product), ())])
    _add(terms, m.flow, -1.0, [(lane, g, t) for lane in sets.lanes_from.get((layer, place, product), ())])
    for recipe in sets.recipes_at.get(place, ()):
        net = recipe.made_t(product, t) - recipe.inputs.get(product, 0.0)
        _add(terms, m.throughput, net, [(recipe.recipe, layer, g, t)])
    for h in sets.classes.get((layer, place, product), ()):
        _add(terms, m.reclassified, 1.0, [(layer, place, product, h, g, t)])
        _add(terms, m.reclassified, -1.0, [(layer, place, product, g, h, t)])
    sign = 1.0 if layer == "buyer" else -1.0
    _add(terms, m.delivered, sign, [(o, g, t) for o in sets.sales_of.get((place, product), ())])
    if layer == "supplier":
        _add(terms, m.surplus, -1.0, [(place, product, g, t)])
    else:
        _add(terms, m.disposed, -1.0, [(place, product, g, t)])
        _add(terms, m.sold, -1.0, [(place, product, g, t)])
    return terms


def _add(terms: Terms, variable: Any, coefficient: float, keys: list[Any]) -> None:
    if coefficient == 0.0:
        return
    terms.extend((coefficient, variable[key]) for key in keys if key in variable)


def _stock_terms(m: Any, layer: Layer, place: str, product: str, g: int, t: int) -> Terms:
    if layer != "buyer" or (place, product, g, t) not in m.stock:
        return []
    terms: Terms = [(-1.0, m.stock[place, product, g, t])]
    if t > m.instance.years[0]:
        terms.append((1.0, m.stock[place, product, g, t - 1]))
    return terms


def _opening(m: Any, layer: Layer, place: str, product: str, g: int, t: int) -> float:
    """Right-hand side: minus what is in hand before the first year."""
    storage = m.instance.storages.get((place, product))
    if layer != "buyer" or storage is None or t > m.instance.years[0]:
        return 0.0
    return -float(storage.opening_t.get(g, 0.0))


def _arrivals(m: Any, market: str, product: str, g: int, t: int) -> Terms:
    terms: Terms = []
    _add(terms, m.flow, 1.0, [(lane, g, t) for lane in m.sets.lanes_into.get(("buyer", market, product), ())])
    return terms


def market_use_floor(m: pyo.ConcreteModel, market: str, product: str, g: int, t: int) -> Any:
    r"""A market's stock can only be drawn down by what is in it; material of a barred class stays where it is.

    .. math:: \sum_{l \to d} x_{lgt} + v_{dpg,t-1} - v_{dpgt} \ge 0 \quad (= 0 \text{ if } g \text{ is barred in } t)
        \qquad \forall\ d, p, g, t

    Unit: t per year. Dual: MUSD per t of stock carried into the year.
    """
    terms = _arrivals(m, market, product, g, t) + _stock_terms(m, "buyer", market, product, g, t)
    opening = _opening(m, "buyer", market, product, g, t)
    barred = m.instance.markets[market].forbidden_bits.get(t, 0) & g
    return equal(terms, opening) if barred else no_less(terms, opening)


def demand_balance(m: pyo.ConcreteModel, market: str, t: int) -> Any:
    r"""Demand is met from arrivals and stock of the products the market accepts, or counted as shortfall.

    .. math:: \sum_{p,g} \frac{1}{k_{dp}} \Big(\sum_{l \to d} x_{lgt} + v_{dpg,t-1} - v_{dpgt}\Big) + z_{dt} = D_{dt}
        \qquad \forall\ d, t

    Unit: t per year on the demand's basis. Dual: MUSD per t of additional demand (positive when minimising).
    """
    data = m.instance.markets[market]
    terms: Terms = [(1.0, m.shortfall[market, t])]
    opening = 0.0
    for product, (use, _) in sorted(data.accepts.items()):
        for g in m.sets.classes.get(("buyer", market, product), ()):
            part = _arrivals(m, market, product, g, t) + _stock_terms(m, "buyer", market, product, g, t)
            terms.extend((coefficient / use, variable) for coefficient, variable in part)
            opening += _opening(m, "buyer", market, product, g, t) / use
    return equal(terms, data.demand_t.get(t, 0.0) + opening)


def stock_limit(m: pyo.ConcreteModel, place: str, product: str, t: int) -> Any:
    r"""No more is held than there is room (or policy) for.

    .. math:: \sum_g v_{pgt} \le V^{max}_p \qquad \forall\ place, p, t

    Unit: t. Dual: MUSD per t of additional room (negative when it binds).
    """
    storage = m.instance.storages[place, product]
    return no_more([(1.0, v) for v in _held(m, place, product, t)], storage.max_t)


def stock_floor(m: pyo.ConcreteModel, place: str, product: str, t: int) -> Any:
    r"""The least stock is kept, and the horizon does not close with less than it opened.

    .. math:: \sum_g v_{pgt} \ge V^{min}_p, \qquad \sum_g v_{pgT} \ge \max(V^{min}_p, \textstyle\sum_g v_{pg0})

    Unit: t. Dual: MUSD per t of additional least stock.
    """
    storage = m.instance.storages[place, product]
    least = storage.min_t
    if t == m.instance.years[-1] and m.instance.closes_at_opening:
        least = max(least, sum(storage.opening_t.values()))
    return no_less([(1.0, v) for v in _held(m, place, product, t)], least) if least > 0 else pyo.Constraint.Skip


def _held(m: Any, place: str, product: str, t: int) -> list[Any]:
    gs = m.sets.classes.get(("buyer", place, product), ())
    return [m.stock[place, product, g, t] for g in gs if (place, product, g, t) in m.stock]


def byproduct_sale_limit(m: pyo.ConcreteModel, product: str, t: int) -> Any:
    r"""The market takes only so much of a by-product from one seller in a year; the rest is disposed of.

    .. math:: \sum_{places, g} u^{sold}_{pgt} \le U^{max}_p \qquad \forall\ p, t

    Unit: t per year. Dual: MUSD per t the market would take more (negative when it binds).
    """
    sold: Terms = [(1.0, m.sold[key]) for key in m.sold_of.get((product, t), ())]
    return no_more(sold, m.instance.byproducts[product].max_sale_t_per_year)
