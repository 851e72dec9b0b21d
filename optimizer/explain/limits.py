r"""Binding limits of a plan and what one more unit of each is worth.

Prices are the duals of the linear program that is left when the plan's integer decisions are fixed, in the plan as it
runs and, through the shocks' own linear programs, in the shocks that make up its loss:

.. math:: \frac{dC}{db} = y_b + \sum_s w_s \sum_k \pi_{sk}\, \phi_{sk}

with :math:`y_b` the dual of the first-stage row, :math:`w_s` the price of a month of loss in shock s,
:math:`\pi_{sk}` the dual of the shock's own row in period k and :math:`\phi_{sk}` its share of the yearly limit.
A price says what the *next* small unit is worth; at a kink it may differ for more and for less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.explain.words import Index, Words
from optimizer.solve.compiled import CompiledProgram, Floats, RecourseBlock
from optimizer.solve.recourse import Recourse

DAYS = 365.25 / 12.0
"""Days of a month."""
SMALLEST = 1e-6
"""Smallest worth told, MUSD per unit of the limit over the horizon."""

EASE = 0.01
"""Share by which free reserves give way where they bind together with a capacity."""

BRINK = 1e-6
"""Share by which a plan on the brink of a loss is scaled down, so that it is asked on the side of the loss."""

CAPACITY = frozenset({"capacity_limit", "commitment_capacity_limit", "entitlement_limit"})
"""Rows that one more tonne of open capacity loosens together."""
TOLD = CAPACITY | {
    "demand_balance",
    "stock_limit",
    "stock_floor",
    "byproduct_sale_limit",
    "commitment_floor",
    "commitment_limit",
    "approval_limit",
    "origin_share_cap",
    "budget_limit",
    "environment_limit",
    "supplier_count_floor",
    "supplier_count_limit",
}
"""Constraints that a buyer can do something about."""
UNITS = {
    "budget_limit": "MUSD",
    "environment_limit": "unit of the load",
    "stock_limit": "t",
    "stock_floor": "t",
    "supplier_count_floor": "suppliers",
    "supplier_count_limit": "suppliers",
}
"""Unit of a limit where it is not t/yr."""


@dataclass(frozen=True)
class Priced:
    """Duals of one plan.

    Attributes:
        rows: (constraint, index as text) → MUSD per unit of the row.
        loss_price: MUSD that one month more of loss would save (0 if the loss costs nothing).
    """

    rows: Mapping[tuple[str, str], float]
    loss_price: float


def priced(prices: pd.DataFrame, point: int) -> Priced:
    """Duals of a point from the ``prices`` table of its run."""
    own = prices[prices["point"] == point] if len(prices) else prices
    records = own.to_dict("records") if len(own) else []
    rows = {(str(r["constraint"]), "" if pd.isna(r["index"]) else str(r["index"])): float(r["price"]) for r in records}
    return Priced(rows, abs(rows.pop(("loss_cap", ""), 0.0)))


def shock_weights(program: CompiledProgram, loss: str, found: Priced) -> Floats:
    """MUSD per month of loss of every block's shock: what the first stage's rows charge its loss column."""
    duals = np.array([found.rows.get((name, _text(index)), 0.0) for name, index in program.row_keys])
    charged = -(program.matrix.T @ duals) + found.loss_price * program.objectives[loss][0]
    return np.array([charged[block.theta] for block in program.blocks])


def _text(index: Index) -> str:
    return "|".join(str(part) for part in index)


# --- what capacity is worth in shocks -------------------------------------------------------------------------------


def shock_capacity(instance: Instance, recourse: Recourse, x: Floats, weights: Floats) -> dict[Index, float]:
    """(facility, layer, year) → MUSD per t/yr of open capacity through the shocks that make up the loss (negative)."""
    worth: dict[Index, float] = {}
    program = recourse.program
    shocks = [instance.shocks.get(str(program.column_keys[block.theta][1][0])) for block in program.blocks]
    chosen = [number for number, shock in enumerate(shocks) if shock is not None and weights[number] > SMALLEST]
    for number, duals in zip(chosen, recourse.row_duals(x, chosen), strict=True):
        block, weight, shock = program.blocks[number], float(weights[number]), shocks[number]
        years = {period.period: period.year for period in shock.periods} if shock else {}
        for (layer, facility, period), limit, dual in _capacity_duals(block, duals):
            year = years[int(str(period))]
            plant = instance.facilities[str(facility)]
            room = (plant.open_sale_t if layer == "supplier" else plant.open_toll_t).get(year, 0.0)
            if room > 0.0:
                key = (facility, layer, year)
                worth[key] = worth.get(key, 0.0) + weight * dual * limit / room
    return worth


def eased(program: CompiledProgram, cost: str, x: Floats) -> Floats:
    """The plan with a hair more of what is reserved free of charge, and a trace less of all else.

    A plan reserves no more than it needs, so in a shock the reserve and the capacity behind it often bind together.
    More of a free reserve costs nothing: it is the capacity that has the price. And it buys no more than keeps a
    shock from costing a loss: rounding decides on which side of that brink it stands, but only one side has a price.
    """
    coefficients, _ = program.objectives[cost]
    is_free = np.array([component == "committed" for component, _ in program.column_keys]) & (coefficients == 0.0)
    return np.where(is_free, x * (1.0 + EASE), np.where(program.is_integer, x, x * (1.0 - BRINK)))


def _capacity_duals(block: RecourseBlock, duals: Floats) -> Iterator[tuple[Index, float, float]]:
    """(index, right-hand side, months of loss per t) of the capacity rows of a shock that bind."""
    for row in np.flatnonzero(duals < -SMALLEST):
        name = block.row_names[int(row)]
        _, found, text = name.rpartition("recourse_capacity[")
        if found:
            layer, _, rest = text.removesuffix("]").partition(",")
            facility, _, period = rest.rpartition(",")
            yield (layer, facility, period), float(block.row_upper[row]), float(duals[row])


# --- the tables -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worth:
    """What one more unit of a limit is worth in one year: present value (negative: it lowers the cost), by where."""

    constraint: str
    subject: str
    index: Index
    year: int
    nominal_musd: float
    shock_musd: float


def worths(
    instance: Instance, found: Priced, in_shocks: Mapping[Index, float], running: Iterable[tuple[object, object]]
) -> list[Worth]:
    """Worth of every limit a buyer can act on, capacity rows of a plant together.

    Args:
        instance: the frozen instance.
        found: duals of the plan.
        in_shocks: capacity in shocks (``shock_capacity``).
        running: (offer, year) with a contract in force; volumes of others are no limits but offers not chosen.
    """
    chosen, rows = {(str(o), str(t)) for o, t in running}, []
    capacity: dict[Index, float] = dict.fromkeys(in_shocks, 0.0)
    for (constraint, text), price in found.rows.items():
        index = tuple(text.split("|"))
        if constraint not in TOLD or (constraint == "commitment_limit" and index[:2] not in chosen):
            continue
        if constraint in CAPACITY:
            layers = [index[1]] if len(index) == 3 else ["supplier", "buyer"]
            for layer in layers:
                key = (index[0], layer, int(index[-1]))
                capacity[key] = capacity.get(key, 0.0) + price / len(layers)
        else:
            year = int(index[-1]) if index[-1].isdigit() and int(index[-1]) in instance.years else 0
            rows.append(Worth(constraint, index[0], index, year, price, 0.0))
    for place, price in capacity.items():
        worth = in_shocks.get(place, 0.0)
        rows.append(Worth("capacity_limit", str(place[0]), place, int(str(place[-1])), price, worth))
    return [row for row in rows if abs(row.nominal_musd + row.shock_musd) > SMALLEST / 10]


COLUMNS = (
    "point", "scope", "constraint", "limit", "subject", "facility", "stage", "country_iso3", "product", "year",
    "worth_musd", "of_which_in_shocks_musd", "unit", "usd_per_year", "saved_days", "sentence",
)  # fmt: skip


def limits_table(instance: Instance, point: int, rows: Iterable[Worth], loss_price: float) -> pd.DataFrame:
    """``explain_limits``: one row per limit over all its years (``scope`` all), and per year (``scope`` year)."""
    words = Words(instance)
    total = sum(instance.discount_factor[t] for t in instance.years)
    groups: dict[tuple[str, Index], list[Worth]] = {}
    for row in rows:
        own = row.index[:-1] if row.year else row.index
        groups.setdefault((row.constraint, own), []).append(row)
    records = []
    for (constraint, own), members in groups.items():
        facts = _facts(instance, words, constraint, members[0])
        for row in members:
            factor = instance.discount_factor.get(row.year, total)
            records.append(
                {**facts, "scope": "year", "year": row.year}
                | _figures(row.nominal_musd, row.shock_musd, factor, loss_price)
            )
        sums = sum(r.nominal_musd for r in members), sum(r.shock_musd for r in members)
        span = sum(instance.discount_factor.get(t, total) for t in {r.year for r in members})
        figures = _figures(*sums, span, loss_price)
        sentence = _sentence(constraint, own, facts, figures, [r.year for r in members])
        records.append({**facts, "scope": "all", "year": 0, "sentence": sentence} | figures)
    frame = pd.DataFrame(records, columns=list(COLUMNS)).assign(point=point)
    frame["sentence"] = frame["sentence"].fillna("")
    return frame[(frame["scope"] == "year") | (frame["worth_musd"].abs() > SMALLEST)].reset_index(drop=True)


def _figures(nominal: float, shock: float, factor: float, loss_price: float) -> dict[str, float]:
    """Worth as money a year over the years it counts in, and as days of loss it could buy at the plan's own price."""
    worth = nominal + shock
    return {
        "worth_musd": -worth,
        "of_which_in_shocks_musd": -shock,
        "usd_per_year": -1e6 * worth / factor if factor else 0.0,
        "saved_days": -worth / loss_price * DAYS if loss_price else 0.0,
    }


