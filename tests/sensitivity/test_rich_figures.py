"""Which figures a case has, by its tables; and what plans come to where a branch lacks what they decided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sensed import TOYS, copied, row, sensed
from toy_instance import every, everything, facility, instance, lane, sale, source, under_rules

from optimizer.chain.instance import Project, Qualification
from optimizer.jobs.prepare import COST, LOSS
from optimizer.model.build import build_model
from optimizer.sensitivity.compare import rows_table
from optimizer.sensitivity.draws import draw_levels
from optimizer.sensitivity.figures import Subjects, figures_of, read_spans
from optimizer.sensitivity.first_order import first_order_effects
from optimizer.sensitivity.losses import still_owed
from optimizer.sensitivity.regret import put_under
from optimizer.sensitivity.resolve import picks_of, solved_again
from optimizer.sensitivity.tornado import price_of_month
from optimizer.solve.compile import compile_model
from optimizer.stress.templates import Plans

CASE = SimpleNamespace(settings=SimpleNamespace(finance=SimpleNamespace(price_deck="base")))
TABLES = {
    "prices": pd.DataFrame(
        {
            "product": ["oxide", "ore"],
            "low_usd_per_kg": [8.0, 1.0],
            "base_usd_per_kg": [10.0, 2.0],
            "high_usd_per_kg": [15.0, 3.0],
        }
    ),
    "offer_indices": pd.DataFrame({"offer": ["oxide-sale", "other"], "product": ["oxide", "ore"]}),
    "offers": pd.DataFrame({"offer": ["oxide-sale", "metal-sale", "other"], "price_usd_per_kg": [4.0, 0.0, 9.0]}),
    "tariffs": pd.DataFrame({"importer": ["MKT", "AAA"], "confidence": ["reported", "stated"]}),
    "qualification_terms": pd.DataFrame({"stage": ["mine", "magnet"], "confidence": ["assumed", "stated"]}),
    "projects": pd.DataFrame({"project": ["expand", "other"], "cost_musd": [50.0, 9.0]}),
    "byproducts": pd.DataFrame({"product": ["rest"]}),
    "events": pd.DataFrame({"event": ["strike"], "rate_per_year": [0.1], "low": [0.05], "high": [0.2]}),
    "event_effects": pd.DataFrame({"event": ["quake"]}),
    "routes": pd.DataFrame({"route": ["melt"], "confidence": ["derived"]}),
}
TAKEN = Subjects(
    frozenset({"oxide-sale", "metal-sale"}),
    frozenset({"b:smelter>plant:metal"}),
    frozenset({"expand"}),
    frozenset({"works|oxide|*"}),
    ("strike",),
)


def found(**changes):
    return {f.figure: f for f in figures_of(CASE, everything(), {**TABLES, **changes}, TAKEN, read_spans())}


def test_a_case_has_the_figures_of_what_its_plans_take() -> None:
    figures = found()
    assert set(figures) == {
        "deck:oxide",  # ore moves an offer that no plan takes
        "own:oxide-sale",  # the other is not taken, and metal has no part of its own
        "freight:sea", "tariff:MKT", "qualification:mine", "project:expand",
        "stock", "outlet", "disposal", "line_stop",  # nothing is discounted here
        "rate:strike",  # of no event written by hand: neither length nor depth
        "spot", "surge", "demand:plant",
        "yield:magnet",  # the routes of other stages are not in the table
    }  # fmt: skip
    assert (figures["tariff:MKT"].confidence, figures["tariff:MKT"].rows) == ("reported", 1)
    assert (figures["deck:oxide"].low_share, figures["deck:oxide"].high_share) == (0.8, 1.5)
    assert (figures["rate:strike"].low_share, figures["rate:strike"].high_share) == (0.5, 2.0)


def test_a_span_of_no_width_makes_no_figure() -> None:
    spans = read_spans()
    spans["line_stop"] = replace(spans["line_stop"], low_share=1.0, high_share=1.0)
    names = {f.figure for f in figures_of(CASE, everything(), TABLES, TAKEN, spans)}
    assert "line_stop" not in names
    assert "stock" in names


def test_a_run_without_duals_tells_no_first_order_effect() -> None:
    figures = figures_of(CASE, everything(), TABLES, TAKEN, read_spans())
    empty = pd.DataFrame(columns=["constraint", "index", "price"])
    assert first_order_effects(figures, everything(), None, np.zeros(0), empty) == {}  # type: ignore[arg-type]


def test_yield_of_a_stage_counts_what_its_own_plants_make() -> None:
    rich = under_rules()
    model = build_model(rich)
    program = compile_model(model, {COST: model.cost}, [])
    keys = list(program.column_keys)
    x = np.zeros(len(keys))
    x[keys.index(("throughput", ("smelter|melt|metal", "buyer", 0, 2027)))] = 10.0
    x[keys.index(("throughput", ("mine|make|ore", "supplier", 0, 2027)))] = 500.0
    rows = [
        ("buyer|smelter|metal|0|2027", 0.03),
        ("buyer|smelter|oxide|0|2027", 0.01),
        ("supplier|mine|ore|0|2027", 9.0),
    ]
    prices = pd.DataFrame([("place_balance", *r) for r in rows], columns=["constraint", "index", "price"])
    figures = [f for f in figures_of(CASE, rich, TABLES, TAKEN, read_spans()) if f.kind == "yield"]
    effect = first_order_effects(figures, rich, program, x, prices)
    # 10 t of metal worth 0.03 each: one per cent more saves 0.003; the mine's ore is of another stage
    (name,) = {figure.figure for figure in figures}
    sign = np.sign(
        program.matrix.toarray()[
            list(program.row_keys).index(("place_balance", ("buyer", "smelter", "metal", 0, 2027)))
        ][keys.index(("throughput", ("smelter|melt|metal", "buyer", 0, 2027)))]
    )
    assert effect[name, 1.0] == pytest.approx(-sign * 0.003)


def test_figures_of_no_kind_are_no_draws() -> None:
    assert draw_levels([], 3, 0).shape == (3, 0)


def test_a_dominated_plan_riskier_than_the_cheapest_prices_no_month() -> None:
    # hull (4, 10), (2, 11); the third costs more and loses more than the first
    assert price_of_month([10.0, 11.0, 12.0], [4.0, 2.0, 5.0], 2) == 0.0


def test_rows_added_and_removed_are_told_by_their_keys() -> None:
    base = {"offers": pd.DataFrame({"offer": ["a", "b"], "price": ["1", "2"]})}
    other = {"offers": pd.DataFrame({"offer": ["b", "c"], "price": ["2", "3"]})}
    table = rows_table(base, other, {"offers": ["offer"]})
    assert table[["row", "change"]].values.tolist() == [["a", "removed"], ["c", "added"]]


# --- losses ---------------------------------------------------------------------------------------------------------


def test_a_thinner_spot_market_loses_what_the_hand_says(tmp_path: Path) -> None:
    spans = tmp_path / "spans.csv"
    spans.write_text("kind,low_share,high_share,reason\nspot,0.25,2,by hand\n")
    told = sensed(TOYS / "qualify-first", tmp_path, 0.0, spans=spans, has_supply=True, has_regret=False)
    # home stands still for twelve months; of 100 t bought without a contract a quarter is left: 9 months are lost
    assert row(told, "spot")[["loss_low_months", "loss_high_months"]].tolist() == pytest.approx([9.0, 0.0], abs=1e-5)


def test_suppliers_that_cannot_add_lose_what_the_hand_says(tmp_path: Path) -> None:
    changes = {
        "case.toml": ("surge_share = 0.0", "surge_share = 0.5"),
        "offers.csv": (
            "away_sale,sale,away,part,20,50,1000,1,2027,2028,1,0,",
            "away_sale,sale,away,part,20,50,1000,1,2027,2028,1,0.5,",
        ),
        "spot_depths.csv": ("make,*,0.5,1.5", "make,*,0,1.5"),
    }
    case = copied(tmp_path, "qualify-first", changes)
    (case / "stock_policies.csv").unlink()
    told = sensed(case, tmp_path, 0.0, has_supply=True, has_regret=False)
    # two thirds of 100 t are signed with away, which adds half in the shock; without it a third is missing: 4 months
    assert row(told, "surge")[["loss_low_months", "loss_high_months"]].tolist() == pytest.approx([4.0, 0.0], abs=1e-4)


def test_standby_is_no_more_than_suppliers_still_owe() -> None:
    held = Qualification("safe|magnet|*", "safe", "magnet", "*", True, (), 0.0, 0.0, {2028: 6.0}, 0.0)
    new = Qualification("cheap|magnet|*", "cheap", "magnet", "*", False, (2028,), 0.0, 0.0, {2028: 5.0}, 0.0)
    case = both(qualifications={held.qualification: held, new.qualification: new}, surge=0.1)
    keys = (
        ("committed", ("cheap-sale", 2028)), ("delivered", ("cheap-sale", "plant", 2028)),
        ("is_qualified", ("cheap|magnet|*", 2028)), ("standby", ("cheap", "magnet", 2028)),
        ("standby", ("safe", "magnet", 2028)), ("standby", ("safe", "magnet", 2027)),
    )  # fmt: skip
    plans = still_owed(Plans(keys, {1: np.array([100.0, 80.0, 1.0, 50.0, 50.0, 50.0])}), case)
    # cheap owes 100 x 1.1 - 80 + 5 on the spot market, safe 6 t of 2028 only; nobody owes anything in 2027
    assert plans.vectors[1].tolist() == pytest.approx([100.0, 80.0, 1.0, 35.0, 6.0, 0.0])


# --- branches -------------------------------------------------------------------------------------------------------


def both(qualifications=None, projects=None, surge=0.0, capacity=1000.0, has_safe=True):
    safe = [sale("safe-sale", "safe", 20.0, take_or_pay_share=0.5, surge_share=surge)] if has_safe else []
    lanes = [lane("buyer", "safe", "plant")] if has_safe else []
    return instance(
        [facility("cheap", "AAA", capacity=capacity), *([facility("safe", "BBB")] if has_safe else [])],
        [sale("cheap-sale", "cheap", 10.0, take_or_pay_share=0.5, surge_share=surge), *safe],
        [lane("buyer", "cheap", "plant"), *lanes],
        [source("cheap"), *([source("safe")] if has_safe else [])],
        qualifications=qualifications or {},
        projects=projects or {},
    )


def decided(own, **values):
    """The program of an instance, and a plan with some of its columns."""
    model = build_model(own)
    program = compile_model(model, {COST: model.cost}, [])
    x = np.zeros(len(program.column_keys))
    for (component, index), amount in values["columns"].items():
        x[program.column_keys.index((component, index))] = amount
    return program, x


def full():
    new = Qualification("safe|magnet|*", "safe", "magnet", "*", False, (2027, 2028), 0.0, 12.0, every(0.0), 0.0)
    plan = Project("expand", "safe", "expansion", 4.0, 50.0, 10.0, (2027, 2028), (0.0, 1.0))
    return both({new.qualification: new}, {"expand": plan})


COLUMNS = {
    ("committed", ("safe-sale", 2027)): 40.0,
    ("is_signed", ("safe-sale", 2027)): 1.0,
    ("is_qualified", ("safe|magnet|*", 2027)): 1.0,
    ("is_qualified", ("safe|magnet|*", 2028)): 1.0,
    ("is_sponsored", ("expand", 2027)): 1.0,
}


def test_a_branch_without_the_supplier_pays_for_what_was_decided_all_the_same() -> None:
    own = full()
    program, x = decided(own, columns=COLUMNS)
    branch = replace(both(has_safe=False), is_shortfall_allowed=True, line_stop_usd_per_kg=1.0)
    outcome = put_under(own, program, {1: x}, branch)[1]
    # half of 40 t at 20 USD/kg is due, 12 MUSD for the qualification once and 50 for the project; all lines stand still
    assert outcome.cost_musd == pytest.approx(0.4 + 12.0 + 50.0, abs=1e-4)
    assert outcome.shortfall_t == pytest.approx(200.0, abs=1e-3)
    assert outcome.shortfall_months == pytest.approx(24.0, abs=1e-4)


def test_a_branch_in_which_contracts_cannot_stand_gives_the_plan_no_figure() -> None:
    own = both()
    program, x = decided(own, columns={("committed", ("cheap-sale", 2027)): 500.0})
    branch = replace(both(capacity=100.0), is_shortfall_allowed=True)
    outcome = put_under(own, program, {1: x}, branch)[1]
    assert np.isnan([outcome.cost_musd, outcome.shortfall_t, outcome.shortfall_musd, outcome.shortfall_months]).all()


def test_picks_are_suppliers_paid_and_what_is_qualified_and_sponsored() -> None:
    own = full()
    program, x = decided(own, columns=COLUMNS)
    at = ("safe", "magnet", "BBB")
    assert picks_of(own, program, x) == {
        "supplier:safe": ("supplier", *at),
        "offer:safe-sale": ("offer", *at),
        "qualification:safe|magnet|*": ("qualification", *at),
        "project:expand": ("project", *at),
    }


def test_no_time_left_solves_no_draw_again() -> None:
    own = full()
    program, x = decided(own, columns=COLUMNS)
    program = replace(program, objectives={**program.objectives, LOSS: (np.zeros_like(x), 0.0)})
    assert solved_again(own, program, (COST, LOSS), x, {1: program.objectives[COST]}, [x], (0.0, 0.1)) == []
