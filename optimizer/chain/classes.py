"""Origin classes: one bit per rule, and which classes can occur where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product as combinations
from typing import Any

from optimizer.chain.instance import Facility, Lane, Market, OriginClass
from optimizer.chain.network import Network, Place

Members = Callable[[str], frozenset[str]]
Owners = Mapping[str, float]
"""Country of an owner → share of a facility it holds."""


def held_share(owners: Owners, countries: Iterable[str], members: Members) -> float:
    """Give the share of a facility that owners in some countries or groups hold together."""
    named = frozenset[str]().union(*(members(name) for name in countries))
    return sum(share for country, share in owners.items() if country in named)


def origin_bits(
    country_iso3: str, stage: str, rules: Sequence[Any], members: Members, owners: Owners | None = None
) -> int:
    """Give the bits of all rules that mark material passing a facility; rule i of the case is bit i.

    A rule marks by place, and where it has an ownership threshold also by who holds that share of the facility.
    """
    bits = 0
    for i, rule in enumerate(rules):
        threshold = rule.ownership_threshold_share
        is_owned = threshold is not None and held_share(owners or {}, rule.countries, members) >= threshold > 0
        is_named = is_owned or any(country_iso3 in members(name) for name in rule.countries)
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
    waived: Mapping[Place, OriginClass] | None = None,
) -> dict[Place, set[OriginClass]]:
    """Give the classes material can have at every place: the least fixed point over recipes, sales and lanes.

    A recipe's outputs carry the union of one class per input, less what is waived there, and the bits of the facility.
    A lane to a market carries
    only classes the market takes in some year. Stock in hand at a place that nothing else reaches carries the bits of
    that place, none at a market.
    """
    found: dict[Place, set[OriginClass]] = {}
    lost = waived or {}
    _spread(found, network, facilities, markets, sorted(sales), lost)
    for place, product in opening:
        if not found.get(("buyer", place, product)):
            bits = facilities[place].origin_bits if place in facilities else 0
            found["buyer", place, product] = {bits}
    _spread(found, network, facilities, markets, sorted(sales), lost)
    return {place: classes for place, classes in found.items() if classes}


def _spread(
    found: dict[Place, set[OriginClass]],
    network: Network,
    facilities: Mapping[str, Facility],
    markets: Mapping[str, Market],
    sold: Sequence[tuple[str, str]],
    lost: Mapping[Place, OriginClass],
) -> None:
    """Add classes through recipes, sales and lanes until nothing is added."""
    size = -1
    while size != sum(map(len, found.values())):
        size = sum(map(len, found.values()))
        for recipe in network.recipes.values():
            for layer in recipe.layers:
                places: list[Place] = [(layer, recipe.facility, p) for p in recipe.inputs]
                inputs = [{g & ~lost.get(place, 0) for g in found.get(place, ())} for place in places]
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
    """Give the classes a lane may carry: all, unless its market or a refusal abroad bars some in every year."""
    market = markets.get(lane.to_place)
    refused = market.forbidden_bits if market is not None else {}
    if market is None and not lane.barred_bits:
        return set(classes)
    bars = [refused.get(t, 0) | lane.barred_bits.get(t, 0) for t in lane.approval_share or refused]
    return {g for g in classes if any(not g & bits for bits in bars)}


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