def _facts(instance: Instance, words: Words, constraint: str, row: Worth) -> dict[str, object]:
    offer = instance.offers.get(row.subject) if constraint in ("commitment_limit", "commitment_floor") else None
    facility = offer.facility if offer else row.subject if row.subject in instance.facilities else ""
    plant = instance.facilities.get(facility)
    product = offer.product if offer else next((str(k) for k in row.index if str(k) in instance.products), "")
    name = str(words.limit(constraint, row.index))
    if constraint == "commitment_limit":  # also where the plant is what limits the offer
        name = f"largest volumes of offers: {words.offer(row.subject)}"
    return {
        "constraint": constraint,
        "limit": name,
        "subject": row.subject,
        "facility": facility,
        "stage": plant.stage if plant else "",
        "country_iso3": plant.country_iso3 if plant else "",
        "product": product,
        "unit": UNITS.get(constraint, "t/yr"),
    }


def money(usd: float) -> str:
    """An amount of money as a reader says it: 3 significant digits."""
    size = abs(usd)
    if size >= 1e6:
        return f"USD {usd / 1e6:,.3g} million"
    return f"USD {float(f'{usd:.3g}'):,.0f}" if size >= 100 else f"USD {usd:.3g}"


def _sentence(
    constraint: str, own: Index, facts: Mapping[str, object], figures: Mapping[str, float], years: list[int]
) -> str:
    worth, days = figures["usd_per_year"], figures["saved_days"]
    span = (
        f" ({min(years)}-{max(years)})"
        if years[0] and min(years) != max(years)
        else f" ({years[0]})"
        if years[0]
        else ""
    )
    every = " a year" if len(set(years)) > 1 or not years[0] else ""
    gain = f"is worth {money(abs(worth))}{every}" + (f", or {abs(days):.2g} days of loss" if days else "")
    loss = gain.replace("is worth", "costs").replace(", or", ", or adds")
    limit = str(facts["limit"]).partition(": ")[2] or str(facts["limit"])
    unit = {"MUSD": "USD 1 million more of", "t": "a tonne more of", "suppliers": "one more of"}.get(
        str(facts["unit"]), "a tonne a year more of"
    )
    if constraint == "environment_limit":
        unit = "one unit more of"
    if constraint == "capacity_limit":
        kind = "toll" if own[-1] == "buyer" else ""
        return f"{unit} open {facts['stage']} {kind}{' ' if kind else ''}capacity at {limit} {gain}{span}"
    if constraint == "demand_balance":
        return f"{unit} demand at {limit} {loss}{span}"
    if constraint in ("commitment_floor", "stock_floor"):
        word = "minimum order under" if constraint == "commitment_floor" else "prescribed stock of"
        return f"{unit} {word} {limit} {loss}{span}"
    if constraint == "commitment_limit":
        return f"{unit} {limit} on offer {gain}{span}"
    if constraint == "origin_share_cap":
        return f"{unit} room under the share cap {limit} {gain}{span}"
    return f"{unit} room for {limit} {gain}{span}"


