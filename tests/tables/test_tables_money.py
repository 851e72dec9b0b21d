"""Money of several years in one case: restated by the index before the case's rows are laid over the shared ones."""

import pytest

from optimizer.tables.browse import read_shared
from optimizer.tables.money import money_columns

INDEX = "money_year,price_index\n2020,80\n2025,100\n2026,110\n"


def offer(case, name):
    frame = case.tables["offers"].set_index("offer")
    return frame.loc[name]


def test_a_row_in_older_money_is_restated_and_said_so(alone):
    # 20 USD/kg of 2020 are 20 x 100 / 80 = 25 USD/kg of 2025
    alone.write("deflators.csv", INDEX)
    alone.replace("offers", "magnet,magnet,true,2025", "magnet,magnet,true,2020")
    case = alone.load()
    assert offer(case, "toll_b")["price_usd_per_kg"] == pytest.approx(25.0)
    assert offer(case, "toll_b")["money_year"] == 2025
    assert offer(case, "sale_a")["price_usd_per_kg"] == 65
    told = "amounts in money of 2020 were multiplied by 1.2500 to money of 2025: rows 1 of offers"
    assert told in case.warnings


def test_money_of_a_year_without_an_index_is_an_error(alone):
    alone.replace("offers", "magnet,magnet,true,2025", "magnet,magnet,true,2020")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.found) == ("T070", "money_year", "`2020`")
    assert "restate the row in money of 2025" in problem.remedy


def test_a_case_in_other_money_restates_shared_rows_and_keeps_its_own(shared):
    # shared rows are of 2025: x 80 / 100; the case's rows and settings are of 2020 already
    folder = shared.data
    lines = INDEX.splitlines()
    rows = [lines[0] + ",source_id,confidence", *(f"{line},src,reported" for line in lines[1:])]
    (folder / "deflators.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    shared.toml("\n[finance]\nmoney_year = 2020\n")
    shared.write("offers.csv", "offer,price_usd_per_kg\nsale_a,40\n")
    case = shared.load()
    assert case.money_year == 2020
    assert offer(case, "sale_a")["price_usd_per_kg"] == 40
    assert offer(case, "sale_x")["price_usd_per_kg"] == pytest.approx(48.0)
    products = case.tables["products"].set_index("product")
    assert products.loc["oxide_x", "reference_price_usd_per_kg"] == pytest.approx(48.0)
    assert case.tables["stock_policies"]["storage_usd_per_t_year"].tolist() == [100.0, 100.0]
    patched = [(d.key, d.column, d.old, d.new) for d in case.differences if d.kind == "patched" and d.table == "offers"]
    assert patched == [("sale_a", "price_usd_per_kg", pytest.approx(52.0), 40)]


def test_shares_in_a_column_of_mixed_units_stay_as_they_are(alone):
    # a floor of 100 USD/kg of 2020 is 125 of 2025; a loan covers 40 % in any money
    alone.write("deflators.csv", INDEX)
    alone.write(
        "subsidy_terms.csv",
        "programme,kind,facility,project,product,value,term_years,rate_share,money_year\n"
        "floor,floor,sep_k,*,*,100,,,2020\nloan,loan,sep_k,*,*,0.4,10,0.03,2020\n",
    )
    values = alone.load().tables["subsidy_terms"].set_index("programme")["value"]
    assert values.to_dict() == {"floor": pytest.approx(125.0), "loan": 0.4}


def test_amounts_that_include_tax_are_named(alone):
    alone.replace("offers", "is_net_of_credit,money_year\n", "is_net_of_credit,money_year,is_tax_included\n")
    for name in ("magnet,true", "separation,true", "magnet,magnet,true"):
        text = alone.text("offers")
        alone.write("offers.csv", text.replace(f"{name},2025\n", f"{name},2025,false\n"))
    alone.replace("offers", "magnet,magnet,true,2025,false", "magnet,magnet,true,2025,true")
    assert "amounts that include tax are taken as they stand: offers toll_b" in alone.load().warnings


COSTS = ("first_stage", "last_stage", "cost_basis", "is_net_of_credit", "is_tax_included", "money_year")
ONLY_YEAR = {"offer_indices", "subsidy_terms", "products", "market_products", "stock_policies"}
"""Floors, programmes, values at the border, and what a case adds: part of another price, or no cost of a stage."""
HISTORY = {"price_history", "freight_history", "subsidies", "cost_calibration"}
"""Series whose date is the year of the money; and the derivation of prices that stand elsewhere."""


def test_every_table_of_costs_says_what_they_cover_and_in_which_money():
    _, tables = read_shared()
    judged = 0
    for name, table in tables.items():
        if not money_columns(table.resource) or name in HISTORY:
            continue
        needed = ("money_year",) if name in ONLY_YEAR else COSTS
        own = {"plants": {"money_year"}, "capital_costs": {"cost_basis"}}.get(name, set())
        assert set(needed) - own <= set(table.resource.columns), name
        for row in table.rows:
            if name in ("mines", "plants") and row["opex_usd_per_kg"] is None and row["capex_musd"] is None:
                continue
            missing = [c for c in set(needed) - own if row[c] is None]
            assert name in ("market_products", "stock_policies") or missing == [], (name, row.line, missing)
            judged += 1
    assert judged > 500


def test_the_model_tables_are_all_in_the_money_of_the_package():
    package, tables = read_shared()
    for name, table in tables.items():
        if "money_year" in table.resource.columns and not table.resource.is_record_table and name != "deflators":
            assert {row["money_year"] for row in table.rows} <= {package.money_year}, name


def test_spans_of_costs_name_stages_in_order():
    _, tables = read_shared()
    order = list(dict.fromkeys(row["stage"] for row in tables["routes"].rows))
    for name, table in tables.items():
        if "first_stage" in table.resource.columns:
            for row in table.rows:
                ends = (row["first_stage"], row["last_stage"])
                if ends not in ((None, None), ("*", "*")):
                    assert order.index(ends[0]) <= order.index(ends[1]), (name, row.line)
