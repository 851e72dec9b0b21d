"""Geometry of the map: the Equal Earth projection, cuts at the map's edge, land, arrow heads, the frame.

Equal Earth is an equal-area projection (Šavrič, Patterson and Jenny, 2018, doi:10.1080/13658816.2018.1504949).
Longitudes run on over the antimeridian along a path; the map is cut opposite its central meridian.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from optimizer.tables.locate import data_root

CENTRE = 11.0
"""Central meridian in degrees; the edge at 169° west lies in the Bering Strait and cuts no land but small islands."""
STEP_DEG = 2.0
_A = (1.340264, -0.081106, 0.000893, 0.003796)

Point = tuple[float, float]
Path = list[Point]


def equal_earth(longitude: float, latitude: float, centre: float = CENTRE) -> Point:
    """Project degrees to the plane of a unit sphere, y upwards; longitudes within half a turn of the centre."""
    theta = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    t2 = theta * theta
    t6 = t2**3
    slope = _A[0] + 3 * _A[1] * t2 + t6 * (7 * _A[2] + 9 * _A[3] * t2)
    x = 2 * math.sqrt(3) * math.radians(longitude - centre) * math.cos(theta) / (3 * slope)
    return x, theta * (_A[0] + _A[1] * t2 + t6 * (_A[2] + _A[3] * t2))


def cut_at_edge(path: Sequence[Point], centre: float = CENTRE) -> list[Path]:
    """Cut a path with running longitudes where it crosses the edge of the map.

    Returns:
        Pieces with longitudes in [centre - 180, centre + 180]; the cut point ends one piece on one edge and begins the
        next on the other.
    """
    pieces: list[Path] = []
    turn: int | None = None
    for (lon0, lat0), (lon1, lat1) in pairwise(path):
        for k0, k1, start, end in _legs((lon0, lat0), (lon1, lat1), centre):
            if turn != k0 or not pieces:
                pieces.append([(start[0] - 360 * k0, start[1])])
            turn = k1
            pieces[-1].append((end[0] - 360 * k0, end[1]))
    return [piece for piece in pieces if len(piece) > 1]


def _legs(start: Point, end: Point, centre: float) -> list[tuple[int, int, Point, Point]]:
    """Parts of a straight leg, one per turn of the globe it touches: (turn, turn after, from, to)."""
    turns = [math.floor((lon - centre + 180) / 360) for lon in (start[0], end[0])]
    if turns[0] == turns[1]:
        return [(turns[0], turns[0], start, end)]
    step = 1 if turns[1] > turns[0] else -1
    legs, here = [], start
    for k in range(turns[0], turns[1], step):
        edge = centre - 180 + 360 * (k + (step > 0))
        share = (edge - start[0]) / (end[0] - start[0])
        there = (edge, start[1] + share * (end[1] - start[1]))
        if there != here:
            legs.append((k, k, here, there))
        here = there
    return [*legs, (turns[1], turns[1], here, end)] if here != end else legs


def dense(path: Sequence[Point], step: float = STEP_DEG) -> Path:
    """Put points between, so that straight legs bend as the projection bends them."""
    points: Path = list(path[:1])
    for (lon0, lat0), (lon1, lat1) in pairwise(path):
        count = max(1, math.ceil(max(abs(lon1 - lon0), abs(lat1 - lat0)) / step))
        points += [(lon0 + (lon1 - lon0) * k / count, lat0 + (lat1 - lat0) * k / count) for k in range(1, count + 1)]
    return points


def great_circle(start: Point, end: Point, step: float = STEP_DEG) -> Path:
    """Shortest path on the sphere, with running longitudes."""
    a, b = _vector(start), _vector(end)
    angle = math.acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(a, b, strict=True)))))
    count = max(1, math.ceil(math.degrees(angle) / step))
    if angle < 1e-9 or math.sin(angle) < 1e-9:
        return [start, end]
    path: Path = []
    for k in range(count + 1):
        u, v = math.sin((1 - k / count) * angle) / math.sin(angle), math.sin(k / count * angle) / math.sin(angle)
        x, y, z = (u * p + v * q for p, q in zip(a, b, strict=True))
        lon, lat = math.degrees(math.atan2(y, x)), math.degrees(math.asin(max(-1.0, min(1.0, z))))
        near = path[-1][0] if path else start[0]
        path.append((lon + 360 * round((near - lon) / 360), lat))
    return path


def _vector(point: Point) -> tuple[float, float, float]:
    lon, lat = math.radians(point[0]), math.radians(point[1])
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


class Frame:
    """A part of the plane drawn into a rectangle of pixels: x to the right, y downwards.

    Args:
        middle: centre of the part on the plane.
        wide: width of the part on the plane.
        size: width and height of the rectangle in pixels.
        top: where the rectangle begins, in pixels from the top of the picture.
    """

    def __init__(self, middle: Point, wide: float, size: Point, top: float = 0.0) -> None:
        self.width, self.height = size
        self.top, self.scale = top, size[0] / wide
        self.middle, self.wide, self.tall = middle, wide, size[1] / self.scale

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels."""
        return 0.0, self.top, self.width, self.top + self.height

    def pixel(self, longitude: float, latitude: float) -> Point:
        """Place of a point; longitudes must be within half a turn of the central meridian."""
        x, y = equal_earth(longitude, latitude)
        left, upper = self.middle[0] - self.wide / 2, self.middle[1] + self.tall / 2
        return (x - left) * self.scale, self.top + (upper - y) * self.scale

    def place(self, longitude: float, latitude: float) -> Point:
        """Place of a point whatever turn its longitude is given in."""
        return self.pixel(_home(longitude), latitude)

    def lines(self, path: Sequence[Point]) -> list[Path]:
        """A path in pixels, cut at the edge of the map; parts outside the frame stay."""
        return [[self.pixel(*point) for point in piece] for piece in cut_at_edge(dense(path))]

    def holds(self, point: Point, margin: float = 0.0) -> bool:
        """Whether a pixel lies in the frame."""
        left, top, right, bottom = self.box
        return left + margin <= point[0] <= right - margin and top + margin <= point[1] <= bottom - margin

    def clipped(self, shape: Any) -> Any:
        """The part of a shape in pixels that lies in the frame."""
        from shapely import box

        return shape.intersection(box(*self.box))


