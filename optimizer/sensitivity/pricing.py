"""Prices of a bill's items when figures leave their base."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.chain.offers import DECK_COLUMNS, FIXED_COLUMNS, PriceDeck, price_by_year
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.chain.subsidies import credited, terms_of, without_floors
from optimizer.sensitivity.bill import Bill, charge_years, discount_scale, rest_scale
from optimizer.sensitivity.figures import Figure, places_of
from optimizer.solve.compiled import CompiledProgram, Floats

Levels = Mapping[str, float]
"""Figure → level; a figure that is missing stands at its base."""


@dataclass
class Pricer:
    """Prices and costs at levels of the figures.

    Args:
        case: with settings and tables.
        instance: built from it.
        program: compiled from that.
        bill: of the program.
        figures: those that may move.
        offers: whose prices are worked out anew; others keep theirs.
    """

    case: Any
    instance: Instance
    program: CompiledProgram
    bill: Bill
    figures: Mapping[str, Figure]
    offers: frozenset[str]
    _places: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    def prices(self, levels: Levels) -> Floats:
        """Price per item of the bill."""
        prices = self.bill.prices.copy()
        moved = {name: level for name, level in levels.items() if level and name in self.figures}
        if any(self.figures[name].kind in ("deck", "own") for name in moved):
            self._price_offers(prices, moved)
        for name, level in moved.items():
            figure = self.figures[name]
            if figure.kind in ("deck", "own", "discount") or figure.effect != "price":
                continue
            prices[self._items_of(figure)] *= figure.share(level)
        return prices

    def coefficients(self, levels: Levels) -> Floats:
        """Cost per column of the program, MUSD per unit."""
        prices, after = self.prices(levels), self.after_rate(levels)
        if after is None:
            return self.bill.coefficients(prices)
        scale = discount_scale(self.bill.items, self.instance, after)
        rest = self.bill.rest * rest_scale(self.program, self.instance, after)
        return np.asarray(self.bill.quantity.T @ (scale * prices) + rest, dtype=np.float64)

    def after_rate(self, levels: Levels) -> Instance | None:
        """The instance at the discount rate of the levels; None at the base."""
        level = next((v for name, v in levels.items() if v and self._kind(name) == "discount"), 0.0)
        if not level:
            return None
        return at_rate(self.instance, self.instance.discount_rate_share * self.figures["discount"].share(level))

    def _kind(self, name: str) -> str:
        figure = self.figures.get(name)
        return figure.kind if figure else ""

    # --- items that move by a share -----------------------------------------------------------------------------

    def _items_of(self, figure: Figure) -> np.ndarray[Any, Any]:
        if figure.figure not in self._places:
            found = [
                n for n, item in enumerate(self.bill.items) if item[0] == figure.kind and self._is_of(figure, item[1])
            ]
            self._places[figure.figure] = np.array(found, dtype=np.int64)
        return self._places[figure.figure]

    def _is_of(self, figure: Figure, name: str) -> bool:
        instance, kind = self.instance, figure.kind
        if kind == "freight":
            return instance.lanes[name].mode == figure.subject
        if kind == "tariff":
            return self._countries[instance.lanes[name].to_place] == figure.subject
        if kind == "qualification":
            return instance.facilities[instance.qualifications[name].facility].stage == figure.subject
        return kind != "project" or name == figure.subject

    @cached_property
    def _countries(self) -> dict[str, str]:
        return places_of(self.instance)

    # --- offers -------------------------------------------------------------------------------------------------

    @cached_property
    def _offer_rows(self) -> list[Row]:
        return [row for row in rows_of(self.case.tables, "offers") if row["offer"] in self.offers]

    @cached_property
    def _indices(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(self.case.tables, "offer_indices"):
            found[row["offer"]].append(row)
        return found

    @cached_property
    def _offer_items(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, (kind, name, year) in enumerate(self.bill.items):
            if kind == "offer":
                found[name].append((place, year))
        return found

    @cached_property
    def _subsidies(self) -> list[Row]:
        return terms_of(self.case.tables, self.case.settings.policy.subsidies)

    def _price_offers(self, prices: Floats, levels: Levels) -> None:
        """Add to every offer's price what its formula gives on the moved decks less what it gives at the base."""
        deck_name = self.case.settings.finance.price_deck
        changed = {self.figures[name].subject for name in levels if self._kind(name) == "deck"}
        tables = moved_prices(self.case.tables, deck_name, self.figures, levels) if changed else self.case.tables
        deck = PriceDeck(tables, deck_name)
        for row in self._offer_rows:
            level = levels.get(f"own:{row['offer']}", 0.0)
            if not level and not changed & {term["product"] for term in self._indices.get(row["offer"], ())}:
                continue
            now, was = self._formula(self._own(row, level, deck_name), deck), self._base_formulas[row["offer"]]
            for place, year in self._offer_items[row["offer"]]:
                prices[place] += now[year] - was[year]

    def _formula(self, row: Row, deck: PriceDeck) -> Mapping[int, float]:
        """Price by year that an offer's row gives on a deck, floors and credits included."""
        row, kept = without_floors(row, self._indices.get(row["offer"], []), self._subsidies)
        found, _ = price_by_year(row, kept, deck, self.instance.years)
        return credited(found, row, self._subsidies) if self._subsidies else found

    @cached_property
    def _base_formulas(self) -> dict[str, Mapping[int, float]]:
        deck = PriceDeck(self.case.tables, self.case.settings.finance.price_deck)
        return {row["offer"]: self._formula(row, deck) for row in self._offer_rows}

    def _own(self, row: Row, level: float, deck: str) -> Row:
        if not level:
            return row
        column = FIXED_COLUMNS[deck]
        fixed = number(row, column, number(row, "price_usd_per_kg"))
        return {**row, column: fixed * self.figures[f"own:{row['offer']}"].share(level)}


