"""Linear forms over the plan that a shock's block refers to: what was moved, reserved and held."""

from __future__ import annotations

from typing import Any

from optimizer.model.expressions import Terms
from optimizer.model.reach import ANY, Branch
from optimizer.model.sets import Place


def matches(branch_class: int, g: int) -> bool:
    """Whether a class of the plan counts under a class of a block."""
    return branch_class in (ANY, g)


def planned_flow(m: Any, lane: str, t: int, c: int = ANY) -> Terms:
    """Planned movement over a lane in a year, of one class or of all."""
    return [
        (1.0, m.flow[lane, g, t]) for g in m.instance.lanes[lane].classes if matches(c, g) and (lane, g, t) in m.flow
    ]


def standby_flow(m: Any, lane: str, t: int) -> Terms:
    """What a lane between suppliers carries on top in a year when the buyer calls."""
    return [(1.0, m.standby_flow[lane, t])] if (lane, t) in m.standby_flow else []


def licensed_flow(m: Any, place: Place, end: str, t: int) -> tuple[float, Terms]:
    """Share of applications granted between a place and an end in a year, and what moves there or would on call."""
    share = 1.0
    terms: Terms = []
    for name in m.sets.lanes_from.get(place, ()):
        lane = m.instance.lanes[name]
        if lane.to_place == end:
            share = lane.approval_share.get(t, 1.0)
            terms += planned_flow(m, name, t) + standby_flow(m, name, t)
    return share, terms


def handed_over(m: Any, facility: str, product: str, t: int) -> Terms:
    """What a plant can hand over under sales in a year when all is called: what is taken, and standby."""
    terms: Terms = []
    classes = m.sets.classes.get(("supplier", facility, product), ())
    for o in m.sets.sales_of.get((facility, product), ()):
        terms.extend((1.0, m.delivered[o, g, t]) for g in classes if (o, g, t) in m.delivered)
    if (facility, product, t) in m.standby:
        terms.append((1.0, m.standby[facility, product, t]))
    return terms


def planned_stock(m: Any, place: str, product: str, c: int, t: int) -> tuple[Terms, float]:
    """Stock in hand at the start of year t: terms, and the part that is known today."""
    classes = [g for g in m.sets.classes.get(("buyer", place, product), ()) if matches(c, g)]
    if t > m.instance.years[0]:
        return [(1.0, m.stock[place, product, g, t - 1]) for g in classes if (place, product, g, t - 1) in m.stock], 0.0
    storage = m.instance.storages.get((place, product))
    return [], sum(storage.opening_t.get(g, 0.0) for g in classes) if storage else 0.0


def availability(m: Any, branch: Branch, facility: str, product: str, t: int) -> Terms:
    """What an untouched plant can hand over in a year: what is taken and on standby, and its share of owned chains."""
    terms = handed_over(m, facility, product, t)
    for recipe in m.sets.recipes_at.get(facility, ()):
        made = recipe.made_t(product, t) * (1.0 + branch.surge_share)
        for g in m.sets.recipe_classes.get((recipe.recipe, "buyer"), ()):
            terms.append((made, m.throughput[recipe.recipe, "buyer", g, t]))
    return terms
