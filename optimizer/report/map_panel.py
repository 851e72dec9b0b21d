"""One frame of a map: sea, land, flows side by side with their direction, plants, markets, passages, labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from optimizer.report import geometry, numbers, theme
from optimizer.report.labels import SIZE, Box, Label, Wish, place_labels
from optimizer.report.map_canvas import Canvas, Letters
from optimizer.report.map_lanes import Strand, side_by_side
from optimizer.report.map_style import SHOCKED, Look
from optimizer.report.plain_text import plain
from optimizer.report.plan_map import Flow, Place, PlanMap
from optimizer.report.view import spoken

MARGIN = 30.0
"""Lines are drawn this far beyond the frame before they are cut, so that no end shows inside."""


@dataclass(frozen=True)
class Drawn:
    """A flow's line as it is drawn in a frame, in pixels."""

    flow: Flow
    width: float
    line: list[geometry.Point]


def draw_panel(
    canvas: Canvas, frame: geometry.Frame, plan: PlanMap, look: Look, labels: int, blocked: Sequence[Box] = (),
    hidden: geometry.Frame | None = None,
) -> None:  # fmt: skip
    """Draw a plan in a frame.

    Args:
        canvas: what to draw on.
        frame: part of the world and its place on the canvas.
        plan: what to draw.
        look: colours and sizes.
        labels: how many plants are labelled at most; 0 leaves out all labels.
        blocked: boxes that labels must leave free.
        hidden: a frame elsewhere that labels the plants it holds.
    """
    lines = flow_lines(plan, frame, look)
    with canvas.clipped(frame.box):
        canvas.area(geometry.sea(frame), theme.SEA)
        for rings in geometry.land(frame):
            canvas.area(rings, theme.LAND, theme.BORDER, 0.8)
        _draw_flows(canvas, lines, plan, look)
        _draw_places(canvas, frame, plan, look)
        if labels:
            wishes = _wishes(plan, frame, look, labels, hidden)
            taken = [*_taken(plan, frame, look), *blocked]
            _draw_labels(canvas, place_labels(wishes, taken, frame.box, _along(lines)))


def flow_lines(plan: PlanMap, frame: geometry.Frame, look: Look) -> list[Drawn]:
    """Lines of all flows in a frame, moved beside each other where they share a way; thickest last in its layer."""
    rows: list[tuple[Flow, float, geometry.Path]] = []
    for flow in _together(plan):
        width = look.scale.line(flow.t_per_year, flow.layer)
        rows += [(flow, width, piece) for piece in _pieces(flow, frame)]
    rows.sort(key=lambda row: (row[0].end, row[0].layer, row[0].start, row[0].kind))
    moved = side_by_side([Strand(piece, width) for _, width, piece in rows])
    drawn = [Drawn(flow, width, line) for (flow, width, _), line in zip(rows, moved, strict=True)]
    return sorted(drawn, key=lambda d: (d.flow.layer == "buyer", d.width))


def _together(plan: PlanMap) -> list[Flow]:
    """Flows of a kind between the same two spots as one, such as those to two markets in one town."""
    spots = {place.key: place.position for place in (*plan.used, *plan.unused, *plan.markets)}
    joined: dict[tuple[object, ...], Flow] = {}
    for flow in sorted(plan.flows, key=lambda f: (f.start, f.end, f.kind)):
        key = (flow.layer, spots[flow.start], spots[flow.end], flow.kind, plan.hit.cuts(flow))
        known = joined.get(key)
        if known is None:
            joined[key] = flow
        else:
            joined[key] = replace(known, t_per_year=known.t_per_year + flow.t_per_year, lanes=known.lanes + flow.lanes)
    return list(joined.values())


def _pieces(flow: Flow, frame: geometry.Frame) -> list[geometry.Path]:
    """A flow's line in pixels in and around the frame; ways over land and by air bow a little to their right."""
    from shapely import LineString

    pieces = frame.lines(flow.path)
    if flow.mode != "sea" and len(pieces) == 1:
        pieces = [_bowed(pieces[0][0], pieces[0][-1])]
    inside: list[geometry.Path] = []
    for piece in pieces:
        part = frame.clipped(LineString(piece), MARGIN)
        lines = [p for p in getattr(part, "geoms", [part]) if p.geom_type == "LineString" and p.length > 1]
        inside += [[(float(x), float(y)) for x, y in line.coords] for line in lines]
    return inside


