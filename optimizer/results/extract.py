"""From a solved point to rows of the result tables.

A point is the first-stage vector and one recourse vector per shock. Values are read through the compiled
program's column keys; amounts below ``SMALLEST_T`` are dropped. Values stay unrounded here: the writer rounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.results.columns import Columns, Floats, block_columns, joined, loss_blocks
from optimizer.results.costs import CostReader, qualification_starts
from optimizer.results.made import NOMINAL, country_shares, made_per_t
from optimizer.results.measures import expected, loss_measure, losses_of, stock_drawn, worst
from optimizer.results.portfolio import portfolio_rows, toll_recipes
from optimizer.results.reach import branches, reach_tables
from optimizer.results.schema import TABLES

if TYPE_CHECKING:
    from optimizer.solve.compiled import CompiledProgram

Tables = dict[str, pd.DataFrame]

POINT_TABLES = (
    "frontier",
    "portfolio",
    "commitments",
    "flows",
    "throughput",
    "deliveries",
    "outlets",
    "reclassified",
    "stock",
    "supply",
    "standby",
    "shortfalls",
    "costs",
    "losses",
    "shares",
    "environment",
)


@dataclass(frozen=True)
class SolvedPoint:
    """One plan as the solver leaves it.

    Attributes:
        point: number on the frontier, from the cheapest.
        values: first-stage vector.
        recourse: one vector per block of the compiled program, in its order; those of pricing blocks may be empty.
        cost_musd: cost objective; ``nan`` to compute it from the program.
        cost_bound_musd: proven least cost of any plan with at most this loss.
        status: ``optimal`` (within its gap) or ``limit``.
    """

    point: int
    values: Floats
    recourse: Sequence[Floats] = ()
    cost_musd: float = float("nan")
    cost_bound_musd: float = float("nan")
    status: str = "optimal"


@dataclass
class _Read:
    """Values of one point, by component."""

    first: Columns
    blocks: Columns
    point: SolvedPoint
    recourse: Floats
    years: pd.Series
    cache: dict[str, pd.DataFrame] = field(default_factory=dict)

    def nominal(self, component: str, names: tuple[str, ...]) -> pd.DataFrame:
        """Non-zero first-stage values of a component."""
        if component not in self.cache:
            self.cache[component] = self.first.read(component, self.point.values, names)
        return self.cache[component].set_axis([*names, "value"], axis=1)

    def shocked(self, component: str, names: tuple[str, ...]) -> pd.DataFrame:
        """Non-zero recourse values; the last index is the period."""
        frame = self.blocks.read(component, self.recourse, ("shock", *names[:-1], "period"))
        where = pd.MultiIndex.from_arrays([frame["shock"], frame["period"]])
        return frame.assign(year=self.years.reindex(where).to_numpy())

    def both(self, component: str, names: tuple[str, ...]) -> pd.DataFrame:
        """Nominal and shock values in one table with ``shock, *names (year last), period, value``."""
        nominal = self.nominal(component, names).assign(shock=NOMINAL, period=0)
        return pd.concat([nominal, self.shocked(component, names)], ignore_index=True)


class Extractor:
    """Makes result tables of points of one compiled instance; indices are resolved once.

    Args:
        instance: the frozen instance.
        program: the compiled program, with ``column_keys`` on itself and its blocks.
    """

    def __init__(self, instance: Instance, program: CompiledProgram) -> None:
        self.instance = instance
        self.program = program
        self._first = Columns(program.column_keys)
        self._blocks = block_columns(program)
        self._periods = _period_table(instance, [shock for _, shock in loss_blocks(program)])
        self._demand = _period_demand(instance, self._periods)
        self._shocks = shocks_table(instance)
        self._branches = branches(instance)

    def tables(self, solved: SolvedPoint) -> Tables:
        """Return the rows of every per-point table (``POINT_TABLES``) for one point."""
        years = self._periods.set_index(["shock", "period"])["year"]
        read = _Read(self._first, self._blocks, solved, joined(self.program, solved.recourse), years)
        tables = {
            "flows": self._flows(read),
            "throughput": self._throughput(read),
            "deliveries": _deliveries(read),
            "outlets": _outlets(read),
            "reclassified": _reclassified(read),
            "stock": _amounts(read, "stock", ("place", "product", "origin_class", "year"), "stock_t"),
            "supply": self._supply(read),
            "standby": self._standby(read),
            "shortfalls": self._shortfalls(read),
        }
        cost = self._cost(solved)
        tables["commitments"] = self._commitments(read, tables)
        tables["portfolio"] = portfolio_rows(
            self.instance, read.nominal, qualification_starts(read.nominal), tables["commitments"]
        )
        tables["costs"] = CostReader(self.instance, read.nominal).table()
        tables["losses"] = self._losses(tables["shortfalls"], tables["stock"])
        tables["shares"] = country_shares(self.instance, tables["throughput"], tables["outlets"])
        tables["environment"] = self._environment(tables["throughput"])
        tables["frontier"] = self._frontier(solved, cost, tables["losses"])
        return {name: _shaped(name, tables[name].assign(point=solved.point)) for name in POINT_TABLES}

    def _cost(self, solved: SolvedPoint) -> float:
        if np.isnan(solved.cost_musd) and "cost" in self.program.objectives:
            coefficients, constant = self.program.objectives["cost"]
            return float(coefficients @ solved.values) + constant
        return solved.cost_musd

    def _flows(self, read: _Read) -> pd.DataFrame:
        rows = read.both("flow", ("lane", "origin_class", "year")).rename(columns={"value": "flow_t"})
        lanes = [self.instance.lanes[name] for name in rows["lane"]]
        return rows.assign(
            layer=[lane.layer for lane in lanes],
            from_facility=[lane.from_place for lane in lanes],
            to_facility=[lane.to_place for lane in lanes],
            product=[lane.product for lane in lanes],
        )

    def _throughput(self, read: _Read) -> pd.DataFrame:
        names = ("recipe", "layer", "origin_class", "year")
        rows = read.both("throughput", names).rename(columns={"value": "throughput_t"})
        return rows.assign(facility=[self.instance.recipes[name].facility for name in rows["recipe"]])

    def _supply(self, read: _Read) -> pd.DataFrame:
        """What untouched plants deliver to markets in shocks, by pool."""
        rows = read.shocked("supply", ("pool", "market", "year")).rename(columns={"value": "supply_t"})
        pools = {(shock, pool.number): pool for shock, branch in self._branches.items() for pool in branch.pools}
        found = [pools[shock, int(number)] for shock, number in zip(rows["shock"], rows["pool"], strict=True)]
        return rows.assign(product=[p.product for p in found], origin_class=[p.origin_class for p in found])

    def _shortfalls(self, read: _Read) -> pd.DataFrame:
        """All nominal demands, and the periods of shocks in which some demand is not met."""
        nominal = pd.DataFrame(
            [
                (market.market, year, amount)
                for market in self.instance.markets.values()
                for year, amount in market.demand_t.items()
                if amount > 0
            ],
            columns=["market", "year", "demand_t"],
        )
        short = read.nominal("shortfall", ("market", "year")).rename(columns={"value": "shortfall_t"})
        nominal = nominal.astype({"year": object}).merge(short, on=["market", "year"], how="left")
        nominal = nominal.fillna({"shortfall_t": 0.0}).assign(shock=NOMINAL, period=0)
        shocked = read.shocked("shortfall", ("market", "year")).rename(columns={"value": "shortfall_t"})
        keys = ["shock", "market", "period"]
        shocked = shocked.astype({"period": "int64"}).merge(self._demand[[*keys, "demand_t"]], on=keys, how="left")
        return pd.concat([nominal, shocked], ignore_index=True).astype({"shortfall_t": float, "demand_t": float})

    def _commitments(self, read: _Read, tables: Tables) -> pd.DataFrame:
        committed = read.nominal("committed", ("offer", "year")).rename(columns={"value": "committed_t"})
        extra = read.nominal("lifted_extra", ("offer", "year")).rename(columns={"value": "extra_t"})
        rows = committed.merge(extra, on=["offer", "year"], how="outer").fillna({"committed_t": 0.0, "extra_t": 0.0})
        rows = rows.merge(self._lifted(tables, read, committed), on=["offer", "year"], how="outer").fillna(0.0)
        shares = rows["offer"].map({o.offer: o.take_or_pay_share for o in self.instance.offers.values()})
        paid = shares.astype(float) * rows["committed_t"] + rows["extra_t"]
        return pd.DataFrame(rows.assign(paid_t=paid))

    def _lifted(self, tables: Tables, read: _Read, committed: pd.DataFrame) -> pd.DataFrame:
        """``offer, year, lifted_t``; what tolls of the same recipes make is counted to them as the plan splits it."""
        sales = tables["deliveries"].query("shock == @NOMINAL and kind == 'sale'")
        lifted = sales.groupby(["offer", "year"], as_index=False)[["delivered_t"]].sum()
        joint = read.nominal("converted", ("offer", "year")).rename(columns={"value": "lifted_t"})
        parts = [lifted.rename(columns={"delivered_t": "lifted_t"}), joint]
        owned = tables["throughput"].query("shock == @NOMINAL and layer == 'buyer'")
        split = {str(index[0]) for component, index in self.program.column_keys if component == "converted"}
        for offer in self.instance.offers.values():
            if offer.kind == "toll" and offer.offer not in split:
                run = owned[owned["recipe"].isin(toll_recipes(self.instance, offer))]
                made = (run["throughput_t"] * made_per_t(self.instance, run, offer.product)).groupby(run["year"]).sum()
                own = committed[committed["offer"] == offer.offer]
                amounts = own["year"].map(made.to_dict()).astype(float).fillna(0.0)
                parts.append(own[["offer", "year"]].assign(lifted_t=amounts))
        return pd.concat([part.astype({"lifted_t": float}) for part in parts], ignore_index=True)

    def _losses(self, shortfalls: pd.DataFrame, stock: pd.DataFrame) -> pd.DataFrame:
        if self._periods.empty:
            return pd.DataFrame(columns=list(TABLES["losses"].columns))
        return losses_of(shortfalls[shortfalls["shock"] != NOMINAL], self._periods, self._demand, self._drawn(stock))

    def _drawn(self, stock: pd.DataFrame) -> pd.DataFrame:
        """Use of the markets' stock in shocks, on the basis of demand."""
        instance = self.instance
        use = {(d.market, p): need for d in instance.markets.values() for p, (need, _) in d.accepts.items()}
        needs = [use.get(key, np.inf) for key in zip(stock["place"], stock["product"], strict=True)]
        rows = stock.assign(
            stock_t=stock["stock_t"].astype(float) / np.array(needs, dtype=float), market=stock["place"]
        )
        nominal = rows[rows["shock"] == NOMINAL].groupby(["market", "year"])["stock_t"].sum().to_dict()
        today = {d: 0.0 for d, _ in use}
        for (place, product), storage in instance.storages.items():
            if (place, product) in use:
                today[place] += sum(storage.opening_t.values()) / use[place, product]
        found = [
            (s.shock, d, today[d] if s.start_year == instance.years[0] else nominal.get((d, s.start_year - 1), 0.0))
            for s in instance.shocks.values()
            for d in today
        ]
        opening = pd.DataFrame(found, columns=["shock", "market", "stock_t"])
        return stock_drawn(rows[rows["shock"] != NOMINAL], opening, self._periods)

    def _standby(self, read: _Read) -> pd.DataFrame:
        """What suppliers keep ready beyond what is taken, and the flow behind it."""
        ready = read.nominal("standby", ("facility", "item", "year")).assign(kind="hand_over")
        moved = read.nominal("standby_flow", ("item", "year")).assign(kind="lane")
        moved = moved.assign(facility=[self.instance.lanes[name].from_place for name in moved["item"]])
        run = read.nominal("standby_throughput", ("item", "year")).assign(kind="recipe")
        run = run.assign(facility=[self.instance.recipes[name].facility for name in run["item"]])
        return pd.concat([ready, moved, run], ignore_index=True).rename(columns={"value": "standby_t"})

    def _environment(self, throughput: pd.DataFrame) -> pd.DataFrame:
        rows = throughput[throughput["shock"] == NOMINAL]
        runs = rows.groupby(["recipe", "facility"], as_index=False)[["throughput_t"]].sum()
        loads = [
            (indicator, facility, per_t * amount)
            for name, facility, amount in zip(runs["recipe"], runs["facility"], runs["throughput_t"], strict=True)
            for indicator, per_t in self.instance.recipes[name].footprint.items()
        ]
        frame = pd.DataFrame(loads, columns=["indicator", "facility", "value"])
        table = frame.groupby(["indicator", "facility"], as_index=False)[["value"]].sum()
        return table.assign(unit=[unit_of(indicator) for indicator in table["indicator"]])

    def _frontier(self, solved: SolvedPoint, cost: float, losses: pd.DataFrame) -> pd.DataFrame:
        months = dict(zip(losses["shock"], losses["loss_months"], strict=True))
        measure = self.instance.measure
        values = self._shocks["shock"].map(months).fillna(0.0).to_numpy(dtype=float)
        factors = self.instance.discount_factor
        demand_t = sum(m.demand_t.get(t, 0.0) * factors[t] for m in self.instance.markets.values() for t in factors)
        gap = (cost - solved.cost_bound_musd) / abs(cost) if cost else 0.0
        row = {
            "cost_musd": cost,
            "loss_months": loss_measure(months, self._shocks, measure.kind, measure.alpha, measure.year_weights),
            "cost_bound_musd": solved.cost_bound_musd,
            "gap_share": max(0.0, gap) if not np.isnan(gap) else gap,
            "status": solved.status,
            "expected_loss_months": expected(values, self._shocks["rate_per_year"].to_numpy(dtype=float)),
            "worst_loss_months": worst(values),
            "cost_usd_per_kg": cost * 1e3 / demand_t if demand_t > 0 else float("nan"),
        }
        return pd.DataFrame([row])


