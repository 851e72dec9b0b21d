"""Native charts of the workbook: frontier, shares of countries, cost per kilogram by term; each beside its figures."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from optimizer.report import theme
from optimizer.report.frontier_chart import finding
from optimizer.report.frontier_curves import attained_curve, proven_curve
from optimizer.report.plain_text import plain
from optimizer.report.plan_charts import cost_per_kg, costs_finding, shares_finding
from optimizer.report.view import RunView, country, spoken
from optimizer.report.workbook_sheets import Book

MOST = 8
SIZE = {"width": 900, "height": 480}


def chart_sheets(book: Book, view: RunView) -> None:
    """The three sheets of charts."""
    _frontier(book, view)
    look = ("Share of output", "0%", "percent_stacked")
    _stacked(book, "Chart of shares", shares_finding(view), share_table(view), look)
    costs = cost_per_kg(view)
    table = costs.pivot_table(index="point", columns="term", values="usd_per_kg", fill_value=0.0)
    order = table.abs().max().sort_values(ascending=False, kind="stable").index
    table = table[list(order)].rename(columns=lambda term: spoken(str(term)))
    table.index = [f"Plan {point}" for point in table.index]
    _stacked(book, "Chart of costs", costs_finding(view), table, ("USD/kg", "0", "stacked"))


def _frontier(book: Book, view: RunView) -> None:
    sheet = book.sheet("Chart of frontier")
    losses, costs = (view.frontier[name].astype(float).tolist() for name in ("loss_months", "cost_musd"))
    right, points = max(losses) * 1.08 or 1.0, list(zip(losses, costs, strict=True))
    best = view.row(view.recommended)
    lines = [
        ("Proven: nothing is cheaper", proven_curve(view.table("bounds"), 0.0, right), theme.PROOF, 0),
        ("Plans found, and mixtures", attained_curve(view.frontier, view.table("segments"), right), theme.INK, 0),
        ("Plans", points, theme.INK, 7),
        (f"Recommended: plan {view.recommended}", [(best["loss_months"], best["cost_musd"])], theme.ACCENT, 11),
    ]
    chart = book.made.add_chart({"type": "scatter", "subtype": "straight"})
    heights = []
    for k, (name, line, colour, marker) in enumerate(lines):
        kept = [(x, y) for x, y in line if math.isfinite(y)]
        heights += [y for _, y in kept]
        book.text(sheet, 0, 2 * k, f"{name}: months lost", "head")
        book.text(sheet, 0, 2 * k + 1, "MUSD", "head")
        for j, (x, y) in enumerate(kept, start=1):
            sheet.write_number(j, 2 * k, x, book.looks["0.00"])
            sheet.write_number(j, 2 * k + 1, y, book.looks["#,##0.000"])
        if not kept:
            continue
        mark = {"type": "circle", "size": marker, "fill": {"color": colour}, "border": {"color": theme.PAPER}}
        place = sheet.get_name()
        chart.add_series({
            "name": name, "categories": [place, 1, 2 * k, len(kept), 2 * k],
            "values": [place, 1, 2 * k + 1, len(kept), 2 * k + 1],
            "line": {"none": True} if marker else {"color": colour, "width": 2},
            "marker": mark if marker else {"type": "none"},
        })  # fmt: skip
    low, high = min(heights, default=0.0), max(heights, default=1.0)
    room = 0.08 * (high - low) or 1.0
    axis = "Cost, present value (MUSD)"
    _dress(chart, finding(view), "Demand lost (months)", axis)
    chart.set_y_axis(_axis(axis) | {"min": math.floor(low - room), "max": math.ceil(high + room)})
    sheet.set_column(0, 7, 20)
    sheet.insert_chart(1, 9, chart)
    sheet.freeze_panes(1, 0)


def share_table(view: RunView) -> pd.DataFrame:
    """Share of each country in the output of each stage: cheapest, recommended, safest plan; small countries as one."""
    frame = view.table("shares")
    points = list(dict.fromkeys([view.points[0], view.recommended, view.points[-1]]))
    totals = frame.groupby("country_iso3")["flow_share"].sum().sort_values(ascending=False, kind="stable")
    names = {str(c): country(c) if k < MOST else "other" for k, c in enumerate(totals.index)}
    rows: dict[str, dict[str, float]] = {}
    for stage in view.stages:
        for point in points:
            own = frame[(frame["point"] == point) & (frame["stage"] == stage)]
            if own.empty:
                continue
            cells = rows.setdefault(f"{spoken(stage)}, plan {point}", {})
            for code, share in zip(own["country_iso3"], own["flow_share"].astype(float), strict=True):
                cells[names[str(code)]] = cells.get(names[str(code)], 0.0) + share
    table = pd.DataFrame.from_dict(rows, orient="index").fillna(0.0)
    return table[[name for name in dict.fromkeys(names.values()) if name in table.columns]]


def _stacked(book: Book, name: str, title: str, table: pd.DataFrame, look: tuple[str, str, str]) -> None:
    """A table of figures and a chart of stacked columns beside it."""
    axis, shape, kind = look
    sheet = book.sheet(name)
    book.text(sheet, 0, 0, axis, "head")
    chart = book.made.add_chart({"type": "column", "subtype": kind})
    colours = theme.category_colours([str(column) for column in table.columns])
    place = sheet.get_name()
    for k, column in enumerate(table.columns, start=1):
        book.text(sheet, 0, k, column, "head")
        for j, value in enumerate(table[column].tolist(), start=1):
            sheet.write_number(j, k, value, book.looks["0.0%" if shape == "0%" else "#,##0.00"])
        if len(table):
            chart.add_series({
                "name": plain(column)[:120], "categories": [place, 1, 0, len(table), 0],
                "values": [place, 1, k, len(table), k], "gap": 45,
                "fill": {"color": colours[str(column)]}, "border": {"color": theme.PAPER, "width": 0.5},
            })  # fmt: skip
    for j, row in enumerate(table.index, start=1):
        book.text(sheet, j, 0, row)
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, max(1, len(table.columns)), 13)
    sheet.freeze_panes(1, 1)
    if len(table) and len(table.columns):
        _dress(chart, title, "", axis)
        is_positive = bool((table.to_numpy() >= 0).all())
        chart.set_y_axis(_axis(axis) | {"num_format": shape} | ({"min": 0} if is_positive else {}))
        sheet.insert_chart(len(table) + 2, 0, chart)


def _axis(name: str) -> dict[str, Any]:
    font = {"name": "Arial", "size": 10, "bold": False}
    grid = {"visible": True, "line": {"color": theme.GRID}}
    return {"name": name, "name_font": font, "num_font": font, "major_gridlines": grid}


def _dress(chart: Any, title: str, x_axis: str, y_axis: str) -> None:
    """Title with the finding, axes with their units, legend below."""
    font = {"name": "Arial", "size": 12, "bold": True, "color": theme.INK}
    chart.set_title({"name": plain(title)[:200], "name_font": font, "overlay": False})
    chart.set_x_axis(_axis(x_axis) if x_axis else {"num_font": {"name": "Arial", "size": 9}})
    chart.set_y_axis(_axis(y_axis))
    chart.set_legend({"position": "bottom", "font": {"name": "Arial", "size": 10}})
    chart.set_size(SIZE)
