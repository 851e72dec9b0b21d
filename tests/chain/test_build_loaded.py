"""From case files on disk to an instance, with real routing, duties, licences and shocks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from chain_case import COLUMNS, base_rows, facility

from optimizer.chain.build import build_instance
from optimizer.chain.tables_of import instance_tables
from optimizer.tables.case import Case, load_case

TOML = """
title = "Small"
base = "none"
stages = ["mine", "crack", "separation", "metal"]
[horizon]
first_year = 2027
last_year = 2030
[[origin_rules]]
rule = "far"
countries = ["abroad"]
[[market_rules]]
market = "D"
forbids = ["far"]
from_year = 2029
"""


def write_case(folder: Path) -> Case:
    rows = base_rows()
    rows["countries"] = [{"country_iso3": c * 3, "name": c} for c in "ABCD"]
    rows["country_groups"] = [{"group": "abroad", "country_iso3": "BBB"}]
    rows["facilities"].append(facility("Z", "AAA", "mine", ore="hard", start_year=None))  # never without a project
    rows["facility_routes"].append({"facility": "Z", "route": "dig"})
    rows["tariffs"] = [
        {"importer": "CCC", "exporter": "*", "form": "oxide", "legal_basis": "law", "kind": "duty", "rate_share": 0.05}
        | {"valid_from": "2028-01-01"}
    ]
    rows["licences"] = [
        {"exporter_iso3": "CCC", "control_group": "heavy", "destination": "*", "segment": "*", "policy": "banned"}
        | {"approval_share": 0.0, "processing_days": 0.0, "valid_from_year": 2020}
    ]
    rows["events"] = [{"event": "stop", "name": "s", "cause": "fire", "rate_per_year": 0.1, "story": "L stops."}]
    effect = {"event": "stop", "effect": 1, "target": "facility", "facility": "L", "is_project_only": False}
    effect |= {"from_month": 0, "to_month": 3, "open_share": 0.0, "price_multiple": 1.0}
    effect |= dict.fromkeys(("country", "operator", "stage", "control_group", "form", "destination"), "*")
    rows["event_effects"] = [effect | dict.fromkeys(("segment", "passage", "origin_rule"), "*")]
    folder.mkdir()
    (folder / "case.toml").write_text(TOML)
    for name, found in rows.items():
        pd.DataFrame(found, columns=COLUMNS[name]).to_csv(folder / f"{name}.csv", index=False)
    return load_case(folder)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return write_case(tmp_path_factory.mktemp("cases") / "small")


def test_a_case_with_all_its_own_tables_builds(case: Case) -> None:
    instance = build_instance(case)
    assert set(instance.facilities) == {"M", "N", "C", "L", "H", "P"}
    assert dict(instance.lanes["b:L>P:a_oxide"].tariff_share) == {2027: 0.0, 2028: 0.05, 2029: 0.05, 2030: 0.05}
    assert instance.lanes["b:H>P:b_oxide"].approval_share[2027] == 1.0  # within one country
    assert instance.place_classes["buyer", "D", "metal"] == (0, 1)
    assert instance.markets["D"].forbidden_bits[2029] == 1


def test_shocks_hit_what_is_there(case: Case) -> None:
    shocks = build_instance(case).shocks
    assert len(shocks) == 4
    assert {facility for shock in shocks.values() for facility, _ in shock.facility_share} == {"L"}


def test_building_twice_gives_the_same_tables(case: Case) -> None:
    first, second = instance_tables(build_instance(case)), instance_tables(build_instance(case))
    assert all(first[name].equals(second[name]) for name in first)
