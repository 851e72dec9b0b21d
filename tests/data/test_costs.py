"""Costs that fit together: stage costs meet the studies, and fees follow from stage costs, by factors in rows."""

from itertools import pairwise

import pytest

from optimizer.tables.browse import read_shared
from optimizer.tables.locate import data_root
from optimizer.tables.money import money_columns, price_index
from optimizer.tables.read import key_text
from optimizer.tables.rollup import TOLERANCE_SHARE, main, rollup_lines, rollups

PAGE = data_root().parent / "docs" / "economics.md"
PACKAGE, TABLES = read_shared()
FOUND = {item.study: item for item in rollups(TABLES, PACKAGE.money_year)}


def rows(table):
    return {key_text(TABLES[table].key(row)): row for row in TABLES[table].rows}


def test_a_roll_up_by_hand():
    # Nolans: 1 / (0.264 x 0.96) = 3.946 kg REO in carbonate, / 0.9 = 4.384 in concentrate per kg NdPr oxide;
    # 3.5 x 4.384 + 5.0 x 0.5 x 3.946 + 8.0 x 0.5 x 3.946 = 40.99; money of 2022 in that of 2025:
    # 40.7 x 1.036 x 1.025 x 1.027 = 44.39 (44.38 with the index rounded)
    item = FOUND["nolans-2022"]
    assert item.rolled_usd_per_kg == pytest.approx(40.99, abs=0.01)
    assert item.unscaled_usd_per_kg == pytest.approx(66.64, abs=0.01)
    assert item.study_usd_per_kg == pytest.approx(44.38, abs=0.01)
    assert item.deviation_share == pytest.approx(-0.0765, abs=0.0005)


def test_every_roll_up_meets_its_study_or_says_why_not():
    assert TOLERANCE_SHARE == 0.25
    apart = {name for name, item in FOUND.items() if not item.is_within}
    assert apart == {name for name, item in FOUND.items() if item.why_apart}
    assert len(FOUND) - len(apart) >= 10
    assert {"nolans-2022", "mount-weld", "mountain-pass", "browns-range", "carina"} <= set(FOUND)


def test_figures_of_studies_are_those_of_the_tables_they_name():
    column = {"stage_costs": "cost_usd_per_kg", "mines": "opex_usd_per_kg", "plants": "opex_usd_per_kg"}
    year = {"stage_costs": "money_year", "mines": "money_year", "plants": "opex_money_year"}
    named = [row for row in TABLES["rollup_studies"].rows if row["cost_table"]]
    assert len(named) >= 8
    for row in named:
        source = rows(row["cost_table"])[row["cost_row"]]
        assert row["study_usd_per_kg"] == source[column[row["cost_table"]]], row["study"]
        assert row["money_year"] == source[year[row["cost_table"]]], row["study"]


@pytest.mark.parametrize(
    ("study", "ore", "crack"),
    [
        ("nolans-2022", "nolans", 0.90),
        ("mount-weld", "mount-weld", 0.90),
        ("mountain-pass", "mountain-pass", 0.92),
        ("china-marginal", "bayan-obo", 0.92),
    ],
)
def test_kilograms_per_kilogram_follow_from_baskets_and_yields(study, ore, crack):
    baskets, steps = rows("compositions"), rows("rollup_steps")
    share = baskets[f"{ore}|Nd"]["share"] + baskets[f"{ore}|Pr"]["share"]
    yields = rows("route_flows")["light_sx|out|Nd|ndpr_oxide"]["t_per_t"]
    carbonate = 1 / (share * yields)
    assert steps[f"{study}|1"]["basis_kg_per_kg"] == pytest.approx(carbonate / crack, rel=0.002)
    assert steps[f"{study}|2"]["basis_kg_per_kg"] == pytest.approx(carbonate, rel=0.002)


def test_the_page_shows_the_roll_ups_of_today(tmp_path, capsys):
    copy = tmp_path / "page.md"
    copy.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    main([str(copy)])
    current = copy.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert current, "run: python -m optimizer.tables.rollup docs/economics.md"
    main([])
    assert capsys.readouterr().out.splitlines() == list(rollup_lines(list(FOUND.values())))


def test_prices_of_offers_follow_from_stage_costs_by_the_factors_stated():
    offers, costs = rows("offers"), rows("stage_costs")
    made = {}
    for row in TABLES["cost_calibration"].rows:
        assert row["stated_usd_per_kg"] == costs[row["cost_record"]]["cost_usd_per_kg"], row.line
        each = row["stated_usd_per_kg"] * row["scale"] + row["margin_usd_per_kg"]
        price = each * row["basis_kg_per_kg"] + row["added_usd_per_kg"]
        made[row["offer"]] = made.get(row["offer"], 0.0) + price
    for offer, price in made.items():
        assert offers[offer]["price_usd_per_kg"] == pytest.approx(price, abs=0.06), offer
    priced = {name for name, row in offers.items() if row["price_usd_per_kg"] > 0}
    assert set(made) <= priced
    assert len(priced - set(made)) == 7
    text = PAGE.read_text(encoding="utf-8")
    assert f"{len(made)} of the {len(priced)} offers that have one" in text


def test_the_price_index_runs_through_every_year_a_row_states():
    index = price_index(TABLES["deflators"].rows)
    assert index[PACKAGE.money_year] == 100
    years = sorted(index)
    assert years == list(range(years[0], years[-1] + 1))
    assert all(index[later] > index[earlier] for earlier, later in pairwise(years))
    stated = {
        row["money_year"]
        for table in TABLES.values()
        if "money_year" in table.resource.columns and money_columns(table.resource)
        for row in table.rows
        if row["money_year"] is not None
    }
    assert {year for year in stated if year not in index} == set()