def _bowed(start: geometry.Point, end: geometry.Point, bow: float = 0.14) -> geometry.Path:
    """A flat arc between two pixels."""
    (x0, y0), (x1, y1) = start, end
    mx, my = (x0 + x1) / 2 - bow * (y1 - y0), (y0 + y1) / 2 + bow * (x1 - x0)
    steps = [k / 12 for k in range(13)]
    return [
        ((1 - t) ** 2 * x0 + 2 * t * (1 - t) * mx + t * t * x1, (1 - t) ** 2 * y0 + 2 * t * (1 - t) * my + t * t * y1)
        for t in steps
    ]


def _draw_flows(canvas: Canvas, lines: Sequence[Drawn], plan: PlanMap, look: Look) -> None:
    """Lines, then arrow heads; what a shock closes is cased in its colour and dashed."""
    from shapely import LineString

    names = {place.key: place.name for place in (*plan.used, *plan.unused, *plan.markets)}
    for drawn in lines:
        flow = drawn.flow
        told = f"{names[flow.start]} → {names[flow.end]}: {spoken(flow.form)}, {numbers.mass(flow.t_per_year)}/yr"
        points = [(float(x), float(y)) for x, y in LineString(drawn.line).simplify(0.25).coords]
        is_cut = plan.hit.cuts(flow)
        if is_cut:
            canvas.line(points, SHOCKED, drawn.width + 3.2, 0.9)
        canvas.line(points, look.kinds[flow.kind], drawn.width, 0.9 if flow.layer == "buyer" else 0.7, told=told)
        if is_cut:
            canvas.line(points, theme.PAPER, max(1.0, 0.7 * drawn.width), dash="5 6")
    heads: list[tuple[geometry.Path, str]] = []
    for drawn in reversed(lines):
        colour = SHOCKED if plan.hit.cuts(drawn.flow) else look.kinds[drawn.flow.kind]
        heads += [(head, colour) for head in _heads(drawn)]
    kept: list[tuple[geometry.Path, str]] = []
    for head, colour in heads:
        if all(math.dist(head[0], other[0]) > 22 for other, _ in kept):
            kept.append((head, colour))
    for head, colour in reversed(kept):
        canvas.polygon(head, colour)


def _heads(drawn: Drawn) -> list[geometry.Path]:
    """Arrow heads of a line: one, or one every 300 pixels of a long one."""
    length = sum(math.dist(a, b) for a, b in pairwise(drawn.line))
    count = max(1, min(4, int(length / 300)))
    found = [geometry.head(drawn.line, (k + 0.6) / count, 8 + 1.6 * drawn.width) for k in range(count)]
    return [head for head in found if head]


def _draw_places(canvas: Canvas, frame: geometry.Frame, plan: PlanMap, look: Look) -> None:
    zoom = look.scale.zoom
    for place in plan.unused:
        at = frame.place(*place.position)
        canvas.symbol(at, look.stages[place.stage][1], 18 * zoom, theme.FAINT, told=f"{place.name}: not used")
    for name, position in plan.passages.values():
        canvas.symbol(frame.place(*position), "circle", 46 * zoom, theme.PAPER, theme.INK, 1.5, told=name)
    for place in sorted(plan.used, key=lambda p: -p.t_per_year):
        colour, shape = look.stages[place.stage]
        told = f"{place.name}: {spoken(place.stage)}, {numbers.mass(place.t_per_year)}/yr"
        at, area = frame.place(*place.position), look.scale.area(place.t_per_year)
        canvas.symbol(at, shape, area, colour, theme.PAPER, 1.0, told)
    for place in plan.markets:
        told = f"{place.name}: market, {numbers.mass(place.t_per_year)}/yr"
        canvas.symbol(frame.place(*place.position), theme.STAR, 130 * zoom, theme.INK, theme.PAPER, 1.0, told)
    for place in plan.used:
        if place.key in plan.hit.places:
            cross(canvas, frame.place(*place.position), look.scale.radius(place.t_per_year) + 2)


