"""The examination of the shared tables: it passes as shipped, and every check finds its own corruption."""

import dataclasses
import json
import shutil

import pytest

from optimizer.errors import DataProblem
from optimizer.tables.browse import read_shared, shared_settings
from optimizer.tables.check_records import record_problems
from optimizer.tables.check_stoichiometry import Chemistry, losses, price_problems, stoichiometry_problems
from optimizer.tables.check_units import record_reference_problems, row_unit_problems, unit_problems
from optimizer.tables.locate import data_root
from optimizer.tables.package import load_package
from optimizer.tables.quality import examine, source_dates
from optimizer.tables.read import Table
from optimizer.tables.view import View
from optimizer.tables.world_balance import Balance, balance_problems, world_balance
from optimizer.tables.world_chain import WorldChain, base_year
from optimizer.tables.world_shares import compare_shares, share_problems


@pytest.fixture(scope="module")
def shared():
    return read_shared()


@pytest.fixture
def view(shared):
    """A view of the shared tables with some cells changed: (table, column, new value, column=value of the rows)."""

    def make(*changes):
        package, tables = shared
        tables = dict(tables)
        for name, column, value, where in changes:
            rows, hits = [], 0
            for row in tables[name].rows:
                hit = all(row[key] == wanted for key, wanted in where.items())
                hits += hit
                rows.append(dataclasses.replace(row, values={**row.values, column: value}) if hit else row)
            assert hits, where
            tables[name] = Table(tables[name].resource, rows)
        return View(package, shared_settings(), tables, "shared tables")

    return make


def codes(problems):
    return {problem.code for problem in problems}


def test_the_shipped_tables_pass_and_the_world_is_told():
    found = examine()
    assert found.base_year == 2025
    assert {step.step for step in found.balance} == {"mined_separated", "separated_metal", "metal_magnet"}
    assert all(step.closes or step.why_open for step in found.balance)
    assert all(not share.is_apart or share.why_apart for share in found.shares)
    quality = {table.table: table for table in found.tables}
    assert quality["ports"].assumed_share == 1.0
    assert quality["facilities"].oldest_age_years > quality["facilities"].median_age_years > 0


def test_magnets_take_the_metal_that_is_made(view):
    steps = {(s.product, s.step): s for s in world_balance(view())}
    step = steps["ndpr_oxide", "metal_magnet"]
    assert abs(step.gap_share) < 0.15
    # 212,034 t of magnets x (0.54 x 0.4482 + 0.30 x 0.4302 + 0.16 x 0.4049) = 92,420 t of metal
    assert step.taken_t == pytest.approx(92_420, rel=0.002)


def test_a_plant_turns_its_product_back_into_feed(shared):
    package, tables = shared
    chain = WorldChain(View(package, shared_settings(), tables, ""), 2025)
    plant = "mp-mountain-pass-sep-lree"
    # ramping since 2023 over 3 years: at mid-2025 2.5/3; 6,000 t x 0.9 x 2.5/3 = 4,500 t of oxide
    assert chain.output(plant) == pytest.approx(4500)
    share = chain.basket(plant)["Nd"] + chain.basket(plant)["Pr"]
    assert chain.intake(plant) == pytest.approx(4500 / (0.96 * share))


def test_metal_plants_split_by_what_magnets_need(shared):
    package, tables = shared
    view = View(package, shared_settings(), tables, "")
    balance = Balance(WorldChain(view, base_year(view)))
    needed = {metal: balance.needed(metal) for metal in balance.metals}
    ratio = balance.metals["dy_metal"] / balance.metals["tb_metal"]
    assert ratio == pytest.approx(needed["dy_metal"] / needed["tb_metal"])


def test_losses_of_a_recipe_by_hand(view):
    found = {(loss.route, loss.component): loss.loss_share for loss in losses(view())}
    # 1.2214 kg of Dy2O3 hold 1.2214 x 0.87131 = 1.06422 kg; one comes out: 1 - 1 / 1.06422
    assert found["metal_dy", "Dy"] == pytest.approx(0.06035, abs=1e-4)
    # 0.002 kg of Tb go in, 0.0015 kg stay in the magnet
    assert found["magnet_sh_gbd", "Tb"] == pytest.approx(0.25)


def test_a_recipe_that_makes_metal_is_found(view):
    wrong = view(("route_flows", "t_per_t", 1.10, {"route": "metal_dy", "item": "dy_oxide"}))
    problems = list(stoichiometry_problems(wrong))
    assert codes(problems) == {"T062"}
    assert "metal_dy loses -4.3 % of Dy" in problems[0].found


def test_a_tracked_share_that_is_no_stoichiometry_is_found(view):
    wrong = view(("products", "tracked_share", 0.95, {"product": "dy_oxide"}))
    assert [(p.code, p.column) for p in stoichiometry_problems(wrong)] == [("T062", "tracked_share")]


