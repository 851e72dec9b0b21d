"""What a plan uses: plants and lanes whose loss can hurt it, by year."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.chain.instance import Instance
from optimizer.stress.strikes import Strike, Window
from optimizer.stress.templates import Plans

LEAST_T = 1e-6
"""Amounts below this (t/yr) are no use."""

_OPERATION = ("flow", "throughput", "committed", "delivered")


@dataclass(frozen=True)
class Use:
    """What one plan uses.

    Attributes:
        places: year → plants that make, ship or are committed to something, and lanes that carry something.
        lasts_years: how long the flows of the last year can go on after it, drawing on stock as they do; negative if
            the plan leaves demand unmet. Within that time a strike that leaves what the plan uses alone costs nothing,
            because the planned flows go on.
    """

    places: Mapping[int, frozenset[str]]
    lasts_years: float

    def is_hit(self, strike: Strike, window: Window) -> bool:
        """Whether a strike cuts anything that the plan uses within the window, or the plan has to be asked anyway."""
        if strike.start_year + window.months / 12.0 - (window.last_year + 1) > self.lasts_years:
            return True
        years = {period.year for period in window.periods(strike.start_year)}
        return any(place in self.places.get(year, frozenset()) for place, _ in strike.shares for year in years)


def use_of(instance: Instance, plans: Plans, point: int) -> Use:
    """What the plan of a point uses, from its first-stage vector."""
    x = plans.vectors[point]
    places: dict[int, set[str]] = {year: set() for year in instance.years}
    stock: dict[tuple[tuple[object, ...], int], float] = {}
    is_short = False
    for (component, index), value in zip(plans.keys, x.tolist(), strict=True):
        if value <= LEAST_T:
            continue
        if component == "shortfall":
            is_short = True
        elif component == "stock":
            stock[index[:-1], _year(index)] = value
        elif component in _OPERATION:
            places[_year(index)].update(_places(instance, component, str(index[0])))
    lasts = -math.inf if is_short else _lasts(instance, stock)
    return Use({year: frozenset(found) for year, found in places.items()}, lasts)


def _places(instance: Instance, component: str, name: str) -> tuple[str, ...]:
    if component == "flow":
        lane = instance.lanes[name]
        ends = (end for end in (lane.from_place, lane.to_place) if end in instance.facilities)
        return (name, *ends)
    if component == "throughput":
        return (instance.recipes[name].facility,)
    return (instance.offers[name].facility,)


def _year(index: tuple[object, ...]) -> int:
    return int(str(index[-1]))


def _lasts(instance: Instance, stock: Mapping[tuple[tuple[object, ...], int], float]) -> float:
    """Years for which every stock can fall on as it does in the last year."""
    last, before = instance.years[-1], instance.years[-1] - 1
    years = math.inf
    for key in {key for key, _ in stock}:
        fall = stock.get((key, before), 0.0) - stock.get((key, last), 0.0)
        if fall > LEAST_T:
            years = min(years, stock.get((key, last), 0.0) / fall)
    return years


def used_places(uses: Mapping[int, Use]) -> dict[int, frozenset[str]]:
    """Point → everything its plan uses in any year."""
    return {point: frozenset().union(*use.places.values()) for point, use in uses.items()}
