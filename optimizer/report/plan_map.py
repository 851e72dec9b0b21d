"""What the map of a plan shows, from the flows of one point: places with volumes, flows with routes, passages.

Three readings: the mean of some years without a shock; the first months of a shock; and, for both, what a shock
closes (plants, ways, passages).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import pandas as pd

from optimizer.chain.sea import continuous_longitudes, route_path
from optimizer.report.geometry import Path, Point, great_circle
from optimizer.report.view import NOMINAL, RunView, spoken, text_of
from optimizer.tables.locate import data_root

LEAST_SHARE = 0.002
"""Flows below this share of what the markets receive are not drawn."""
PRODUCT, ORIGIN = "product", "origin"


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
    """A mean yearly flow of one product form between two places along its route.

    ``kind`` is what tells flows apart by colour: the form, or the origin rules the material falls under.
    """

    layer: str
    start: str
    end: str
    form: str
    kind: str
    stage: str
    mode: str
    t_per_year: float
    path: Path
    passages: tuple[str, ...]
    lanes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """What a shock closes, wholly or in part: place → least open share, lane → least open share."""

    shock: str = NOMINAL
    places: dict[str, float] = field(default_factory=dict)
    lanes: dict[str, float] = field(default_factory=dict)

    def cuts(self, flow: Flow) -> bool:
        """Whether the shock closes a lane of a flow, or an end of it."""
        return bool({flow.start, flow.end} & set(self.places)) or bool(set(flow.lanes) & set(self.lanes))


@dataclass(frozen=True)
class PlanMap:
    """Everything on the map of a point.

    ``least`` is the smallest flow drawn and ``arriving`` what the markets get, both in t/yr; ``passages`` maps a
    passage to name and position.
    """

    used: list[Place]
    unused: list[Place]
    markets: list[Place]
    flows: list[Flow]
    passages: dict[str, tuple[str, Point]] = field(default_factory=dict)
    least: float = 0.0
    arriving: float = 0.0
    hit: Hit = field(default_factory=Hit)


def plan_map(view: RunView, point: int, years: Sequence[int] | None = None, by: str = PRODUCT) -> PlanMap:
    """Places and flows of a point's nominal years, averaged over ``years`` (None: the whole horizon)."""
    rows = view.of_point("flows", point)
    rows = rows[rows["shock"] == NOMINAL]
    count = view.years
    if years is not None:
        rows, count = rows[rows["year"].isin(list(years))], max(1, len(years))
    return _drawn(view, rows.assign(flow_t=rows["flow_t"].astype(float) / count), by)


def shock_map(view: RunView, point: int, shock: str, by: str = PRODUCT) -> PlanMap:
    """What moves to and for the buyer in the first months of a shock, as a yearly rate.

    What untouched plants deliver is known for all of them together (table ``supply``); it is shared out among them in
    proportion to what they deliver in the year without the shock.
    """
    first = first_period(view, shock)
    rows = view.of_point("flows", point)
    rate = 12.0 / first["months"]
    now = rows[(rows["shock"] == shock) & (rows["period"] == first["period"]) & (rows["layer"] == "buyer")]
    usual = rows[(rows["shock"] == NOMINAL) & (rows["year"] == first["year"]) & (rows["layer"] == "buyer")]
    pooled = _pooled(view, point, (shock, int(first["period"])), usual)
    both = pd.concat([now, pooled]) if len(pooled) else now
    return _drawn(view, both.assign(flow_t=both["flow_t"].astype(float) * rate), by)


def first_period(view: RunView, shock: str) -> dict[str, float]:
    """First period of a shock: number, calendar year, months it lasts."""
    periods = view.given("shock_periods", "shock", "period", "year", "months")
    found = periods[periods["shock"] == shock].sort_values("period")
    if found.empty:
        return {"period": 1, "year": float(view.setting("first_year") or 0), "months": 12.0}
    row = found.iloc[0]
    return {"period": float(row["period"]), "year": float(row["year"]), "months": max(0.01, float(row["months"]))}