@dataclass(frozen=True)
class Plans:
    """What some plans take, so that costing them anew is one product of small arrays.

    Attributes:
        pricer: of their program.
        taken: plan x item.
        rest: plan x year of the horizon, MUSD that no item explains; ``rest_other`` what belongs to no year.
        rest_other: per plan, MUSD.
    """

    pricer: Pricer
    taken: Floats
    rest: Floats
    rest_other: Floats

    @classmethod
    def of(cls, pricer: Pricer, plans: Sequence[Floats]) -> Plans:
        """Read the bill of every plan."""
        bill, years = pricer.bill, pricer.instance.years
        charged = np.array([year or 0 for year in charge_years(pricer.program, pricer.instance)])
        rest = np.array([[float((bill.rest * x)[charged == year].sum()) for year in years] for x in plans])
        other = np.array([float(bill.rest @ x) + bill.rest_given for x in plans]) - rest.sum(axis=1)
        return cls(pricer, np.array([bill.taken(x) for x in plans]), rest, other)

    def costs(self, levels: Levels) -> Floats:
        """Cost of every plan, MUSD."""
        pricer = self.pricer
        return self.at(pricer.prices(levels), pricer.after_rate(levels))

    def at(self, prices: Floats, after: Instance | None = None) -> Floats:
        """Cost of every plan at prices per item, and at the discount rate of another instance."""
        if after is None:
            return np.asarray(self.taken @ prices + self.rest.sum(axis=1) + self.rest_other)
        before = self.pricer.instance
        scale = discount_scale(self.pricer.bill.items, before, after)
        years = np.array([after.discount_factor[t] / before.discount_factor[t] for t in before.years])
        return np.asarray(self.taken @ (scale * prices) + self.rest @ years + self.rest_other)


def moved_prices(tables: Tables, deck: str, figures: Mapping[str, Figure], levels: Levels) -> dict[str, pd.DataFrame]:
    """The table ``prices`` with the deck in use moved, product by product.

    Every row moves towards its own low or high; where the figure's range is assumed, all rows by the same share.
    """
    frame = tables["prices"].copy()
    base = frame[DECK_COLUMNS[deck]].astype(float)
    low = frame[DECK_COLUMNS["low"]].astype(float).fillna(base)
    high = frame[DECK_COLUMNS["high"]].astype(float).fillna(base)
    level = frame["product"].map(lambda product: levels.get(f"deck:{product}", 0.0)).astype(float)
    towards = np.where(level > 0, np.maximum(high - base, 0.0), np.maximum(base - low, 0.0))
    moved = base + level * towards
    for name, at in levels.items():
        figure = figures.get(name)
        if figure is not None and figure.kind == "deck" and figure.range_from != "table":
            moved = moved.mask(frame["product"] == figure.subject, base * figure.share(at))
    frame[DECK_COLUMNS[deck]] = moved
    return {"prices": frame}


def at_rate(instance: Instance, rate: float) -> Instance:
    """The instance at another discount rate, flows mid-year."""
    first = instance.years[0]
    factors = {t: (1.0 + rate) ** -(t - first + 0.5) for t in instance.years}
    return replace(instance, discount_factor=factors, discount_rate_share=rate)
