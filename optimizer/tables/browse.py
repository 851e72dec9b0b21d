"""Looking into the shared tables: what there is, where a figure comes from, whether the tables hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optimizer.errors import DataProblem, Problem
from optimizer.tables.case import read_base
from optimizer.tables.check import check_tables
from optimizer.tables.locate import data_root
from optimizer.tables.package import Package, Resource, load_package
from optimizer.tables.read import Table, key_text
from optimizer.tables.settings import CaseSettings, Horizon
from optimizer.tables.text import nearest

Record = dict[str, Any]


def _tables(data: Path | None) -> tuple[Package, dict[str, Table]]:
    """Every shared table as read; problems are raised together.

    Raises:
        DataProblem: everything wrong with the shared tables.
    """
    package = load_package(data or data_root(), with_records=True)
    tables, problems = read_base(package, _settings())
    if problems:
        raise DataProblem(problems)
    return package, tables


def _settings() -> CaseSettings:
    """Settings of a case that only stands on the shared tables."""
    return CaseSettings(title="shared tables", horizon=Horizon(first_year=2000, last_year=2060))


def table_summaries(data: Path | None = None) -> list[Record]:
    """Name, rows, share of assumed figures and description of every shared table."""
    package, tables = _tables(data)
    return [_summary(package.resource(name), table) for name, table in tables.items() if table.rows]


def _summary(resource: Resource, table: Table) -> Record:
    marks = [row["confidence"] for row in table.rows] if "confidence" in resource.columns else []
    share = sum(mark == "assumed" for mark in marks) / len(marks) if marks else None
    return {
        "table": resource.name,
        "rows": len(table.rows),
        "assumed_share": share,
        "description": resource.description,
    }


def _table(name: str, data: Path | None) -> tuple[Resource, Table]:
    package, tables = _tables(data)
    if name not in tables:
        near = nearest(name, tables)
        remedy = f"did you mean `{near}`?" if near else "see `sourcing data list`"
        raise DataProblem([Problem("T008", f"`{name}`", allowed=", ".join(tables), remedy=remedy)])
    return package.resource(name), tables[name]


def table_units(name: str, data: Path | None = None) -> dict[str, str]:
    """Column → unit of a table."""
    resource, _ = _table(name, data)
    return {field.name: field.unit for field in resource.fields}


def table_rows(name: str, where: Sequence[tuple[str, str]] = (), data: Path | None = None) -> list[Record]:
    """Rows of a table, those with all the given values.

    Raises:
        DataProblem: for an unknown table or column.
    """
    resource, table = _table(name, data)
    unknown = [column for column, _ in where if column not in resource.columns]
    if unknown:
        allowed = ", ".join(resource.columns)
        raise DataProblem(Problem("T011", name, column=column, allowed=allowed) for column in unknown)
    rows = (dict(row.values) for row in table.rows)
    return [row for row in rows if all(str(row[column]) == value for column, value in where)]


def source_record(source_id: str, data: Path | None = None) -> Record:
    """A source with every row that rests on it.

    Raises:
        DataProblem: if there is no such source.
    """
    _, tables = _tables(data)
    sources = {str(row["source_id"]): dict(row.values) for row in tables["sources"].rows}
    if source_id not in sources:
        near = nearest(source_id, sources)
        remedy = f"did you mean `{near}`?" if near else "see `sourcing data show sources`"
        raise DataProblem([Problem("T025", "data/sources.csv", column="source_id", found=source_id, remedy=remedy)])
    return sources[source_id] | {"used_by": list(_uses(source_id, tables))}


def _uses(source_id: str, tables: Mapping[str, Table]) -> Iterator[Record]:
    for name, table in tables.items():
        if name == "sources" or "source_id" not in table.resource.columns:
            continue
        for row in table.rows:
            if row["source_id"] == source_id:
                key = key_text(row[column] for column in table.resource.key)
                yield {"table": name, "row": key, "confidence": row["confidence"]}


def check_shared_tables(data: Path | None = None) -> Iterable[str]:
    """Check schema, ranges, keys, references and sums of the shared tables; return what is worth a look.

    Raises:
        DataProblem: everything wrong with them.
    """
    package, tables = _tables(data)
    problems, notes = check_tables(package, _settings(), tables, "shared tables")
    if problems:
        raise DataProblem(problems)
    return notes