# --- stages and countries -------------------------------------------------------------------------------------------


def stage_table(limits: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Capacity by stage, in the stage's leading country and outside of it: the best-placed plant stands for its group.

    Args:
        limits: ``explain_limits`` so far.
        shares: ``shares`` of the point (stage, country_iso3, flow_share).
    """
    rows = []
    plants = limits[(limits["scope"] == "all") & (limits["constraint"] == "capacity_limit")]
    for stage, members in plants.groupby("stage"):
        own = shares[shares["stage"] == stage].sort_values(["flow_share", "country_iso3"], ascending=[False, True])
        leader = str(own["country_iso3"].iloc[0]) if len(own) else ""
        inside = members["country_iso3"] == leader
        for group, part in ((f"in {leader}", members[inside]), (f"outside {leader}", members[~inside])):
            if len(part):
                best = part.sort_values(["worth_musd", "subject"], ascending=[False, True]).iloc[0].to_dict()
                days = f", or {best['saved_days']:.2g} days of loss" if best["saved_days"] else ""
                told = (
                    f"a tonne a year more of {stage} {group} is worth up to {money(best['usd_per_year'])} a year{days}"
                )
                plant = str(best["limit"]).partition(": ")[2]
                rows.append(best | {"scope": "stage", "subject": f"{stage} {group}", "sentence": f"{told}, at {plant}"})
    return pd.DataFrame(rows, columns=list(COLUMNS))
