"""Sheets of inputs: offers, demand and what else belongs to a buyer, as ``inputs.xlsx`` of a case holds them.

Each such sheet is named like its table, has the column names in its first row and nothing else but rows, so that it
can be moved as it is. Source, confidence and note stand on the sheet of assumptions: a row a buyer fills in is his.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.report import numbers
from optimizer.report.plain_text import plain
from optimizer.report.view import RunView, spoken
from optimizer.report.workbook_sheets import Book, Listed, table_sheet, write_column
from optimizer.tables.locate import data_root
from optimizer.tables.package import PROVENANCE, Resource, dtype, load_package

ALWAYS = ("offers", "demand")
INPUTS = (*ALWAYS, "markets", "market_products", "qualified", "contracts", "stock_policies")
"""Tables a buyer fills in, in the order of their sheets."""
MOST_ASSUMPTIONS = 8000
ROOM = 200
"""Empty rows below the last one that are coloured as cells to fill in."""


def case_table(folder: Path, resource: Resource) -> pd.DataFrame | None:
    """A table of the copy of the case in a run, typed as the data package says; None if the case has none."""
    file = folder / resource.path
    if not file.is_file():
        return None
    heads = pd.read_csv(file, nrows=0).columns
    types = {f.name: "object" if f.type == "string" else dtype(f) for f in resource.fields if f.name in heads}
    loose = {"int64": "Int64", "bool": "boolean"}
    types = {name: loose.get(kind, kind) for name, kind in types.items()}
    return pd.read_csv(file, dtype=types, keep_default_na=False, na_values=[""])


def input_sheets(book: Book, view: RunView) -> list[Listed]:
    """Sheets to fill in and copy into a case as ``inputs.xlsx``."""
    package = load_package(data_root())
    folder = view.run.path / "case"
    found = []
    for name in INPUTS:
        if name not in package.resources:
            continue
        resource = package.resource(name)
        frame = case_table(folder, resource)
        if frame is None and name not in ALWAYS:
            continue
        sheet = _input_sheet(book, resource, frame)
        rows = str(0 if frame is None else len(frame))
        found.append(Listed(sheet, f"Input: {resource.description.removeprefix('Case: ')}", rows))
    return found


def _input_sheet(book: Book, resource: Resource, frame: pd.DataFrame | None) -> str:
    """A table to fill in: names in row 1, each with a comment on meaning, unit and allowed values."""
    sheet = book.sheet(resource.name)
    fields = [field for field in resource.fields if field.name not in PROVENANCE]
    for k, field in enumerate(fields):
        book.text(sheet, 0, k, field.name, "head")
        sheet.write_comment(0, k, plain(_comment(resource, field.name)), {"x_scale": 2.2, "y_scale": 1.3})
        if frame is not None and field.name in frame.columns:
            write_column(book, sheet, (1, k), frame[field.name], field.name, "input")
        else:
            sheet.set_column(k, k, max(9, len(field.name) + 2))
        if field.enum:
            last = ROOM + (0 if frame is None else len(frame))
            rule = {"validate": "list", "source": list(field.enum), "error_type": "warning"}
            sheet.data_validation(1, k, last, k, rule)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(1, 0 if frame is None else len(frame)), len(fields) - 1)
    return str(sheet.get_name())


def _comment(resource: Resource, column: str) -> str:
    field = resource.field(column)
    parts = [field.description, f"Unit: {field.unit}." if field.unit else ""]
    parts.append("Part of the key." if column in resource.key else "Needed." if field.is_required else "May be empty.")
    parts.append(f"One of: {', '.join(field.enum)}." if field.enum else "")
    limits = [f"at least {field.minimum:g}" if field.minimum is not None else "",
              f"at most {field.maximum:g}" if field.maximum is not None else ""]  # fmt: skip
    parts.append(" and ".join(limit for limit in limits if limit).capitalize())
    return " ".join(part for part in parts if part)


def assumption_sheet(book: Book, view: RunView, assumed: Mapping[str, float]) -> list[Listed]:
    """Every row of the case's tables with its source, confidence and note; assumed rows first."""
    package = load_package(data_root())
    rows: list[dict[str, Any]] = []
    for resource in package.resources.values():
        if "confidence" not in resource.columns:
            continue
        frame = case_table(view.run.path / "case", resource)
        if frame is not None and "confidence" in frame.columns:
            rows += _assumption_rows(resource, frame)
    rows.sort(key=lambda row: row["confidence"] != "assumed")
    table = pd.DataFrame(rows[:MOST_ASSUMPTIONS], columns=["table", "row", "values", "confidence", "source_id", "note"])
    told = "; ".join(f"{spoken(name)} {numbers.percent(share)}" for name, share in sorted(assumed.items()) if share > 0)
    count = f"{len(table)}" if len(table) == len(rows) else f"{len(table)} of {len(rows)}: assumed rows first"
    sheet = table_sheet(book, "Assumptions", table, f"Figures the run stands on. Rows that are assumed: {told}", {})
    return [Listed(sheet, "Figures the run stands on, with source, confidence and note; assumed ones first", count)]


def _assumption_rows(resource: Resource, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the sheet of assumptions for one table: key, figures, where they come from."""
    figures = [f.name for f in resource.fields if f.type in ("number", "integer") and f.name in frame.columns]
    figures = [name for name in figures if name not in resource.key]
    found = []
    for record in frame.to_dict("records"):
        key = " | ".join("" if _missing(record.get(part)) else str(record[part]) for part in resource.key)
        told = ", ".join(f"{name} {record[name]:g}" for name in figures if not _missing(record[name]))
        origin = {name: "" if _missing(record.get(name)) else str(record[name]) for name in PROVENANCE}
        found.append({"table": resource.name, "row": key, "values": told, **origin})
    return found


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value != value


def source_sheet(book: Book, view: RunView) -> list[Listed]:
    """The register of sources of the case."""
    package = load_package(data_root())
    if "sources" not in package.resources:
        return []
    frame = case_table(view.run.path / "case", package.resource("sources"))
    if frame is None:
        return []
    sheet = table_sheet(book, "Sources cited", frame, "What the sources of the sheet Assumptions are.", {})
    return [Listed(sheet, "What the sources are: title, publisher, date, address", str(len(frame)))]
