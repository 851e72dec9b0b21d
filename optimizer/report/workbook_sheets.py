"""Sheets of result tables: meaning, units and names over the rows, frozen, with filters and number formats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.report import theme
from optimizer.report.plain_text import plain
from optimizer.report.run_parts import part_tables
from optimizer.report.view import NOMINAL, RunView, spoken
from optimizer.results.schema import TABLES

MOST_ROWS = 4000
"""Longer tables are cut to rows without a shock, then to the recommended plan; all rows stand in CSV and Parquet."""
LONGEST = 32_000
"""Characters a cell may hold; the file format allows 32 767."""
FORMATS = (("_share", "0.0%"), ("_musd", "#,##0.000"), ("_usd_per_kg", "#,##0.00"), ("_months", "0.00"),
           ("_t", "#,##0.0"), ("_t_per_year", "#,##0.0"), ("_kgco2e", "#,##0"))  # fmt: skip
_UNITS = (("_usd_per_kg", "USD/kg"), ("_usd_per_t", "USD/t"), ("_t_per_year", "t/yr"), ("_kg_per_kg", "kg/kg"),
          ("_rate_per_year", "1/yr"), ("_musd", "MUSD"), ("_months", "months"), ("_years", "years"), ("_days", "days"),
          ("_km", "km"), ("_share", "share"), ("_t", "t"))  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """An entry of the summary's list of sheets."""

    sheet: str
    told: str
    rows: str


class Book:
    """A workbook in the making, with its looks."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self.names: set[str] = set()
        base = {"font_name": "Arial", "font_size": 10, "valign": "top"}
        head = base | {"bold": True, "bg_color": theme.INK, "font_color": theme.PAPER, "valign": "vcenter"}
        self.looks: dict[str, Any] = {
            "plain": made.add_format(base),
            "title": made.add_format(base | {"bold": True, "font_size": 16}),
            "muted": made.add_format(base | {"font_color": theme.MUTED}),
            "head": made.add_format(head),
            "unit": made.add_format(base | {"font_color": theme.MUTED, "bg_color": theme.LIGHT["tint"]}),
            "link": made.add_format(base | {"font_color": theme.PROOF, "underline": 1}),
            "input": made.add_format(base | {"bg_color": "#fff8e1"}),
        }
        for shape in {"0", "General", *(shape for _, shape in FORMATS)}:
            self.looks[shape] = made.add_format(base | {"num_format": shape})
        self.looks["figure"] = made.add_format(base | {"num_format": "#,##0.00", "align": "left"})

    def sheet(self, wish: str) -> Any:
        """A new sheet; its name is cut to what the format allows and made unique."""
        name = re.sub(r"[\[\]:*?/\\']", " ", plain(wish))[:31].strip() or "Sheet"
        base, number = name, 2
        while name.lower() in self.names:
            name, number = f"{base[:27]} {number}", number + 1
        self.names.add(name.lower())
        made = self.made.add_worksheet(name)
        made.set_landscape()
        made.fit_to_pages(1, 0)
        return made

    def text(self, sheet: Any, row: int, column: int, text: object, look: str = "plain") -> None:
        """Write text as text, whatever it looks like."""
        sheet.write_string(row, column, plain(text)[:LONGEST], self.looks[look])


def unit_of(table: str, column: str) -> str:
    """Unit of a column: from the schema, else from its suffix; a share has none."""
    if table in TABLES and column in TABLES[table].columns:
        return TABLES[table].columns[column][1]
    return next((unit for suffix, unit in _UNITS if column.endswith(suffix)), "")


def format_of(column: str) -> str:
    """Number format of a column, from its suffix."""
    return next((shape for suffix, shape in FORMATS if column.endswith(suffix)), "General")


def table_sheet(book: Book, name: str, frame: pd.DataFrame, told: str, units: Mapping[str, str]) -> str:
    """Write a table under its meaning (row 1), units (row 2) and column names (row 3); returns the sheet's name."""
    sheet = book.sheet(name)
    book.text(sheet, 0, 0, told, "muted")
    for k, column in enumerate(frame.columns):
        book.text(sheet, 1, k, units.get(str(column), ""), "unit")
        book.text(sheet, 2, k, column, "head")
        write_column(book, sheet, (3, k), frame[column], str(column))
    sheet.freeze_panes(3, 1)
    if len(frame.columns):
        sheet.autofilter(2, 0, 2 + max(1, len(frame)), len(frame.columns) - 1)
    return str(sheet.get_name())


def write_column(
    book: Book, sheet: Any, corner: tuple[int, int], values: pd.Series, column: str, look: str = ""
) -> None:
    """Write a column's cells, each by its type; missing ones stay empty. Sets the column's width."""
    row, k = corner
    shape = format_of(column)
    number = book.looks[look or ("0" if pd.api.types.is_integer_dtype(values) else shape)]
    text = book.looks[look or "plain"]
    longest = len(column)
    for j, value in enumerate(values.tolist()):
        if value is None or value is pd.NA or (isinstance(value, float) and not np.isfinite(value)):
            continue
        if isinstance(value, bool):
            sheet.write_boolean(row + j, k, value, text)
        elif isinstance(value, int | float):
            sheet.write_number(row + j, k, value, number)
        else:
            cell = plain(value)[:LONGEST]
            longest = max(longest, len(cell)) if j < 200 else longest
            sheet.write_string(row + j, k, cell, text)
    sheet.set_column(k, k, min(48, max(9, longest + 2)))


def shortened_table(view: RunView, frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """A table of at most ``MOST_ROWS`` rows, and what was left out in words."""
    whole = len(frame)
    if whole <= MOST_ROWS:
        return frame, f"{whole}"
    kept, told = frame, ""
    if "shock" in frame.columns and (frame["shock"] == NOMINAL).any():
        kept, told = kept[kept["shock"] == NOMINAL], "rows without a shock"
    if len(kept) > MOST_ROWS and "point" in kept.columns:
        own = kept[kept["point"] == view.recommended]
        if len(own):
            kept, told = own, f"{told} of plan {view.recommended}" if told else f"plan {view.recommended}"
    if len(kept) > MOST_ROWS:
        kept, told = kept.iloc[:MOST_ROWS], f"the first of {told}" if told else "the first"
    return kept, f"{len(kept)} of {whole}: {told}"


def result_sheets(book: Book, view: RunView) -> list[Listed]:
    """A sheet per result table of the run and of its parts."""
    names: Sequence[str] = [name for name in TABLES if name in view.run.tables]
    found = []
    for name in names:
        table = TABLES[name]
        frame, rows = shortened_table(view, view.table(name))
        meanings = "; ".join(f"{column}: {what[2]}" for column, what in table.columns.items())
        told = f"One row per {table.one_row_per}. {rows} rows; all in {name}.csv. {meanings}"
        units = {str(c): unit_of(name, str(c)) for c in frame.columns}
        sheet = table_sheet(book, _titled(name), frame, told, units)
        found.append(Listed(sheet, f"One row per {table.one_row_per}", rows))
    for name, frame in part_tables(view.run.path).items():
        kept, rows = shortened_table(view, frame)
        units = {str(c): unit_of(name, str(c)) for c in frame.columns}
        sheet = table_sheet(book, _titled(name), kept, f"{spoken(name)}. {rows} rows", units)
        found.append(Listed(sheet, f"Table {name}", rows))
    return found


def _titled(name: str) -> str:
    """Name of a result's sheet: a capital at its head, so that it is not taken for an input table."""
    title = spoken(name).capitalize()
    return f"{title} of limits" if name == "prices" else title
