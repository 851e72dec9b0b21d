"""The workbook of a run: summary with charts, a sheet per table with units, assumptions, and the inputs to fill in."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

from optimizer.report import numbers
from optimizer.report.frontier_chart import certificate, finding
from optimizer.report.page_words import answer
from optimizer.report.plain_text import plain
from optimizer.report.view import RunView, spoken
from optimizer.report.workbook_charts import chart_sheets
from optimizer.report.workbook_inputs import assumption_sheet, input_sheets, source_sheet
from optimizer.report.workbook_sheets import Book, Listed, result_sheets

OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
           "nan_inf_to_errors": False}  # fmt: skip
"""Text is text: no cell becomes a formula, a link or a number because of how it looks."""


def workbook(view: RunView, assumed: Mapping[str, float]) -> bytes:
    """The workbook as an xlsx file.

    Args:
        view: the run.
        assumed: share of assumed figures per table.
    """
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, OPTIONS) as made:
        made.set_properties({"title": plain(view.title)[:250], "comments": plain(view.question)[:250]})
        book = Book(made)
        summary = book.sheet("Summary")
        chart_sheets(book, view)
        listed = result_sheets(book, view)
        listed += assumption_sheet(book, view, assumed)
        listed += source_sheet(book, view)
        listed += input_sheets(book, view)
        _summary(book, summary, view, listed)
    return stream.getvalue()


def _summary(book: Book, sheet: Any, view: RunView, listed: list[Listed]) -> None:
    """Question, answer, key figures, and what the sheets hold."""
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 96)
    sheet.set_column(2, 2, 30)
    row = 0
    book.text(sheet, row, 0, view.title, "title")
    book.text(sheet, row + 1, 0, view.question, "muted")
    row = 3
    for sentence in (finding(view), *answer(view), certificate(view)):
        book.text(sheet, row, 0, sentence, "plain")
        row += 1
    row += 1
    for name, figure in _figures(view):
        book.text(sheet, row, 0, name, "plain")
        if isinstance(figure, str) or not math.isfinite(figure):
            book.text(sheet, row, 1, figure if isinstance(figure, str) else numbers.MISSING, "plain")
        else:
            sheet.write_number(row, 1, figure, book.looks["figure"])
        row += 1
    row += 1
    for column, head in enumerate(("Sheet", "What it holds", "Rows")):
        book.text(sheet, row, column, head, "head")
    for entry in listed:
        row += 1
        sheet.write_url(row, 0, f"internal:'{entry.sheet}'!A1", book.looks["link"], plain(entry.sheet))
        book.text(sheet, row, 1, entry.told, "plain")
        book.text(sheet, row, 2, entry.rows, "plain")


def _figures(view: RunView) -> list[tuple[str, float | str]]:
    """Key figures of the recommended plan, and what the run was made of."""
    best = view.row(view.recommended)
    manifest = view.run.manifest
    return [
        ("Recommended plan", str(view.recommended)),
        ("Cost, present value (MUSD)", best["cost_musd"]),
        ("Cost (USD/kg)", best["cost_usd_per_kg"]),
        ("Proven lower bound (MUSD)", best["cost_bound_musd"]),
        ("Demand lost (months)", best["loss_months"]),
        ("Worst shock (months)", best["worst_loss_months"]),
        ("Measure of loss", view.measure),
        ("Horizon", f"{view.setting('first_year')} to {view.setting('last_year')}" if view.setting("first_year") else
         f"{view.years} years"),
        ("Case", f"{manifest.get('case') or ''}, fingerprint {str(manifest.get('case_hash') or '')[:16]}"),
        ("Shared tables", f"fingerprint {str(manifest.get('data_hash') or '')[:16]}"),
        ("Run", f"{view.run.path.name}, {spoken(str(manifest.get('status') or ''))}"),
        ("Stages", ", ".join(map(spoken, view.stages))),
    ]  # fmt: skip
