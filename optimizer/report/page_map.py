"""The map of the page: land, places and ways once in pixels, and per plan only which of them carry how much."""

from __future__ import annotations

from typing import Any

from optimizer.report import geometry
from optimizer.report.plan_map import Flow, Place, PlanMap, plan_map
from optimizer.report.theme import SHAPES, STAGE_COLOURS, shortened
from optimizer.report.view import RunView, country

WIDTH = 1200.0
DETAIL = (WIDTH, 480.0)
SMOOTH = 0.4
"""Pixels by which a drawn way may leave the true one."""

Row = dict[str, Any]


def page_map(view: RunView, plans: dict[int, PlanMap] | None = None) -> Row:
    """Everything the page's map draws.

    Returns:
        ``width, height``; ``land`` as an SVG path; ``detail`` (``window, land``) or None; ``places`` and ``ways``
        once; ``plans``: point → ``flows`` [way, t/yr], ``places`` [place, t/yr], ``passages``.
    """
    drawn = plans or {point: plan_map(view, point) for point in view.points}
    frame = geometry.world_frame(_content(drawn), WIDTH)
    places = _Places(view, frame)
    ways: dict[tuple[str, ...], int] = {}
    kept: list[Row] = []
    content: dict[str, Row] = {}
    for point, plan in drawn.items():
        flows = []
        for flow in plan.flows:
            key = (flow.layer, flow.start, flow.end, flow.form)
            if key not in ways:
                ways[key] = len(kept)
                kept.append(_way(flow, frame))
            flows.append([ways[key], _short(flow.t_per_year)])
        used = [[places.of(place), _short(place.t_per_year)] for place in (*plan.used, *plan.markets)]
        content[str(point)] = {"flows": flows, "places": used, "passages": sorted(plan.passages), "least": plan.least}
    for way in kept:
        way["from"], way["to"] = places.index.get(way["from"], -1), places.index.get(way["to"], -1)
    narrow = {k: [name, *_spot(frame, at)] for plan in drawn.values() for k, (name, at) in plan.passages.items()}
    return {
        "width": WIDTH, "height": round(frame.height, 1), "land": _land(frame), "detail": _detail(drawn, frame),
        "places": places.rows, "ways": kept, "plans": content, "passages": narrow, "stages": _stages(view),
    }  # fmt: skip


def _content(plans: dict[int, PlanMap]) -> list[geometry.Point]:
    points: list[geometry.Point] = []
    for plan in plans.values():
        points += [place.position for place in (*plan.used, *plan.markets)]
        for flow in plan.flows:
            points += [((lon + 180) % 360 - 180, lat) for lon, lat in flow.path]
    return points or [place.position for plan in plans.values() for place in plan.unused]


class _Places:
    """Plants and markets, numbered as they turn up."""

    def __init__(self, view: RunView, frame: geometry.Frame) -> None:
        self.frame, self.index = frame, dict[str, int]()
        self.stages = {stage: k for k, stage in enumerate(view.stages)}
        self.rows: list[Row] = []

    def of(self, place: Place) -> int:
        """Number of a place."""
        if place.key not in self.index:
            self.index[place.key] = len(self.rows)
            x, y = _spot(self.frame, place.position)
            self.rows.append({"key": place.key, "name": place.name, "label": shortened(place.name, 34),
                              "stage": self.stages.get(place.stage, -1), "country": country(place.country),
                              "x": x, "y": y})  # fmt: skip
        return self.index[place.key]


def _spot(frame: geometry.Frame, position: geometry.Point) -> tuple[float, float]:
    x, y = frame.place(*position)
    return round(x, 1), round(y, 1)


def _way(flow: Flow, frame: geometry.Frame) -> Row:
    """A way in pixels, in pieces where the edge of the map cuts it."""
    from shapely import LineString

    pieces = frame.lines(flow.path)
    if flow.mode != "sea" and len(pieces) == 1:
        pieces = [_bowed(pieces[0][0], pieces[0][-1])]
    thin = [LineString(piece).simplify(SMOOTH).coords for piece in pieces if len(piece) > 1]
    return {
        "layer": flow.layer, "from": flow.start, "to": flow.end, "form": flow.form, "mode": flow.mode,
        "path": [[[round(x, 1), round(y, 1)] for x, y in piece] for piece in thin],
    }  # fmt: skip


def _bowed(start: geometry.Point, end: geometry.Point, bow: float = 0.14) -> geometry.Path:
    """A flat arc between two pixels, bowed to its right."""
    (x0, y0), (x1, y1) = start, end
    mx, my = (x0 + x1) / 2 - bow * (y1 - y0), (y0 + y1) / 2 + bow * (x1 - x0)
    steps = [k / 10 for k in range(11)]
    return [
        ((1 - t) ** 2 * x0 + 2 * t * (1 - t) * mx + t * t * x1, (1 - t) ** 2 * y0 + 2 * t * (1 - t) * my + t * t * y1)
        for t in steps
    ]


def _land(frame: geometry.Frame, onto: geometry.Frame | None = None) -> str:
    """Countries inside a frame as one SVG path, in the pixels of the frame ``onto``."""
    left, top, wide = (0.0, 0.0, frame.width) if onto is None else _window(frame, onto)[:3]
    scale, digits = wide / frame.width, 1 if onto is None else 2

    def corner(x: float, y: float) -> str:
        return f"{round(left + x * scale, digits):g} {round(top + y * scale, digits):g}"

    rings = (ring for polygon in geometry.land(frame) for ring in polygon)
    return "".join("M" + "L".join(corner(x, y) for x, y in ring[:-1]) + "Z" for ring in rings)


def _window(part: geometry.Frame, frame: geometry.Frame) -> list[float]:
    """Left, top, width and height of a part of the plane in the pixels of a frame."""
    left = (part.middle[0] - part.wide / 2 - frame.middle[0] + frame.wide / 2) * frame.scale
    top = (frame.middle[1] + frame.tall / 2 - part.middle[1] - part.tall / 2) * frame.scale
    return [round(left, 1), round(top, 1), round(part.wide * frame.scale, 1), round(part.tall * frame.scale, 1)]


def _detail(plans: dict[int, PlanMap], frame: geometry.Frame) -> Row | None:
    """Where the plants of all plans crowd: its window and its finer outlines."""
    spots = sorted({place.position for plan in plans.values() for place in plan.used})
    part = geometry.detail_frame(spots, frame, DETAIL)
    return None if part is None else {"window": _window(part, frame), "land": _land(part, frame)}


def _stages(view: RunView) -> list[Row]:
    """Stages with the number of their colour and their shape, as everywhere else."""
    return [
        {"stage": stage, "colour": k % len(STAGE_COLOURS) + 1, "shape": SHAPES[k % len(SHAPES)]}
        for k, stage in enumerate(view.stages)
    ]


def _short(value: float) -> float:
    return float(f"{value:.5g}")
