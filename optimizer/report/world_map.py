"""The map of a plan: land, routes with direction and width, plants by stage, markets, passages, labels, legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from optimizer.report import geometry, numbers, theme
from optimizer.report.labels import Box, Label, Wish, place_labels
from optimizer.report.map_legend import LEGEND_HEIGHT, legend
from optimizer.report.map_marks import heads, lines, shapes, symbols, texts
from optimizer.report.plan_map import Flow, Place, PlanMap, plan_map
from optimizer.report.view import RunView, country, listed

WIDTH = 1240
DETAIL_HEIGHT, GAP = 410.0, 14.0
LABELS = 34

Row = dict[str, Any]


def map_chart(view: RunView, point: int) -> Any:
    """Altair chart of one point's plan on a map in Equal Earth, with a detail of where plants crowd."""
    import altair as alt

    plan, styles = plan_map(view, point), theme.stage_styles(view.stages)
    scale = Widths(plan)
    world = geometry.world_frame(_content(plan), WIDTH)
    places = [place.position for place in plan.used]
    detail = geometry.detail_frame(places, world, (WIDTH, DETAIL_HEIGHT), world.height + GAP)
    layers = [*_frame_layers(plan, world, scale, styles, detail)]
    bottom = world.height
    if detail is not None:
        layers += [_outline(world, detail), *_frame_layers(plan, detail, scale, styles, None), _heading(detail)]
        bottom = detail.top + detail.height
    layers += legend(view, plan, bottom, scale, styles)
    title = alt.TitleParams(**theme.titled(finding(view, plan, point), _reading(view, point), WIDTH))
    return alt.layer(*layers).properties(width=WIDTH, height=round(bottom) + LEGEND_HEIGHT, title=title)


def _frame_layers(
    plan: PlanMap,
    frame: geometry.Frame,
    scale: Widths,
    styles: dict[str, tuple[str, str]],
    detail: geometry.Frame | None,
) -> list[Any]:
    """Sea, land, flows, places and labels of one frame; plants in the detail are labelled there."""
    return [
        shapes([_sea(frame)], fill=theme.SEA),
        shapes(geometry.land(frame), fill=theme.LAND, stroke=theme.BORDER, width=0.7),
        *_flow_layers(plan, frame, scale, styles),
        *_place_layers(plan, frame, scale, styles),
        *_label_layers(_labels(plan, frame, scale, detail)),
    ]


def _outline(world: geometry.Frame, detail: geometry.Frame) -> Any:
    """The detail's rectangle on the world's frame."""
    left = (detail.middle[0] - detail.wide / 2 - world.middle[0] + world.wide / 2) * world.scale
    top = world.top + (world.middle[1] + world.tall / 2 - detail.middle[1] - detail.tall / 2) * world.scale
    right, bottom = left + detail.wide * world.scale, top + detail.tall * world.scale
    ring = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return lines([geometry.feature({"type": "LineString", "coordinates": ring}, colour=theme.INK, width=1.0)], 0.8)


def _heading(detail: geometry.Frame) -> Any:
    text = "Detail of the rectangle above"
    return texts([{"x": 8.0, "y": detail.top + 15, "text": text}], colour=theme.MUTED, style="italic", halo=True)


def finding(view: RunView, plan: PlanMap, point: int) -> str:
    """Who delivers to the markets, in one sentence."""
    markets = {place.key for place in plan.markets}
    homes = {place.key: place.country for place in plan.used}
    totals: dict[str, float] = {}
    for flow in plan.flows:
        if flow.end in markets and flow.start in homes:
            totals[homes[flow.start]] = totals.get(homes[flow.start], 0.0) + flow.t_per_year
    whole = sum(totals.values())
    if not whole:
        return f"Plan {point}: nothing moves to the markets"
    order = sorted(totals, key=lambda code: -totals[code])
    shares = listed(f"{country(code)} {numbers.percent(totals[code] / whole)}" for code in order)
    return f"Plan {point}: {numbers.mass(whole)} a year reach the markets, from {shares}"


def _reading(view: RunView, point: int) -> str:
    row = view.row(point)
    first, last = view.setting("first_year"), view.setting("last_year")
    years = f"{first}\u2013{last}" if first and last else f"{view.years} years"
    return (
        f"Mean yearly flows in t/yr over {years}, no shock; {numbers.musd(row['cost_musd'])} in all, "
        f"{numbers.usd_per_kg(row['cost_usd_per_kg'])}, {numbers.months(row['loss_months'])} of demand lost"
    )


