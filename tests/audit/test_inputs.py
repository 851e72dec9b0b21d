"""The tables of the instance: every fault of theirs is told, and nothing is recomputed from tables that are not whole.

Prices, capacities, shares and limits are what the case says and stand nowhere else, so that another number is believed
where the plan keeps to it; a row that is missing is not.
"""

import numpy as np
import pandas as pd
import pytest
from hand_made_run import CERTIFICATE, METAL, instance_tables, result_tables

from optimizer.audit import inputs, run
from optimizer.audit.ledger import Ledger
from optimizer.audit.view import Case


def paid(tables):
    """A programme pays; what was to be paid before it is told of every offer and of the project."""
    parts = [(offer, year, "", "", 1.0, 9.0, 0.0) for offer in "SOT" for year in (2027, 2028)]
    columns = ["offer", "year", "product", "market", "kg_per_kg", "price_usd_per_kg", "floor_usd_per_kg"]
    tables["price_parts"] = pd.DataFrame([*parts, ("S", 2027, "ore", "x", 1.0, 2.0, 0.0)], columns=columns)
    tables["price_parts"].loc[len(parts) + 1] = ("S", 2028, "ore", "x", 1.0, 2.0, 0.0)
    tables["project_costs"] = pd.DataFrame({"project": ["E"], "cost_musd": [10.0]})
    tables["subsidies"] = pd.DataFrame({"programme": ["grant"], "project": ["E"], "facility": ["*"]})


def unpaid(name, **where):
    """Corruption: the same without the rows of a table that match."""

    def corrupt(tables):
        paid(tables)
        assert found(tables) == []
        without(name, **where)(tables)

    return corrupt


def found(tables):
    """Names of the checks of the instance's tables that fail."""
    ledger = Ledger()
    is_whole = inputs.check_inputs(Case({name: run.plain_table(frame) for name, frame in tables.items()}), ledger)
    failed = [check.name for check in ledger.audit().failures]
    assert is_whole == (not failed)
    return failed


def without(name, **where):
    """Corruption: leave out the rows of a table that match."""

    def corrupt(tables):
        hit = np.logical_and.reduce([tables[name][column] == value for column, value in where.items()])
        assert hit.any()
        tables[name] = tables[name][~hit]

    return corrupt


def twice(name):
    return lambda tables: tables.update({name: pd.concat([tables[name], tables[name].tail(1)])})


def all_put(name, column, value):
    return lambda tables: tables.update({name: tables[name].assign(**{column: value})})


SHOCK = "fire@2028"
CORRUPTIONS = [
    ("input_tables", lambda tables: tables.pop("lane_shares")),
    ("input_tables", lambda tables: tables.pop("budgets")),
    ("input_settings", without("settings", key="limits_intermediates")),
    ("input_keys", twice("offers")),
    ("input_keys", twice("lane_years")),
    ("input_numbers", all_put("lane_years", "approval_share", np.nan)),
    ("input_numbers", all_put("share_caps", "max_share", np.nan)),
    ("input_years", without("lane_years", lane=METAL, year=2028)),
    ("input_years", without("capacities", facility="mine", year=2027)),
    ("input_years", without("demand", year=2028)),
    ("input_years", without("offer_years", offer="T", year=2028)),
    ("input_years", without("qualification_years", qualification="QO", year=2027)),
    ("input_years", without("project_years", year=2027)),
    ("input_years", all_put("project_years", "year", 2030)),
    ("input_discount", without("discount_factors", year=2028)),
    ("input_discount", all_put("discount_factors", "discount_factor", 0.9)),
    ("input_references", without("products", product="slag")),
    ("input_references", without("qualifications", qualification="Q")),
    ("input_references", without("shock_periods", period=1)),
    ("input_references", all_put("storages", "place", "elsewhere")),
    ("input_references", all_put("offers", "recipe", "elsewhere")),
    ("input_parts", without("recipe_flows", recipe="mine|dig|ore")),
    ("input_parts", without("lane_classes", lane=METAL)),
    ("input_parts", without("market_products", market="market")),
    ("input_parts", without("project_profile", age=0)),
    ("input_parts", lambda tables: tables.update(year_weights=pd.DataFrame({"start_year": [2027], "weight": [1.0]}))),
    ("input_references", without("stages", stage="smelting")),
    ("input_references", without("origin_rules", origin_bit=1)),
    ("input_public_money", unpaid("price_parts", offer="O", year=2027)),
    ("input_public_money", unpaid("price_parts", product="ore", year=2028)),
    ("input_public_money", unpaid("project_costs", project="E")),
    ("input_periods", without("shock_periods", period=2)),
    ("input_periods", all_put("shocks", "window_months", 9.0)),
    ("input_periods", all_put("shock_periods", "first_month", 0.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "corrupt"), CORRUPTIONS)
def test_a_fault_in_the_tables_of_the_instance_is_told(name, corrupt):
    tables = instance_tables()
    assert found(tables) == []
    corrupt(tables)
    assert name in found(tables)


def test_every_check_of_the_instance_has_a_fault():
    tables, ledger = instance_tables(), Ledger()
    paid(tables)
    inputs.check_inputs(Case({name: run.plain_table(frame) for name, frame in tables.items()}), ledger)
    assert {check.name for check in ledger.audit().checks} == {name for name, _ in CORRUPTIONS}


def test_nothing_is_recomputed_from_tables_that_are_not_whole():
    tables = instance_tables()
    without("lane_years", lane=METAL)(tables)
    audit = run.audit_run(result_tables(), tables, CERTIFICATE)
    assert [check.name for check in audit.failures] == ["input_years"]
    assert audit.failures[0].rows[0] | {"violation": 1.0} == {
        "lane": METAL, "year": 2027, "table": "lane_years", "violation": 1.0,
    }  # fmt: skip
    assert {check.name.partition("_")[0] for check in audit.checks} == {"input"}


def test_limits_may_stand_twice_and_say_nothing_where_there_is_none():
    tables = instance_tables()
    twice("share_caps")(tables)
    tables["supplier_counts"] = tables["supplier_counts"].assign(max_count=np.nan)
    assert found(tables) == []
