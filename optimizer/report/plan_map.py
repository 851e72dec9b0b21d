"""What the map of a plan shows, from the nominal rows of one point: places with volumes, flows with routes."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import lru_cache

import pandas as pd

from optimizer.chain.sea import continuous_longitudes, route_path
from optimizer.report.geometry import Path, Point, great_circle
from optimizer.report.view import NOMINAL, RunView, text_of
from optimizer.tables.locate import data_root

LEAST_SHARE = 0.002
"""Flows below this share of what the markets receive are not drawn."""


@dataclass(frozen=True)
class Place:
    """A plant or market: name, stage ("" for a market), position and mean tonnes a year out (market: in)."""

    key: str
    name: str
    stage: str
    country: str
    position: Point
    t_per_year: float


@dataclass(frozen=True)
class Flow:
    """A mean yearly flow of one product form between two places along its route."""

    layer: str
    start: str
    end: str
    form: str
    stage: str
    mode: str
    t_per_year: float
    path: Path
    passages: tuple[str, ...]


@dataclass(frozen=True)
class PlanMap:
    """Everything on the map of a point. ``least`` is the smallest flow drawn, in t/yr."""

    used: list[Place]
    unused: list[Place]
    markets: list[Place]
    flows: list[Flow]
    passages: dict[str, tuple[str, Point]] = field(default_factory=dict)
    least: float = 0.0


def plan_map(view: RunView, point: int) -> PlanMap:
    """Places and flows of a point's nominal years, averaged over the horizon."""
    rows = view.of_point("flows", point)
    rows = rows[rows["shock"] == NOMINAL]
    places = _positions(view)
    markets = {str(market) for market in view.markets["market"]}
    arriving = rows[rows["to_facility"].isin(markets)]["flow_t"].sum() / view.years
    least = LEAST_SHARE * float(arriving)
    flows = [f for f in _flows(view, rows, places) if f.t_per_year > max(least, 0.0)]
    out = rows.groupby("from_facility")["flow_t"].sum() / view.years
    into = rows.groupby("to_facility")["flow_t"].sum() / view.years
    active = {end for f in flows for end in (f.start, f.end)}
    used: list[Place] = []
    unused: list[Place] = []
    for row in view.facilities.to_dict("records"):
        key = str(row["facility"])
        if key not in places:
            continue
        volume = float(out.get(key, 0.0))
        is_used = key in active or volume > least
        place = Place(
            key, view.name(key), str(row["stage"]), str(row["country_iso3"]), places[key], max(volume, 0.0)
        )  # fmt: skip
        (used if is_used else unused).append(place)
    sinks = [
        Place(str(r["market"]), view.name(r["market"]), "", str(r["country_iso3"]), places[str(r["market"])],
              float(into.get(str(r["market"]), 0.0)))
        for r in view.markets.to_dict("records") if str(r["market"]) in places
    ]  # fmt: skip
    crossed = sorted({name for f in flows for name in f.passages})
    known = {name: known_passages()[name] for name in crossed if name in known_passages()}
    return PlanMap(used, unused, sinks, flows, known, least)


def _positions(view: RunView) -> dict[str, Point]:
    found: dict[str, Point] = {}
    for frame, key in ((view.facilities, "facility"), (view.markets, "market")):
        for k, lon, lat in zip(frame[key], frame["longitude"], frame["latitude"], strict=True):
            if lon == lon and lat == lat:
                found[str(k)] = (float(lon), float(lat))
    return found


def _flows(view: RunView, rows: pd.DataFrame, places: dict[str, Point]) -> list[Flow]:
    """Flows summed over years and products of a form, thickest last so that it lies on top within its layer."""
    forms = _column(view, "products", "product", "form")
    stages = _column(view, "facilities", "facility", "stage")
    lanes = view.given("lanes", "lane", "mode", "passages", "from_port", "to_port").set_index("lane")
    named = rows.assign(form=[forms.get(str(p)) or str(p) for p in rows["product"]])
    keys = ["layer", "from_facility", "to_facility", "form"]
    sums = named.groupby(keys, as_index=False).agg(flow_t=("flow_t", "sum"), lane=("lane", "first"))
    flows = []
    for row in sums.sort_values(["layer", "flow_t"], ascending=[False, True]).to_dict("records"):
        start, end = str(row["from_facility"]), str(row["to_facility"])
        if start not in places or end not in places or places[start] == places[end]:
            continue
        lane = lanes.loc[row["lane"]].to_dict() if row["lane"] in lanes.index else {}
        path = route(places[start], places[end], text_of(lane.get("from_port")), text_of(lane.get("to_port")))
        names = tuple(name for name in text_of(lane.get("passages")).split(";") if name)
        mode, stage = text_of(lane.get("mode")) or "land", stages.get(start, "")
        year = float(row["flow_t"]) / view.years
        flows.append(Flow(str(row["layer"]), start, end, str(row["form"]), stage, mode, year, path, names))
    return flows


def _column(view: RunView, table: str, key: str, value: str) -> dict[str, str]:
    frame = view.given(table, key, value)
    return {str(k): text_of(v) for k, v in zip(frame[key], frame[value], strict=True)}


def route(start: Point, end: Point, from_port: str, to_port: str) -> Path:
    """Drawn way between two places: over the stored sea route between two ports, else the great circle."""
    sea = route_path(from_port, to_port) if from_port and to_port and from_port != to_port else []
    if not sea:
        return great_circle(start, end)
    return list(continuous_longitudes([start, *sea, end]))


@lru_cache(maxsize=1)
def known_passages() -> dict[str, tuple[str, Point]]:
    """Passage → (name, position) of the shared tables; empty without them."""
    file = data_root() / "passages.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as stream:
        return {
            r["passage"]: (r["name"], (float(r["longitude"]), float(r["latitude"]))) for r in csv.DictReader(stream)
        }
