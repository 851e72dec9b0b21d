"""Money of one year: every amount of a case is restated in real money of the year the case states its figures in.

A row says in ``money_year`` of which year its amounts are. Rows that say nothing stand in the money year of the data
package if they are shared, and in that of the case if they are the case's own. An amount of year a becomes

    amount * index[b] / index[a]

in money of year b, with the index of the table ``deflators``. Settings of a case are in its own money already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from optimizer.errors import Problem
from optimizer.tables.cells import Value
from optimizer.tables.package import Resource
from optimizer.tables.read import Row, Table
from optimizer.tables.view import at, number

_MONEY = ("USD", "MUSD")
_MIXED = {("subsidy_terms", "value"): ("kind", frozenset({"floor", "production_credit"}))}
"""Columns that hold money in some rows only → the column that says in which, and its words."""


@dataclass(frozen=True, slots=True)
class Restated:
    """Amounts of ``rows`` rows of a table, stated in money of ``from_year``, were multiplied by ``factor``."""

    table: str
    from_year: int
    rows: int
    factor: float


def money_columns(resource: Resource) -> tuple[str, ...]:
    """Return the columns of a table that hold amounts of money in every row, by their unit."""
    numbers = [field for field in resource.fields if field.type == "number"]
    return tuple(field.name for field in numbers if field.unit.startswith(_MONEY) and " or " not in field.unit)


def in_one_money(
    base: Mapping[str, Table], own: Mapping[str, Table], to_year: int, shared_year: int
) -> tuple[dict[str, Table], dict[str, Table], list[Restated], list[Problem]]:
    """Return a case's shared and own tables with all amounts in money of ``to_year``, what was restated, and problems.

    ``shared_year`` is the money year of shared rows that state none. Codes: T070.
    """
    index: dict[int, float] = {}
    for tables in (base, own):
        index |= price_index(tables["deflators"].rows) if "deflators" in tables else {}
    restated: list[Restated] = []
    problems: list[Problem] = []
    done: list[dict[str, Table]] = []
    for tables, unstated in ((base, shared_year), (own, to_year)):
        moved: dict[str, Table] = {}
        for name, table in tables.items():
            moved[name], items, more = restate(table, index, to_year, unstated)
            restated += items
            problems += more
        done.append(moved)
    return done[0], done[1], restated, problems


def price_index(rows: Sequence[Row]) -> dict[int, float]:
    """Return year → price index of the rows of ``deflators``; rows that cannot be read are left out."""
    pairs = ((number(row, "money_year"), number(row, "price_index")) for row in rows)
    return {int(year): index for year, index in pairs if year is not None and index}


def restate(
    table: Table, index: Mapping[int, float], to_year: int, unstated: int
) -> tuple[Table, list[Restated], list[Problem]]:
    """Return a table with all amounts in money of ``to_year``, what was restated, and rows that could not be.

    ``unstated`` is the money year of rows that state none. Codes: T070.
    """
    names = money_columns(table.resource)
    mixed = [column for owner, column in _MIXED if owner == table.resource.name]
    stated = "money_year" in table.resource.columns
    if not names and not mixed:
        return table, [], []
    rows: list[Row] = []
    counts: dict[int, int] = {}
    problems: list[Problem] = []
    for row in table.rows:
        year = int(number(row, "money_year") or unstated) if stated else unstated
        held = [*names, *(column for column in mixed if _is_money(table.resource.name, column, row))]
        if year == to_year or not any(row[name] is not None for name in held):
            rows.append(row)
            continue
        if year not in index or to_year not in index:
            problems.append(_no_index(row, year, to_year, index, stated))
            rows.append(row)
            continue
        counts[year] = counts.get(year, 0) + 1
        rows.append(_restated(row, held, index[to_year] / index[year], to_year if stated else None))
    told = [Restated(table.resource.name, year, count, index[to_year] / index[year]) for year, count in counts.items()]
    return Table(table.resource, rows, table.is_broken), told, problems


def told(restated: Sequence[Restated], to_year: int) -> Iterator[str]:
    """Yield a sentence for every year from whose money amounts were restated."""
    for year in sorted({item.from_year for item in restated}):
        parts = [item for item in restated if item.from_year == year]
        tables = ", ".join(f"{item.rows} of {item.table}" for item in parts)
        factor = parts[0].factor
        yield f"amounts in money of {year} were multiplied by {factor:.4f} to money of {to_year}: rows {tables}"


def _is_money(table: str, column: str, row: Row) -> bool:
    kind, words = _MIXED[table, column]
    return row[kind] in words


def _restated(row: Row, names: Sequence[str], factor: float, year: int | None) -> Row:
    amounts = {name: amount * factor for name in names if (amount := number(row, name)) is not None}
    values: dict[str, Value] = {**row.values, **amounts}
    if year is not None:
        values["money_year"] = year
    return Row(values, row.file, row.line, row.is_own, row.faulty)


def _no_index(row: Row, year: int, to_year: int, index: Mapping[int, float], stated: bool) -> Problem:
    missing = year if year not in index else to_year
    allowed = f"{to_year}, or a year of the table deflators" if not index else f"{min(index)} to {max(index)}"
    remedy = f"restate the row in money of {to_year}, or add {missing} to deflators.csv"
    return at(row, "T070", "money_year" if stated else "", allowed, remedy, f"`{year}`")