def _pooled(view: RunView, point: int, when: tuple[str, int], usual: pd.DataFrame) -> pd.DataFrame:
    """Deliveries of untouched plants as rows of flows: each pool's to a market shared out among its plants."""
    shock, period = when
    supply = view.of_point("supply", point)
    supply = supply[(supply["shock"] == shock) & (supply["period"] == period) & (supply["supply_t"] > 0)]
    pools = view.table("pools")
    pools = pools[pools["shock"] == shock]
    found = []
    for row in supply.to_dict("records"):
        members = set(map(str, pools.loc[pools["pool"] == row["pool"], "facility"]))
        shared = _shared_out(view, members, str(row["market"]), usual)
        found.append(shared.assign(flow_t=shared["flow_t"] * float(row["supply_t"])))
    return pd.concat(found) if found else usual.iloc[:0]


def _shared_out(view: RunView, members: set[str], market: str, usual: pd.DataFrame) -> pd.DataFrame:
    """One tonne to a market, shared out among plants as rows of flows.

    In proportion to what each delivers to that market without the shock; if none does, to what each delivers to all
    markets; if that is nothing too, in equal parts among those with a lane to the market.
    """
    own = usual[usual["from_facility"].isin(members)]
    direct = own[own["to_facility"] == market]
    if float(direct["flow_t"].sum()) > 0:
        return direct.assign(flow_t=direct["flow_t"] / float(direct["flow_t"].sum()))
    lanes = view.given("lanes", "lane", "layer", "from_place", "to_place", "product")
    lanes = lanes[(lanes["to_place"] == market) & lanes["from_place"].isin(members) & (lanes["layer"] == "buyer")]
    rows = lanes.drop_duplicates("from_place").rename(
        columns={"from_place": "from_facility", "to_place": "to_facility"}
    )
    rows = rows[["lane", "layer", "from_facility", "to_facility", "product"]].assign(origin_class=0)
    sums = own.groupby("from_facility")["flow_t"].sum()
    weights = rows["from_facility"].map(sums).fillna(0.0).astype(float)
    weights = weights if float(weights.sum()) > 0 else weights + 1.0
    return rows.assign(flow_t=weights / float(weights.sum()) if len(rows) else weights)


def hit_by(view: RunView, shock: str) -> Hit:
    """Plants and lanes a shock closes wholly or in part at some time, each with its least open share."""

    def least(table: str, key: str) -> dict[str, float]:
        rows = view.given(table, "shock", key, "open_share")
        rows = rows[(rows["shock"] == shock) & (rows["open_share"].astype(float) < 1.0)]
        return {str(k): float(v) for k, v in rows.groupby(key)["open_share"].min().items()}

    return Hit(shock, least("facility_shares", "facility"), least("lane_shares", "lane"))


def with_hit(plan: PlanMap, hit: Hit) -> PlanMap:
    """A plan with what a shock closes marked."""
    return replace(plan, hit=hit)


def _drawn(view: RunView, rows: pd.DataFrame, by: str) -> PlanMap:
    """Places and flows of rows whose tonnes are yearly rates."""
    places = _positions(view)
    markets = {str(market) for market in view.markets["market"]}
    arriving = float(rows[rows["to_facility"].isin(markets)]["flow_t"].sum())
    least = LEAST_SHARE * arriving
    flows = [f for f in _flows(view, rows, places, by) if f.t_per_year > max(least, 0.0)]
    out = rows.groupby("from_facility")["flow_t"].sum()
    into = rows.groupby("to_facility")["flow_t"].sum()
    active = {end for f in flows for end in (f.start, f.end)}
    used: list[Place] = []
    unused: list[Place] = []
    for row in view.facilities.to_dict("records"):
        key = str(row["facility"])
        if key not in places:
            continue
        volume = float(out.get(key, 0.0))
        place = Place(key, view.name(key), str(row["stage"]), str(row["country_iso3"]), places[key], max(volume, 0.0))
        (used if key in active or volume > least else unused).append(place)
    sinks = [
        Place(str(r["market"]), view.name(r["market"]), "", str(r["country_iso3"]), places[str(r["market"])],
              float(into.get(str(r["market"]), 0.0)))
        for r in view.markets.to_dict("records") if str(r["market"]) in places
    ]  # fmt: skip
    crossed = sorted({name for f in flows for name in f.passages})
    known = {name: known_passages()[name] for name in crossed if name in known_passages()}
    return PlanMap(used, unused, sinks, flows, known, least, arriving)


