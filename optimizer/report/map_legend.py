"""The legend under a map: symbols of plants, colours and widths of flows, marks of a shock, sources, disclaimer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optimizer.report import numbers, theme
from optimizer.report.map_canvas import Canvas, Letters
from optimizer.report.map_panel import cross
from optimizer.report.map_style import SHOCKED, Look
from optimizer.report.plain_text import broken, plain
from optimizer.report.plan_map import PlanMap
from optimizer.report.view import RunView, spoken

WIDE = 1300.0
"""Narrower pages need a row more."""
ROW = 25.0
SIZE, NOTE = 13.0, 12.0
SOURCES = "Base map: Natural Earth; routes: searoute. Projection: Equal Earth."
DISCLAIMER = "Boundaries are drawn de facto by Natural Earth and are no statement on any territory."


def legend_height(width: float) -> float:
    """Room a legend needs under a map of some width."""
    return 100.0 if width >= WIDE else 128.0


class _Row:
    """Entries of a legend from left to right, on the next row where they would not fit."""

    def __init__(self, canvas: Canvas, left: float, y: float) -> None:
        self.canvas, self.left, self.right, self.x, self.y = canvas, left, canvas.width - left, left, y

    def words(self, text: str, colour: str = theme.INK, after: float = 15.0) -> None:
        """A text."""
        text = plain(text)
        self.canvas.text((self.x, self.y), text, Letters(SIZE, colour))
        self.x += theme.text_width(text, SIZE) + after

    def room(self, wide: float) -> None:
        """Go to the next row if less than a width is left."""
        if self.x + wide > self.right:
            self.x, self.y = self.left, self.y + ROW

    def heading(self, text: str, entry: float = 60.0) -> None:
        """A text that is not parted from its first entry."""
        self.x += 10
        self.room(theme.text_width(text, SIZE) + entry)
        self.words(text, theme.MUTED, 8)

    def symbol(self, text: str, shape: str, area: float, fill: str, stroke: str | None = None) -> None:
        """A symbol and its text."""
        radius = math.sqrt(area / math.pi)
        self.room(2 * radius + 6 + theme.text_width(plain(text), SIZE))
        self.canvas.symbol((self.x + radius, self.y), shape, area, fill, stroke, 1.5)
        self.x += 2 * radius + 6
        self.words(text)

    def line(self, text: str, colour: str, width: float, long: float = 28.0) -> None:
        """A piece of line and its text."""
        self.room(long + 7 + theme.text_width(plain(text), SIZE))
        self.canvas.line([(self.x, self.y), (self.x + long, self.y)], colour, width)
        self.x += long + 7
        self.words(text)


def legend(
    canvas: Canvas, view: RunView, plans: Sequence[PlanMap], look: Look, corner: tuple[float, float], notes: str = ""
) -> None:
    """Rows from ``corner`` on: plants, flows, sources; for all plans that are drawn."""
    left, top = corner
    row = _Row(canvas, left, top + 20)
    _plants(row, view, plans, look)
    row.x, row.y = left, row.y + ROW
    _flows(row, plans, look)
    least = max((plan.least for plan in plans), default=0.0)
    drawn = f" Flows below {numbers.mass(least)}/yr are not drawn." if least > 0 else ""
    told = broken(f"{SOURCES} {DISCLAIMER}{drawn} {notes}", canvas.width - 2 * left, NOTE, 2)
    for k, line in enumerate(told):
        canvas.text((left, row.y + 24 + 15 * k), line, Letters(NOTE, theme.MUTED))


def _plants(row: _Row, view: RunView, plans: Sequence[PlanMap], look: Look) -> None:
    used = {place.stage for plan in plans for place in plan.used}
    for stage in view.stages:
        if stage in used:
            colour, shape = look.stages[stage]
            row.symbol(theme.shortened(spoken(stage), 26), shape, 120, colour)
    row.symbol("market", theme.STAR, 120, theme.INK)
    if any(plan.passages for plan in plans):
        row.symbol("passage", "circle", 46, theme.PAPER, theme.INK)
    if any(plan.unused for plan in plans):
        row.symbol("candidate not used", "circle", 18, theme.FAINT)
    row.heading("Output, t/yr:")
    for volume in dict.fromkeys(nice(look.scale.largest_place * share) for share in (0.05, 0.3, 1.0)):
        row.symbol(numbers.mass(volume), "circle", look.scale.area(volume), theme.FAINT)


def _flows(row: _Row, plans: Sequence[PlanMap], look: Look) -> None:
    shown = {flow.kind for plan in plans for flow in plan.flows}
    for kind, colour in look.kinds.items():
        if kind in shown:
            row.line(theme.shortened(spoken(kind), 30), colour, 5, 22)
    layers = {flow.layer for plan in plans for flow in plan.flows}
    for layer, text, shares in (("buyer", "Owned by the buyer, t/yr:", (0.05, 0.3, 1.0)),
                                ("supplier", "Moved among suppliers:", (0.1, 1.0))):  # fmt: skip
        if layer not in layers:
            continue
        row.heading(text)
        for volume in dict.fromkeys(nice(look.scale.largest_flow * share) for share in shares):
            row.line(numbers.mass(volume), theme.FAINT, look.scale.line(volume, layer), 24)
    if any(plan.hit.places or plan.hit.lanes for plan in plans):
        _shock_marks(row)


def _shock_marks(row: _Row) -> None:
    row.room(theme.text_width("way closed by the shock", SIZE) + 40)
    ends = [(row.x, row.y), (row.x + 30, row.y)]
    row.canvas.line(ends, SHOCKED, 6)
    row.canvas.line(ends, theme.PAPER, 2.2, dash="5 6")
    row.x += 37
    row.words("way closed by the shock")
    row.room(theme.text_width("plant closed", SIZE) + 22)
    cross(row.canvas, (row.x + 7, row.y), 7)
    row.x += 20
    row.words("plant closed")


def nice(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above a value."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return float(max(step * power for step in (1, 2, 5) if step * power <= value * 1.0001))
