"""One map in the format asked for, and which shock is meant."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from optimizer.errors import UsageProblem
from optimizer.report.layers import write_layers
from optimizer.report.map_page import map_page
from optimizer.report.plan_map import hit_by, plan_map, with_hit
from optimizer.report.view import RunView
from optimizer.report.world_map import UNITS_PER_INCH, MapRequest, map_svg
from optimizer.report.write import put

PICTURE_ENDINGS = ("png", "svg", "pdf", "html")
LAYER_ENDINGS = ("geojson", "gpkg")
DPI = 144
"""Dots per inch of a PNG unless told otherwise: a page of 13.3 by 7.5 inches is then 1920 by 1080 dots."""


def map_bytes(svg: str, ending: str, title: str, dpi: int = DPI) -> bytes:
    """A map in the format of a file ending (png, svg, pdf, html)."""
    import vl_convert

    if ending == "png":
        return bytes(vl_convert.svg_to_png(svg, scale=dpi / UNITS_PER_INCH))
    if ending == "pdf":
        return bytes(vl_convert.svg_to_pdf(svg))
    return (svg if ending == "svg" else map_page(svg, title)).encode("utf-8", "replace")


def write_one_map(view: RunView, request: MapRequest, target: Path, dpi: int = DPI) -> None:
    """Draw a map; the file's ending says how.

    Raises:
        UsageProblem: an ending, a shock or a region that does not exist, or options that do not go together.
    """
    ending = target.suffix.lower().removeprefix(".")
    if ending not in PICTURE_ENDINGS + LAYER_ENDINGS:
        allowed = ", ".join(PICTURE_ENDINGS + LAYER_ENDINGS)
        raise UsageProblem(f"a map cannot be written as {target.name!r}; the file must end in one of {allowed}")
    if request.is_yearly and request.before_after:
        raise UsageProblem("--years and --before-after are two different pictures; ask for one of them")
    if request.shock and request.before_after:
        raise UsageProblem("--before-after marks its shock itself; leave out --shock")
    request = replace(
        request,
        shock=chosen_shock(view, request.point, request.shock) if request.shock else "",
        before_after=chosen_shock(view, request.point, request.before_after) if request.before_after else "",
    )
    if ending in LAYER_ENDINGS:
        if request.is_yearly or request.before_after:
            raise UsageProblem(f"a {ending} file holds one plan; leave out --years and --before-after")
        plan = plan_map(view, request.point, by=request.colour)
        write_layers(with_hit(plan, hit_by(view, request.shock)) if request.shock else plan, request.point, target)
        return
    put(target, map_bytes(map_svg(view, request), ending, f"{view.title}, plan {request.point}", dpi))


def chosen_shock(view: RunView, point: int, name: str) -> str:
    """A shock by its id, or the start year of an event that costs the point most.

    Raises:
        UsageProblem: if the run knows neither such a shock nor such an event.
    """
    shocks = view.table("shocks")
    if (shocks["shock"] == name).any():
        return name
    found = shocks[shocks["event"] == name]
    if len(found):
        losses = view.of_point("losses", point).set_index("shock")["loss_months"]
        return max(sorted(map(str, found["shock"])), key=lambda shock: float(losses.get(shock, 0.0)))
    events = sorted(set(map(str, shocks["event"])))
    near = get_close_matches(name, [*events, *map(str, shocks["shock"])], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the run has: {', '.join(events) or 'none'}"
    raise UsageProblem(f"there is no shock {name!r}; {hint}")
