"""Plans under branches of policy, against hands."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sensed import TOYS, copied, sensed

from optimizer.errors import DataProblem
from optimizer.sensitivity.regret import Branch, Outcome, choice_table, regret_table, with_cover


def near(value: float, tolerance: float = 1e-6):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def test_regret_matrix_by_hand() -> None:
    branches = [Branch("calm", "Calm", 0.75), Branch("storm", "Storm", 0.25), Branch("wild", "Wild", None)]
    outcomes = {
        "calm": {1: Outcome(10, 0, 0, 0), 2: Outcome(12, 0, 0, 0), 3: Outcome(13, 0, 0, 0)},
        "storm": {1: Outcome(10, 5, 9, 1), 2: Outcome(12, 1, 2, 0.2), 3: Outcome(13, 0, 0, 0)},
        "wild": {1: Outcome(10, 9, 12, 2), 2: Outcome(12, 4, 7, 1), 3: Outcome(13, 1, 2, 0.2)},
    }
    table = regret_table(outcomes, branches, {1: 0.0, 2: 0.0, 3: 0.0}, 5.0)
    wide = table.pivot_table(index="point", columns="branch", values="regret_musd")
    # calm: best 10; storm: 19, 14, 13; wild: 22, 19, 15
    assert wide.to_dict("index") == {
        1: {"calm": 0, "storm": 6, "wild": 7},
        2: {"calm": 2, "storm": 1, "wild": 4},
        3: {"calm": 3, "storm": 0, "wild": 0},
    }
    choice = choice_table(table).set_index("point")
    assert choice["worst_regret_musd"].to_dict() == {1: 7, 2: 4, 3: 3}
    assert choice["expected_total_musd"].to_dict() == {1: 12.25, 2: 12.5, 3: 13.0}  # wild has no probability
    assert choice["is_minimax"].to_dict() == {1: False, 2: False, 3: True}
    assert choice["is_expected_best"].to_dict() == {1: True, 2: False, 3: False}
    lost = regret_table(outcomes, branches[:1], {1: 1.0, 2: 0.0, 3: 0.0}, 5.0)
    assert lost["total_musd"].tolist() == [15, 12, 13]  # a month lost in shocks counts 5


def test_plan_without_operation_in_a_branch_is_not_picked() -> None:
    nan = float("nan")
    outcomes = {"calm": {1: Outcome(nan, nan, nan, nan), 2: Outcome(12, 0, 0, 0)}}
    choice = choice_table(regret_table(outcomes, [Branch("calm", "Calm", 1.0)], {1: 0.0, 2: 0.0}, 0.0))
    assert choice["is_minimax"].tolist() == [False, True]


def test_cover_costs_the_same_in_every_branch() -> None:
    own, storm = {1: Outcome(9.5, 0, 0, 0)}, {1: Outcome(11.0, 2, 3, 0.1)}
    # the plan costs 10, half a million of it for cover that nobody needs while nothing happens
    assert with_cover(storm, own, {1: 10.0}) == {1: Outcome(11.5, 2, 3, 0.1)}
    assert with_cover(own, own, {1: 10.0})[1].cost_musd == 10.0


def storm_of(found: object) -> pd.Series:
    table = found.tables["sensitivity_regret"].set_index("branch")  # type: ignore[attr-defined]
    return table.loc["storm"]


def test_plan_runs_under_the_branch_with_what_it_signed(tmp_path: Path) -> None:
    storm = storm_of(sensed(TOYS / "regimes", tmp_path, branches=("storm", "calm"), month_musd=0.0))
    # of 100 t a year from far 40 are licensed, at 10 and a duty of 2 USD/kg; the other 60 stop lines at 1,000
    assert storm["cost_musd"] == near(2 * 0.48)
    assert storm["shortfall_t"] == near(120.0)
    assert storm["shortfall_musd"] == near(120.0)
    assert storm["shortfall_months"] == near(24 * 0.6)


def test_safer_plan_keeps_its_second_supplier_in_the_branch(tmp_path: Path) -> None:
    found = sensed(TOYS / "regimes", tmp_path, 3.6, branches=("storm", "calm"))
    storm = storm_of(found)
    # 2028: 50 t from home at 14; of the 50 t signed with far 20 are licensed, at 12; 30 missing; 2027 as above
    assert storm["cost_musd"] == near(0.48 + 0.24 + 0.7, 1e-5)
    assert storm["shortfall_t"] == near(90.0, 1e-5)
    calm = found.tables["sensitivity_regret"].set_index("branch").loc["calm"]
    assert calm["cost_musd"] == near(2.2, 1e-5)  # its own regime: what the frontier says
    assert calm["shortfall_t"] == near(0.0)


def test_branches_of_the_regime_in_force_come_by_themselves(tmp_path: Path) -> None:
    case = copied(tmp_path, "regimes")
    (case / "regimes.csv").write_text(
        "regime,name,based_on,is_plan_default,branch_of,branch_share,rate_per_year,shock_months,price_multiple,story\n"
        "calm,Calm,,true,,,0,12,1,Free.\nstorm,Storm,calm,false,calm,0.4,0.1,12,2,Licensed.\n"
        "mist,Mist,calm,false,calm,0.6,0,12,1,Free.\n"
    )
    found = sensed(case, tmp_path)
    regrets = found.tables["sensitivity_regret"]
    assert dict(zip(regrets["branch"], regrets["probability"], strict=True)) == {"storm": 0.4, "mist": 0.6}


def test_unknown_branch_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataProblem) as told:
        sensed(TOYS / "regimes", tmp_path, branches=("thunder",))
    assert [problem.code for problem in told.value.problems] == ["N003"]
    assert sensed(TOYS / "one-plant", tmp_path).tables["sensitivity_regret"].empty  # no regimes, no regrets
