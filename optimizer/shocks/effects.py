"""Effects of events: how their selectors choose facilities and lanes.

An effect selects facilities or lanes; every selector that is not ``*`` must match. Selectors mean:

* facility effects: ``facility``, ``country``, ``operator``, ``stage`` of the facility. ``is_project_only`` limits the
  effect to the calendar years in which the facility is new: it starts within the horizon and less than three years
  ago. A facility without start year exists only if sponsored and counts as new in all years.
* lane effects: ``facility``, ``country``, ``operator``, ``stage`` of where the lane starts; ``control_group`` and
  ``form`` of the product; ``destination`` country or group of where it ends; ``segment`` of the market it ends at (a
  lane to a facility has none); ``passage`` on its route; ``mode`` it is shipped by (sea, land, air); ``origin_rule``
  for the material marked by that rule. An effect that names an exporter, a control group or a destination is a trade
  measure and leaves lanes within one country alone.

An origin rule that the case does not have marks no material, so its effects touch nothing there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.chain.instance import Facility, Lane, Market, Product
from optimizer.chain.rows import ALL, Tables, table_rows
from optimizer.chain.trade import CountryGroups
from optimizer.errors import Problem

LANE_SELECTORS = ("control_group", "form", "destination", "segment", "passage", "mode", "origin_rule")
"""Selectors that only lanes have."""


@dataclass(frozen=True, slots=True)
class EventEffect:
    """One row of event_effects. ``selectors`` holds only those that are not ``*``; months count from the start."""

    event: str
    effect: int
    target: str
    selectors: Mapping[str, str]
    is_project_only: bool
    from_month: float
    to_month: float
    open_share: float
    price_multiple: float


@dataclass(frozen=True)
class Network:
    """What shocks can hit, and how to read the selectors."""

    facilities: Mapping[str, Facility]
    lanes: Mapping[str, Lane]
    origin_rules: Sequence[str]
    products: Mapping[str, Product]
    markets: Mapping[str, Market]
    groups: CountryGroups


Touched = Mapping[tuple[str, int], tuple[EventEffect, ...]]
"""(facility or lane, origin bit or 0) → effects of one event on it."""

Key = tuple[str, int]
"""Facility or lane, and origin bit (0: all material)."""


def event_effects(tables: Tables) -> dict[str, tuple[EventEffect, ...]]:
    """Effects of every event, in the order of their numbers."""
    effects: dict[str, list[EventEffect]] = defaultdict(list)
    for row in table_rows(tables, "event_effects"):
        effects[str(row["event"])].append(_effect(row))
    return {event: tuple(sorted(found, key=lambda effect: effect.effect)) for event, found in effects.items()}


def _effect(row: Mapping[str, Any]) -> EventEffect:
    names = ("facility", "country", "operator", "stage", *LANE_SELECTORS)
    return EventEffect(
        event=str(row["event"]),
        effect=int(row["effect"]),
        target=str(row["target"]),
        selectors={name: str(row[name]) for name in names if row.get(name) not in (None, ALL)},
        is_project_only=str(row.get("is_project_only")).lower() in ("true", "1", "1.0"),
        from_month=float(row["from_month"]),
        to_month=float(row["to_month"]),
        open_share=float(row["open_share"]),
        price_multiple=float(row["price_multiple"]),
    )


def wrong_selectors(effects: Mapping[str, Sequence[EventEffect]]) -> list[Problem]:
    """Selectors that the target of an effect does not have: they would silently match everything or nothing."""
    problems: list[Problem] = []
    for effect in (one for found in effects.values() for one in found):
        row = f"{effect.event}, effect {effect.effect}"
        wrong = [name for name in LANE_SELECTORS if name in effect.selectors] if effect.target == "facility" else []
        if effect.target == "lane" and effect.is_project_only:
            wrong.append("is_project_only")
        problems.extend(
            Problem(
                code="S003",
                file="event_effects",
                row=row,
                column=name,
                found=effect.selectors.get(name, "true"),
                allowed=f"{'false' if name == 'is_project_only' else ALL} for target {effect.target}",
                remedy="move this selector to an effect on the other target",
            )
            for name in wrong
        )
        if effect.to_month <= effect.from_month:
            found = f"{effect.to_month:g} after from_month {effect.from_month:g}"
            allowed = "a month after from_month"
            problems.append(Problem("S004", "event_effects", row, "to_month", found, allowed, "correct the months"))
    return problems


def touched_by(effects: Iterable[EventEffect], network: Network) -> Touched:
    """List what an event hits, in the order of facilities and lanes."""
    return Finder(network).touched(effects)


class Finder:
    """What effects hit on one network, looked up once for all effects with the same selectors."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._known: dict[tuple[str, frozenset[tuple[str, str]]], list[Key]] = {}

    def touched(self, effects: Iterable[EventEffect]) -> Touched:
        """List what an event hits, in the order of its effects and then of facilities and lanes."""
        touched: dict[Key, list[EventEffect]] = defaultdict(list)
        for effect in effects:
            signature = effect.target, frozenset(effect.selectors.items())
            if signature not in self._known:
                self._known[signature] = hit_by(effect, self.network)
            for key in self._known[signature]:
                touched[key].append(effect)
        shared: dict[tuple[int, ...], tuple[EventEffect, ...]] = {}
        return {key: shared.setdefault(tuple(map(id, found)), tuple(found)) for key, found in touched.items()}


def hit_by(effect: EventEffect, network: Network) -> list[Key]:
    """List what one effect hits, in the order of facilities or lanes."""
    if effect.target == "facility":
        plants = network.facilities.values()
        return [(plant.facility, 0) for plant in plants if _hits_facility(effect.selectors, plant, network.groups)]
    bit = _origin_bit(effect.selectors.get("origin_rule"), network.origin_rules)
    if bit is None:
        return []
    return [
        (lane.lane, bit)
        for lane in network.lanes.values()
        if (bit == 0 or any(mask & bit for mask in lane.classes)) and _hits_lane(effect.selectors, lane, network)
    ]


def _origin_bit(rule: str | None, origin_rules: Sequence[str]) -> int | None:
    """0 for all material, the bit of the rule, or None if the case does not have the rule."""
    if rule is None:
        return 0
    return 1 << list(origin_rules).index(rule) if rule in origin_rules else None


def _hits_facility(selectors: Mapping[str, str], facility: Facility, groups: CountryGroups) -> bool:
    own = {"facility": facility.facility, "operator": facility.operator, "stage": facility.stage}
    if any(name in selectors and selectors[name] != value for name, value in own.items()):
        return False
    return groups.covers(selectors.get("country", ALL), facility.country_iso3)


def _hits_lane(selectors: Mapping[str, str], lane: Lane, network: Network) -> bool:
    origin = network.facilities[lane.from_place]
    if not _hits_facility(selectors, origin, network.groups):
        return False
    market = network.markets.get(lane.to_place)
    end = market if market is not None else network.facilities[lane.to_place]
    is_trade_measure = any(name in selectors for name in ("country", "control_group", "destination"))
    if is_trade_measure and end.country_iso3 == origin.country_iso3:
        return False
    product = network.products[lane.product]
    own = {
        "control_group": product.control_group,
        "form": product.form,
        "segment": market.segment if market is not None else None,
        "mode": lane.mode,
    }
    if any(name in selectors and selectors[name] != value for name, value in own.items()):
        return False
    if "passage" in selectors and selectors["passage"] not in lane.passages:
        return False
    return network.groups.covers(selectors.get("destination", ALL), end.country_iso3)
