"""Small tables of hazards: a strait, a ban that escalates, and firms that fail one at a time."""

from __future__ import annotations

import pandas as pd

from optimizer.shocks.hazards import SELECTORS

HAZARD = {
    "drawn": None, "drawn_from": None, "rate_per_year": 0.2, "low": 0.1, "high": 0.4, "rate_shape": 4.0,
    "median_months": 6.0, "median_low_months": 6.0, "median_high_months": 6.0, "log_sd": 0.0, "depth_share": 0.5,
    "depth_low_share": 0.5, "depth_high_share": 0.5, "depth_concentration": 1e6, "spillover_share": None,
    "price_multiple": 3.0, "escalates_to": None, "escalation_share": None, "source_id": "case", "confidence": "buyer",
    "story": "{where} keeps {open} for {months}, {depth} is lost.",
}  # fmt: skip


def hazard(name: str, cause: str = "trade", **columns: object) -> dict[str, object]:
    return {"hazard": name, "name": name.title(), "cause": cause} | HAZARD | columns


def effect(name: str, number: int, target: str, **columns: object) -> dict[str, object]:
    row: dict[str, object] = {"hazard": name, "effect": number, "target": target} | dict.fromkeys(SELECTORS, "*")
    row |= {"is_project_only": False, "scope": "named", "depth_factor": 1.0, "duration_factor": 1.0, "delay_months": 0}
    return row | {"max_months": None, "recovery_factor": 0.0} | columns


def plant(name: str, operator: str, country: str, start: int | None = 2010, stage: str = "magnet") -> dict[str, object]:
    return {"facility": name, "name": name.upper(), "operator": operator, "country_iso3": country, "stage": stage,
            "start_year": start, "is_aggregate": False}  # fmt: skip


PLANTS = [
    plant("p1", "Oak Inc.", "AAA"), plant("p2", "Oak Inc.", "BBB", 2029), plant("p3", "Elm / Co", "BBB"),
    plant("p4", "Ash", "CCC", None), plant("p5", "Fir", "AAA") | {"is_aggregate": True},
]  # fmt: skip


def tables(hazards: list[dict[str, object]], effects: list[dict[str, object]]) -> dict[str, pd.DataFrame]:
    return {
        "hazards": pd.DataFrame(hazards),
        "hazard_effects": pd.DataFrame(effects),
        "facilities": pd.DataFrame(PLANTS, dtype=object),
        "countries": pd.DataFrame({"country_iso3": ["AAA", "BBB", "CCC"], "name": ["Aland", "Bland", "Cland"]}),
        "country_groups": pd.DataFrame({"group": ["west", "west"], "country_iso3": ["BBB", "CCC"]}),
    }


STRAIT = (hazard("strait"), effect("strait", 1, "lane", passage="narrows"))
FIRM = (
    hazard("firm", "insolvency", drawn="operator", rate_per_year=0.1),
    effect("firm", 1, "facility", operator="{operator}"),
)
