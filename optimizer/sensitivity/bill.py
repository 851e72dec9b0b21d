"""A plan as a bill: what it takes of everything that has a price, and what that costs at these prices or at others.

The cost of a plan is linear in its prices, so a plan can be costed anew without solving anything:

.. math:: C(p) = p^T (Q x + q_0) + r^T x + r_0

with one line of Q per thing with a price and year (discounted quantity per unit of every column of the program), and r
what has no line: charges that no figure here moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer.chain.instance import Instance
from optimizer.model.objective import payment_year
from optimizer.solve.compiled import CompiledProgram, Floats

Item = tuple[str, str, int]
"""(kind, name, year): kind is one of ``KINDS``; name an offer, lane, qualification, project, store or product."""
Part = tuple[Item, float]

KINDS = (
    "offer",
    "freight",
    "tariff",
    "qualification",
    "project",
    "stock",
    "disposal",
    "outlet",
    "line_stop",
)
"""Kinds. Prices in USD/kg, but freight and stock in USD/t (stock: a year), qualification and project in MUSD."""


@dataclass(frozen=True)
class Bill:
    """Quantities of a program's plans.

    Attributes:
        items: what has a price.
        quantity: item x column, present value weights included: price times quantity is MUSD.
        given: quantity of each item that is there whatever is decided (opening stock).
        prices: of the instance the program was built from.
        rest: cost per column that no item explains, MUSD per unit.
        rest_given: constant of the cost that no item explains, MUSD.
    """

    items: tuple[Item, ...]
    quantity: sparse.csr_matrix
    given: Floats
    prices: Floats
    rest: Floats
    rest_given: float

    @classmethod
    def of(cls, instance: Instance, program: CompiledProgram, cost: str) -> Bill:
        """The bill of a program whose objective ``cost`` was built from ``instance``."""
        items, quantity, given = _quantities(instance, program)
        prices = price_list(items, instance, {})
        coefficients, constant = program.objectives[cost]
        return cls(
            items,
            quantity,
            given,
            prices,
            np.asarray(coefficients - quantity.T @ prices, dtype=np.float64),
            float(constant - given @ prices),
        )

    def coefficients(self, prices: Floats) -> Floats:
        """Cost per column at other prices, MUSD per unit."""
        return np.asarray(self.quantity.T @ prices + self.rest, dtype=np.float64)

    def cost(self, x: Floats, prices: Floats | None = None) -> float:
        """Cost of a plan, MUSD; at the program's own prices unless others are given."""
        taken = self.quantity @ x + self.given
        return float(taken @ (self.prices if prices is None else prices) + self.rest @ x + self.rest_given)

    def taken(self, x: Floats) -> Floats:
        """What a plan takes of every item, weighted for present value."""
        return np.asarray(self.quantity @ x + self.given, dtype=np.float64)

    def among(self, x: Floats, kind: str) -> set[str]:
        """Names of the items of a kind that a plan takes."""
        taken = np.abs(self.taken(x)) > 0.0
        return {item[1] for item, used in zip(self.items, taken, strict=True) if used and item[0] == kind}


def discount_scale(items: tuple[Item, ...], before: Instance, after: Instance) -> Floats:
    """Quantity of every item at another discount rate over that before: the factor of its year.

    A project is paid in its year and credited at the end of the horizon for what is left of its life.
    """
    first, second = _Reader(before), _Reader(after)
    factor = {t: after.discount_factor[t] / before.discount_factor[t] for t in before.years}
    scale = np.ones(len(items))
    for place, (kind, name, year) in enumerate(items):
        if kind == "project":
            was, now = (dict(reader.decision("is_sponsored", name, year)) for reader in (first, second))
            scale[place] = now[kind, name, year] / was[kind, name, year]
        else:
            scale[place] = factor[year]
    return scale


def rest_scale(program: CompiledProgram, before: Instance, after: Instance) -> Floats:
    """The same for what no item explains, per column: the factor of its year."""
    factor = {t: after.discount_factor[t] / before.discount_factor[t] for t in before.years}
    return np.array([1.0 if year is None else factor[year] for year in charge_years(program, before)])


def charge_years(program: CompiledProgram, instance: Instance) -> list[int | None]:
    """Year that each column is charged in: the one its index ends with, the shock's start year; None for others."""
    years: dict[str, int] = {name: shock.start_year for name, shock in instance.shocks.items()}
    years |= {str(t): t for t in instance.years}
    return [years.get(str(index[-1])) if index else None for _, index in program.column_keys]


def price_list(items: tuple[Item, ...], instance: Instance, missing: Mapping[Item, float]) -> Floats:
    """Prices of items in an instance; ``missing`` for those it does not have, 0 where that has none either."""
    return np.array([_price(item, instance, missing.get(item, 0.0)) for item in items], dtype=np.float64)


