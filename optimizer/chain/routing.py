"""How a product gets from one place to another: mode, distance, passages, time and freight.

Freight is a quote between two countries where the tables have one, otherwise a fixed part plus a part per kilometre.
Lead time is the distance at the mode's door-to-door progress plus its handling days, counted once per leg.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from optimizer.chain.rows import Tables, table_rows
from optimizer.chain.sea import Point, checked_passages, great_circle_km, sea_route
from optimizer.errors import DataProblem, Problem

LAND_DETOUR = 1.3
"""Road or rail distance per great-circle distance (assumed; measured road networks lie at about 1.2 to 1.4)."""

Mode = Literal["sea", "land", "air"]


class FreightSettings(Protocol):
    """The freight part of a case: whether emergency air freight may be used, and which passages are not sailed."""

    @property
    def air(self) -> bool:
        """Whether lanes by air exist."""

    @property
    def avoid_passages(self) -> Sequence[str]:
        """Passages that no route may use, by the names of the table ``passages``."""


@dataclass(frozen=True, slots=True)
class PlacePoint:
    """Where a facility or market lies, in degrees (EPSG:4326), and the port it uses if the tables name one."""

    place: str
    country_iso3: str
    latitude: float
    longitude: float
    port: str | None = None

    @property
    def point(self) -> Point:
        """(longitude, latitude)."""
        return (self.longitude, self.latitude)


@dataclass(frozen=True, slots=True)
class Leg:
    """One way to ship a tonne from door to door: inland parts of a sea route are included."""

    mode: Mode
    distance_km: float
    passages: tuple[str, ...]
    lead_time_days: float
    freight_usd_per_t: float
    from_port: str | None
    to_port: str | None


@dataclass(frozen=True, slots=True)
class _Port:
    port: str
    country_iso3: str
    point: Point


@dataclass(frozen=True, slots=True)
class _Rate:
    fixed_usd_per_t: float
    variable_usd_per_t_km: float
    speed_km_per_day: float
    handling_days: float

    def freight(self, distance_km: float) -> float:
        """Freight in USD/t over a distance; nothing where nothing is moved."""
        return self.fixed_usd_per_t + self.variable_usd_per_t_km * distance_km if distance_km > 0 else 0.0

    def days(self, distance_km: float) -> float:
        """Days from door to door."""
        return self.handling_days + distance_km / self.speed_km_per_day


class Router:
    """Legs between places, from the tables ports, sea_routes, freight_rates and freight_quotes of a case.

    Without any row in ``freight_rates`` distance does not matter: every pair has one free land leg. Without any port
    all transport between countries is by land.

    Raises:
        DataProblem: passages to avoid that do not exist; a freight mode needed but without rate; an unknown port.
    """

    def __init__(self, tables: Tables, freight: FreightSettings) -> None:
        self._has_air = bool(freight.air)
        self._avoided = checked_passages(freight.avoid_passages)
        self._rates = {str(row["mode"]): _rate(row) for row in table_rows(tables, "freight_rates")}
        self._quotes = {
            (str(row["from_country_iso3"]), str(row["to_country_iso3"]), str(row["mode"])): float(
                row["freight_usd_per_t"]
            )
            for row in table_rows(tables, "freight_quotes")
        }
        self._ports = {
            str(row["port"]): _Port(
                str(row["port"]), str(row["country_iso3"]), (float(row["longitude"]), float(row["latitude"]))
            )
            for row in table_rows(tables, "ports")
        }
        self._stored = {
            (str(row["from_port"]), str(row["to_port"])): (float(row["distance_km"]), _names(row["passages"]))
            for row in table_rows(tables, "sea_routes")
        }
        self._nearest: dict[PlacePoint, _Port] = {}
        self._sailed: dict[tuple[str, str], tuple[float, tuple[str, ...]] | None] = {}

    def leg(self, a: PlacePoint, b: PlacePoint, product_is_air: bool) -> list[Leg]:
        """Ways to ship from ``a`` to ``b``: at most one by land or sea, and one by air where product and case allow it.

        Within a country, and between countries with a land quote, the way is by land; otherwise by sea. The list is
        empty if closed passages leave no sea route.
        """
        if not self._rates:
            return [Leg("land", great_circle_km(a.point, b.point), (), 0.0, 0.0, None, None)]
        surface = self._land(a, b) if self._is_by_land(a, b) else self._sea(a, b)
        air = self._air(a, b) if product_is_air and self._has_air else None
        return [leg for leg in (surface, air) if leg is not None]

    def port_of(self, place: PlacePoint) -> str:
        """Port a place uses: its own, else the nearest in its country, else the nearest of all."""
        return self._port(place).port

    def sea_distance(self, from_port: str, to_port: str) -> tuple[float, tuple[str, ...]] | None:
        """Distance in km and passages between two ports, stored or computed; None if there is no open route."""
        key = (min(from_port, to_port), max(from_port, to_port))
        if key not in self._sailed:
            self._sailed[key] = self._sail(*key)
        return self._sailed[key]

    def _is_by_land(self, a: PlacePoint, b: PlacePoint) -> bool:
        return a.country_iso3 == b.country_iso3 or not self._ports or self._land_quote(a, b) is not None

    def _land_quote(self, a: PlacePoint, b: PlacePoint) -> float | None:
        """Quote by land in this direction, else in the other: a road runs both ways."""
        there = self._quotes.get((a.country_iso3, b.country_iso3, "land"))
        return there if there is not None else self._quotes.get((b.country_iso3, a.country_iso3, "land"))

    def _land(self, a: PlacePoint, b: PlacePoint) -> Leg:
        distance = LAND_DETOUR * great_circle_km(a.point, b.point)
        rate = self._rate("land")
        quote = self._land_quote(a, b)
        freight = quote if quote is not None and distance > 0 else rate.freight(distance)
        return Leg("land", distance, (), rate.days(distance) if distance > 0 else 0.0, freight, None, None)

    def _sea(self, a: PlacePoint, b: PlacePoint) -> Leg | None:
        start, end = self._port(a), self._port(b)
        if start.port == end.port:
            return self._land(a, b)
        sailed = self.sea_distance(start.port, end.port)
        if sailed is None:
            return None
        distance, passages = sailed
        sea, land = self._rate("sea"), self._rate("land")
        inland = [LAND_DETOUR * great_circle_km(place.point, port.point) for place, port in ((a, start), (b, end))]
        quote = self._quotes.get((a.country_iso3, b.country_iso3, "sea"))
        freight = (sea.freight(distance) if quote is None else quote) + sum(land.freight(km) for km in inland)
        days = sea.days(distance) + sum(inland) / land.speed_km_per_day
        return Leg("sea", distance + sum(inland), passages, days, freight, start.port, end.port)

    def _air(self, a: PlacePoint, b: PlacePoint) -> Leg | None:
        """Direct flight between countries; none without a rate, from which speed and handling come."""
        rate = self._rates.get("air")
        if rate is None or a.country_iso3 == b.country_iso3:
            return None
        distance = great_circle_km(a.point, b.point)
        quote = self._quotes.get((a.country_iso3, b.country_iso3, "air"))
        freight = rate.freight(distance) if quote is None else quote
        return Leg("air", distance, (), rate.days(distance), freight, None, None)

    def _rate(self, mode: Mode) -> _Rate:
        if mode not in self._rates:
            raise DataProblem(
                [
                    Problem(
                        code="C102",
                        file="freight_rates",
                        column="mode",
                        found="no row for " + mode,
                        allowed="one row per mode in use",
                        remedy=f"add a row for {mode}, or leave the table empty for free transport",
                    )
                ]
            )
        return self._rates[mode]

    def _port(self, place: PlacePoint) -> _Port:
        if place not in self._nearest:
            self._nearest[place] = self._named_port(place) if place.port else self._nearest_port(place)
        return self._nearest[place]

    def _named_port(self, place: PlacePoint) -> _Port:
        port = self._ports.get(place.port or "")
        if port is None:
            raise DataProblem(
                [
                    Problem(
                        code="C103",
                        file="facilities or markets",
                        row=place.place,
                        column="port",
                        found=str(place.port),
                        allowed="a port of the table ports",
                        remedy="add the port, or leave the column empty for the nearest",
                    )
                ]
            )
        return port

    def _nearest_port(self, place: PlacePoint) -> _Port:
        own = [port for port in self._ports.values() if port.country_iso3 == place.country_iso3]
        return _closest(own or self._ports.values(), place.point)

    def _sail(self, first: str, second: str) -> tuple[float, tuple[str, ...]] | None:
        stored = self._stored.get((first, second)) or self._stored.get((second, first))
        if stored is not None and not self._avoided.intersection(stored[1]):
            return stored if stored[0] > 0 else None
        route = sea_route(self._ports[first].point, self._ports[second].point, self._avoided)
        return None if route is None else (route.distance_km, route.passages)


def _closest(ports: Iterable[_Port], point: Point) -> _Port:
    return min(ports, key=lambda port: (great_circle_km(port.point, point), port.port))


def _rate(row: dict[str, float]) -> _Rate:
    return _Rate(
        float(row["fixed_usd_per_t"]),
        float(row["variable_usd_per_t_km"]),
        float(row["speed_km_per_day"]),
        float(row["handling_days"]),
    )


def _names(cell: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (cell or "").split(";") if name.strip())
