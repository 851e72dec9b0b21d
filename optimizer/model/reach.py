"""How far a shock reaches: the part of the network its block has to model.

A plant that a shock does not touch, fed only by plants and lanes it does not touch, goes on as planned: it can make
its normal deliveries, its surge, and what its open market holds, and it honours its contracts. Its own upstream then
needs no second look in that shock, and untouched plants that can serve the same markets are one **pool**. A plant is
*reached* when it is cut, when material comes to it or (owned material) leaves it over a cut lane, or when a reached
plant feeds it. Where a shock or a market tells origin classes apart, plants that handle several classes are reached
too, so that nothing can change its origin unseen; elsewhere classes are not told apart in the block (``ANY``). Plants
that are refused a licence to a market in a year of the window are always reached; those where a rule closes an activity
need not be, as what they can hand over rests on what they make in the plan. Decision record 0003 has the measurements,
and what the assumption is worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from optimizer.chain.instance import LAYERS, Instance, Layer, OriginClass, Shock
from optimizer.model.sets import Sets

ANY: OriginClass = -1
"""Origin class of material in a block that does not tell classes apart."""


@dataclass(frozen=True)
class Pool:
    """Untouched plants that can send a product (of one class) to the same markets."""

    number: int
    product: str
    origin_class: OriginClass
    markets: tuple[str, ...]
    facilities: tuple[str, ...]


@dataclass(frozen=True)
class Branch:
    """What one shock's block models.

    Attributes:
        reached: layer → facilities modelled in full in that layer.
        is_classed: whether origin classes are told apart.
        pools: untouched plants that deliver straight to markets.
        sources: (facility, product) of untouched plants whose owned material goes on to reached plants.
        surge_share: surge of an untouched owned chain: the smallest surge of any offer.
    """

    shock: Shock
    reached: dict[Layer, frozenset[str]]
    is_classed: bool
    pools: tuple[Pool, ...]
    sources: tuple[tuple[str, str], ...]
    surge_share: float

    def classes(self, sets: Sets, layer: Layer, place: str, product: str) -> tuple[OriginClass, ...]:
        """Classes told apart at a place."""
        known = sets.classes.get((layer, place, product), ())
        return known if self.is_classed or not known else (ANY,)

    def models(self, instance: Instance, lane: str) -> bool:
        """Whether the block moves material over a lane by itself (not through a pool)."""
        data = instance.lanes[lane]
        inside = self.reached[data.layer]
        return data.to_place in inside or (data.to_place in instance.markets and data.from_place in inside)


def branch_of(instance: Instance, sets: Sets, shock: Shock, is_whole: bool = False) -> Branch:
    """Work out what a shock's block has to model; ``is_whole`` models everything, class by class."""
    surge = min((offer.surge_share for offer in instance.offers.values()), default=0.0)
    if is_whole:
        everything = frozenset(instance.facilities)
        return Branch(shock, dict.fromkeys(LAYERS, everything), True, (), (), surge)
    is_classed = _tells_classes_apart(instance, shock)
    shadow = _spread(instance, "supplier", _touched(instance, sets, shock, "supplier", is_classed))
    trading = {f for f in shadow if sets.offers_at.get(f)}
    owned = _spread(instance, "buyer", _touched(instance, sets, shock, "buyer", is_classed) | trading)
    pools, sources = _pools(instance, sets, owned, is_classed)
    return Branch(shock, {"supplier": shadow, "buyer": owned}, is_classed, pools, sources, surge)


def _tells_classes_apart(instance: Instance, shock: Shock) -> bool:
    if any(bit for _, _, bit in shock.lane_share):
        return True
    if any(lane.barred_bits for lane in instance.lanes.values()):
        return True
    return any(bits for market in instance.markets.values() for bits in market.forbidden_bits.values())


def _touched(instance: Instance, sets: Sets, shock: Shock, layer: Layer, is_classed: bool) -> set[str]:
    """Facilities a shock touches directly in a layer."""
    touched = {facility for facility, _ in shock.facility_share}
    for name in {name for name, _, _ in shock.lane_share}:
        lane = instance.lanes[name]
        if lane.layer == layer:
            touched.add(lane.to_place)
            if layer == "buyer":
                touched.add(lane.from_place)
    touched |= {lane.from_place for lane in instance.lanes.values() if lane.layer == layer and lane.barred_bits}
    if layer == "buyer":
        years = {period.year for period in shock.periods}
        touched |= {place for place, _ in instance.storages} | _refused(instance, years)
    if is_classed:
        touched |= {place for (side, place, _), gs in sets.classes.items() if side == layer and len(gs) > 1}
    return touched & set(instance.facilities)


def _refused(instance: Instance, years: set[int]) -> set[str]:
    """Plants refused a licence to a market in one of the years: a pool would not know."""
    return {
        lane.from_place
        for lane in instance.lanes.values()
        if lane.to_place in instance.markets and any(lane.approval_share.get(t, 1.0) <= 0.0 for t in years)
    }


def _spread(instance: Instance, layer: Layer, seeds: Iterable[str]) -> frozenset[str]:
    """Everything downstream of the seeds in a layer, seeds included."""
    downstream: dict[str, set[str]] = {}
    for lane in instance.lanes.values():
        if lane.layer == layer and lane.to_place in instance.facilities:
            downstream.setdefault(lane.from_place, set()).add(lane.to_place)
    reached = set(seeds)
    waiting = sorted(reached)
    while waiting:
        for place in sorted(downstream.get(waiting.pop(), set()) - reached):
            reached.add(place)
            waiting.append(place)
    return frozenset(reached)


def _pools(
    instance: Instance, sets: Sets, owned: frozenset[str], is_classed: bool
) -> tuple[tuple[Pool, ...], tuple[tuple[str, str], ...]]:
    """Group untouched plants by what they can send where; those that feed reached plants stand alone."""
    groups: dict[tuple[str, OriginClass, tuple[str, ...]], list[str]] = {}
    sources: list[tuple[str, str]] = []
    for layer, place, product in sorted(sets.lanes_from):
        if layer != "buyer" or place in owned:
            continue
        ends = {instance.lanes[name].to_place for name in sets.lanes_from[layer, place, product]}
        if ends & owned:
            sources.append((place, product))
        markets = tuple(sorted(ends & set(instance.markets)))
        if markets:
            classes = sets.classes.get((layer, place, product), ())
            key = (product, classes[0] if is_classed and classes else ANY, markets)
            groups.setdefault(key, []).append(place)
    pools = tuple(
        Pool(number, product, g, markets, tuple(places))
        for number, ((product, g, markets), places) in enumerate(sorted(groups.items()))
    )
    return pools, tuple(sources)
