"""A small case with joint production, both layers and two origins, for tests of the chain."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from optimizer.chain.licences import Licence, Movement
from optimizer.chain.routing import Leg
from optimizer.chain.services import Services
from optimizer.tables.settings import CaseSettings

PACKAGE = json.loads((Path(__file__).parents[2] / "data" / "datapackage.json").read_text())
COLUMNS = {r["name"]: [f["name"] for f in r["schema"]["fields"]] for r in PACKAGE["resources"]}
GROUPS = {"far": frozenset({"BBB"})}


def product(name: str, form: str, ore: str | None = None, **more: Any) -> dict[str, Any]:
    row = {"product": name, "name": name, "form": form, "ore": ore, "basis": "oxide", "tracked_share": None}
    return {**row, "reference_price_usd_per_kg": 10.0, "is_storable": True, "is_air_freighted": False, **more}


def facility(name: str, country: str, stage: str, **more: Any) -> dict[str, Any]:
    row = {"facility": name, "name": name, "operator": name, "country_iso3": country, "stage": stage}
    row |= {"latitude": 0.0, "longitude": 0.0, "status": "operating", "start_year": 2000, "availability_share": 1.0}
    row |= {"capacity_t_per_year": 1000.0, "capacity_basis": "output", "sale_ceiling_share": 0.5}
    return {**row, "toll_ceiling_share": 0.2, "is_aggregate": False, **more}


def offer(name: str, kind: str, at: str, what: str, **more: Any) -> dict[str, Any]:
    row = {"offer": name, "kind": kind, "facility": at, "product": what, "price_usd_per_kg": 5.0, "term_years": 3}
    row |= {"min_t_per_year": 1.0, "max_t_per_year": 500.0, "first_start_year": 2027, "last_start_year": 2029}
    row |= {"take_or_pay_share": 0.5, "surge_share": 0.1, "first_stage": "mine", "last_stage": "separation"}
    return {**row, "is_net_of_credit": True, "money_year": 2025, **more}


def link(start: str, end: str, form: str, layer: str = "supplier") -> dict[str, Any]:
    return {"from_facility": start, "to_facility": end, "form": form, "layer": layer}


def flow(route: str, direction: str, item: str, what: str, amount: float) -> dict[str, Any]:
    return {"route": route, "direction": direction, "item": item, "product": what, "t_per_t": amount}


def route(name: str, stage: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"route": name, "name": name, "stage": stage, "kind": kind, **more}


def base_rows() -> dict[str, list[dict[str, Any]]]:
    """Mines M (AAA) and N (BBB) → crack C → light L → heavy H; L also sells metal feed to the metal plant P (toll)."""
    return {
        "products": [
            product("conc", "concentrate", "hard"),
            product("carb", "carbonate", "hard"),
            product("rest", "bundle", "hard"),
            product("a_oxide", "oxide", tracked_share=1.0, reference_price_usd_per_kg=80.0),
            product("b_oxide", "oxide", tracked_share=1.0, control_group="heavy"),
            product("c_oxide", "oxide", tracked_share=0.0),
            product("metal", "metal", tracked_share=1.0, is_air_freighted=True),
        ],
        "compositions": [
            {"ore": "hard", "component": "a", "share": 0.2, "is_tracked": True},
            {"ore": "hard", "component": "b", "share": 0.3, "is_tracked": True},
            {"ore": "hard", "component": "c", "share": 0.5, "is_tracked": False},
        ],
        "routes": [
            route("dig", "mine", "source", bundle_form="concentrate"),
            route("crack", "crack", "split", feed_form="concentrate", bundle_form="carbonate", bundle_yield_share=0.9),
            route("light", "separation", "split", feed_form="carbonate", bundle_form="bundle", bundle_yield_share=0.95),
            route("heavy", "separation", "split", feed_form="bundle"),
            route("melt", "metal", "blend"),
        ],
        "route_flows": [
            flow("light", "out", "a", "a_oxide", 0.8),
            flow("light", "out", "c", "c_oxide", 0.6),
            flow("heavy", "out", "b", "b_oxide", 0.7),
            flow("melt", "in", "a_oxide", "a_oxide", 1.25),
            flow("melt", "in", "b_oxide", "b_oxide", 0.1),
            flow("melt", "out", "metal", "metal", 1.0),
        ],
        "facilities": [
            facility("M", "AAA", "mine", ore="hard"),
            facility("N", "BBB", "mine", ore="hard"),
            facility("C", "AAA", "crack", capacity_basis="feed"),
            facility("L", "AAA", "separation", capacity_basis="a_oxide"),
            facility("H", "CCC", "separation"),
            facility("P", "CCC", "metal"),
        ],
        "facility_routes": [
            {"facility": f, "route": r}
            for f, r in (("M", "dig"), ("N", "dig"), ("C", "crack"), ("L", "light"), ("H", "heavy"), ("P", "melt"))
        ],
        "links": [
            link("M", "C", "concentrate"),
            link("N", "C", "concentrate"),
            link("C", "L", "carbonate"),
            link("L", "H", "bundle"),
            link("L", "P", "oxide", "both"),
            link("H", "P", "oxide", "buyer"),
        ],
        "offers": [
            offer("a_from_l", "sale", "L", "a_oxide"),
            offer("b_from_h", "sale", "H", "b_oxide"),
            offer("melt_at_p", "toll", "P", "metal", route="melt", first_stage="metal", last_stage="metal"),
        ],
        "markets": [
            {"market": "D", "name": "D", "country_iso3": "DDD", "latitude": 1.0, "longitude": 1.0, "segment": "civil"}
            | {"criticality": 2.0}
        ],
        "market_products": [{"market": "D", "product": "metal", "substitution_usd_per_kg": 0.0, "use_kg_per_kg": 1.0}],
        "demand": [
            {"market": "D", "year": 2027, "demand_t_per_year": 10.0},
            {"market": "D", "year": 2029, "demand_t_per_year": 20.0},
        ],
    }


def case_of(rows: dict[str, list[dict[str, Any]]], **settings: Any) -> Any:
    """A stand-in for a loaded case: every table of the data package with its columns."""
    tables = {name: pd.DataFrame(rows.get(name, []), columns=columns) for name, columns in COLUMNS.items()}
    given = {"title": "t", "horizon": {"first_year": 2027, "last_year": 2030}, "base": "none", **settings}
    return SimpleNamespace(name="small", settings=CaseSettings.model_validate(given), tables=tables)


def fixed_services(approval: float = 1.0) -> Services:
    """Every way is 100 km by sea; duty 10 % between countries; heavy goods licensed for ``approval`` to facilities."""

    def leg(a: Any, b: Any, is_air: bool) -> list[Leg]:
        ways = [Leg("sea", 100.0, ("strait",), 20.0, 200.0, None, None)]
        return ways + ([Leg("air", 90.0, (), 3.0, 3000.0, None, None)] if is_air else [])

    def approved(asked: Movement) -> Licence:
        share = approval if asked.segment == "*" else 1.0
        ends = asked.exporter_iso3, str(asked.control_group), asked.destination_iso3, asked.segment
        return Licence(*ends, "case_by_case", share, 0.0, 2000, 2100)

    return Services(
        leg=leg,
        tariff_share=lambda importer, exporter, form, year: 0.1 if year >= 2028 else 0.0,
        licence=approved,
        members=lambda name: GROUPS.get(name, frozenset({name})),
        shocks=lambda *network: {},
    )