def cross(canvas: Canvas, at: geometry.Point, radius: float) -> None:
    """The mark of a plant that a shock closes: a ring with a cross."""
    canvas.symbol(at, "circle", math.pi * radius**2, "none", SHOCKED, 2.4)
    d = radius * 0.7
    for sign in (1, -1):
        canvas.line([(at[0] - d, at[1] - sign * d), (at[0] + d, at[1] + sign * d)], SHOCKED, 2.0)


def _wishes(
    plan: PlanMap, frame: geometry.Frame, look: Look, most: int, hidden: geometry.Frame | None
) -> list[Wish]:  # fmt: skip
    """Labels of markets, plants that deliver to the buyer, passages, then the other plants by volume."""
    wishes: list[Wish] = []
    spots: dict[geometry.Point, list[Place]] = {}
    for market in plan.markets:
        spots.setdefault(market.position, []).append(market)
    for position, group in spots.items():
        told = tuple(_named(market) for market in group[:4])
        wishes.append(Wish(told, frame.place(*position), 10, 1e12, "market"))
    direct = {flow.start for flow in plan.flows if flow.layer == "buyer"}
    ranked = sorted(plan.used, key=lambda p: (p.key not in direct, -p.t_per_year, p.key))
    if hidden is not None:
        ranked = [place for place in ranked if not hidden.holds(hidden.place(*place.position))]
    for k, place in enumerate(ranked[:most]):
        weight = (1e9 if place.key in direct else 1e6) - k
        radius = look.scale.radius(place.t_per_year) + (3 if place.key in plan.hit.places else 0)
        wishes.append(Wish((_named(place),), frame.place(*place.position), radius, weight))
    for name, position in plan.passages.values():
        wishes.append(Wish((theme.shortened(plain(name), 34),), frame.place(*position), 5, 1e7, "passage"))
    return [wish for wish in wishes if frame.holds(wish.at)]


def _named(place: Place) -> str:
    return f"{theme.shortened(plain(place.name), 34)}, {numbers.mass(place.t_per_year)}"


def _taken(plan: PlanMap, frame: geometry.Frame, look: Look) -> list[Box]:
    """Boxes of symbols, which labels must keep off."""
    sizes = [(place.position, 0.8 * look.scale.radius(place.t_per_year)) for place in plan.used]
    sizes += [(market.position, 8.0) for market in plan.markets]
    sizes += [(position, 4.5) for _, position in plan.passages.values()]
    boxes = []
    for position, radius in sizes:
        x, y = frame.place(*position)
        boxes.append((x - radius, y - radius, x + radius, y + radius))
    return boxes


def _along(lines: Sequence[Drawn]) -> list[geometry.Point]:
    """Points along the lines, one in two for those of the buyer and one in four for the others."""
    return [point for d in lines for point in d.line[:: 2 if d.flow.layer == "buyer" else 4]]


def _draw_labels(canvas: Canvas, labels: Sequence[Label]) -> None:
    for label in labels:
        if label.leader:
            canvas.line(label.leader, theme.MUTED, 0.8)
    for label in labels:
        left, top, right, bottom = label.box
        step = (bottom - top) / len(label.wish.lines)
        x = {"left": left + 2, "right": right - 2, "center": (left + right) / 2}[label.align]
        anchor = {"left": "start", "right": "end", "center": "middle"}[label.align]
        is_passage = label.wish.kind == "passage"
        letters = Letters(
            SIZE,
            theme.MUTED if is_passage else theme.INK,
            weight="bold" if label.wish.kind == "market" else "normal",
            style="italic" if is_passage else "normal",
            align=anchor,
            halo=3.2,
        )
        for k, line in enumerate(label.wish.lines):
            canvas.text((x, top + step * (k + 0.5)), line, letters)
