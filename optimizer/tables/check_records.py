"""Values of the record tables: ranges, sums and rows entered twice."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.errors import Problem
from optimizer.tables.read import Row, Table
from optimizer.tables.view import View, at, number

_SUMS = (
    ("ore_assays", ("ore",), "share", None, 0.005),
    ("grade_mix", (), "mix_share", None, 0.001),
    ("bill_of_materials", ("magnet_grade",), "kg_per_kg", ("kind", "grade"), 0.01),
)
"""(table, columns that make a whole, share that sums to 1 in it, rows judged, tolerance)."""

_TOLD = frozenset({"record", "note", "source_id", "more_source_ids", "confidence"})
"""Columns that do not tell two facts apart."""


def record_problems(view: View) -> Iterator[Problem]:
    """Yield values outside their own range (T030), wholes that do not sum to 1 (T068), and doubled rows (T065)."""
    for table in view.tables.values():
        if table.resource.is_record_table:
            yield from _ranges(table)
            yield from _doubles(table)
    yield from _sums(view)


def _ranges(table: Table) -> Iterator[Problem]:
    """The value that ``low`` and ``high`` belong to is the last number before them."""
    columns = table.resource.columns
    if "low" not in columns or "high" not in columns:
        return
    before = columns[: columns.index("low")]
    valued = [name for name in before if table.resource.field(name).type == "number"]
    for row in table.rows:
        least, most = number(row, "low"), number(row, "high")
        value = number(row, valued[-1]) if valued else None
        ordered = [x for x in (least, value, most) if x is not None]
        if ordered != sorted(ordered):
            found = ", ".join(f"{x:g}" for x in ordered)
            yield at(row, "T030", "low", "low, value and high in rising order", "correct the one that is wrong", found)


def _doubles(table: Table) -> Iterator[Problem]:
    told = [name for name in table.resource.columns if name not in _TOLD]
    seen: dict[tuple[object, ...], Row] = {}
    for row in table.rows:
        facts = tuple(row[name] for name in told)
        if facts in seen:
            found = f"the same as row {seen[facts].line}"
            yield at(row, "T065", told[0], "each fact once", "delete one of the two, or tell them apart", found)
        seen.setdefault(facts, row)


def _sums(view: View) -> Iterator[Problem]:
    for table, columns, share, judged, tolerance in _SUMS:
        sums: dict[tuple[object, ...], float] = {}
        last: dict[tuple[object, ...], Row] = {}
        for row in view.rows(table):
            if judged is None or row[judged[0]] == judged[1]:
                whole: tuple[object, ...] = tuple(row[name] for name in columns)
                sums[whole] = sums.get(whole, 0.0) + (number(row, share) or 0.0)
                last[whole] = row
        for parts, total in sums.items():
            if abs(total - 1.0) > tolerance:
                found = f"{' '.join(map(str, parts)) or 'all rows'}: {total:.4f}"
                yield at(last[parts], "T068", share, "shares that sum to 1", "correct the shares", found)
