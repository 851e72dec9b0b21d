import time

import numpy as np
import pandas as pd
import pytest
from hand_made_instance import hand_made_instance, hand_made_point
from hand_made_run import COST, LOSS, TABLES, result_tables

from optimizer.results.extract import POINT_TABLES, Extractor, collect, shaped, unit_of


@pytest.fixture(scope="module")
def extracted():
    program, point = hand_made_point()
    return Extractor(hand_made_instance(), program).tables(point)


@pytest.mark.parametrize("name", POINT_TABLES)
def test_extraction_gives_the_hand_made_tables(name, extracted):
    wanted = shaped(name, result_tables()[name])
    pd.testing.assert_frame_equal(extracted[name], wanted, rtol=1e-9)


def test_costs_add_up_to_the_objective(extracted):
    assert extracted["costs"]["cost_musd"].sum() == pytest.approx(COST, rel=1e-12)
    assert extracted["frontier"]["cost_musd"].item() == COST
    assert extracted["frontier"]["loss_months"].item() == pytest.approx(LOSS)


def test_collect_has_every_table_in_schema_order(extracted):
    second = {name: frame.assign(point=2) for name, frame in extracted.items()}
    tables = collect(hand_made_instance(), [second, extracted])
    assert list(tables) == list(TABLES)
    assert tables["frontier"]["point"].tolist() == [1, 2]
    assert all(list(tables[name].columns) == list(TABLES[name].columns) for name in tables)
    assert tables["shocks"]["weight"].tolist() == [1.0]
    assert tables["prices"].empty


def test_no_shocks_and_no_plan_cost_nothing():
    from dataclasses import replace

    program, point = hand_made_point()
    instance = replace(hand_made_instance(), shocks={}, storages={})
    program = replace(program, blocks=(), objectives={"cost": (np.zeros(len(point.values)), 0.0)})
    point = replace(point, values=np.zeros(len(point.values)), recourse=(), cost_bound_musd=0.0)
    tables = Extractor(instance, program).tables(point)
    assert tables["costs"].empty
    assert tables["losses"].empty
    assert tables["frontier"][["cost_musd", "loss_months", "gap_share"]].to_numpy().tolist() == [[0.0, 0.0, 0.0]]


def test_a_hundred_shocks_are_read_in_two_seconds():
    from dataclasses import replace

    program, point = hand_made_point()
    instance = hand_made_instance()
    shocks = {f"s{i}": replace(instance.shocks["fire@2028"], shock=f"s{i}") for i in range(100)}
    block = program.blocks[0]
    block = replace(block, column_keys=block.column_keys * 60)
    keys = (*program.column_keys, *(("loss", (name,)) for name in shocks))
    blocks = tuple(replace(block, theta=len(program.column_keys) + i) for i in range(100))
    values = np.concatenate([point.values, np.zeros(100)])
    program = replace(program, column_keys=keys, blocks=blocks, objectives={"cost": (np.zeros(len(values)), 0.0)})
    extractor = Extractor(replace(instance, shocks=shocks), program)
    point = replace(point, values=values, recourse=[np.tile(point.recourse[0], 60)] * 100)
    before = time.process_time()
    extractor.tables(point)
    assert time.process_time() - before < 6.0  # 180,000 non-zero values, far above the usual


def test_units_come_from_suffixes():
    assert [unit_of(name) for name in ("ghg_kgco2e", "water_m3", "radioactive_waste_kg", "score")] == [
        "kg CO2e", "m3", "kg", "",
    ]  # fmt: skip
