"""Tables of a case in a spreadsheet: the sheets of ``inputs.xlsx`` that are named like tables, read like CSV files.

Only what stands in the cells counts: of a formula, the value it had when the file was last saved; never colours,
comments, hidden rows or links. Sheets with other names (summaries, charts, notes) are left alone.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from optimizer.errors import Problem
from optimizer.tables.overrides import without_doubles
from optimizer.tables.package import Resource
from optimizer.tables.read import Record, Table, table_of
from optimizer.tables.text import nearest, shorten, unfit_file

INPUTS = "inputs.xlsx"
"""Name of the workbook in the folder of a case."""
LIKENESS = 0.85
"""Names of sheets this like the name of a table are taken for misspelt, not for notes."""
ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!"})
"""What a spreadsheet shows for a formula that has no value."""
LARGEST_MB = 64
"""Larger workbooks, unpacked, are refused: no table of a buyer comes near."""


def read_workbook(
    path: Path, resources: Mapping[str, Resource], case: str, is_own: bool = True
) -> tuple[dict[str, Table], list[Problem]]:
    """Read the tables in a workbook.

    Args:
        path: the file.
        resources: tables by name.
        case: name of the case, for messages.
        is_own: rows may patch shared rows, as in a case's own CSV table.

    Returns:
        Tables by name, their rows with file ``case/inputs.xlsx, sheet name`` and the spreadsheet's row number; and
        everything wrong with them (T008, T042, T046, T048 and the codes of CSV tables).
    """
    label = f"{case}/{path.name}"
    sheets, problems = _sheets(path, label, resources)
    tables: dict[str, Table] = {}
    for title, (values, formulas) in sheets.items():
        if title not in resources:
            problems += _misspelt(title, resources, label)
            continue
        place = f"{label}, sheet {title}"
        records, more = _records(values, formulas, place)
        table, found = table_of(records, resources[title], place, is_own)
        problems += more + found + without_doubles(table)
        table.is_broken |= bool(more)
        tables[title] = table
    return tables, problems


Cells = list[tuple[Any, ...]]


def _sheets(path: Path, label: str, wanted: Collection[str]) -> tuple[dict[str, tuple[Cells, Cells]], list[Problem]]:
    """Cells of every sheet, once with values and once with formulas; none of sheets that are not wanted."""
    from openpyxl import load_workbook

    unfit = unfit_file(path, label)
    if unfit:
        return {}, unfit
    found: list[dict[str, Cells]] = []
    try:
        with path.open("rb") as file:  # the library leaves a file open that it cannot read
            with zipfile.ZipFile(file) as packed:
                if sum(entry.file_size for entry in packed.infolist()) > LARGEST_MB * 1e6:
                    return {}, [_unreadable(label, f"more than {LARGEST_MB} MB unpacked")]
            for has_values in (True, False):
                book = load_workbook(file, read_only=True, data_only=has_values, keep_links=False)
                cells: dict[str, Cells] = {}
                for sheet in book.worksheets:
                    cells[sheet.title] = []
                    if sheet.title in wanted:
                        sheet.reset_dimensions()
                        cells[sheet.title] = [tuple(row) for row in sheet.iter_rows(values_only=True)]
                book.close()
                found.append(cells)
    except Exception as error:  # the library raises whatever its parsers raise on a damaged file
        return {}, [_unreadable(label, f"{type(error).__name__}: {shorten(error)}")]
    values, formulas = found
    return {title: (values[title], formulas[title]) for title in values}, []


def _unreadable(label: str, found: str) -> Problem:
    remedy = "save it again as `Excel workbook (.xlsx)` without a password, or give the tables as CSV files"
    return Problem("T046", label, found=found, allowed="an Excel workbook", remedy=remedy)


def _misspelt(title: str, resources: Iterable[str], label: str) -> list[Problem]:
    """A sheet whose name is nearly that of a table (T008)."""
    near = nearest(title.strip(), resources, LIKENESS)
    if near is None:
        return []
    allowed = "names of tables in small letters; other names for sheets that hold no table"
    remedy = f"did you mean `{near}`? Rename the sheet"
    return [Problem("T008", label, "", "", f"a sheet `{shorten(title)}`", allowed, remedy)]


def _records(values: Cells, formulas: Cells, place: str) -> tuple[list[Record], list[Problem]]:
    """Rows as text, as a CSV file would hold them; rows and columns without content at the end are left out."""
    problems: list[Problem] = []
    records: list[Record] = []
    heads = [text_of(cell) for cell in values[0]] if values else []
    wide = max((k + 1 for k, head in enumerate(heads) if head.strip()), default=0)
    for line, (row, source) in enumerate(zip(values, formulas, strict=False), start=1):
        for k, cell in enumerate(source):
            is_formula = isinstance(cell, str) and cell.startswith("=") and k < len(row) and cell != row[k]
            if is_formula and (row[k] is None or row[k] in ERRORS):
                problems.append(_without_value(place, line, heads[k] if k < len(heads) else "", cell))
        cells = [text_of(cell) for cell in row]
        cells += [""] * (wide - len(cells))
        while len(cells) > wide and not cells[-1].strip():
            cells.pop()
        if any(cell.strip() for cell in cells):
            records.append((line, cells))
    return records, problems


def _without_value(place: str, line: int, column: str, formula: str) -> Problem:
    remedy = "open the file in a spreadsheet program and save it, or write the value itself"
    return Problem("T048", place, str(line), column, f"`{shorten(formula)}`", "a formula with its value", remedy)


def text_of(cell: object) -> str:
    """The text a CSV file would hold for a cell: dates as 2027-01-31, whole numbers without a point."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time.min else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell)