def world_frame(points: Sequence[Point], width: float, ratios: Point = (0.36, 0.46)) -> Frame:
    """The frame that holds all points with some room.

    Args:
        points: (longitude, latitude).
        width: in pixels.
        ratios: least and largest height over width.
    """
    plane = [equal_earth(_home(lon), lat) for lon, lat in points or [(CENTRE, 0.0)]]
    (x0, x1), (y0, y1) = ((min(v), max(v)) for v in zip(*plane, strict=True))
    world = equal_earth(CENTRE + 180, 0)[0]
    low, high = equal_earth(CENTRE, -56)[1], equal_earth(CENTRE, 79)[1]
    wide = min(2 * world, max(x1 - x0, (y1 - y0) / ratios[1], 0.3) * 1.14)
    x = min(max((x0 + x1) / 2, wide / 2 - world), world - wide / 2)
    tall = min(max((y1 - y0) * 1.2, ratios[0] * wide), ratios[1] * wide, high - low)
    y = min(max((y0 + y1) / 2, low + tall / 2), high - tall / 2)
    return Frame((x, y), wide, (width, tall * width / wide))


def detail_frame(points: Sequence[Point], world: Frame, size: Point, top: float, fewest: int = 6) -> Frame | None:
    """The frame, a quarter of the world's frame wide, around where points crowd most.

    Args:
        points: (longitude, latitude).
        world: the frame that is too small for them.
        size: width and height in pixels.
        top: pixels from the top of the picture.
        fewest: with fewer points together there is no detail.
    """
    plane = [equal_earth(_home(lon), lat) for lon, lat in points]
    wide = 0.27 * world.wide
    tall = wide * size[1] / size[0]
    best: list[Point] = []
    for left, _ in plane:
        for _, low in plane:
            near = [p for p in plane if 0 <= p[0] - left <= 0.9 * wide and 0 <= p[1] - low <= 0.9 * tall]
            best = near if len(near) > len(best) else best
    if len(best) < fewest:
        return None
    xs, ys = zip(*best, strict=True)
    return Frame(((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2), wide, size, top)


def _home(longitude: float) -> float:
    return (longitude - CENTRE + 180) % 360 - 180 + CENTRE


def head(line: Sequence[Point], share: float, size: float) -> list[Point] | None:
    """Corners of an arrow head on a line in pixels, its middle at a share of the length; None for a short line."""
    lengths = [math.dist(a, b) for a, b in pairwise(line)]
    total = sum(lengths)
    if total < 1.6 * size:
        return None
    at = share * total
    for (a, b), length in zip(pairwise(line), lengths, strict=True):
        if at <= length and length > 0:
            x, y = a[0] + (b[0] - a[0]) * at / length, a[1] + (b[1] - a[1]) * at / length
            u, v = (b[0] - a[0]) / length, (b[1] - a[1]) / length
            tip, half = size * 0.6, size * 0.5
            back = (x - u * size * 0.4, y - v * size * 0.4)
            return [(x + u * tip, y + v * tip), (back[0] - v * half, back[1] + u * half),
                    (back[0] + v * half, back[1] - u * half)]  # fmt: skip
        at -= length
    return None


@lru_cache(maxsize=1)
def countries() -> tuple[Any, ...]:
    """Country polygons in degrees around the central meridian, cut at the edge of the map; empty without map data."""
    from shapely import union_all
    from shapely.geometry import shape

    file = data_root() / "map" / "countries_110m.geojson"
    if not file.is_file():
        return ()
    found = []
    for record in json.loads(file.read_text(encoding="utf-8"))["features"]:
        parts = [_around_centre(polygon) for polygon in _polygons(shape(record["geometry"]))]
        joined = union_all([part for part in parts if not part.is_empty])
        if not joined.is_empty:
            found.append(joined)
    return tuple(found)


def _polygons(whole: Any) -> list[Any]:
    """Polygons of a shape north of 60° south, those over the antimeridian with running longitudes."""
    from shapely import make_valid, transform

    found = []
    for polygon in getattr(whole, "geoms", [whole]):
        if polygon.bounds[3] < -60:
            continue
        if polygon.bounds[2] - polygon.bounds[0] > 180:
            polygon = transform(polygon, _running)
        found.append(make_valid(polygon))
    return found


def _running(corners: Any) -> Any:
    moved = corners.copy()
    moved[:, 0] += 360.0 * (moved[:, 0] < 0)
    return moved


def _around_centre(polygon: Any) -> Any:
    """A polygon brought within half a turn of the central meridian, cut at the edge; seams at 180° are closed."""
    from shapely import affinity, box, union_all

    pieces = []
    for turn in (-1, 0, 1):
        window = box(CENTRE - 180 + 360 * turn, -60, CENTRE + 180 + 360 * turn, 90)
        piece = affinity.translate(polygon.intersection(window), xoff=-360 * turn)
        if not piece.is_empty:
            pieces.append(piece.buffer(0.02) if turn else piece)
    return union_all(pieces)


def land(frame: Frame) -> list[dict[str, Any]]:
    """Countries as GeoJSON features in pixels, inside the frame."""
    from shapely import make_valid, segmentize, transform
    from shapely.geometry import mapping

    def project(corners: Any) -> Any:
        return [frame.pixel(lon, lat) for lon, lat in corners]

    features = []
    for country in countries():
        drawn = frame.clipped(make_valid(transform(segmentize(country, 3.0), lambda c: _array(project(c)))))
        for part in getattr(drawn, "geoms", [drawn]):
            if part.geom_type in ("Polygon", "MultiPolygon") and part.area > 0.2:
                features.append(feature(mapping(part.simplify(0.15))))
    return features


def _array(rows: list[Point]) -> Any:
    import numpy as np

    return np.array(rows).reshape(-1, 2)


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    """A GeoJSON feature, coordinates to a tenth of a pixel; rings run as the drawing program wants them."""
    return {"type": "Feature", "geometry": _rounded(geometry), "properties": properties}


def _rounded(geometry: Any) -> Any:
    def tidy(value: Any) -> Any:
        return [tidy(v) for v in value] if isinstance(value, list | tuple) else round(float(value), 1)

    return {"type": geometry["type"], "coordinates": tidy(geometry["coordinates"])}