def _price(item: Item, instance: Instance, otherwise: float) -> float:
    kind, name, year = item
    if kind == "offer":
        offer = instance.offers.get(name)
        return offer.price_usd_per_kg.get(year, 0.0) if offer else otherwise
    if kind in ("freight", "tariff"):
        lane = instance.lanes.get(name)
        if lane is None:
            return otherwise
        duty = lane.tariff_share.get(year, 0.0) * lane.customs_value_usd_per_kg
        return lane.freight_usd_per_t if kind == "freight" else duty
    return _fixed_price(kind, name, instance)


def _fixed_price(kind: str, name: str, instance: Instance) -> float:
    if kind == "qualification":
        return instance.qualifications[name].cost_musd
    if kind == "project":
        return instance.projects[name].cost_musd
    if kind == "stock":
        place, product = name.split("|", 1)
        return instance.storages[place, product].carrying_usd_per_t_year
    if kind == "line_stop":
        return instance.line_stop_usd_per_kg
    outlet = instance.byproducts[name]
    return outlet.disposal_usd_per_kg if kind == "disposal" else outlet.sale_price_usd_per_kg


def _quantities(instance: Instance, program: CompiledProgram) -> tuple[tuple[Item, ...], sparse.csr_matrix, Floats]:
    number: dict[Item, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    reader = _Reader(instance)
    for column, (component, index) in enumerate(program.column_keys):
        for item, amount in reader.parts(component, index):
            rows.append(number.setdefault(item, len(number)))
            columns.append(column)
            values.append(amount)
    opening = dict(reader.opening())
    for item in opening:
        number.setdefault(item, len(number))
    given = np.zeros(len(number))
    for item, amount in opening.items():
        given[number[item]] = amount
    shape = (len(number), len(program.column_keys))
    return tuple(number), sparse.csr_matrix((values, (rows, columns)), shape=shape), given


class _Reader:
    """What one unit of a column takes of the items."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.factor = instance.discount_factor
        self.end_factor = (1.0 + instance.discount_rate_share) ** -len(instance.years)

    def parts(self, component: str, index: tuple[object, ...]) -> Iterator[Part]:
        """(item, quantity per unit of the column)."""
        texts = tuple(str(part) for part in index)
        if not texts or not texts[-1].isdigit() or int(texts[-1]) not in self.factor:
            return
        year = int(texts[-1])
        if component in ("committed", "lifted_extra"):
            share = self.instance.offers[texts[0]].take_or_pay_share if component == "committed" else 1.0
            yield ("offer", texts[0], year), share * self.factor[year] / 1e3
        elif component == "flow":
            if self.instance.lanes[texts[0]].layer == "buyer":
                yield ("freight", texts[0], year), self.factor[year] / 1e6
                yield ("tariff", texts[0], year), self.factor[year] / 1e3
        elif component == "stock":
            yield from self._stock(f"{texts[0]}|{texts[1]}", year)
        elif component in ("sold", "disposed"):
            yield from self._outlet(component, texts[1], year)
        elif component == "shortfall" and self.instance.is_shortfall_allowed:
            yield ("line_stop", "", year), self.factor[year] / 1e3
        elif component in ("is_qualified", "is_sponsored"):
            yield from self.decision(component, texts[0], year)

    def _stock(self, name: str, year: int) -> Iterator[Part]:
        for t in (year, year + 1):
            if t in self.factor:
                yield ("stock", name, t), 0.5 * self.factor[t] / 1e6

    def _outlet(self, component: str, product: str, year: int) -> Iterator[Part]:
        if product in self.instance.byproducts:
            if component == "sold":
                yield ("outlet", product, year), -self.factor[year] / 1e3
            else:
                yield ("disposal", product, year), self.factor[year] / 1e3

    def decision(self, component: str, name: str, year: int) -> Iterator[Part]:
        """What a qualification or a sponsored project of a year takes."""
        years = self.instance.years
        if component == "is_sponsored":
            life = self.instance.projects[name].life_years
            remaining = max(0.0, 1.0 - (years[-1] + 1 - year) / life)
            yield ("project", name, year), self.factor[year] - self.end_factor * remaining
            return
        paid = payment_year(self.instance, name, year)
        yield ("qualification", name, paid), self.factor[paid]
        if year < years[-1]:
            later = payment_year(self.instance, name, year + 1)
            yield ("qualification", name, later), -self.factor[later]

    def opening(self) -> Iterator[Part]:
        """Opening stock is paid for half a year, whatever is decided."""
        first = self.instance.years[0]
        for (place, product), storage in self.instance.storages.items():
            amount = math.fsum(storage.opening_t.values())
            if amount:
                yield ("stock", f"{place}|{product}", first), 0.5 * self.factor[first] * amount / 1e6