def test_a_basket_of_oxides_that_is_no_whole_is_found(view):
    wrong = view(("compositions", "share", 0.05, {"ore": "mount-weld", "component": "Ce"}))
    assert {(p.code, p.column) for p in stoichiometry_problems(wrong)} == {("T062", "basis")}


def test_a_metal_cheaper_than_its_oxide_is_found(view):
    wrong = view(("products", "reference_price_usd_per_kg", 60.0, {"product": "ndpr_metal"}))
    assert codes(price_problems(wrong)) == {"T069"}


def test_a_gap_without_explanation_is_found(view):
    product = {"product": "dy_oxide", "step": "separated_metal"}
    assert codes(balance_problems(view(("balance_notes", "why_open", "", product)))) == {"T064"}
    assert list(balance_problems(view())) == []


def test_a_new_gap_is_found(view):
    halved = view(("facilities", "capacity_t_per_year", 44_000.0, {"facility": "chn-metal-ndpr-aggregate"}))
    found = {problem.found.split(":")[0] for problem in balance_problems(halved)}
    assert "ndpr_oxide, metal_magnet" in found


def test_a_share_without_explanation_is_found(view):
    wrong = view(("world_shares", "why_apart", None, {"stage": "magnet", "year": 2025}))
    assert codes(share_problems(wrong)) == {"T063"}


def test_a_share_that_moves_away_is_found(view):
    wrong = view(("facilities", "capacity_t_per_year", 15_000.0, {"facility": "bayan-obo"}))
    found = {p.file for p in share_problems(wrong)}
    assert found == {"data/world_shares.csv", "data/country_production.csv"}


def test_the_rest_of_the_world_is_what_is_not_named(view):
    rest = [s for s in compare_shares(view()) if (s.stage, s.country_iso3, s.year) == ("mine", "ROW", 2025)]
    named = [s for s in compare_shares(view()) if s.stage == "mine" and s.source_id == rest[0].source_id]
    assert sum(share.table_share for share in named) == pytest.approx(1.0)


def test_units_areas_and_sources_of_rows_are_checked(view):
    assert codes(row_unit_problems(view(("env_limits", "unit", "stones", {"kind": "fee"})))) == {"T061"}
    wrong = view(("trade_flows", "importer_iso3", "XXX", {"record": "trd-001"}))
    assert codes(record_reference_problems(wrong)) == {"T066"}
    wrong = view(("plants", "more_source_ids", "no-such-source", {"plant": "chn-nre-huamei-sep"}))
    assert codes(record_reference_problems(wrong)) == {"T067"}


def test_values_of_records_are_checked(view):
    assert codes(record_problems(view(("recoveries", "low", 0.99, {"record": "rcv-001"})))) == {"T030"}
    assert codes(record_problems(view(("grade_mix", "mix_share", 0.9, {"product": "ndfeb_n"})))) == {"T068"}
    doubled = [("stockpiles", column, value, {"record": "stk-002"}) for column, value in _row(view, "stk-001").items()]
    assert codes(record_problems(view(*doubled))) == {"T065"}


def _row(view, record):
    row = next(row for row in view().rows("stockpiles") if row["record"] == record)
    return {name: value for name, value in row.values.items() if name not in ("record", "source_id", "note")}


def test_everything_wrong_is_told_together(tmp_path):
    data = tmp_path / "data"
    shutil.copytree(data_root(), data, ignore=shutil.ignore_patterns("map"))
    for name, old, new in (("recoveries", "rcv-001,", "rcv-002,"), ("grade_mix", ",0.54,", ",0.64,")):
        path = data / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(DataProblem) as raised:
        examine(data)
    assert "T024" in codes(raised.value.problems)


def test_dates_of_sources_are_read_from_what_publishers_write(shared):
    _, tables = shared
    dates = source_dates(tables["sources"])
    # 2026-02 (v1.3 2026-05-27): the first date counts; a month is its middle
    assert dates["m-usgs-mcs2026-ree"] == pytest.approx(2026 + 1.5 / 12)
    assert "assumed-model" not in dates


def test_contents_are_known_for_every_product_of_a_fixed_recipe(view):
    chemistry = Chemistry.of(view())
    products = {row["product"] for row in view().rows("route_flows") if row["item"] == row["product"]}
    assert [product for product in sorted(products) if not chemistry.elements(product)] == []


def test_a_wrong_unit_is_found(tmp_path):
    content = json.loads((data_root() / "datapackage.json").read_text(encoding="utf-8"))
    for resource in content["resources"]:
        for field in resource["schema"]["fields"]:
            if (resource["name"], field["name"]) == ("facilities", "capacity_t_per_year"):
                field["unit"] = "kt/yr"
    (tmp_path / "datapackage.json").write_text(json.dumps(content), encoding="utf-8")
    found = list(unit_problems(load_package(tmp_path, with_records=True)))
    assert [(p.code, p.column, p.found) for p in found] == [("T060", "capacity_t_per_year", "unit `kt/yr`")]
