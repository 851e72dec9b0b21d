"""Routing: hand-derived distances, freight and lead times on a small world of four ports."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import pandas as pd
import pytest

from optimizer.chain import sea
from optimizer.chain.routing import LAND_DETOUR, PlacePoint, Router
from optimizer.errors import DataProblem

DEGREE_KM = sea.EARTH_RADIUS_KM * pi / 180


@dataclass(frozen=True)
class Freight:
    air: bool = False
    avoid_passages: tuple[str, ...] = ()


def tables(**changes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    base = {
        "ports": pd.DataFrame(
            [
                {"port": "a1", "country_iso3": "AAA", "latitude": 0.0, "longitude": 0.0},
                {"port": "a2", "country_iso3": "AAA", "latitude": 0.0, "longitude": 10.0},
                {"port": "b1", "country_iso3": "BBB", "latitude": 0.0, "longitude": 40.0},
            ]
        ),
        "sea_routes": pd.DataFrame(
            [
                {"from_port": "b1", "to_port": "a2", "distance_km": 5000.0, "passages": "suez; gibraltar"},
                {"from_port": "a1", "to_port": "b1", "distance_km": 6000.0, "passages": None},
            ]
        ),
        "freight_rates": pd.DataFrame(
            [
                {
                    "mode": "sea",
                    "fixed_usd_per_t": 50,
                    "variable_usd_per_t_km": 0.01,
                    "speed_km_per_day": 500,
                    "handling_days": 10,
                },
                {
                    "mode": "land",
                    "fixed_usd_per_t": 5,
                    "variable_usd_per_t_km": 0.1,
                    "speed_km_per_day": 400,
                    "handling_days": 1,
                },
                {
                    "mode": "air",
                    "fixed_usd_per_t": 500,
                    "variable_usd_per_t_km": 0.5,
                    "speed_km_per_day": 5000,
                    "handling_days": 3,
                },
            ]
        ),
        "freight_quotes": quotes(),
    }
    return base | changes


def quotes(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    columns = ["from_country_iso3", "to_country_iso3", "mode", "freight_usd_per_t"]
    return pd.DataFrame(list(rows), columns=columns)


PLANT_A = PlacePoint("plant-a", "AAA", 0.0, 9.0)
OTHER_A = PlacePoint("other-a", "AAA", 0.0, 7.0)
PLANT_B = PlacePoint("plant-b", "BBB", 0.0, 40.0)
NO_COAST = PlacePoint("no-coast", "CCC", 0.0, 38.0)


def test_one_degree_of_the_equator() -> None:
    assert sea.great_circle_km((0, 0), (1, 0)) == pytest.approx(111.195, abs=1e-3)
    assert sea.great_circle_km((179.5, 0), (-179.5, 0)) == pytest.approx(111.195, abs=1e-3)


def test_same_country_goes_by_land_with_detour() -> None:
    (leg,) = Router(tables(), Freight()).leg(PLANT_A, OTHER_A, True)
    distance = 1.3 * 2 * DEGREE_KM  # two degrees of longitude on the equator
    assert leg.mode == "land"
    assert leg.distance_km == pytest.approx(distance)
    assert leg.freight_usd_per_t == pytest.approx(5 + 0.1 * distance)
    assert leg.lead_time_days == pytest.approx(1 + distance / 400)
    assert (leg.from_port, leg.to_port, leg.passages) == (None, None, ())


def test_sea_uses_the_nearest_port_of_the_country_and_adds_inland_parts() -> None:
    (leg,) = Router(tables(), Freight()).leg(PLANT_A, PLANT_B, False)
    inland = LAND_DETOUR * DEGREE_KM  # plant-a is one degree from a2, plant-b stands at b1
    assert (leg.mode, leg.from_port, leg.to_port) == ("sea", "a2", "b1")
    assert leg.passages == ("suez", "gibraltar")
    assert leg.distance_km == pytest.approx(5000 + inland)
    assert leg.freight_usd_per_t == pytest.approx(50 + 0.01 * 5000 + 5 + 0.1 * inland)
    assert leg.lead_time_days == pytest.approx(10 + 5000 / 500 + inland / 400)


def test_own_port_comes_before_the_nearest() -> None:
    place = PlacePoint("plant-a", "AAA", 0.0, 9.0, port="a1")
    (leg,) = Router(tables(), Freight()).leg(place, PLANT_B, False)
    assert (leg.from_port, leg.passages) == ("a1", ())
    assert leg.distance_km == pytest.approx(6000 + 1.3 * 9 * DEGREE_KM)


def test_landlocked_place_takes_the_nearest_port_of_all() -> None:
    router = Router(tables(), Freight())
    assert router.port_of(NO_COAST) == "b1"
    (leg,) = router.leg(PLANT_B, NO_COAST, False)  # both use b1: no ship is needed
    assert leg.mode == "land"
    assert leg.distance_km == pytest.approx(1.3 * 2 * DEGREE_KM)


def test_sea_quote_replaces_the_main_leg_in_its_direction_only() -> None:
    router = Router(tables(freight_quotes=quotes(("AAA", "BBB", "sea", 30.0))), Freight())
    inland = 5 + 0.1 * LAND_DETOUR * DEGREE_KM
    assert router.leg(PLANT_A, PLANT_B, False)[0].freight_usd_per_t == pytest.approx(30 + inland)
    assert router.leg(PLANT_B, PLANT_A, False)[0].freight_usd_per_t == pytest.approx(100 + inland)


def test_land_quote_makes_the_way_by_land_in_both_directions() -> None:
    router = Router(tables(freight_quotes=quotes(("AAA", "BBB", "land", 70.0))), Freight())
    for start, end in ((PLANT_A, PLANT_B), (PLANT_B, PLANT_A)):
        (leg,) = router.leg(start, end, False)
        assert (leg.mode, leg.freight_usd_per_t, leg.passages) == ("land", 70.0, ())
        assert leg.distance_km == pytest.approx(1.3 * 31 * DEGREE_KM)


def test_air_needs_product_and_case() -> None:
    assert len(Router(tables(), Freight(air=True)).leg(PLANT_A, PLANT_B, False)) == 1
    assert len(Router(tables(), Freight(air=False)).leg(PLANT_A, PLANT_B, True)) == 1
    ship, plane = Router(tables(), Freight(air=True)).leg(PLANT_A, PLANT_B, True)
    distance = 31 * DEGREE_KM
    assert (ship.mode, plane.mode, plane.passages) == ("sea", "air", ())
    assert plane.freight_usd_per_t == pytest.approx(500 + 0.5 * distance)
    assert plane.lead_time_days == pytest.approx(3 + distance / 5000)
    quoted = Router(tables(freight_quotes=quotes(("AAA", "BBB", "air", 4000.0))), Freight(air=True))
    assert quoted.leg(PLANT_A, PLANT_B, True)[1].freight_usd_per_t == 4000.0


def test_without_rates_transport_is_free_and_needs_no_port() -> None:
    (leg,) = Router({}, Freight()).leg(PLANT_A, PLANT_B, True)
    assert (leg.mode, leg.freight_usd_per_t, leg.lead_time_days) == ("land", 0.0, 0.0)
    assert leg.distance_km == pytest.approx(31 * DEGREE_KM)


def test_without_ports_all_transport_is_by_land() -> None:
    world = tables()
    del world["ports"], world["sea_routes"]
    (leg,) = Router(world, Freight()).leg(PLANT_A, PLANT_B, False)
    assert leg.mode == "land"


def test_a_route_of_zero_km_is_no_lane() -> None:
    world = tables()
    world["sea_routes"] = world["sea_routes"].assign(distance_km=0.0)
    assert Router(world, Freight()).leg(PLANT_A, PLANT_B, False) == []


def test_a_closed_passage_gives_a_longer_route_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[frozenset[str]] = []

    def around(_: sea.Point, __: sea.Point, avoid: frozenset[str]) -> sea.SeaRoute:
        asked.append(avoid)
        return sea.SeaRoute(9000.0, ("south_africa",), ())

    monkeypatch.setattr("optimizer.chain.routing.sea_route", around)
    router = Router(tables(), Freight(avoid_passages=("suez",)))
    for _ in range(3):
        (leg,) = router.leg(PLANT_A, PLANT_B, False)
    assert leg.passages == ("south_africa",)
    assert asked == [frozenset({"suez", "northwest"})]  # asked once, remembered
    monkeypatch.setattr("optimizer.chain.routing.sea_route", lambda *_: None)
    assert Router(tables(), Freight(avoid_passages=("suez",))).leg(PLANT_A, PLANT_B, False) == []


@pytest.mark.parametrize("name", ["hormuz", "Suez", ""])
def test_unknown_passage_is_refused(name: str) -> None:
    with pytest.raises(DataProblem, match="ormuz"):
        Router(tables(), Freight(avoid_passages=(name,)))


def test_missing_rate_and_unknown_port_are_told() -> None:
    world = tables()
    world["freight_rates"] = world["freight_rates"].query("mode != 'sea'")
    with pytest.raises(DataProblem, match="no row for sea"):
        Router(world, Freight()).leg(PLANT_A, PLANT_B, False)
    with pytest.raises(DataProblem, match="plant-x"):
        Router(tables(), Freight()).leg(PlacePoint("plant-x", "AAA", 0, 0, port="zz"), PLANT_B, False)


def test_longitudes_run_on_over_the_antimeridian() -> None:
    path = sea.continuous_longitudes([(170.0, 1.0), (180.0, 1.0), (-180.0, 1.0), (-170.0, 2.0), (-120.0, 3.0)])
    assert path == ((170.0, 1.0), (180.0, 1.0), (190.0, 2.0), (240.0, 3.0))


def test_library_routes() -> None:
    rotterdam, shanghai, dammam = (4.05, 51.95), (122.06, 30.63), (50.2, 26.5)
    usual = sea.sea_route(rotterdam, shanghai)
    closed = sea.sea_route(rotterdam, shanghai, ["suez"])
    assert usual is not None
    assert closed is not None
    assert usual.distance_km == pytest.approx(19_500, rel=0.03)  # about 10,500 nautical miles by Suez
    assert set(usual.passages) == {"gibraltar", "suez", "babalmandab", "malacca"}
    assert "suez" not in closed.passages
    assert closed.distance_km > usual.distance_km + 4000
    assert "northwest" not in closed.passages
    assert sea.sea_route(dammam, rotterdam, ["ormuz"]) is None
    assert sea.sea_route(rotterdam, rotterdam) is None


def test_known_passages_are_those_of_the_library() -> None:
    from searoute.classes.passages import Passage

    assert set(sea.PASSAGES) == {name for name in Passage.valid_passages() if isinstance(name, str)}


def test_stored_routes_cover_every_pair_and_read_both_ways() -> None:
    folder = sea.data_root()
    ports = pd.read_csv(folder / "ports.csv").set_index("port")
    routes = pd.read_csv(folder / "sea_routes.csv")
    assert len(routes) == len(ports) * (len(ports) - 1) // 2
    assert (routes["distance_km"] > 0).all()
    assert not routes["passages"].fillna("").str.contains("northwest").any()
    known = set(pd.read_csv(folder / "passages.csv")["passage"])
    assert {name for cell in routes["passages"].dropna() for name in cell.split(";")} <= known
    row = routes.iloc[0]
    there = sea.route_path(row["from_port"], row["to_port"])
    assert len(there) >= 2
    assert sea.route_path(row["to_port"], row["from_port"]) == there[::-1]
    assert there[0] == pytest.approx(tuple(ports.loc[row["from_port"], ["longitude", "latitude"]]), abs=0.01)
    assert sea.route_path("no-port", "no-port-either") == []
    assert (folder / "map" / "sea_routes.geojson.gz").stat().st_size < 1_500_000
