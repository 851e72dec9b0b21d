"""Looking into the shared tables: what there is, where a figure comes from, what it is used for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optimizer.errors import DataProblem, Problem
from optimizer.tables.case import read_base
from optimizer.tables.locate import data_root
from optimizer.tables.package import Package, Resource, load_package
from optimizer.tables.read import Row, Table, key_text
from optimizer.tables.settings import CaseSettings, Horizon
from optimizer.tables.text import did_you_mean, nearest
from optimizer.tables.uses import Use, Uses, feeds

Record = dict[str, Any]

ADDED = ("file", "line", "source", "used_by")
"""What a row of a view has besides the columns of its table."""


def read_shared(data: Path | None = None) -> tuple[Package, dict[str, Table]]:
    """Read every shared table, record tables too.

    Raises:
        DataProblem: everything wrong with them, together.
    """
    package = load_package(data or data_root(), with_records=True)
    tables, problems = read_base(package, shared_settings())
    if problems:
        raise DataProblem(problems)
    return package, tables


def shared_settings() -> CaseSettings:
    """Return settings of a case that only stands on the shared tables."""
    return CaseSettings(title="shared tables", horizon=Horizon(first_year=2000, last_year=2060))


def table_summaries(data: Path | None = None) -> list[Record]:
    """Name, rows, share of assumed figures and description of every shared table, model tables first."""
    package, tables = read_shared(data)
    found = [_summary(package.resource(name), table) for name, table in tables.items() if table.rows]
    return sorted(found, key=lambda summary: str(summary["description"]).startswith("Record:"))


def _summary(resource: Resource, table: Table) -> Record:
    marks = [row["confidence"] for row in table.rows] if "confidence" in resource.columns else []
    share = sum(mark == "assumed" for mark in marks) / len(marks) if marks else None
    return {
        "table": resource.name,
        "rows": len(table.rows),
        "assumed_share": share,
        "description": resource.description,
    }


def _chosen(name: str, tables: Mapping[str, Table]) -> Table:
    if name not in tables:
        near = nearest(name, tables)
        remedy = f"did you mean `{near}`?" if near else "see `sourcing data list`"
        raise DataProblem([Problem("T008", f"`{name}`", allowed=", ".join(tables), remedy=remedy)])
    return tables[name]


def table_units(name: str, data: Path | None = None) -> dict[str, str]:
    """Column → unit of a table."""
    _, tables = read_shared(data)
    return {field.name: field.unit for field in _chosen(name, tables).resource.fields}


def table_rows(name: str, where: Sequence[tuple[str, str]] = (), data: Path | None = None) -> list[Record]:
    """Rows of a table, those with all the given values.

    Raises:
        DataProblem: for an unknown table or column.
    """
    _, tables = read_shared(data)
    return [dict(tables[name].rows[place].values) for place in _places(_chosen(name, tables), where)]


def _places(table: Table, where: Sequence[tuple[str, str]]) -> list[int]:
    _refuse_unknown(table, [column for column, _ in where])
    return [
        place for place, row in enumerate(table.rows) if all(_text(row[column]) == value for column, value in where)
    ]


def _refuse_unknown(table: Table, names: Sequence[str]) -> None:
    """Tell of columns that are asked for and are none."""
    columns = table.resource.columns
    unknown = [column for column in names if column not in columns]
    if unknown:
        allowed, found = ", ".join(columns), "no such column"
        raise DataProblem(
            Problem(
                "T013",
                table.resource.name,
                "",
                column,
                found,
                allowed,
                did_you_mean(column, columns, "take one of these"),
            )
            for column in unknown
        )


def _text(value: object) -> str:
    """Return a value as it is typed after ``--where COLUMN=``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def table_view(
    name: str, where: Sequence[tuple[str, str]] = (), data: Path | None = None, columns: Sequence[str] = ()
) -> Record:
    """Return a table with its units, key and what it feeds, and the chosen rows with file, line, source and uses.

    Args:
        name: of the table.
        where: (column, value) that rows must have.
        data: folder of the shared tables; None for the package's own.
        columns: to be shown: refused where the table has no such column.

    Raises:
        DataProblem: for an unknown table or column.
    """
    package, tables = read_shared(data)
    table = _chosen(name, tables)
    _refuse_unknown(table, [column for column in columns if column not in ADDED])
    uses = Uses(package, tables)
    titles = {str(row["source_id"]): _title(row) for row in tables["sources"].rows}
    rows = []
    for place in _places(table, where):
        row = table.rows[place]
        used = [_use_record(use) for use in uses.of(table.resource, row)]
        place_of = {"file": row.file, "line": row.line, "source": titles.get(str(row["source_id"]), "")}
        rows.append(dict(row.values) | place_of | {"used_by": used})
    return {
        "table": name,
        "description": table.resource.description,
        "key": list(table.resource.key),
        "units": {field.name: field.unit for field in table.resource.fields},
        "feeds": list(feeds(table.resource)),
        "rows": rows,
    }


def _title(row: Row) -> str:
    return ", ".join(str(row[name]) for name in ("title", "publisher", "date") if row[name] not in (None, "none"))


def _use_record(use: Use) -> Record:
    return {"where": use.where, "row": use.row, "column": use.column}


def source_record(source_id: str, data: Path | None = None) -> Record:
    """A source with every row that rests on it, in model tables and in record tables.

    Raises:
        DataProblem: if there is no such source.
    """
    _, tables = read_shared(data)
    sources = {str(row["source_id"]): dict(row.values) for row in tables["sources"].rows}
    if source_id not in sources:
        near = nearest(source_id, sources)
        remedy = f"did you mean `{near}`?" if near else "see `sourcing data show sources`"
        raise DataProblem([Problem("T025", "data/sources.csv", column="source_id", found=source_id, remedy=remedy)])
    return sources[source_id] | {"used_by": list(_resting(source_id, tables))}


def _resting(source_id: str, tables: Mapping[str, Table]) -> Iterator[Record]:
    for name, table in tables.items():
        if name == "sources" or "source_id" not in table.resource.columns:
            continue
        kind = "record" if table.resource.is_record_table else "model"
        for row in table.rows:
            further = {part.strip() for part in str(row["more_source_ids"] or "").split(";")}
            if row["source_id"] == source_id or source_id in further:
                key = key_text(row[column] for column in table.resource.key)
                yield {"table": name, "kind": kind, "row": key, "confidence": row["confidence"]}
