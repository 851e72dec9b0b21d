from __future__ import annotations

from dataclasses import replace

import pytest
from chain_case import base_rows, case_of, fixed_services

from optimizer.chain.build import build_instance
from optimizer.chain.describe import describe
from optimizer.chain.instance import Instance, Period, Shock
from optimizer.chain.tables_of import TABLES, instance_tables


@pytest.fixture
def instance() -> Instance:
    rows = base_rows()
    rows["qualification_terms"] = [{"stage": "separation", "form": "*", "lead_time_years": 1.0, "cost_musd": 2.0}]
    limits = {"supplier_count": [{"name": "two", "stage": "separation", "min": 2}]}
    rules = [{"rule": "far", "countries": ["far"]}, {"rule": "near", "countries": ["CCC"]}]
    built = build_instance(case_of(rows, limits=limits, origin_rules=rules), fixed_services())
    shock = Shock("e@2027", "e", "E", 2027, 0.1, 1.0, 24.0, (Period(1, 2027, 0.0, 24.0),), {("L", 1): 0.5}, {}, 2.0, "")
    lane = {("b:P>D:metal", 1, 2): 0.0}
    return replace(built, shocks={"e@2027": replace(shock, lane_share=lane)})


def test_every_table_is_there_with_its_columns_even_if_empty(instance: Instance) -> None:
    tables = instance_tables(instance)
    assert set(tables) == set(TABLES)
    assert tables["budgets"].empty
    assert list(tables["budgets"].columns) == ["name", "terms", "years", "max_musd"]
    for frame in tables.values():
        assert not frame.select_dtypes("object").isna().any().any()


def test_keys_are_unique_and_sorted(instance: Instance) -> None:
    for name, frame in instance_tables(instance).items():
        key = list(frame.columns)[: TABLES[name][1]]
        assert not frame.duplicated(key).any(), name
        assert frame.equals(frame.sort_values(key, kind="stable", ignore_index=True)), name


def test_values_come_through(instance: Instance) -> None:
    tables = instance_tables(instance)
    flows = tables["recipe_flows"].set_index(["recipe", "product", "direction"])["t_per_t"]
    assert flows["L|light|carb", "a_oxide", "output"] == pytest.approx(0.16)
    lanes = tables["lane_years"].set_index(["lane", "year"])["tariff_share"]
    assert lanes["b:L>P:a_oxide", 2028] == pytest.approx(0.1)
    assert dict(tables["origin_rules"].itertuples(index=False, name=None)) == {1: "far", 2: "near"}
    assert tables["facility_shares"].to_dict("records") == [
        {"shock": "e@2027", "facility": "L", "period": 1, "open_share": 0.5}
    ]
    assert tables["lane_shares"]["origin_bit"].tolist() == [2]
    settings = dict(tables["settings"].itertuples(index=False, name=None))
    assert settings["closes_at_opening"] == "true"
    assert settings["first_year"] == "2027"
    starts = tables["offer_years"].set_index(["offer", "year"])["may_start"]
    assert not starts["a_from_l", 2027]
    assert starts["a_from_l", 2028]


def test_same_instance_same_tables(instance: Instance) -> None:
    first, second = instance_tables(instance), instance_tables(instance)
    assert all(first[name].equals(second[name]) for name in first)


def test_describe_names_stages_demand_and_offers(instance: Instance) -> None:
    text = describe(instance)
    assert "separation: 2, 0; 2,000, 1,400; AAA 1, CCC 1" in text
    assert "D: 10 > 20; 1.00; metal" in text
    assert "a_from_l: sale of a_oxide, 1-35, 5.00 > 5.00, 2028-2029" in text
