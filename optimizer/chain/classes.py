"""Origin classes: one bit per rule, and which classes can occur where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product as combinations
from typing import Any

from optimizer.chain.instance import Facility, Lane, Market, OriginClass
from optimizer.chain.network import Network, Place


def origin_bits(country_iso3: str, stage: str, rules: Sequence[Any], members: Callable[[str], frozenset[str]]) -> int:
    """Give the bits of all rules that mark material passing a facility; rule i of the case is bit i."""
    bits = 0
    for i, rule in enumerate(rules):
        is_named = any(country_iso3 in members(name) for name in rule.countries)
        if is_named and (not rule.stages or stage in rule.stages):
            bits |= 1 << i
    return bits


def forbidden_bits(
    market: str, market_rules: Iterable[Any], origin_rules: Sequence[Any], years: Sequence[int]
) -> dict[int, OriginClass]:
    """Give, per year, the bits a market may not take."""
    position = {rule.rule: i for i, rule in enumerate(origin_rules)}
    bits = dict.fromkeys(years, 0)
    for rule in market_rules:
        if rule.market not in (market, "*"):
            continue
        for name in rule.forbids:
            for t in years:
                if name in position and t >= (rule.from_year or years[0]):
                    bits[t] |= 1 << position[name]
    return bits


def reachable_classes(
    network: Network,
    facilities: Mapping[str, Facility],
    markets: Mapping[str, Market],
    sales: Iterable[tuple[str, str]],
    opening: Iterable[tuple[str, str]] = (),
) -> dict[Place, set[OriginClass]]:
    """Give the classes material can have at every place: the least fixed point over recipes, sales and lanes.

    A recipe's outputs carry the union of one class per input and the bits of the facility. A lane to a market carries
    only classes the market takes in some year. Stock in hand at a place that nothing else reaches carries the bits of
    that place, none at a market.
    """
    found: dict[Place, set[OriginClass]] = {}
    _spread(found, network, facilities, markets, sorted(sales))
    for place, product in opening:
        if not found.get(("buyer", place, product)):
            bits = facilities[place].origin_bits if place in facilities else 0
            found["buyer", place, product] = {bits}
    _spread(found, network, facilities, markets, sorted(sales))
    return {place: classes for place, classes in found.items() if classes}


def _spread(
    found: dict[Place, set[OriginClass]],
    network: Network,
    facilities: Mapping[str, Facility],
    markets: Mapping[str, Market],
    sold: Sequence[tuple[str, str]],
) -> None:
    """Add classes through recipes, sales and lanes until nothing is added."""
    size = -1
    while size != sum(map(len, found.values())):
        size = sum(map(len, found.values()))
        for recipe in network.recipes.values():
            for layer in recipe.layers:
                inputs = [found.get((layer, recipe.facility, p), set()) for p in recipe.inputs]
                bits = facilities[recipe.facility].origin_bits
                classes = {_union(masks) | bits for masks in combinations(*inputs)}
                for p in recipe.outputs:
                    found.setdefault((layer, recipe.facility, p), set()).update(classes)
        for facility, p in sold:
            found.setdefault(("buyer", facility, p), set()).update(found.get(("supplier", facility, p), ()))
        for lane in network.lanes.values():
            classes = allowed_classes(found.get((lane.layer, lane.from_place, lane.product), ()), lane, markets)
            found.setdefault((lane.layer, lane.to_place, lane.product), set()).update(classes)


def _union(masks: Iterable[OriginClass]) -> OriginClass:
    bits = 0
    for mask in masks:
        bits |= mask
    return bits


def allowed_classes(classes: Iterable[OriginClass], lane: Lane, markets: Mapping[str, Market]) -> set[OriginClass]:
    """Give the classes a lane may carry: all, unless its market refuses some in every year."""
    market = markets.get(lane.to_place)
    if market is None:
        return set(classes)
    return {g for g in classes if any(not g & bits for bits in market.forbidden_bits.values())}


def classed_lanes(
    lanes: Mapping[str, Lane], found: Mapping[Place, set[OriginClass]], markets: Mapping[str, Market]
) -> dict[str, Lane]:
    """Give the lanes with the classes they can carry; lanes that can carry none are dropped."""
    classed = {}
    for name, lane in lanes.items():
        classes = allowed_classes(found.get((lane.layer, lane.from_place, lane.product), ()), lane, markets)
        if classes:
            classed[name] = replace(lane, classes=tuple(sorted(classes)))
    return classed