def _positions(view: RunView) -> dict[str, Point]:
    found: dict[str, Point] = {}
    for frame, key in ((view.facilities, "facility"), (view.markets, "market")):
        for k, lon, lat in zip(frame[key], frame["longitude"], frame["latitude"], strict=True):
            if lon == lon and lat == lat:
                found[str(k)] = (float(lon), float(lat))
    return found


def _flows(view: RunView, rows: pd.DataFrame, places: dict[str, Point], by: str) -> list[Flow]:
    """Flows summed over years and products of a form, thickest last so that it lies on top within its layer."""
    forms = _column(view, "products", "product", "form")
    stages = _column(view, "facilities", "facility", "stage")
    lanes = view.given("lanes", "lane", "mode", "passages", "from_port", "to_port").set_index("lane")
    classes = origin_names(view)
    named = rows.assign(form=[forms.get(str(p)) or str(p) for p in rows["product"]])
    named["kind"] = named["form"] if by == PRODUCT else [classes(int(c)) for c in named["origin_class"]]
    keys = ["layer", "from_facility", "to_facility", "form", "kind"]
    sums = named.groupby(keys, as_index=False).agg(flow_t=("flow_t", "sum"), lane=("lane", tuple))
    flows = []
    for row in sums.sort_values(["layer", "flow_t"], ascending=[False, True]).to_dict("records"):
        start, end = str(row["from_facility"]), str(row["to_facility"])
        if start not in places or end not in places or places[start] == places[end]:
            continue
        over = tuple(dict.fromkeys(map(str, row["lane"])))
        lane = lanes.loc[over[0]].to_dict() if over[0] in lanes.index else {}
        path = route(places[start], places[end], text_of(lane.get("from_port")), text_of(lane.get("to_port")))
        names = tuple(name for name in text_of(lane.get("passages")).split(";") if name)
        mode, stage = text_of(lane.get("mode")) or "land", stages.get(start, "")
        told = (str(row["layer"]), start, end, str(row["form"]), str(row["kind"]), stage, mode)
        flows.append(Flow(*told, float(row["flow_t"]), path, names, over))
    return flows


def origin_names(view: RunView) -> Callable[[int], str]:
    """Origin class (bits of rules) → the rules its material falls under, in words."""
    rules = view.given("origin_rules", "origin_bit", "rule")
    told = {int(bit): spoken(str(rule)) for bit, rule in zip(rules["origin_bit"], rules["rule"], strict=True)}

    def name(origin_class: int) -> str:
        names = [rule for bit, rule in sorted(told.items()) if origin_class & bit]
        return " and ".join(names) if names else "under no origin rule"

    return name


def _column(view: RunView, table: str, key: str, value: str) -> dict[str, str]:
    frame = view.given(table, key, value)
    return {str(k): text_of(v) for k, v in zip(frame[key], frame[value], strict=True)}


@lru_cache(maxsize=4096)
def _route(start: Point, end: Point, from_port: str, to_port: str) -> tuple[Point, ...]:
    sea = route_path(from_port, to_port) if from_port and to_port and from_port != to_port else []
    if not sea:
        return tuple(great_circle(start, end))
    return tuple(continuous_longitudes([start, *sea, end]))


def route(start: Point, end: Point, from_port: str, to_port: str) -> Path:
    """Drawn way between two places: over the stored sea route between two ports, else the great circle."""
    return list(_route(start, end, from_port, to_port))


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
