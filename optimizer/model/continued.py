"""What a shock's block would do if nothing had happened: in every period its share of the plan's year.

Most shocks hit what a plan does not use. Where going on as planned breaks no row of a block, the shock loses nothing,
and the rows themselves prove it: nothing here has to be right for that proof to hold, only near enough for most blocks
to be settled without a linear program.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from optimizer.chain.instance import Period
from optimizer.model.expressions import Terms, scaled
from optimizer.model.reach import ANY
from optimizer.model.recourse_calls import share_of_year

Continuation = tuple[Any, Terms, float]
"""Column of a block, and the linear form over the plan, with its constant, that it takes when the plan goes on."""

Book = dict[tuple[Any, ...], Terms]
"""What the plan does in a year, by the key of a block's column with the year in place of the period."""


def yearly_plan(m: Any) -> dict[str, Book]:
    """What the plan does in each year, of each class and of all (``ANY``), by the name of a block's columns."""
    return {
        "throughput": _of_all_classes(m.throughput),
        "flow": _of_all_classes(m.flow),
        "delivered": _of_all_classes(m.delivered),
        "surplus": _of_all_classes(m.surplus),
        "disposed": _of_all_classes(m.disposed, m.sold),
        "stock": _of_all_classes(m.stock),
        "reclassified": {key: [(1.0, column)] for key, column in m.reclassified.items()},
        "converted": {key: [(1.0, column)] for key, column in m.converted.items()},
    }


def _of_all_classes(*books: Any) -> Book:
    """Columns keyed (..., class, year), each alone and added up over the classes."""
    found: Book = defaultdict(list)
    for book in books:
        for key, column in book.items():
            found[key].append((1.0, column))
            found[*key[:-2], ANY, key[-1]].append((1.0, column))
    return dict(found)


def continued(b: Any, m: Any) -> Iterator[Continuation]:
    """Columns of a shock's block that need not be zero when the plan goes on, as forms over the plan."""
    periods = {period.period: period for period in b.branch.shock.periods}
    plan: dict[str, Book] = m.yearly_plan
    for name, book in plan.items():
        if name == "stock":
            continue
        for key, column in b.columns[name].items():
            period = periods[key[-1]]
            terms = book.get((*key[:-1], period.year))
            if terms:
                yield column, scaled(share_of_year(period), terms), 0.0
    for (number, market, k), column in b.columns["supply"].items():
        yield column, scaled(share_of_year(periods[k]), _pooled(m, b.branch.pools[number], market, periods[k])), 0.0
    for (*key, k), column in b.columns["stock"].items():
        yield (column, *_held(m, tuple(key), periods[k], b.branch.shock.periods))


def _pooled(m: Any, pool: Any, market: str, period: Period) -> Terms:
    """What the plants of a pool send to a market in a year of the plan."""
    sent: Book = m.yearly_plan["flow"]
    return [
        term
        for facility in pool.facilities
        for lane in m.sets.lanes_from.get(("buyer", facility, pool.product), ())
        if m.instance.lanes[lane].to_place == market
        for term in sent.get((lane, pool.origin_class, period.year), ())
    ]


def _held(m: Any, key: tuple[Any, ...], period: Period, periods: Iterable[Period]) -> tuple[Terms, float]:
    """Stock at the end of a period, on a straight line from the start of the plan's year to its end."""
    book: Book = m.yearly_plan["stock"]
    gone = sum(p.months for p in periods if p.year == period.year and p.period <= period.period) / 12.0
    terms = scaled(gone, book.get((*key, period.year), []))
    if period.year > m.instance.years[0]:
        return terms + scaled(1.0 - gone, book.get((*key, period.year - 1), [])), 0.0
    place, product, c = key
    opening = m.instance.storages[place, product].opening_t
    today = sum(opening.values()) if c == ANY else opening.get(c, 0.0)
    return terms, (1.0 - gone) * today
