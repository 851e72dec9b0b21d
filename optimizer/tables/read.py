"""Reading one CSV table: structure and cells, with every problem found and the line of every row kept.

A table is held as rows (:class:`Row`) until it is whole and right; :func:`to_frame` makes the data frame.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pandera.errors as pe

from optimizer.errors import Problem
from optimizer.tables.cells import CellError, Value, as_found, parse_cell
from optimizer.tables.columns import header_problems
from optimizer.tables.package import Field, Resource, dtype, empty_frame, pandera_schema
from optimizer.tables.text import read_text

Key = tuple[Value, ...]
Record = tuple[int, list[str]]

_FATAL = frozenset({"T002", "T003", "T010", "T011", "T012", "T014", "T042"})
"""Codes after which rows or columns are missing, so that references into the table cannot be judged."""


@dataclass(frozen=True)
class Row:
    """One row: its values by column (None: empty), file and line (one-based), and whether it is the case's own.

    ``faulty`` names the columns whose cell could not be taken, which is already reported.
    """

    values: Mapping[str, Value]
    file: str
    line: int
    is_own: bool = False
    faulty: frozenset[str] = frozenset()

    def __getitem__(self, column: str) -> Value:
        return self.values.get(column)


@dataclass
class Table:
    """Rows of one resource, and whether some could not be read (``is_broken``)."""

    resource: Resource
    rows: list[Row] = field(default_factory=list)
    is_broken: bool = False

    def key(self, row: Row) -> Key:
        """Return the key of a row."""
        return tuple(row[column] for column in self.resource.key)


def key_text(key: Iterable[Value]) -> str:
    """Return a key as text: its parts joined by ``|``."""
    return "|".join("" if part is None else str(part) for part in key)


def read_table(path: Path, resource: Resource, label: str, is_own: bool) -> tuple[Table, list[Problem]]:
    """Read a CSV file as rows of ``resource``.

    ``label`` names the file in problems; ``is_own`` says that it is a case's own table, whose rows may patch
    shared rows and so lack columns. Values are checked for type, range, words and form; missing values and
    keys given twice are left to :mod:`optimizer.tables.overrides`.
    """
    text, problems = read_text(path, label)
    records: list[Record] = []
    if not problems:
        records, problems = _split(text, label)
    if problems:
        return Table(resource, is_broken=any(problem.code in _FATAL for problem in problems)), problems
    return table_of(records, resource, label, is_own)


def table_of(records: Sequence[Record], resource: Resource, label: str, is_own: bool) -> tuple[Table, list[Problem]]:
    """Read records, each (line, texts of the cells) with the header first, as rows of ``resource``."""
    table = Table(resource)
    if records:
        _, header = records[0]
        problems, absent = header_problems(header, resource, label, may_lack=is_own)
        if not any(problem.code == "T010" for problem in problems):
            table.rows, more = _rows(records, resource, label, is_own, absent)
            problems += more
        table.is_broken = bool(absent)
    else:
        columns = ", ".join(resource.columns)
        problems = [Problem("T012", label, "1", found="empty file", allowed=columns, remedy="write a header line")]
    table.is_broken |= any(problem.code in _FATAL for problem in problems)
    problems += range_problems(table)
    return table, problems


def _split(text: str, label: str) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """Split CSV text into (line, cells); blank lines are left out."""
    if "\x00" in text:
        row = str(text[: text.index("\x00")].count("\n") + 1)
        remedy = "save the file again as `CSV UTF-8`"
        return [], [Problem("T042", label, row, found="a NUL character", allowed="text", remedy=remedy)]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = "close every quotation mark; write a quotation mark inside a cell twice"
        return [], [Problem("T042", label, str(line), found=str(error), allowed="well-formed CSV", remedy=remedy)]
    return records, []


def _rows(
    records: Sequence[tuple[int, list[str]]], resource: Resource, label: str, is_own: bool, absent: frozenset[str]
) -> tuple[list[Row], list[Problem]]:
    header = [name.strip() for name in records[0][1]]
    known = {field.name: field for field in resource.fields}
    rows: list[Row] = []
    problems: list[Problem] = []
    for line, cells in records[1:]:
        if len(cells) > len(header) and not any(cell.strip() for cell in cells[len(header) :]):
            cells = cells[: len(header)]
        if len(cells) != len(header):
            problems.append(_wrong_count(label, line, len(cells), len(header)))
            continue
        values: dict[str, Value] = {}
        before = len(problems)
        for name, cell in zip(header, cells, strict=True):
            if name in known and name not in values:
                values[name] = _value(cell, known[name], (label, line), problems)
        faulty = absent.union(problem.column for problem in problems[before:])
        rows.append(Row(values, label, line, is_own, faulty))
    return rows, problems


def _wrong_count(label: str, line: int, found: int, allowed: int) -> Problem:
    remedy = "put cells that contain a comma into quotation marks, and write numbers with a decimal point"
    if found < allowed:
        remedy = "write all cells of the row, empty ones as two commas in a row"
    return Problem("T011", label, str(line), found=f"{found} cells", allowed=f"{allowed} cells", remedy=remedy)


def _value(cell: str, field: Field, place: tuple[str, int], problems: list[Problem]) -> Value:
    try:
        return parse_cell(cell, field)
    except CellError as fault:
        label, line = place
        found = as_found(cell)
        problems.append(Problem(fault.code, label, str(line), field.name, found, fault.allowed, fault.remedy))
        return None


def range_problems(table: Table) -> list[Problem]:
    """Return values outside the range, words or pattern of their column (T020 to T023), by pandera."""
    if not table.rows:
        return []
    schema = pandera_schema(table.resource)
    columns = {name for row in table.rows for name in row.values} & set(schema.columns)
    loose = {"number": "float64", "integer": "Int64", "boolean": "boolean", "string": "object"}
    frame = pd.DataFrame(
        {
            field.name: pd.Series([row[field.name] for row in table.rows], dtype=loose[field.type])
            for field in table.resource.fields
            if field.name in columns
        }
    )
    try:
        schema.validate(frame, lazy=True)
    except pe.SchemaErrors as error:
        cases = error.failure_cases
        found = sorted(zip(cases["index"], cases["column"], cases["check"], strict=True))
        return [_range_problem(table, table.rows[int(index)], column, check) for index, column, check in found]
    return []


def _range_problem(table: Table, row: Row, column: str, check: str) -> Problem:
    field = table.resource.field(column)
    unit = f" {field.unit}" if field.unit else ""
    code, allowed, remedy = {
        "minimum": ("T020", f"at least {field.minimum}{unit}", "write a larger value, or check the sign and the unit"),
        "maximum": ("T021", f"at most {field.maximum}{unit}", "write a smaller value, or check the unit"),
        "enum": ("T022", ", ".join(field.enum), "write one of the allowed words"),
        "pattern": ("T023", f"text of the form {field.pattern}", "write it in the required form"),
    }[check]
    if code == "T021" and field.maximum == 1:
        remedy = "write shares between 0 and 1, not per cent"
    return Problem(code, row.file, str(row.line), column, as_found(str(row[column])), allowed, remedy)


def to_frame(resource: Resource, rows: Sequence[Row]) -> pd.DataFrame:
    """Return rows as a data frame with all columns of the table, typed as :func:`optimizer.tables.package.dtype` says.

    All required values must be there.
    """
    if not rows:
        return empty_frame(resource)
    return pd.DataFrame(
        {
            field.name: pd.Series([row[field.name] for row in rows], dtype=dtype(field), index=range(len(rows)))
            for field in resource.fields
        }
    )
