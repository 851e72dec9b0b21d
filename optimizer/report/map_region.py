"""Which part of the world a map shows: a crowd of plants, a country, a group of countries, or a box in degrees."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from optimizer.errors import UsageProblem
from optimizer.report import geometry
from optimizer.report.plan_map import PlanMap
from optimizer.report.view import RunView
from optimizer.tables.locate import data_root

AUTO = "auto"


def region_points(view: RunView, plans: Sequence[PlanMap], region: str) -> list[geometry.Point]:
    """Points that a map of a region must hold.

    Args:
        view: the run.
        plans: what is drawn.
        region: ``auto`` (where plants in use crowd most), ISO codes or names of groups of countries joined by commas
            (their plants and markets; their land if they have none), or ``west,south,east,north`` in degrees.

    Raises:
        UsageProblem: a region that is none of these.
    """
    box = _box(region)
    if box:
        return box
    places = [place for plan in plans for place in (*plan.used, *plan.markets)]
    if region.strip().lower() == AUTO:
        return _crowd([place.position for place in places])
    codes = _codes(view, region)
    found = [place.position for place in places if place.country in codes]
    return found if len(set(found)) > 2 else [*found, *_land(codes)]


def _box(region: str) -> list[geometry.Point]:
    """Corners of a box in degrees; none if the text is not four numbers."""
    parts = region.split(",")
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError:
        return []
    if not (-180 <= west <= 360 and -180 <= east <= 360 and -90 <= south < north <= 90):
        raise UsageProblem(f"a box {region!r} is west,south,east,north in degrees, south before north")
    middle = (west + east) / 2
    return [(x, y) for x in (west, middle, east) for y in (south, north)]


def _crowd(points: list[geometry.Point]) -> list[geometry.Point]:
    """The points around the one with the most others within 20 degrees."""

    def near(centre: geometry.Point) -> list[geometry.Point]:
        return [p for p in points if abs((p[0] - centre[0] + 180) % 360 - 180) < 20 and abs(p[1] - centre[1]) < 14]

    return max((near(point) for point in points), key=len, default=[])


def _codes(view: RunView, region: str) -> set[str]:
    """Countries named by codes or groups."""
    groups = country_groups(view.run.path)
    known = {code for code, _ in geometry.countries() if code} | {str(c) for c in view.facilities["country_iso3"]}
    codes: set[str] = set()
    for name in (part.strip() for part in region.split(",")):
        if name.upper() in known:
            codes.add(name.upper())
        elif name in groups:
            codes |= groups[name]
        else:
            allowed = f"auto, west,south,east,north in degrees, an ISO code, or one of: {', '.join(sorted(groups))}"
            raise UsageProblem(f"there is no region {name!r}; allowed: {allowed}")
    return codes


def country_groups(run: Path) -> dict[str, set[str]]:
    """Group → countries, from the copy of the case in the run, else from the shared tables."""
    for folder in (run / "case", data_root()):
        file = folder / "country_groups.csv"
        if file.is_file():
            found: dict[str, set[str]] = {}
            with file.open(encoding="utf-8", newline="") as stream:
                for row in csv.DictReader(stream):
                    found.setdefault(row["group"], set()).add(row["country_iso3"])
            return found
    return {}


def _land(codes: set[str]) -> list[geometry.Point]:
    """Corners of the largest piece of land of every country."""
    corners: list[geometry.Point] = []
    for code, shape in geometry.countries():
        if code in codes:
            largest = max(getattr(shape, "geoms", [shape]), key=lambda piece: piece.area)
            west, south, east, north = largest.bounds
            corners += [(x, y) for x in (west, (west + east) / 2, east) for y in (south, north)]
    return corners
