"""Alternatives: as different as brute force can find, within the slack, never the same portfolio twice."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog
from small_markets import SHOCK, TOYS, market

from optimizer.explain.tables import read_alternatives
from optimizer.jobs.alternatives import Found, Search, alternatives_of
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options

PRICES = {"one": 10.0, "two": 12.0, "three": 12.5}
OFFERS = {plant: (price, 5, 1000, 1, 0) for plant, price in PRICES.items()}


def near(value: float, tolerance: float = 1e-4):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def found_of(case: Path, folder: Path, search: Search) -> Found:
    run = solve_plan(case, folder / f"run-{case.name}", Options())
    return alternatives_of(run.path, None, search)


def farthest(earlier: list[dict[str, float]], most_musd: float) -> float:
    """Largest least distance to earlier plans (plant to t) over all sets of signed plants, by a linear program each."""
    plants, best = list(PRICES), -np.inf
    for signed in itertools.product([0, 1], repeat=3):
        if any({p for p, s in zip(plants, signed, strict=True) if s} == set(plan) for plan in earlier):
            continue  # a portfolio is what is signed
        price = np.array(list(PRICES.values())) / 1000.0
        rows, right = [np.append(price, 0.0)], [most_musd]
        for plan in earlier:
            total = sum(PRICES[p] * t / 1000.0 for p, t in plan.items())
            rows.append(np.append([price[k] / total if p in plan else 0.0 for k, p in enumerate(plants)], 1.0))
            right.append(1.0)
        limits = [(5.0, 100.0) if s else (0.0, 0.0) for s in signed]
        result = linprog(
            [0, 0, 0, -1], A_ub=rows, b_ub=right, A_eq=[[1, 1, 1, 0]], b_eq=[100.0], bounds=[*limits, (-10, 1)]
        )
        best = max(best, -result.fun) if result.success else best
    return best


def test_each_is_as_different_as_brute_force_can_make_it(tmp_path: Path) -> None:
    search = Search(slack_share=0.05, count=3, seconds=60.0, gap=0.0)
    found = found_of(market(tmp_path, "three-plants", OFFERS), tmp_path, search)
    frame = found.part.tables["alternatives_portfolio"]
    plans = [
        dict(zip(rows["facility"], rows["committed_t_per_year"], strict=True))
        for _, rows in frame[frame["kind"] == "sale"].groupby("alternative")
    ]
    assert plans[0] == near({"one": 100.0})
    figures = found.part.tables["alternatives"]
    assert len(figures) == 4
    for k in (1, 2, 3):
        best = farthest(plans[:k], 1.05)  # 5 % above 100 t at 10 USD/kg
        assert figures["distance_share"][k] == near(best, 2e-3)  # a thousandth is given up to be cheap
        assert figures["distance_bound_share"][k] >= best - 1e-6
    assert figures["distance_share"][1] == near(0.25, 2e-3)  # 25 t from `two`, 2 USD/kg dearer, use up 0.05 MUSD


@pytest.mark.parametrize("few", [200, 0], ids=["searched", "candidates tried"])
def test_all_are_within_the_slack_and_none_comes_twice(tmp_path: Path, monkeypatch, few: int) -> None:
    monkeypatch.setattr("optimizer.explain.alternatives.FEW", few)
    offers = {"one": (10, 0, 1000, 0, 0.5), "two": (8, 0, 1000, 0, 0), "three": (9, 0, 1000, 1, 0)}
    case = market(tmp_path, "shocked", offers, extra=SHOCK, shares={"two": 0.5, "one": 0.9})
    run = solve_plan(case, tmp_path / "run", Options(max_loss_months=1.2))
    found = alternatives_of(run.path, 1, Search(slack_share=0.1, count=4, seconds=60.0))
    figures, record = found.part.tables["alternatives"], found.part.record
    assert len(figures) >= 3
    assert figures["cost_musd"].max() <= record["max_cost_musd"] + 1e-6
    assert figures["loss_months"].max() <= record["max_loss_months"] + 1e-5
    losses = found.part.tables["alternatives_losses"]
    worst = losses.groupby("alternative")["loss_months"].max()
    assert worst.to_list() == near(figures["worst_loss_months"].to_list())
    assert worst.max() <= record["max_loss_months"] + 1e-5  # the measure is the worst case
    rows = found.part.tables["alternatives_portfolio"]
    signed = [
        frozenset(zip(p["kind"], p["offer"], p["start_year"], strict=True)) for _, p in rows.groupby("alternative")
    ]
    assert len(set(signed)) == len(signed)


def test_must_haves_are_what_every_plan_needs(tmp_path: Path) -> None:
    # `one` (70 t at most) and `three` cannot be done without each other: `two` has only 20 t.
    case = market(tmp_path, "needed", OFFERS, capacity={"one": 70, "two": 20, "three": 60})
    found = found_of(case, tmp_path, Search(slack_share=0.5, count=4, seconds=60.0))
    table = found.part.tables["alternatives_choices"]
    verdicts = table[table["kind"] == "supplier"].set_index("choice")
    assert verdicts.loc["one", "verdict"] == "must"
    assert verdicts.loc["two", "verdict"] == "some"
    assert verdicts.loc["one", "plans"] == verdicts.loc["one", "of_plans"] == len(found.part.tables["alternatives"])


def test_nothing_else_within_no_slack(tmp_path: Path) -> None:
    found = found_of(market(tmp_path, "none", OFFERS), tmp_path, Search(slack_share=0.0, count=3))
    assert found.part.record["found"] == 0
    choices = found.part.tables["alternatives_choices"]
    assert choices.set_index(["kind", "choice"])["verdict"].to_dict() == {
        ("offer", "one_sale"): "must",
        ("offer", "three_sale"): "none",
        ("offer", "two_sale"): "none",
        ("supplier", "one"): "must",
        ("supplier", "three"): "none",
        ("supplier", "two"): "none",
    }


def test_sponsored_projects_count_as_money(tmp_path: Path) -> None:
    found = found_of(TOYS / "plant-location", tmp_path, Search(slack_share=0.3, count=2, seconds=60.0))
    figures = found.part.tables["alternatives"]
    assert figures["distance_share"][1] > 0.2
    assert set(found.part.tables["alternatives_choices"]["kind"]) == {"offer", "project", "supplier"}


def test_part_reads_back(tmp_path: Path) -> None:
    run = solve_plan(market(tmp_path, "again", OFFERS), tmp_path / "run", Options())
    assert not read_alternatives(run.path)
    alternatives_of(run.path, None, Search(0.05, 2, 60.0))
    first = {path.name: path.read_bytes() for path in sorted((run.path / "alternatives").iterdir())}
    assert read_alternatives(run.path).record["found"] == 2
    alternatives_of(run.path, None, Search(0.05, 2, 60.0))
    assert first == {path.name: path.read_bytes() for path in sorted((run.path / "alternatives").iterdir())}
    assert json.loads(first["alternatives.json"])["slack_share"] == 0.05
