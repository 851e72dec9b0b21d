"""The legend under the map, drawn in pixels so that it can neither be clipped nor grow into the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.report import geometry, numbers, theme
from optimizer.report.map_marks import lines, symbols, texts
from optimizer.report.plan_map import PlanMap
from optimizer.report.view import RunView, spoken

if TYPE_CHECKING:
    from optimizer.report.world_map import Widths

LEGEND_HEIGHT = 112
SOURCES = "Base map: Natural Earth; routes: searoute. Projection: Equal Earth."
DISCLAIMER = "Boundaries are drawn de facto by Natural Earth and are no statement on any territory."

Row = dict[str, Any]


def legend(view: RunView, plan: PlanMap, top: float, scale: Widths, styles: dict[str, tuple[str, str]]) -> list[Any]:
    """Three rows: symbols, sizes and widths, sources."""
    marks, words = _symbol_row(view, plan, top + 24, styles)
    hollow = [mark for mark in marks if mark["hollow"]]
    filled = [mark for mark in marks if not mark["hollow"]]
    sizes, bars, told = _size_row(plan, top + 56, scale)
    note = f"{SOURCES} {DISCLAIMER}"
    if plan.least:
        note += f" Flows below {numbers.mass(plan.least)}/yr are not drawn."
    source = [{"x": 0, "y": top + 92, "text": note}]
    return [
        symbols([*filled, *sizes]),
        symbols(hollow, hollow=True),
        lines(bars, 0.85),
        texts([*words, *told]),
        texts(source, colour=theme.MUTED),
    ]


def _symbol_row(
    view: RunView, plan: PlanMap, y: float, styles: dict[str, tuple[str, str]]
) -> tuple[list[Row], list[Row]]:
    shown = [stage for stage in view.stages if any(place.stage == stage for place in plan.used)]
    entries = [(spoken(stage), *styles[stage], 95, False) for stage in shown]
    entries.append(("market", theme.INK, theme.STAR, 90, False))
    if plan.passages:
        entries.append(("passage on a route", theme.INK, "circle", 42, True))
    if plan.unused:
        entries.append(("candidate plant not used", theme.FAINT, "circle", 16, False))
    marks, words, x = [], [], 8.0
    for text, colour, shape, size, hollow in entries:
        text = theme.shortened(text, 26)
        marks.append({"x": x, "y": y, "colour": colour, "shape": shape, "size": size, "hollow": hollow})
        words.append({"x": x + 13, "y": y, "text": text})
        x += 13 + theme.text_width(text) + 22
    return marks, words


def _size_row(plan: PlanMap, y: float, scale: Widths) -> tuple[list[Row], list[Row], list[Row]]:
    """Symbols of three volumes, lines of three flows of the buyer and one among suppliers."""
    sizes: list[Row] = []
    bars: list[Row] = []
    words = [{"x": 0.0, "y": y, "text": "Plant output, t/yr"}]
    x = 118.0
    for volume in dict.fromkeys(_nice(scale.largest_place * share) for share in (0.05, 0.3, 1.0)):
        radius = scale.radius(volume)
        sizes.append({"x": x + radius, "y": y, "colour": theme.FAINT, "shape": "circle", "size": scale.area(volume)})
        words.append({"x": x + 2 * radius + 5, "y": y, "text": numbers.mass(volume)})
        x += 2 * radius + 5 + theme.text_width(numbers.mass(volume)) + 16
    for layer, text, shares in (
        ("buyer", "Owned by the buyer, t/yr", (0.05, 0.3, 1.0)),
        ("supplier", "Moved among suppliers, t/yr", (0.3, 1.0)),
    ):
        x += 22
        words.append({"x": x, "y": y, "text": text})
        x += theme.text_width(text) + 10
        for volume in dict.fromkeys(_nice(scale.largest_flow * share) for share in shares):
            width, told = scale.line(volume, layer), numbers.mass(volume)
            colour = theme.MUTED if layer == "buyer" else theme.FAINT
            ends = [(x, y), (x + 30, y)]
            bars.append(geometry.feature({"type": "LineString", "coordinates": ends}, colour=colour, width=width))
            words.append({"x": x + 37, "y": y, "text": told})
            x += 37 + theme.text_width(told) + 14
    return sizes, bars, words


def _nice(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above a value."""
    import math

    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return float(max(step * power for step in (1, 2, 5) if step * power <= value * 1.0001))
