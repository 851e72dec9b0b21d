"""Sea routes between ports over the network of the searoute library, and the stored table made from them.

The library ignores names of passages it does not know, replaces its default restrictions when given others (and then
sails the Northwest Passage), and answers 0 km when a closed passage shuts a port off. Here names are checked, the
Northwest Passage is always closed, and 0 km is no route.

``python -m optimizer.chain.sea`` computes ``data/sea_routes.csv`` and ``data/map/sea_routes.geojson.gz`` anew for all
pairs of ``data/ports.csv``.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

from optimizer.errors import DataProblem, Problem
from optimizer.tables.locate import data_root

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""

PASSAGES = (
    "babalmandab",
    "bering",
    "bosporus",
    "chili",
    "gibraltar",
    "malacca",
    "northwest",
    "ormuz",
    "panama",
    "south_africa",
    "suez",
    "sunda",
)
"""Passages the library marks on its network, by its own names (searoute 1.6)."""

ALWAYS_CLOSED = frozenset({"northwest"})
"""Not used by regular cargo services."""

SIMPLIFY_DEG = 0.2
"""Tolerance to which stored geometry is simplified, in degrees: invisible on a map of the world."""

Point = tuple[float, float]
"""(longitude, latitude), EPSG:4326."""


@dataclass(frozen=True, slots=True)
class SeaRoute:
    """A route: length in km, passages crossed in alphabetical order, path as (longitude, latitude).

    Longitudes of the path run on over the antimeridian (181 instead of -179), so that no leg jumps around the globe.
    """

    distance_km: float
    passages: tuple[str, ...]
    path: tuple[Point, ...]


def great_circle_km(a: Point, b: Point) -> float:
    """Length in km of the shortest line on the sphere between two (longitude, latitude) points."""
    lon_a, lat_a, lon_b, lat_b = map(radians, (*a, *b))
    chord = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(chord)))


def checked_passages(
    names: Iterable[str], place: str = "case.toml", key: str = "freight.avoid_passages"
) -> frozenset[str]:
    """Give the names as a set, with the always closed passages added.

    Raises:
        DataProblem: a name the routing network does not know (it would be ignored silently).
    """
    given = frozenset(names)
    unknown = sorted(given.difference(PASSAGES))
    if unknown:
        raise DataProblem(
            Problem(
                code="C101",
                file=place,
                column=key,
                found=name,
                allowed=", ".join(PASSAGES),
                remedy="use a name of the table passages",
            )
            for name in unknown
        )
    return given | ALWAYS_CLOSED


def sea_route(origin: Point, destination: Point, avoid: Iterable[str] = ()) -> SeaRoute | None:
    """Shortest sea route between two points near the coast that keeps out of the passages to avoid.

    Returns:
        The route from point to point, or None if a closed passage shuts one of them off.

    Raises:
        DataProblem: a passage to avoid that does not exist.
    """
    return _sea_route(origin, destination, tuple(sorted(checked_passages(avoid))))


@lru_cache(maxsize=8192)
def _sea_route(origin: Point, destination: Point, closed: tuple[str, ...]) -> SeaRoute | None:
    from searoute import searoute

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "no path found" is answered by None
        feature = searoute(list(origin), list(destination), restrictions=list(closed), return_passages=True)
    nodes = [(float(lon), float(lat)) for lon, lat in feature.geometry.coordinates]
    if not nodes or float(feature.properties["length"]) <= 0:
        return None
    path = continuous_longitudes([origin, *nodes, destination])
    return SeaRoute(
        distance_km=sum(great_circle_km(a, b) for a, b in pairwise(path)),
        passages=tuple(sorted(feature.properties["traversed_passages"])),
        path=path,
    )


def continuous_longitudes(points: Sequence[Point]) -> tuple[Point, ...]:
    """Drop repeated points and shift longitudes by whole turns so that no step is longer than half a turn."""
    path: list[Point] = []
    for lon, lat in points:
        if path:
            lon += 360 * round((path[-1][0] - lon) / 360)
            if (lon, lat) == path[-1]:
                continue
        path.append((lon, lat))
    return tuple(path)


def route_path(from_port: str, to_port: str) -> list[Point]:
    """Drawn route between two ports as (longitude, latitude), in sailing direction; empty if none is stored."""
    paths = _stored_paths()
    path = paths.get((from_port, to_port)) or tuple(reversed(paths.get((to_port, from_port), ())))
    turns = 360 * round(path[0][0] / 360) if path else 0  # the first point lies between -180 and 180
    return [(lon - turns, lat) for lon, lat in path]


@lru_cache(maxsize=1)
def _stored_paths() -> dict[tuple[str, str], tuple[Point, ...]]:
    file = data_root() / "map" / "sea_routes.geojson.gz"
    if not file.is_file():
        return {}
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        features = json.load(stream)["features"]
    return {
        (feature["properties"]["from_port"], feature["properties"]["to_port"]): tuple(
            (float(lon), float(lat)) for lon, lat in feature["geometry"]["coordinates"]
        )
        for feature in features
    }


def simplified(path: Sequence[Point], tolerance_deg: float = SIMPLIFY_DEG) -> list[list[float]]:
    """Drop points that lie within the tolerance of the rest, and round to 0.01 degree."""
    from shapely import LineString

    line = LineString(path).simplify(tolerance_deg)
    return [[round(float(lon), 2), round(float(lat), 2)] for lon, lat in line.coords]


def compute_routes(ports: dict[str, Point]) -> dict[tuple[str, str], SeaRoute]:
    """Routes between all pairs of ports, each pair once in alphabetical order; pairs without a route are left out."""
    routes = {pair: sea_route(ports[pair[0]], ports[pair[1]]) for pair in combinations(sorted(ports), 2)}
    return {pair: route for pair, route in routes.items() if route is not None}


def write_routes(folder: Path) -> int:
    """Compute and store table and geometry for ``folder/ports.csv``; returns the number of routes."""
    with (folder / "ports.csv").open(encoding="utf-8", newline="") as stream:
        ports = {row["port"]: (float(row["longitude"]), float(row["latitude"])) for row in csv.DictReader(stream)}
    routes = compute_routes(ports)
    with (folder / "sea_routes.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["from_port", "to_port", "distance_km", "passages", "source_id", "confidence", "note"])
        for (start, end), route in routes.items():
            row = [start, end, round(route.distance_km), ";".join(route.passages), "searoute", "derived", ""]
            writer.writerow(row)
    features = [
        {
            "type": "Feature",
            "properties": {"from_port": start, "to_port": end},
            "geometry": {"type": "LineString", "coordinates": simplified(route.path)},
        }
        for (start, end), route in routes.items()
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))
    file = folder / "map" / "sea_routes.geojson.gz"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(text.encode(), mtime=0))
    return len(routes)


def main(arguments: Sequence[str]) -> int:
    """Compute the stored routes of the folder given, or of the shipped tables."""
    folder = Path(arguments[0]) if arguments else data_root()
    print(f"{write_routes(folder)} routes written to {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
