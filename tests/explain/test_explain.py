"""Prices of limits, break-even offers, steps and walk-away prices, against hands and against solving again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_markets import SHOCK, TOYS, market

from optimizer.cli.failures import run_guarded
from optimizer.cli.main import sourcing
from optimizer.errors import DataProblem
from optimizer.explain.tables import read_explain
from optimizer.jobs.explain import Depth, Explained, explain_run
from optimizer.jobs.frontier import frontier_of, solve_plan
from optimizer.jobs.prepare import COST, LOSS, Options, prepare
from optimizer.solve.master import Master
from optimizer.solve.question import Question

QUICK, DEEP = Depth(), Depth(is_deep=True, seconds=20.0, gap_share=0.0)
SIMPLE = {"one": (10, 10, 1000, 1, 0), "two": (12, 10, 1000, 1, 0), "three": (15, 10, 1000, 1, 0)}
COVER = {"one": (10, 0, 1000, 0, 0.5), "two": (8, 0, 1000, 0, 0), "three": (15, 0, 1000, 1, 0)}


def near(value: float, tolerance: float = 1e-5):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def explained(case: Path, folder: Path, depth: Depth = QUICK, max_loss: float | None = None) -> Explained:
    run = solve_plan(case, folder / f"run-{case.name}", Options(max_loss_months=max_loss))
    return explain_run(run.path, None, depth)


def limit(found: Explained, constraint: str, subject: str, scope: str = "all") -> pd.Series:
    rows = found.part.tables["explain_limits"]
    rows = rows[(rows["constraint"] == constraint) & (rows["subject"] == subject) & (rows["scope"] == scope)]
    assert len(rows) == 1
    return rows.iloc[0]


def held_cost(case: Path, x: np.ndarray, max_loss: float) -> float:
    """Least cost of a case with the integers of a plan, at a loss."""
    master = Master(prepare(case).program, COST, LOSS)
    attained = master.relax(Question(max_second=max_loss), fixed=x).attained
    assert attained is not None
    return attained.first


# --- prices of limits -----------------------------------------------------------------------------------------------


def test_mine_behind_a_sale_is_worth_what_the_hand_says(tmp_path: Path) -> None:
    found = explained(TOYS / "shadow-flow", tmp_path)
    row = limit(found, "capacity_limit", "small")  # a tonne at the mine replaces 15 by 10 USD/kg: 5,000 USD a year
    assert row["usd_per_year"] == near(5000.0)
    assert (row["stage"], row["country_iso3"]) == ("mine", "XXX")
    assert "mine capacity at small is worth USD 5,000" in row["sentence"]


def test_price_of_a_bottleneck_is_the_finite_difference_of_solving_again(tmp_path: Path) -> None:
    # `two` (8 USD/kg) stands still, `one` keeps 0.9 of 80 t = 72 t, so 28 t at 15 USD/kg come from `three`, 72 from
    # `two`. A tonne more at `one` gives 0.9 t: 0.9 x (15 - 8) = 6,300 USD, all of it because of the shock.
    cases = {
        size: market(tmp_path, f"c{size}", COVER, capacity={"one": size}, extra=SHOCK, shares={"two": 0.0, "one": 0.9})
        for size in (80, 81)
    }
    run = solve_plan(cases[80], tmp_path / "run", Options(max_loss_months=0.0))
    assert run.tables["frontier"]["cost_musd"][0] == near(0.996)
    found = explain_run(run.path, 1, QUICK)
    row = limit(found, "capacity_limit", "one")
    assert row["usd_per_year"] == near(6300.0, 1e-4)
    assert row["of_which_in_shocks_musd"] == near(row["worth_musd"], 1e-4)
    with np.load(run.path / "plans.npz") as stored:
        x = stored["point_1"]
    before, after = held_cost(cases[80], x, 0.0), held_cost(cases[81], x, 0.0)
    assert 1e6 * (before - after) == near(row["usd_per_year"], 1e-3)


def test_a_month_of_loss_turns_money_into_days(tmp_path: Path) -> None:
    # As above at a loss of 1.2 months: 10 t fewer from `three`. A month is 100/12 t at 7 USD/kg: 58,333 USD; so a tonne
    # at `one`, worth 6,300 USD, could instead take away 6300 / 58333 months.
    case = market(tmp_path, "days", COVER, capacity={"one": 80}, extra=SHOCK, shares={"two": 0.0, "one": 0.9})
    found = explained(case, tmp_path, max_loss=1.2)
    row = limit(found, "capacity_limit", "one")
    assert row["usd_per_year"] == near(6300.0, 1e-4)
    assert row["saved_days"] == near(6300 / (7000 * 100 / 12) * 365.25 / 12, 1e-4)
    assert "or 3.3 days of loss" in row["sentence"]


def test_years_add_up_to_the_limit(tmp_path: Path) -> None:
    found = explained(TOYS / "one-plant", tmp_path)
    rows = found.part.tables["explain_limits"]
    rows = rows[rows["constraint"] == "demand_balance"]
    yearly = rows[rows["scope"] == "year"]
    assert sorted(yearly["year"]) == [2027, 2028]
    assert yearly["worth_musd"].sum() == near(float(rows.loc[rows["scope"] == "all", "worth_musd"].iloc[0]))
    assert rows["usd_per_year"].to_list() == near([-10250.0] * 3)  # 10 USD/kg and 250 USD/t of freight


def test_share_cap_and_least_order_have_their_prices(tmp_path: Path) -> None:
    found = explained(TOYS / "caps-and-counts", tmp_path)
    assert limit(found, "origin_share_cap", "0")["usd_per_year"] == near(2000.0)
    assert limit(found, "commitment_floor", "three_sale")["usd_per_year"] == near(-3000.0)


# --- offers not chosen ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [QUICK, DEEP], ids=["quick", "deep"])
def test_offer_enters_at_the_price_of_what_it_replaces(tmp_path: Path, depth: Depth) -> None:
    found = explained(market(tmp_path, "simple", SIMPLE), tmp_path, depth)
    rows = found.part.tables["explain_offers"].set_index("offer")
    assert list(rows.index) == ["two_sale", "three_sale"]  # nearest first
    assert rows["asked_usd_per_kg"].to_list() == near([12.0, 15.0])
    assert rows["break_even_usd_per_kg"].to_list() == near([10.0, 10.0], 1e-4)
    if depth.is_deep:
        assert rows["checked_usd_per_kg"].to_list() == near([10.0, 10.0])
        assert rows["checked_gap_usd_per_kg"].max() <= 1e-6


def test_qualification_is_paid_out_of_the_price(tmp_path: Path) -> None:
    # 0.1 MUSD on the 100 t of one year is 1 USD/kg, so 9 against the 10 of `home`; signed again in the second year it
    # is spread over 200 t, so 9.5 if everything may change.
    found = explained(TOYS / "qualify-first", tmp_path, DEEP)
    row = found.part.tables["explain_offers"].set_index("offer").loc["away_sale"]
    assert row["qualification_musd"] == near(0.1)
    assert row["checked_usd_per_kg"] == near(9.5)
    assert row["checked_t_per_year"] == near(100.0)
    assert row["break_even_usd_per_kg"] == near(9.0, 1e-3)


def test_break_even_by_re_solving_equals_brute_force(tmp_path: Path) -> None:
    """At the break-even price of `three` (least 40 t, 60 % caps) the best plan with it costs what the best costs."""
    offers = {"one": (10, 10, 1000, 1, 0), "two": (12, 10, 1000, 1, 0), "three": (15, 40, 1000, 1, 0)}
    cap = '\n[[limits.share_cap]]\nname = "cap"\nstage = "make"\ncountry = "*"\nmax_share = 0.6\n'
    found = explained(market(tmp_path, "capped", offers, extra=cap), tmp_path, DEEP)
    asked = found.part.tables["explain_offers"].set_index("offer").loc["three_sale", "checked_usd_per_kg"]

    def best(price: float) -> float:
        """Cheapest split of 100 t with at least 40 t from `three`, no more than 60 t from anybody, in steps of 1 t."""
        options = [
            10 * a + 12 * b + price * c
            for a in [0, *range(10, 61)]
            for c in range(40, 61)
            for b in [100 - a - c]
            if b == 0 or 10 <= b <= 60
        ]
        return min(options) / 1000.0

    assert best(asked) == near(0.6 * 1.0 + 0.4 * 1.2)  # 60 t at 10 and 40 t at 12
    assert best(asked + 0.01) > best(asked) > best(asked - 0.01)


# --- suppliers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [QUICK, DEEP], ids=["quick", "deep"])
def test_walk_away_price_is_the_price_of_the_next_best(tmp_path: Path, depth: Depth) -> None:
    found = explained(market(tmp_path, "simple", SIMPLE), tmp_path, depth)
    (row,) = found.part.tables["explain_suppliers"].to_dict("records")
    assert (row["facility"], row["committed_t_per_year"]) == ("one", near(100.0))
    assert row["price_usd_per_kg"] == near(10.0)
    assert row["extra_cost_musd"] == near(0.2, 1e-4)  # 100 t from `two`, 2 USD/kg dearer
    assert row["walk_away_usd_per_kg"] == near(12.0, 1e-4)
    assert row["instead"] == "part from two +100 t/yr"
    if depth.is_deep:
        assert row["walk_away_low_usd_per_kg"] == near(12.0, 1e-4)


@pytest.mark.parametrize("depth", [QUICK, DEEP], ids=["quick", "deep"])
def test_supplier_nobody_can_replace_has_no_walk_away_price(tmp_path: Path, depth: Depth) -> None:
    case = market(tmp_path, "needed", SIMPLE, capacity={"two": 30, "three": 30})
    found = explained(case, tmp_path, depth)
    (row,) = found.part.tables["explain_suppliers"].to_dict("records")
    assert row["is_needed"]
    assert np.isnan(row["walk_away_usd_per_kg"])
    assert any("no walk-away price" in line for s in found.story.sections for line in s.lines)


# --- steps ----------------------------------------------------------------------------------------------------------


def test_step_says_what_is_bought_from_whom(tmp_path: Path) -> None:
    run = frontier_of(TOYS / "no-foresight", tmp_path / "run", Options(points=4))
    found = explain_run(run.path, 1, QUICK)
    steps = found.part.tables["explain_steps"]
    own = steps[steps["point"] == 1]
    totals = own[own["kind"] == "total"].set_index("subject")["change"]
    frontier = run.tables["frontier"].sort_values("cost_musd")
    assert totals["cost_musd"] == near(frontier["cost_musd"].iloc[1] - frontier["cost_musd"].iloc[0])
    assert totals["loss_months"] == near(frontier["loss_months"].iloc[1] - frontier["loss_months"].iloc[0])
    assert own.loc[own["kind"] == "cost", "change"].sum() == near(totals["cost_musd"], 1e-4)
    bought = own[(own["kind"] == "contract") & (own["change"] > 0)]
    assert set(bought["subject"]) == {"beta_sale"}
    assert set(steps["point"]) == set(frontier["point"][:-1])


# --- the part of the run --------------------------------------------------------------------------------------------


def test_part_reads_back_and_is_the_same_again(tmp_path: Path) -> None:
    run = solve_plan(TOYS / "shadow-flow", tmp_path / "run", Options())
    assert not read_explain(run.path)
    explain_run(run.path, None, QUICK)
    first = {path.name: path.read_bytes() for path in sorted((run.path / "explain").iterdir())}
    assert not list(run.path.glob("*.partial"))
    found = read_explain(run.path)
    assert set(found.tables) == {"explain_limits", "explain_offers", "explain_steps", "explain_suppliers"}
    assert found.record["point"] == 1
    assert json.loads(first["explain.json"])["is_deep"] is False
    explain_run(run.path, 1, QUICK)
    assert first == {path.name: path.read_bytes() for path in sorted((run.path / "explain").iterdir())}


@pytest.mark.parametrize("name", ["no-demand", "no-market", "sponsored-project", "joint-production", "origin-rule"])
def test_other_shapes_of_plan_are_explained_too(tmp_path: Path, name: str) -> None:
    found = explained(TOYS / name, tmp_path)
    assert found.story.title.startswith("Plan 1: ")


def test_asking_only_shocks_too_mild_before_in_two_processes_changes_nothing(tmp_path: Path, monkeypatch) -> None:
    run = frontier_of(TOYS / "no-foresight", tmp_path / "run", Options(points=4))  # four shocks
    whole = explain_run(run.path, 1, QUICK).part.tables
    monkeypatch.setattr("optimizer.solve.master.LARGE", 0)
    spread = explain_run(run.path, 1, QUICK, workers=2).part.tables
    for name, table in whole.items():
        pd.testing.assert_frame_equal(table, spread[name], rtol=1e-6)
    assert len(whole["explain_suppliers"]) > 0


def test_unknown_point_is_a_problem_of_the_input(tmp_path: Path) -> None:
    run = solve_plan(TOYS / "one-plant", tmp_path / "run", Options())
    with pytest.raises(DataProblem, match="R005"):
        explain_run(run.path, 9, QUICK)
    assert not (run.path / "explain").exists()


def test_command_prints_sentences_in_80_columns_and_records_as_json(tmp_path: Path, capsys) -> None:
    run = solve_plan(TOYS / "shadow-flow", tmp_path / "run", Options())
    assert run_guarded(lambda: sourcing.main(["-q", "explain", str(run.path)], standalone_mode=False), []) == 0
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines() if not line.startswith("tables:")) <= 80
    assert "integer decisions fixed" in text
    assert "is worth USD 5,000" in " ".join(text.split())
    assert (
        run_guarded(lambda: sourcing.main(["-q", "explain", str(run.path), "--json"], standalone_mode=False), []) == 0
    )
    record = json.loads(capsys.readouterr().out)
    assert record["point"] == 1
    assert {row["facility"] for row in record["explain_suppliers"]} == {"cheap", "dear"}
    words = ["-q", "alternatives", str(run.path), "--slack", "0.1", "-n", "1", "--json"]
    assert run_guarded(lambda: sourcing.main(words, standalone_mode=False), []) == 0
    assert json.loads(capsys.readouterr().out)["asked_for"] == 1