class Widths:
    """Sizes that stand for t/yr: area of a symbol and, by the square root, width of a line."""

    def __init__(self, plan: PlanMap) -> None:
        self.largest_flow = max((f.t_per_year for f in plan.flows), default=1.0)
        self.largest_place = max((p.t_per_year for p in plan.used), default=1.0) or 1.0

    def line(self, t_per_year: float, layer: str) -> float:
        """Width of a flow in pixels."""
        share = math.sqrt(t_per_year / self.largest_flow)
        return 1.2 + 5.8 * share if layer == "buyer" else 0.6 + 2.4 * share

    def area(self, t_per_year: float) -> float:
        """Area of a plant's symbol in square pixels."""
        return 45 + 330 * min(1.0, t_per_year / self.largest_place)

    def radius(self, t_per_year: float) -> float:
        """Radius of a plant's symbol in pixels."""
        return math.sqrt(self.area(t_per_year) / math.pi) + 1


def _content(plan: PlanMap) -> list[geometry.Point]:
    """Points the frame must hold: places in use, markets and routes."""
    points = [place.position for place in (*plan.used, *plan.markets)]
    for flow in plan.flows:
        points += [(math.remainder(lon, 360), lat) for lon, lat in flow.path]
    return points or [place.position for place in plan.unused]


def _sea(frame: geometry.Frame) -> Row:
    """Outline of the world inside the frame."""
    from shapely import Polygon
    from shapely.geometry import mapping

    edge = 179.999
    east = [(geometry.CENTRE + edge, lat) for lat in range(-88, 89, 2)]
    west = [(geometry.CENTRE - edge, lat) for lat in range(88, -89, -2)]
    outline = Polygon([frame.pixel(*corner) for corner in (*east, *west)])
    return geometry.feature(mapping(frame.clipped(outline)))


def _flow_layers(plan: PlanMap, frame: geometry.Frame, scale: Widths, styles: dict[str, tuple[str, str]]) -> list[Any]:
    """Lines and arrow heads: what suppliers move among themselves below, what the buyer owns above."""
    layers = []
    for layer, opacity in (("supplier", 0.55), ("buyer", 0.85)):
        drawn: list[Row] = []
        arrows: list[Row] = []
        flows = [flow for flow in plan.flows if flow.layer == layer]
        for flow in flows:
            width = scale.line(flow.t_per_year, layer)
            colour = styles.get(flow.stage, (theme.MUTED, ""))[0]
            told = {"flow": _told(flow, plan), "form": flow.form, "t/yr": numbers.mass(flow.t_per_year), "layer": layer}
            look = {"colour": colour, "width": width, **told}
            pieces = _pieces(flow, frame)
            drawn += [geometry.feature({"type": "LineString", "coordinates": piece}, **look) for piece in pieces]
            arrows += _arrows(pieces, 5.5 + 1.9 * width, look)
        layers += [lines(drawn, opacity), heads(_apart(arrows), min(1.0, opacity + 0.15))]
    return layers


def _told(flow: Flow, plan: PlanMap) -> str:
    names = {place.key: place.name for place in (*plan.used, *plan.unused, *plan.markets)}
    return f"{theme.shortened(names[flow.start], 60)} \u2192 {theme.shortened(names[flow.end], 60)}"


def _pieces(flow: Flow, frame: geometry.Frame) -> list[geometry.Path]:
    """A flow's line in pixels inside the frame; ways over land and by air bow a little to their right."""
    pieces = frame.lines(flow.path)
    if flow.mode != "sea" and len(pieces) == 1:
        pieces = [_bowed(pieces[0][0], pieces[0][-1])]
    from shapely import LineString

    inside: list[geometry.Path] = []
    for piece in pieces:
        part = frame.clipped(LineString(piece))
        inside += [list(p.coords) for p in getattr(part, "geoms", [part]) if p.geom_type == "LineString" and p.length]
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


def _arrows(pieces: Sequence[geometry.Path], size: float, look: Row) -> list[Row]:
    """Arrow heads, the larger the nearer the middle, on every piece that is long enough; two on a long one."""
    found = []
    for piece in pieces:
        is_long = sum(math.dist(a, b) for a, b in pairwise(piece)) > 520
        for share in (0.3, 0.72) if is_long else (0.55,):
            corners = geometry.head(piece, share, size)
            if corners:
                ring = [corners[0], corners[2], corners[1], corners[0]]
                found.append(geometry.feature({"type": "Polygon", "coordinates": [ring]}, **look))
    return found


def _apart(arrows: Sequence[Row], distance: float = 24.0) -> list[Row]:
    """Arrow heads without those close to a larger one, which say the same on a shared route."""
    kept: list[Row] = []
    for arrow in reversed(arrows):
        tip = arrow["geometry"]["coordinates"][0][0]
        if all(math.dist(tip, other["geometry"]["coordinates"][0][0]) > distance for other in kept):
            kept.append(arrow)
    return kept[::-1]


