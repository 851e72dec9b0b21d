"""When a strike first cuts demand, and when demand is met again: from a strike's own plan.

The definitions are those of the ``losses`` table of a run (``optimizer.results.measures.losses_of``), in arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.chain.instance import Instance, Period
from optimizer.solve.compiled import CompiledProgram, Floats, Integers, RecourseBlock
from optimizer.stress.templates import Plans

CUT_SHARE = 1e-6
"""A shortfall below this share of the period's demand is no cut."""

SPARED = {"spot": 1e-2, "flow": 1e-3, "supply": 1e-3, "throughput": 1e-4}
"""What a strike's plan spares, per tonne, once as little as possible is lost and that as late as possible."""


def late_losses(program: CompiledProgram) -> list[Floats]:
    """Secondary cost of every block's columns: a tonne of demand not met weighs more the earlier it is.

    So stock is used before lines stop, and the time to survive is the longest that the least loss allows.
    """
    vectors = []
    for block in program.blocks:
        last = max((int(str(index[-1])) for _, index in block.column_keys), default=0)
        vectors.append(
            np.array(
                [
                    1.0 + last - int(str(index[-1])) if component == "shortfall" else SPARED.get(component, 0.0)
                    for component, index in block.column_keys
                ]
            )
        )
    return vectors


@dataclass(frozen=True)
class Clock:
    """Reads times from column values of one template; arrays are market x period.

    Attributes:
        months, first_month: per period.
        demand_t: demand.
        weighted: demand times criticality.
        short: column (within those read) → flat cell of its shortfall, or -1.
        held: the same for stock at markets; ``held_per_t`` turns it into tonnes of demand.
    """

    months: Floats
    first_month: Floats
    demand_t: Floats
    weighted: Floats
    short: Integers
    held: Integers
    held_per_t: Floats
    window_months: float

    def read(self, values: Floats, opening: Floats) -> tuple[float, float]:
        """Months until demand is first cut, and the month after which it is met to the end.

        Args:
            values: columns read.
            opening: per market, stock in hand when the window opens, in tonnes of demand.
        """
        short, held = np.zeros(self.demand_t.size), np.zeros(self.demand_t.size)
        np.add.at(short, self.short[self.short >= 0], values[self.short >= 0])
        np.add.at(held, self.held[self.held >= 0], (values * self.held_per_t)[self.held >= 0])
        short_t, held_t = short.reshape(self.demand_t.shape), held.reshape(self.demand_t.shape)
        drawn = np.maximum(np.diff(held_t, axis=1, prepend=opening[:, None]) * -1.0, 0.0)
        is_cut = short_t > CUT_SHARE * self.demand_t
        carried = np.divide(drawn, drawn + short_t, out=np.ones_like(drawn), where=is_cut).min(axis=0)
        total = self.weighted.sum(axis=0)
        criticality = np.divide(self.weighted, self.demand_t, out=np.zeros_like(self.demand_t), where=self.demand_t > 0)
        lost = (criticality * short_t).sum(axis=0)
        cut = np.flatnonzero(np.divide(lost, total, out=np.zeros_like(lost), where=total > 0) > CUT_SHARE)
        if not cut.size:
            return self.window_months, 0.0
        survive = (self.first_month[cut] + carried[cut] * self.months[cut]).min()
        recover = (self.first_month[cut] + self.months[cut]).max()
        return float(survive), float(recover)


def clock_of(
    instance: Instance, block: RecourseBlock, periods: tuple[Period, ...], columns: Integers, window_months: float
) -> Clock:
    """A clock for the columns (positions within the block) that are read."""
    markets = {name: number for number, name in enumerate(instance.markets)}
    order = {period.period: number for number, period in enumerate(periods)}
    months = np.array([period.months for period in periods])
    yearly = np.array([[m.demand_t.get(p.year, 0.0) for p in periods] for m in instance.markets.values()])
    yearly = yearly.reshape(len(markets), len(periods))
    demand = yearly * months / 12.0
    critical = np.array([market.criticality for market in instance.markets.values()])
    short, held = np.full(columns.size, -1, dtype=np.int64), np.full(columns.size, -1, dtype=np.int64)
    per_t = np.zeros(columns.size)
    for number, column in enumerate(columns.tolist()):
        component, index = block.column_keys[column]
        if component not in ("shortfall", "stock") or str(index[0]) not in markets:
            continue
        cell = markets[str(index[0])] * len(periods) + order[int(str(index[-1]))]
        if component == "shortfall":
            short[number] = cell
        else:
            held[number] = cell
            per_t[number] = 1.0 / instance.markets[str(index[0])].accepts[str(index[1])][0]
    first = np.array([period.first_month for period in periods])
    return Clock(months, first, demand, demand * critical[:, None], short, held, per_t, window_months)


def opening_stock(instance: Instance, plans: Plans, point: int) -> dict[int, Floats]:
    """Start year → stock in hand at every market when it begins, in tonnes of demand."""
    markets = {name: number for number, name in enumerate(instance.markets)}
    found = {year: np.zeros(len(markets)) for year in (*instance.years, instance.years[-1] + 1)}
    for (place, product), storage in instance.storages.items():
        if place in markets and product in instance.markets[place].accepts:
            use = instance.markets[place].accepts[product][0]
            found[instance.years[0]][markets[place]] += sum(storage.opening_t.values()) / use
    for (component, index), value in zip(plans.keys, plans.vectors[point].tolist(), strict=True):
        if component == "stock" and value > 0 and str(index[0]) in markets:
            place, product = str(index[0]), str(index[1])
            if product in instance.markets[place].accepts:
                use = instance.markets[place].accepts[product][0]
                found[int(str(index[-1])) + 1][markets[place]] += value / use
    return found
