"""What the buyer calls in a shock: under sales and tolls, and from spot markets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from optimizer.chain.instance import Period
from optimizer.model.compare import equal, no_more
from optimizer.model.expressions import Terms, scaled
from optimizer.model.reach import ANY
from optimizer.model.sets import share_of


def share_of_year(period: Period) -> float:
    """Length of a period, years."""
    return period.months / 12.0


def present(columns: Mapping[Any, Any], coefficient: float, keys: Iterable[Any]) -> Terms:
    """Terms of those keys that have a variable."""
    if coefficient == 0.0:
        return []
    return [(coefficient, columns[key]) for key in keys if key in columns]


def lifted_in(b: Any, m: Any, o: str, period: Period) -> Terms:
    """Volume taken under an offer in a period of a shock."""
    offer = m.instance.offers[o]
    k = period.period
    if offer.kind == "sale":
        classes = b.branch.classes(m.sets, "supplier", offer.facility, offer.product)
        return present(b.columns["delivered"], 1.0, [(o, c, k) for c in classes])
    if o in m.sets.joint_tolls:
        return present(b.columns["converted"], 1.0, [(o, k)])
    return converted_in(b, m, o, period)


def converted_in(b: Any, m: Any, o: str, period: Period) -> Terms:
    """Main product made for the buyer in a period of a shock, whichever toll it is counted to."""
    offer, k = m.instance.offers[o], period.period
    terms: Terms = []
    for recipe in m.sets.toll_recipes[o]:
        classes = m.sets.recipe_classes.get((recipe.recipe, "buyer"), ()) if b.branch.is_classed else (ANY,)
        made = recipe.made_t(offer.product, period.year)
        terms += present(b.columns["throughput"], made, [(recipe.recipe, "buyer", c, k) for c in classes])
    return terms


def recourse_toll_split(b: Any, m: Any, o: str, period: Period) -> Any:
    r"""Tolls of the same route share what is converted in a shock, as they do in the plan.

    .. math:: \sum_{o \in O} e_{ok} = \sum_{r,g} a^{out}_{rp} y_{rgk} \qquad \forall\ s, O: |O| > 1, k

    Unit: t per period. Dual: months of loss avoided per t.
    """
    parts: Terms = [term for each in m.sets.joint_tolls[o] for term in lifted_in(b, m, each, period)]
    return equal([*parts, *scaled(-1.0, converted_in(b, m, o, period))], 0.0)


def recourse_contract(b: Any, m: Any, o: str, period: Period) -> Any:
    r"""Under a contract the buyer can call the committed volume plus surge, as far as the plant still works.

    .. math:: lifted_{ok} \le \alpha_{fk} \delta_k (1+\theta_o) q_{o,t(k)} \qquad \forall\ s, o, k

    Unit: t per period. Dual: months of loss avoided per t of commitment.
    """
    offer = m.instance.offers[o]
    terms = lifted_in(b, m, o, period)
    factor = share_of(b.branch.shock.facility_share, offer.facility, period.period) * share_of_year(period)
    if (o, period.year) in m.committed:
        terms.append((-factor * (1.0 + offer.surge_share), m.committed[o, period.year]))
    return no_more(terms, 0.0)


def recourse_spot(b: Any, m: Any, q: str, period: Period) -> Any:
    r"""Without a contract, a qualified supplier can be asked for what its spot market still has.

    .. math:: \sum_g \sigma_{qgk} \le \alpha_{fk} \delta_k S_{q,t(k)}\, k_{q,t(k)} \qquad \forall\ s, q, k

    Unit: t per period. Dual: months of loss avoided per t of spot depth.
    """
    data = m.instance.qualifications[q]
    classes = b.branch.classes(m.sets, "supplier", data.facility, data.product)
    terms = present(b.columns["spot"], 1.0, [(q, c, period.period) for c in classes])
    factor = share_of(b.branch.shock.facility_share, data.facility, period.period) * share_of_year(period)
    depth = factor * data.spot_t.get(period.year, 0.0)
    if data.is_held:
        return no_more(terms, depth)
    return no_more([*terms, (-depth, m.is_qualified[q, period.year])], 0.0)