def _amounts(read: _Read, component: str, names: tuple[str, ...], column: str) -> pd.DataFrame:
    return read.both(component, names).rename(columns={"value": column})


def _deliveries(read: _Read) -> pd.DataFrame:
    sales = _amounts(read, "delivered", ("offer", "origin_class", "year"), "delivered_t").assign(kind="sale")
    spot = read.shocked("spot", ("offer", "origin_class", "year")).rename(columns={"value": "delivered_t"})
    return pd.concat([sales, spot.assign(kind="spot")], ignore_index=True)


def _outlets(read: _Read) -> pd.DataFrame:
    names = ("place", "product", "origin_class", "year")
    parts = [
        _amounts(read, outlet, names, "amount_t").assign(outlet=outlet, layer=layer)
        for outlet, layer in (("sold", "buyer"), ("disposed", "buyer"), ("surplus", "supplier"))
    ]
    return pd.concat(parts, ignore_index=True)


def _reclassified(read: _Read) -> pd.DataFrame:
    return _amounts(read, "reclassified", ("layer", "place", "product", "from_class", "to_class", "year"), "amount_t")


def _period_table(instance: Instance, shocks: Iterable[str]) -> pd.DataFrame:
    rows = [
        (name, k.period, k.year, k.first_month, k.months, instance.shocks[name].window_months)
        for name in shocks
        for k in instance.shocks[name].periods
    ]
    return pd.DataFrame(rows, columns=["shock", "period", "year", "first_month", "months", "window_months"])


