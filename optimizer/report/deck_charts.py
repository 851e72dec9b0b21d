"""Slides with native charts: the frontier, and what resilience adds to the cost of a kilogram."""

from __future__ import annotations

import math
from typing import Any

from optimizer.report import numbers, theme
from optimizer.report.deck_kit import BODY, HEIGHT, LEFT, SMALL, TOP, Kit, rgb
from optimizer.report.frontier_chart import certificate
from optimizer.report.frontier_curves import attained_curve, proven_curve
from optimizer.report.plain_text import plain
from optimizer.report.plan_charts import cost_per_kg, costs_finding
from optimizer.report.view import RunView, spoken

TERMS = 7
"""Cost terms told apart in the steps of the cost of resilience."""


def frontier_slide(kit: Kit, view: RunView) -> None:
    """Cost against months lost, as a native chart of points and lines."""
    from pptx.chart.data import XyChartData
    from pptx.enum.chart import XL_CHART_TYPE

    best, first = view.row(view.recommended), view.row(view.points[0])
    last = view.row(view.points[-1])
    ends = [f"{numbers.musd(r['cost_musd'])} and {numbers.months(r['loss_months'])} lost" for r in (first, best, last)]
    title = f"From {ends[0]} to {ends[2]}: the frontier bends at plan {view.recommended}, {ends[1]}"
    if view.recommended == view.points[0]:
        title = f"Plan {view.points[0]} costs {ends[0]}"
    rows = view.frontier.to_dict("records")
    notes = [
        f"Plan {int(r['point'])}: {numbers.musd(float(r['cost_musd']))}, "
        f"{numbers.months(float(r['loss_months']))} lost, "
        f"proven within {numbers.percent(float(r['gap_share']))} ({r['status']})."
        for r in rows
    ]
    reading = f"Demand lost: {view.measure}. {certificate(view)}"
    page = kit.slide(title, [reading, *notes, "Tables frontier, segments and bounds.", *_run(view)], reading)
    right = max(float(r["loss_months"]) for r in rows) * 1.08 or 1.0
    data = XyChartData()
    series = [
        ("Proven: nothing is cheaper", proven_curve(view.table("bounds"), 0.0, right)),
        ("Plans found, and mixtures of them", attained_curve(view.frontier, view.table("segments"), right)),
        ("Plans", [(float(r["loss_months"]), float(r["cost_musd"])) for r in rows]),
        (f"Recommended: plan {view.recommended}", [(best["loss_months"], best["cost_musd"])]),
    ]
    shown = [(name, [(x, y) for x, y in line if math.isfinite(y)]) for name, line in series]
    for name, line in shown:
        drawn = data.add_series(name)
        for x, y in line:
            drawn.add_data_point(x, y)
    box = (LEFT, TOP, BODY, HEIGHT - TOP - 0.55)
    chart = page.chart(XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, box, data)
    _dress_frontier(chart, [y for _, line in shown for _, y in line if y > 0], right)


def _dress_frontier(chart: Any, heights: list[float], right: float) -> None:
    """Axes, colours and markers of the frontier."""
    from pptx.enum.chart import XL_LEGEND_POSITION, XL_MARKER_STYLE
    from pptx.util import Pt

    chart.has_legend = True
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
    low, high = min(heights, default=0.0), max(heights, default=1.0)
    room = max(0.08 * (high - low), 0.002 * abs(high), 1e-6)
    _axis(chart.value_axis, "Cost, present value (MUSD; axis does not start at 0)", low - room, high + room)
    _axis(chart.category_axis, "Demand lost (months)", 0.0, right)
    looks = ((theme.PROOF, True, 0), (theme.INK, True, 0), (theme.INK, False, 7), (theme.ACCENT, False, 12))
    for series, (colour, has_line, marker) in zip(chart.plots[0].series, looks, strict=True):
        series.smooth = False
        if has_line:
            series.format.line.color.rgb, series.format.line.width = rgb(colour), Pt(2)
        else:
            series.format.line.fill.background()
        series.marker.style = XL_MARKER_STYLE.CIRCLE if marker else XL_MARKER_STYLE.NONE
        if marker:
            series.marker.size = marker
            series.marker.format.fill.solid()
            series.marker.format.fill.fore_color.rgb = rgb(colour)
            series.marker.format.line.color.rgb = rgb(theme.PAPER)


def _axis(axis: Any, title: str, low: float, high: float) -> None:
    """Title, range and light lines of an axis."""
    from pptx.util import Pt

    axis.has_title = True
    axis.axis_title.text_frame.text = title
    font = axis.axis_title.text_frame.paragraphs[0].runs[0].font
    font.size, font.bold = Pt(SMALL), False
    axis.minimum_scale, axis.maximum_scale = low, high
    unit = nice_step(high - low)
    axis.major_unit = unit
    axis.minimum_scale = math.floor(low / unit) * unit
    axis.maximum_scale = math.ceil(high / unit) * unit
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = rgb(theme.GRID)
    axis.format.line.color.rgb = rgb(theme.FAINT)
    axis.tick_labels.font.size = Pt(SMALL)
    axis.tick_labels.number_format = "0" if unit >= 1 else "0.0" if unit >= 0.1 else "0.00"
    axis.tick_labels.number_format_is_linked = False


