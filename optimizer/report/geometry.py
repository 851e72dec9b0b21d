"""Geometry of the map: the Equal Earth projection, cuts at the map's edge, land, arrow heads, the frame.

Equal Earth is an equal-area projection (Šavrič, Patterson and Jenny, 2018, doi:10.1080/13658816.2018.1504949).
Longitudes run on over the antimeridian along a path; the map is cut opposite its central meridian.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.tables.locate import data_root

CENTRE = 11.0
"""Central meridian in degrees; the edge at 169° west lies in the Bering Strait and cuts no land but small islands."""
STEP_DEG = 2.0
DETAIL_SHARE = 0.15
"""Width of the detail's part of the plane over that of the world's."""
FINE = 1.5
"""Frames narrower than this on the plane take the finer outlines."""
_A = (1.340264, -0.081106, 0.000893, 0.003796)

Point = tuple[float, float]
Path = list[Point]
Corners = npt.NDArray[np.float64]


def equal_earth(longitude: float, latitude: float, centre: float = CENTRE) -> Point:
    """Project degrees to the plane of a unit sphere, y upwards; longitudes within half a turn of the centre."""
    x, y = _projected(np.array([[longitude, latitude]]), centre)[0]
    return float(x), float(y)


def _projected(corners: Corners, centre: float = CENTRE) -> Corners:
    """Project rows of (longitude, latitude)."""
    theta = np.arcsin(math.sqrt(3) / 2 * np.sin(np.radians(corners[:, 1])))
    t2 = theta * theta
    t6 = t2**3
    slope = _A[0] + 3 * _A[1] * t2 + t6 * (7 * _A[2] + 9 * _A[3] * t2)
    x = 2 * math.sqrt(3) * np.radians(corners[:, 0] - centre) * np.cos(theta) / (3 * slope)
    return np.column_stack([x, theta * (_A[0] + _A[1] * t2 + t6 * (_A[2] + _A[3] * t2))])


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
        corner: left and top of the rectangle in pixels from the corner of the picture.
    """

    def __init__(self, middle: Point, wide: float, size: Point, corner: Point = (0.0, 0.0)) -> None:
        self.width, self.height = size
        self.left, self.top = corner
        self.scale = size[0] / wide
        self.middle, self.wide, self.tall = middle, wide, size[1] / self.scale

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels."""
        return self.left, self.top, self.left + self.width, self.top + self.height

    def pixels(self, plane: Corners) -> Corners:
        """Places of points of the plane."""
        x = self.left + (plane[:, 0] - self.middle[0] + self.wide / 2) * self.scale
        return np.column_stack([x, self.top + (self.middle[1] + self.tall / 2 - plane[:, 1]) * self.scale])

    def pixel(self, longitude: float, latitude: float) -> Point:
        """Place of a point; longitudes must be within half a turn of the central meridian."""
        x, y = self.pixels(_projected(np.array([[longitude, latitude]])))[0]
        return float(x), float(y)

    def place(self, longitude: float, latitude: float) -> Point:
        """Place of a point whatever turn its longitude is given in."""
        return self.pixel(_home(longitude), latitude)

    def lines(self, path: Sequence[Point]) -> list[Path]:
        """A path in pixels, cut at the edge of the map; parts outside the frame stay."""
        pieces = (self.pixels(_projected(np.array(piece))) for piece in cut_at_edge(dense(path)))
        return [[(float(x), float(y)) for x, y in piece] for piece in pieces]

    def holds(self, point: Point, margin: float = 0.0) -> bool:
        """Whether a pixel lies in the frame."""
        left, top, right, bottom = self.box
        return left + margin <= point[0] <= right - margin and top + margin <= point[1] <= bottom - margin

    def clipped(self, shape: Any, margin: float = 0.0) -> Any:
        """The part of a shape in pixels that lies in the frame, or within a margin around it."""
        from shapely import clip_by_rect

        left, top, right, bottom = self.box
        return clip_by_rect(shape, left - margin, top - margin, right + margin, bottom + margin)


def world_frame(
    points: Sequence[Point], width: float, ratios: Point = (0.36, 0.46), corner: Point = (0.0, 0.0), least: float = 0.3
) -> Frame:
    """The frame that holds all points with some room.

    Args:
        points: (longitude, latitude).
        width: in pixels.
        ratios: least and largest height over width.
        corner: left and top in pixels.
        least: least width of the points on the plane, so that a single place still has surroundings.
    """
    plane = [equal_earth(_home(lon), lat) for lon, lat in points or [(CENTRE, 0.0)]]
    (x0, x1), (y0, y1) = ((min(v), max(v)) for v in zip(*plane, strict=True))
    world = equal_earth(CENTRE + 180, 0)[0]
    low, high = equal_earth(CENTRE, -58)[1], equal_earth(CENTRE, 80)[1]
    wide = min(2 * world, max(x1 - x0, (y1 - y0) / ratios[1], least) * 1.14)
    wide = min(wide, (high - low) / ratios[0])
    x = min(max((x0 + x1) / 2, wide / 2 - world), world - wide / 2)
    tall = min(max((y1 - y0) * 1.2, ratios[0] * wide), ratios[1] * wide, high - low)
    y = min(max((y0 + y1) / 2, low + tall / 2), high - tall / 2)
    return Frame((x, y), wide, (width, tall * width / wide), corner)


def detail_frame(points: Sequence[Point], world: Frame, size: Point, fewest: int = 6) -> Frame | None:
    """The frame, an eighth of the world's frame wide, around where points crowd most; it lies in the corner (0, 0).

    Args:
        points: (longitude, latitude).
        world: the frame that is too small for them.
        size: width and height in pixels.
        fewest: with fewer points together there is no detail.
    """
    plane = [equal_earth(_home(lon), lat) for lon, lat in points]
    wide = DETAIL_SHARE * world.wide
    tall = wide * size[1] / size[0]
    best: list[Point] = []
    for left, _ in plane:
        for _, low in plane:
            near = [p for p in plane if 0 <= p[0] - left <= 0.9 * wide and 0 <= p[1] - low <= 0.9 * tall]
            best = near if len(near) > len(best) else best
    if len(best) < fewest:
        return None
    xs, ys = zip(*best, strict=True)
    return Frame(((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2), wide, size)


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


@lru_cache(maxsize=2)
def countries(is_fine: bool = False) -> tuple[tuple[str, Any], ...]:
    """Countries as (code, polygons in degrees around the central meridian, cut at the edge); none without data."""
    from shapely import union_all
    from shapely.geometry import shape

    file = data_root() / "map" / ("countries_50m.geojson.gz" if is_fine else "countries_110m.geojson")
    if not file.is_file():
        return ()
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    found = []
    for record in json.loads(content)["features"]:
        parts = [_around_centre(polygon) for polygon in _polygons(shape(record["geometry"]))]
        kept = [part for part in parts if not part.is_empty]
        joined = kept[0] if len(kept) == 1 else union_all(kept)
        if not joined.is_empty:
            found.append((str(record["properties"].get("country_iso3") or ""), joined))
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
    from shapely import affinity, clip_by_rect, union_all

    west, _, east, _ = polygon.bounds
    if west >= CENTRE - 180 and east <= CENTRE + 180:
        return polygon
    pieces = []
    for turn in (-1, 0, 1):
        left = CENTRE - 180 + 360 * turn
        piece = affinity.translate(clip_by_rect(polygon, left, -60, left + 360, 90), xoff=-360 * turn)
        if not piece.is_empty:
            pieces.append(piece.buffer(0.02) if turn else piece)
    return union_all(pieces)


@lru_cache(maxsize=2)
def _plane(is_fine: bool) -> tuple[Any, ...]:
    """Country polygons on the plane."""
    from shapely import make_valid, segmentize, transform

    return tuple(make_valid(transform(segmentize(shape, 3.0), _projected)) for _, shape in countries(is_fine))


def land(frame: Frame) -> list[list[Path]]:
    """Country polygons in pixels inside the frame, each as its rings."""
    from shapely import clip_by_rect, transform

    x, y = frame.middle
    window = (x - frame.wide / 2, y - frame.tall / 2, x + frame.wide / 2, y + frame.tall / 2)
    found: list[list[Path]] = []
    for whole in _plane(frame.wide < FINE):
        part = clip_by_rect(whole, *window)
        if part.is_empty:
            continue
        drawn = transform(part, frame.pixels).simplify(0.2)
        for polygon in getattr(drawn, "geoms", [drawn]):
            if polygon.geom_type == "Polygon" and polygon.area > 0.3:
                rings = (polygon.exterior, *polygon.interiors)
                found.append([[(float(a), float(b)) for a, b in ring.coords] for ring in rings])
    return found


def sea(frame: Frame) -> list[Path]:
    """Outline of the world inside the frame, in pixels."""
    from shapely import Polygon

    edge = 179.999
    east = [(CENTRE + edge, lat) for lat in range(-88, 89, 2)]
    west = [(CENTRE - edge, lat) for lat in range(88, -89, -2)]
    outline = frame.clipped(Polygon(frame.pixels(_projected(np.array([*east, *west], dtype=float)))))
    return [[(float(a), float(b)) for a, b in outline.exterior.coords]]