def _period_demand(instance: Instance, periods: pd.DataFrame) -> pd.DataFrame:
    """Demand of every market in every period; past the horizon at the last year's level."""
    rows = [
        (market.market, market.criticality, year, market.demand_t.get(min(year, instance.years[-1]), 0.0))
        for market in instance.markets.values()
        for year in sorted(set(periods["year"]))
    ]
    yearly = pd.DataFrame(rows, columns=["market", "criticality", "year", "yearly_t"])
    cells = periods[["shock", "period", "year", "months"]].merge(yearly.astype({"year": "int64"}), on="year")
    cells["demand_t"] = cells["yearly_t"] * cells["months"] / 12.0
    return pd.DataFrame(cells.drop(columns=["yearly_t", "months"]))


def _shaped(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the schema in its order and types, sorted by key; empty amounts of time stay empty."""
    table = TABLES[name]
    shaped = frame.reindex(columns=list(table.columns))
    dtypes = {column: dtype for column, (dtype, _, _) in table.columns.items()}
    return shaped.astype(dtypes).sort_values(list(table.key), kind="stable", ignore_index=True)


def shaped(name: str, rows: pd.DataFrame | Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Bring rows (a frame or records) of any result table into its columns, types and order.

    Raises:
        KeyError: if there is no such table.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), columns=list(TABLES[name].columns))
    return _shaped(name, frame)


def unit_of(indicator: str) -> str:
    """Return the unit of an environmental indicator, from the suffix of its name; empty if it has none."""
    for suffix, unit in (("kgco2e", "kg CO2e"), ("m3", "m3"), ("kg", "kg"), ("t", "t"), ("mwh", "MWh")):
        if indicator == suffix or indicator.endswith(f"_{suffix}"):
            return unit
    return ""


def shocks_table(instance: Instance, in_model: bool = True) -> pd.DataFrame:
    """Rows of the ``shocks`` table."""
    rows = [
        {
            "shock": shock.shock,
            "event": shock.event,
            "name": shock.name,
            "start_year": shock.start_year,
            "weight": shock.probability,
            "rate_per_year": shock.rate_per_year,
            "window_months": shock.window_months,
            "in_model": in_model,
            "story": shock.story,
        }
        for shock in instance.shocks.values()
    ]
    return shaped("shocks", rows)


def collect(instance: Instance, points: Sequence[Tables], others: Mapping[str, pd.DataFrame] | None = None) -> Tables:
    """All result tables of a run: points one below the other, ``shocks``, and the tables given in ``others``.

    Tables that nothing fills (for example ``prices`` before an explanation) are there without rows.
    """
    tables: Tables = {name: shaped(name, []) for name in TABLES}
    for name in POINT_TABLES:
        parts = [point[name] for point in points if len(point[name])]
        if parts:
            tables[name] = shaped(name, pd.concat(parts, ignore_index=True))
    tables["shocks"] = shocks_table(instance)
    for name, frame in {**reach_tables(instance), **(others or {})}.items():
        tables[name] = shaped(name, frame)
    return tables