def nice_step(span: float, parts: int = 6) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts a span into about ``parts``."""
    rough = max(span, 1e-9) / parts
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= rough))


def steps(view: RunView) -> list[tuple[str, float]]:
    """USD/kg of the cheapest plan, what each cost term adds or takes away, and of the recommended plan.

    The terms that change most, the rest together; they sum to the last figure.
    """
    first, best = view.points[0], view.recommended
    frame = cost_per_kg(view).pivot_table(index="term", columns="point", values="usd_per_kg", fill_value=0.0)
    low, high = (view.row(point)["cost_usd_per_kg"] for point in (first, best))
    if best == first or first not in frame or best not in frame:
        return [(f"Plan {first}", low)]
    change = (frame[best] - frame[first]).sort_values(key=lambda column: -column.abs(), kind="stable")
    kept = [(str(term), float(value)) for term, value in change.iloc[:TERMS].items() if abs(value) >= 0.005]
    rest = high - low - sum(value for _, value in kept)
    told = [(spoken(term), value) for term, value in kept]
    told += [("all other terms", rest)] if abs(rest) >= 0.005 else []
    return [(f"Plan {first}", low), *told, (f"Plan {best}", high)]


def cost_slide(kit: Kit, view: RunView) -> None:
    """Steps from the cheapest plan's cost per kilogram to the recommended one's, as a native chart."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    told = steps(view)
    notes = [f"{name}: {value:+.2f} USD/kg." for name, value in told]
    page = kit.slide(
        costs_finding(view), [*notes, "Table costs over table frontier (cost_usd_per_kg).", *_run(view)],
        "Present value of cost over discounted demand, USD/kg; axis does not start at 0. Tables costs, frontier",
    )  # fmt: skip
    base, total, more, less = _stacks(told)
    data = CategoryChartData(number_format="0.00")
    data.categories = [plain(name) for name, _ in told]
    for name, values in (("Below", base), ("Cost of the plan", total), ("Adds", more), ("Saves", less)):
        data.add_series(name, values)
    box = (LEFT, TOP, BODY, HEIGHT - TOP - 0.55)
    chart = page.chart(XL_CHART_TYPE.COLUMN_STACKED, box, data)
    tops = [sum(v or 0.0 for v in column) for column in zip(base, total, more, less, strict=True)]
    floor = min([v for v in base if v] + [v for v in total if v], default=0.0)
    span = max(tops, default=1.0) - floor
    _axis(chart.value_axis, "USD/kg", max(0.0, floor - 0.6 * span) if len(told) > 1 else 0.0, max(tops) + 0.1 * span)
    _dress_steps(chart)


Stack = list[float | None]


def _stacks(told: list[tuple[str, float]]) -> tuple[Stack, Stack, Stack, Stack]:
    """Heights of the four parts of every column: unseen base, total, increase, decrease."""
    base: Stack = []
    total: Stack = []
    more: Stack = []
    less: Stack = []
    level = 0.0
    for k, (_, value) in enumerate(told):
        is_total = k in (0, len(told) - 1)
        start, end = (0.0, value) if is_total else (level, level + value)
        base.append(None if is_total else min(start, end))
        total.append(value if is_total else None)
        more.append(value if not is_total and value >= 0 else None)
        less.append(-value if not is_total and value < 0 else None)
        level = end
    return base, total, more, less


def _dress_steps(chart: Any) -> None:
    """Colours and figures of the steps; the base cannot be seen."""
    from pptx.enum.chart import XL_LABEL_POSITION
    from pptx.util import Pt

    chart.has_legend = False
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 45, 100
    chart.category_axis.format.line.color.rgb = rgb(theme.FAINT)
    chart.category_axis.tick_labels.font.size = Pt(SMALL)
    for series, colour, shape in zip(
        plot.series, (None, theme.INK, theme.ACCENT, theme.LIGHT["gain"]), ("", "0.00", "+0.00", "−0.00"), strict=True  # noqa: RUF001
    ):  # fmt: skip
        if colour is None:
            series.format.fill.background()
            continue
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = rgb(colour)
        labels = series.data_labels
        labels.show_value, labels.number_format, labels.number_format_is_linked = True, shape, False
        labels.font.size, labels.font.bold = Pt(SMALL), True
        labels.font.color.rgb = rgb(theme.readable_on(colour))
        labels.position = XL_LABEL_POSITION.INSIDE_END if colour == theme.INK else XL_LABEL_POSITION.INSIDE_BASE


def _run(view: RunView) -> list[str]:
    return [f"Run: {view.run.path.name}."]