def _place_layers(plan: PlanMap, frame: geometry.Frame, scale: Widths, styles: dict[str, tuple[str, str]]) -> list[Any]:
    def row(place: Place, **look: Any) -> Row:
        x, y = frame.place(*place.position)
        return {"x": x, "y": y, "name": theme.shortened(place.name, 80), "stage": place.stage or "market",
                "t/yr": numbers.mass(place.t_per_year), **look}  # fmt: skip

    idle = [row(p, size=16, colour=theme.FAINT, shape=styles[p.stage][1]) for p in plan.unused]
    ranked = sorted(plan.used, key=lambda p: -p.t_per_year)
    used = [row(p, size=scale.area(p.t_per_year), colour=styles[p.stage][0], shape=styles[p.stage][1]) for p in ranked]
    goals = [row(p, size=90, colour=theme.INK, shape=theme.STAR) for p in plan.markets]
    narrow: list[Row] = []
    for name, position in plan.passages.values():
        x, y = frame.place(*position)
        narrow.append({"x": x, "y": y, "name": name, "stage": "passage", "t/yr": "", "size": 42,
                       "colour": theme.INK, "shape": "circle"})  # fmt: skip
    groups: list[list[Row]] = [idle, narrow, used, goals]
    inside = [[r for r in rows if frame.holds((r["x"], r["y"]))] for rows in groups]
    return [
        symbols(inside[0], opacity=0.75),
        symbols(inside[1], hollow=True),
        symbols(inside[2], rim=True),
        symbols(inside[3], rim=True),
    ]


def _labels(plan: PlanMap, frame: geometry.Frame, scale: Widths, detail: geometry.Frame | None) -> list[Label]:
    """Labels of markets, plants that deliver to the buyer, passages, then the other plants by volume."""
    wishes: list[Wish] = []
    spots: dict[geometry.Point, list[Place]] = {}
    for market in plan.markets:
        spots.setdefault(market.position, []).append(market)
    for position, group in spots.items():
        told = tuple(_named(market) for market in group[:4])
        wishes.append(Wish(told, frame.place(*position), 8, 1e12, "market"))
    direct = {flow.start for flow in plan.flows if flow.layer == "buyer"}
    ranked = sorted(plan.used, key=lambda p: (p.key not in direct, -p.t_per_year, p.key))
    if detail is not None:
        ranked = [place for place in ranked if not detail.holds(detail.place(*place.position))]
    for k, place in enumerate(ranked[:LABELS]):
        weight = (1e9 if place.key in direct else 1e6) - k
        wishes.append(Wish((_named(place),), frame.place(*place.position), scale.radius(place.t_per_year), weight))
    for name, position in plan.passages.values():
        wishes.append(Wish((theme.shortened(name, 34),), frame.place(*position), 4, 1e7, "passage"))
    inside = [wish for wish in wishes if frame.holds(wish.at)]
    return place_labels(inside, _taken(plan, frame, scale), frame.box, _thick(plan, frame))


def _named(place: Place) -> str:
    return f"{theme.shortened(place.name, 36)}, {numbers.mass(place.t_per_year)}"


def _taken(plan: PlanMap, frame: geometry.Frame, scale: Widths) -> list[Box]:
    """Boxes of symbols, which labels must keep off."""
    sizes = [(place.position, 0.8 * scale.radius(place.t_per_year)) for place in plan.used]
    sizes += [(market.position, 7.0) for market in plan.markets]
    sizes += [(position, 4.0) for _, position in plan.passages.values()]
    return [_around(frame.place(*position), radius) for position, radius in sizes]


def _thick(plan: PlanMap, frame: geometry.Frame) -> list[geometry.Point]:
    """Points along the flows, denser along the buyer's."""
    found: set[geometry.Point] = set()
    for flow in plan.flows:
        step = 7 if flow.layer == "buyer" else 21
        for piece in _pieces(flow, frame):
            for (x0, y0), (x1, y1) in pairwise(piece):
                count = max(1, int(math.dist((x0, y0), (x1, y1)) / step))
                shares = [k / count for k in range(count + 1)]
                found |= {(round(x0 + (x1 - x0) * t, -1), round(y0 + (y1 - y0) * t, -1)) for t in shares}
    return sorted(found)


def _around(point: geometry.Point, radius: float) -> Box:
    return point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius


def _label_layers(labels: Sequence[Label]) -> list[Any]:
    leaders = [
        geometry.feature({"type": "LineString", "coordinates": label.leader}, colour=theme.MUTED, width=0.7)
        for label in labels
        if label.leader
    ]
    rows: dict[tuple[str, str], list[Row]] = {}
    for label in labels:
        left, top, right, bottom = label.box
        step = (bottom - top) / len(label.wish.lines)
        x = {"left": left + 2, "right": right - 2, "center": (left + right) / 2}[label.align]
        for k, line in enumerate(label.wish.lines):
            row = {"x": x, "y": top + step * (k + 0.5), "text": line}
            rows.setdefault((label.wish.kind, label.align), []).append(row)
    looks: dict[str, Row] = {
        "passage": {"colour": theme.MUTED, "style": "italic"},
        "plant": {},
        "market": {"weight": "bold"},
    }
    drawn = [texts(group, halo=True, align=align, **looks[kind]) for (kind, align), group in sorted(rows.items())]
    return [lines(leaders, 0.9), *drawn]
