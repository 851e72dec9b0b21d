"""Strikes: events as they hit the network of an instance in one start year, with the shares that keep working.

A strike is a shock before its periods are merged: all strikes of a start year share the same periods, so that many of
them can be put to one recourse program by changing right-hand sides only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from optimizer.chain.instance import Instance, Period
from optimizer.chain.rows import Tables, table_rows
from optimizer.chain.trade import CountryGroups
from optimizer.shocks.effects import EventEffect, Network, event_effects, hit_by
from optimizer.shocks.expand import all_shares
from optimizer.shocks.periods import base_periods

Key = tuple[str, int]
"""Facility or lane, and origin bit (0: all material)."""


@dataclass(frozen=True)
class Strike:
    """An event in one start year.

    Attributes:
        strike: name, unique within a list.
        start_year: year whose January opens the window.
        shares: share that keeps working per period of the window, for all that is cut somewhere.
    """

    strike: str
    start_year: int
    shares: Mapping[Key, tuple[float, ...]]

    @property
    def group(self) -> tuple[int, frozenset[Key]]:
        """Start year and what is cut: strikes with the same group differ in depth and length only."""
        return self.start_year, frozenset(self.shares)


@dataclass(frozen=True)
class Window:
    """The time over which losses are counted: months, and the last year of the horizon."""

    months: float
    last_year: int

    def periods(self, start_year: int) -> tuple[Period, ...]:
        """Unmerged periods of a window that opens in January of a year."""
        return base_periods(start_year, self.months, self.last_year)


def network_of(instance: Instance, tables: Tables) -> Network:
    """What strikes can hit; ``tables`` are read for the groups of countries."""
    return Network(
        instance.facilities,
        instance.lanes,
        instance.origin_rules,
        instance.products,
        instance.markets,
        CountryGroups(tables),
    )


def strikes_of(
    events: pd.DataFrame, effects: pd.DataFrame, instance: Instance, network: Network, window: Window
) -> list[Strike]:
    """Resolve events on an instance, in their order.

    Args:
        events: ``event`` (unique within a start year) and ``start_year``.
        effects: effects of these events, in the columns of the table ``event_effects``.
        instance: whose facilities and lanes are hit.
        network: the same, with the groups of countries.
        window: over which losses are counted.
    """
    known = event_effects({"event_effects": effects})
    finder = _Finder(network)
    found = []
    for row in table_rows({"events": events}, "events"):
        name, year = str(row["event"]), int(row["start_year"])
        touched = finder.touched(name, known.get(name, ()))
        shares = all_shares(touched, window.periods(year), (year, instance.years[0]), network)
        found.append(Strike(f"{name}@{year}", year, shares))
    return found


class _Finder:
    """What effects hit; looked up once for all effects with the same selectors."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._known: dict[tuple[str, frozenset[tuple[str, str]]], list[Key]] = {}
        self._events: dict[str, dict[Key, tuple[EventEffect, ...]]] = {}

    def touched(self, event: str, effects: Sequence[EventEffect]) -> dict[Key, tuple[EventEffect, ...]]:
        if event not in self._events:
            self._events[event] = self._found(effects)
        return self._events[event]

    def _found(self, effects: Sequence[EventEffect]) -> dict[Key, tuple[EventEffect, ...]]:
        found: dict[Key, list[EventEffect]] = {}
        for effect in effects:
            for key in self._hits(effect):
                found.setdefault(key, []).append(effect)
        return {key: tuple(acting) for key, acting in found.items()}

    def _hits(self, effect: EventEffect) -> Iterable[Key]:
        signature = (effect.target, frozenset(effect.selectors.items()))
        if signature not in self._known:
            self._known[signature] = hit_by(effect, self.network)
        return self._known[signature]
