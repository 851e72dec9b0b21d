"""Maps of plans as SVG pages of 16:9: one plan, a plan before and in a shock, a plan year by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.report import geometry, numbers, theme
from optimizer.report.map_canvas import Box, Canvas, Letters
from optimizer.report.map_compare import compare_bars
from optimizer.report.map_legend import legend, legend_height
from optimizer.report.map_panel import draw_panel
from optimizer.report.map_region import region_points
from optimizer.report.map_style import look
from optimizer.report.map_title import finding, hit_finding, reading, shock_finding, years_finding
from optimizer.report.plain_text import broken, fitted
from optimizer.report.plan_map import PRODUCT, PlanMap, first_period, hit_by, plan_map, shock_map, with_hit
from optimizer.report.view import RunView

WIDTH, RATIO = 1600.0, 9 / 16
"""Width of a page in pixels, and its height over it; ``UNITS_PER_INCH`` of them are an inch: 13.3 by 7.5 inches."""
UNITS_PER_INCH = 120.0
MARGIN, TOP = 24.0, 86.0
LABELS, FEW_LABELS = 26, 8
DETAIL = (0.35, 0.2)
"""Size of the inset over the width of the page."""
HARD = 1e6


@dataclass(frozen=True)
class MapRequest:
    """What a map shows.

    Attributes:
        point: point on the frontier.
        colour: flows by ``product`` form or by class of ``origin``.
        shock: shock whose closed plants and ways are marked; empty for none.
        before_after: shock before and in which the plan is drawn; empty for one map.
        is_yearly: one small map per year.
        region: what part of the world (see ``region_points``); empty for all the plan needs.
        width: of the page in pixels; type and symbols keep their size, so a smaller page has larger ones.
    """

    point: int
    colour: str = PRODUCT
    shock: str = ""
    before_after: str = ""
    is_yearly: bool = False
    region: str = ""
    width: float = WIDTH

    @property
    def height(self) -> float:
        """Height of the page in pixels."""
        return self.width * RATIO


def map_svg(view: RunView, request: MapRequest) -> str:
    """A map as an SVG document."""
    if request.before_after:
        return _before_after(view, request)
    return _by_year(view, request) if request.is_yearly else _one(view, request)


def _page(request: MapRequest, title: str, subtitle: str) -> Canvas:
    """A page with its title block."""
    canvas = Canvas(request.width, request.height, title)
    canvas.rect((0.0, 0.0, request.width, request.height), theme.PAPER)
    canvas.text((MARGIN, 34), fitted(title, request.width - 2 * MARGIN, 25), Letters(25, weight="bold"))
    canvas.text((MARGIN, 64), fitted(subtitle, request.width - 2 * MARGIN, 15), Letters(15, theme.MUTED))
    return canvas


def _content(view: RunView, plans: Sequence[PlanMap], region: str) -> list[geometry.Point]:
    """Points the frame must hold: those of the region, or places in use, markets and routes."""
    if region:
        return region_points(view, plans, region)
    points = [place.position for plan in plans for place in (*plan.used, *plan.markets)]
    points += [point for plan in plans for flow in plan.flows for point in flow.path]
    return points or [place.position for plan in plans for place in plan.unused]


def _one(view: RunView, request: MapRequest) -> str:
    plan = plan_map(view, request.point, by=request.colour)
    if request.shock:
        plan = with_hit(plan, hit_by(view, request.shock))
    shown = look(view, [plan], request.colour)
    title = hit_finding(view, plan, request.point) if request.shock else finding(view, plan, request.point)
    canvas = _page(request, title, reading(view, request.point))
    least = 0.5 if request.region else 0.3
    points = _content(view, [plan], request.region)
    most = (request.height - TOP - legend_height(request.width)) / (request.width - 2 * MARGIN)
    frame = geometry.world_frame(points, request.width - 2 * MARGIN, (min(0.455, most), most), (MARGIN, TOP), least)
    detail = None if request.region else _detail(plan, frame, request.width)
    if detail is None:
        draw_panel(canvas, frame, plan, shown, LABELS)
    else:
        draw_panel(canvas, frame, plan, shown, LABELS, [detail.box], detail)
        canvas.rect(_part_of(frame, detail), "none", theme.INK, 1.2)
        canvas.rect(_grown(detail.box, 4), theme.PAPER)
        draw_panel(canvas, detail, plan, shown, LABELS)
        canvas.rect(detail.box, "none", theme.INK, 1.2)
    bottom = frame.top + frame.height
    legend(canvas, view, [plan], shown, (MARGIN, bottom))
    return canvas.svg()


def _detail(plan: PlanMap, frame: geometry.Frame, width: float) -> geometry.Frame | None:
    """An inset with where plants crowd, where it covers least; None if it would cover a place in use wherever it lay.

    The largest size that covers no way is taken, else the one that covers least.
    """
    found = []
    for share in (1.0, 0.87, 0.75):
        size = (DETAIL[0] * width * share, DETAIL[1] * width * share)
        detail = geometry.detail_frame([place.position for place in plan.used], frame, size)
        if detail is None:
            return None
        corner, cost = _free_corner(plan, frame, detail, size)
        found.append((cost, geometry.Frame(detail.middle, detail.wide, size, corner)))
        if cost < 1:
            break
    cost, best = min(found, key=lambda pair: pair[0])
    return best if cost < HARD else None


def _free_corner(
    plan: PlanMap, frame: geometry.Frame, detail: geometry.Frame, size: geometry.Point
) -> tuple[geometry.Point, float]:
    """Where in the frame an inset covers least: its left and top, and how much it covers."""
    left, top, right, bottom = frame.box
    wide, tall = size
    columns, rows = np.arange(left + 10, right - wide - 9, 20.0), np.arange(bottom - tall - 10, top + 9, -20.0)
    places = np.array([frame.place(*place.position) for place in (*plan.used, *plan.markets)])
    idle = np.array([frame.place(*place.position) for place in plan.unused]).reshape(-1, 2)
    ways = np.array([p for flow in plan.flows for piece in frame.lines(flow.path) for p in piece]).reshape(-1, 2)
    crop = _part_of(frame, detail)

    def cost(corner: tuple[float, float]) -> float:
        box = _grown((corner[0], corner[1], corner[0] + wide, corner[1] + tall), 14)
        covers_crop = crop[0] < box[2] and box[0] < crop[2] and crop[1] < box[3] and box[1] < crop[3]
        return HARD * (covers_crop + _held(box, places)) + 3.0 * _held(box, ways) + 0.02 * _held(box, idle)

    corners = [(float(x), float(y)) for y in rows for x in columns] or [(left, top)]
    best = min(corners, key=cost)
    return best, cost(best)


def _part_of(world: geometry.Frame, detail: geometry.Frame) -> Box:
    """The detail's rectangle on the world's frame, in pixels."""
    left = world.left + (detail.middle[0] - detail.wide / 2 - world.middle[0] + world.wide / 2) * world.scale
    top = world.top + (world.middle[1] + world.tall / 2 - detail.middle[1] - detail.tall / 2) * world.scale
    return left, top, left + detail.wide * world.scale, top + detail.tall * world.scale


def _grown(box: Box, by: float) -> Box:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _held(box: Box, points: npt.NDArray[np.float64]) -> int:
    """How many points lie in a box."""
    x, y = points[:, 0], points[:, 1]
    return int(((x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])).sum())


def _before_after(view: RunView, request: MapRequest) -> str:
    """Two maps side by side in one scale, and under them what the markets get before and in the shock."""
    shock = request.before_after
    first, hit = first_period(view, shock), hit_by(view, shock)
    year, months = int(first["year"]), first["months"]
    whole = plan_map(view, request.point, [year], request.colour)
    owned = [flow for flow in whole.flows if flow.layer == "buyer"]
    ends = {end for flow in owned for end in (flow.start, flow.end)}
    before = PlanMap(
        [p for p in whole.used if p.key in ends], [], whole.markets, owned,
        whole.passages, whole.least, whole.arriving, hit,
    )  # fmt: skip
    after = with_hit(shock_map(view, request.point, shock, request.colour), hit)
    after = PlanMap(after.used, [], after.markets, after.flows, after.passages, after.least, after.arriving, hit)
    plans = [before, after]
    shown = look(view, plans, request.colour, 0.6)
    title, subtitle = shock_finding(view, request.point, shock, (before, after))
    canvas = _page(request, title, subtitle)
    wide = (request.width - 2 * MARGIN - 20) / 2
    points = _content(view, plans, request.region)
    tonnes = [numbers.mass(plan.arriving) for plan in plans]
    heads = (
        f"{year} as planned: {tonnes[0]}/yr (marked: what the shock closes)",
        f"First {numbers.months(months)} of the shock: {tonnes[1]}/yr",
    )
    bottom = 0.0
    for k, (plan, head) in enumerate(zip(plans, heads, strict=True)):
        corner = (MARGIN + k * (wide + 20), TOP + 26)
        frame = geometry.world_frame(points, wide, (0.44, 0.52), corner)
        canvas.text((corner[0], TOP + 8), fitted(head, wide, 16), Letters(16, weight="bold"))
        draw_panel(canvas, frame, plan, shown, FEW_LABELS)
        bottom = frame.top + frame.height
    edge = request.height - legend_height(request.width)
    compare_bars(canvas, view, (before, after), (MARGIN, bottom + 14, request.width - MARGIN, edge - 6))
    note = "Only what the buyer owns; untouched plants in proportion to the plan."
    legend(canvas, view, plans, shown, (MARGIN, edge), note)
    return canvas.svg()


def _by_year(view: RunView, request: MapRequest) -> str:
    """One small map per year, all in one scale."""
    years = [int(y) for y in sorted(view.of_point("flows", request.point)["year"].unique())]
    first, last = view.setting("first_year"), view.setting("last_year")
    if first and last:
        years = list(range(int(first), int(last) + 1))
    plans = [plan_map(view, request.point, [year], request.colour) for year in years]
    if request.shock:
        plans = [with_hit(plan, hit_by(view, request.shock)) for plan in plans]
    canvas = _page(request, *years_finding(view, request.point, years, plans))
    columns, wide, tall = _grid(len(years), 0.44, (request.width, request.height))
    step = (request.width - 2 * MARGIN - wide) / max(1, columns - 1)
    shown = look(view, plans, request.colour, 0.42)
    points = _content(view, plans, request.region)
    for k, (year, plan) in enumerate(zip(years, plans, strict=True)):
        corner = (MARGIN + (k % columns) * step, TOP + (k // columns) * (tall + 36) + 24)
        frame = geometry.world_frame(points, wide, (0.44, 0.44), corner)
        canvas.text((corner[0], corner[1] - 14), str(year), Letters(16, weight="bold"))
        told = f"{numbers.mass(plan.arriving)}, {len(plan.used)} plants"
        canvas.text((corner[0] + wide, corner[1] - 14), told, Letters(14, theme.MUTED, align="end"))
        draw_panel(canvas, frame, plan, shown, 0)
    if len(years) % columns:
        x, y = MARGIN + (len(years) % columns) * step, TOP + (len(years) // columns) * (tall + 36) + 10
        _what_changes(canvas, view, (years, plans), (x, y, x + wide, y + tall))
    legend(canvas, view, plans, shown, (MARGIN, request.height - legend_height(request.width)))
    return canvas.svg()


def _grid(count: int, ratio: float, page: geometry.Point) -> tuple[int, float, float]:
    """Columns, width and height of equal panels that fill a page best."""
    best = (1, 0.0, 0.0)
    room = page[1] - TOP - legend_height(page[0]) - 8
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        wide = (page[0] - 2 * MARGIN - 16 * (columns - 1)) / columns
        wide = min(wide, (room / rows - 36) / ratio)
        if wide > best[1]:
            best = (columns, wide, wide * ratio)
    return best


def _what_changes(
    canvas: Canvas, view: RunView, years: tuple[list[int], list[PlanMap]], box: Box
) -> None:  # fmt: skip
    """In the free cell of the grid: which plants come and go, year by year."""
    left, y, right, limit = box
    canvas.text((left, y), "What changes", Letters(16, weight="bold"))
    before: set[str] = set()
    for year, plan in zip(*years, strict=True):
        now = {flow.start for flow in plan.flows if flow.layer == "buyer"}
        new, gone = sorted(map(view.name, now - before)), sorted(map(view.name, before - now))
        words = [f"+ {theme.shortened(name, 34)}" for name in new] + [f"− {theme.shortened(name, 34)}" for name in gone]  # noqa: RUF001
        for line in broken(f"{year}: {', '.join(words)}", right - left - 8, 13, 2) if words and before else []:
            y += 19
            if y < limit:
                canvas.text((left, y), line, Letters(13))
        before = now
