"""Every toy by SCIP through the same Pyomo model, all shocks inside, against HiGHS and against the decomposition."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pyomo.environ as pyo
import pytest
from two_solvers import AGREE, fix_integers, highs, posed, same, scip, value

sys.path.append(str(Path(__file__).parents[1] / "toys"))
from toy import NAMES, planned, ready

from optimizer.errors import Infeasible, SolverFailure, UsageProblem
from optimizer.jobs.frontier import frontier_of, solve_plan
from optimizer.jobs.prepare import COST, LOSS, Options
from optimizer.model.build import build_model
from optimizer.solve.effort import Effort
from optimizer.solve.master import Master
from optimizer.solve.other_solver import find_solver, solve_whole
from optimizer.solve.question import Question

pytest.importorskip("pyscipopt", reason="SCIP is not installed")

FEASIBLE = [name for name in NAMES if name != "cannot-be"]
CAPS = (math.inf, 3.0)


@pytest.mark.parametrize("cap", [CAPS[0], *(pytest.param(cap, marks=pytest.mark.long) for cap in CAPS[1:])])
@pytest.mark.parametrize("name", FEASIBLE)
def test_linear_relaxations_agree(name: str, cap: float) -> None:
    model = posed(ready(name), cap)
    pyo.TransformationFactory("core.relax_integer_vars").apply_to(model)
    by_scip, by_highs = value(scip(), model)[1], value(highs(), model)[1]
    ours = Master(ready(name).program, COST, LOSS).relax(Question(max_second=cap)).bound
    assert by_scip == same(by_highs)
    assert by_scip == same(ours)


@pytest.mark.parametrize("name", FEASIBLE)
def test_programs_with_fixed_integers_agree(name: str) -> None:
    program = ready(name).program
    master = Master(program, COST, LOSS)
    (plan, *_) = master.answer(Question(), 0.0).attained
    model = posed(ready(name), math.inf)
    fix_integers(model, program, plan.x)
    by_scip, by_highs = value(scip(), model)[1], value(highs(), model)[1]
    again = master.polish(Question(), plan.x)
    assert by_scip == same(by_highs)
    assert again is not None
    assert by_scip == same(again.first)


@pytest.mark.parametrize("cap", [CAPS[0], *(pytest.param(cap, marks=pytest.mark.long) for cap in CAPS[1:])])
@pytest.mark.parametrize("name", FEASIBLE)
def test_intervals_of_mixed_integer_solves_overlap(name: str, cap: float) -> None:
    bound, incumbent = value(scip(), posed(ready(name), cap))
    answer = Master(ready(name).program, COST, LOSS).answer(Question(max_second=cap), 1e-9, rounds=20)
    if incumbent == math.inf:
        assert answer.is_proven_infeasible
        return
    room = AGREE * (1.0 + abs(incumbent))
    assert bound <= answer.attained[0].first + room
    assert answer.bound <= incumbent + room
    assert incumbent == same(answer.attained[0].first)


@pytest.mark.parametrize("name", ["no-foresight", "plant-location"])
def test_a_run_by_scip_is_audited_and_costs_the_same(name: str, tmp_path: Path) -> None:
    run = solve_plan(ready(name).case, tmp_path / "run", Options(solver="scip"))
    ours = planned(name)
    assert run.status == "complete"
    assert run.manifest["options"]["solver"] == "scip"
    assert set(run.tables) == set(ours.tables)
    assert float(run.tables["frontier"]["cost_musd"][0]) == same(float(ours.tables["frontier"]["cost_musd"][0]))
    assert float(run.tables["costs"]["cost_musd"].sum()) == same(float(ours.tables["costs"]["cost_musd"].sum()))


def test_least_loss_within_a_budget_by_scip() -> None:
    # By hand (README of the toy): 2.2 MUSD buy a worst loss of 6 months and no less.
    case = ready("no-foresight")
    point = solve_whole(
        find_solver("scip"),
        build_model(case.instance),
        case.program,
        COST,
        LOSS,
        effort=Effort(gap_share=0.0),
        max_first=2.2,
    )
    assert (point.first, point.second) == (pytest.approx(2.2, abs=1e-5), pytest.approx(6.0, abs=1e-4))


def test_scip_says_that_nothing_is_possible() -> None:
    case = ready("cannot-be")
    with pytest.raises(Infeasible, match="scip"):
        solve_whole(find_solver("scip"), build_model(case.instance), case.program, COST, LOSS)


def test_unknown_and_missing_solvers_are_refused_with_those_there_are(tmp_path: Path) -> None:
    case = ready("no-demand").case
    for name, word in (("no_such_solver", "unknown"), ("cplex", "not installed")):
        with pytest.raises(UsageProblem, match=rf"{word}.*available: highs.*scip_direct"):
            solve_plan(case, tmp_path / "run", Options(solver=name))
    with pytest.raises(UsageProblem, match="sourcing solve --solver scip"):
        frontier_of(case, tmp_path / "run", Options(solver="scip"))
    assert not (tmp_path / "run").exists()


class Liar:
    """A solver whose answer is changed on the way."""

    def __init__(self, column: str, shift: float, bound: float = 0.0) -> None:
        self.honest, self.column, self.shift, self.bound = find_solver("scip"), column, shift, bound
        self.name = "liar"

    def solve(self, model: Any, **options: Any) -> Any:
        results = self.honest.solve(model, **options)
        results.problem.lower_bound += self.bound
        model.solutions.load_from(results)
        for data in model.component_data_objects(pyo.Var):
            if data.name.startswith(self.column) and data.value is not None:
                data.set_value(data.value + self.shift, skip_validation=True)
        results.solution = ()
        return results


LIES = [("committed", -30.0, 0.0), ("is_signed", 0.4, 0.0), ("x", 0.0, 0.5)]


@pytest.mark.parametrize(("column", "shift", "bound"), LIES)
def test_a_lying_solver_is_found_out(column: str, shift: float, bound: float, monkeypatch: pytest.MonkeyPatch) -> None:
    import optimizer.solve.other_solver as module

    case = ready("no-foresight")
    monkeypatch.setattr(module, "_has_plan", lambda results: True)
    monkeypatch.setattr(module, "_load", lambda model, results: None)
    with pytest.raises(SolverFailure, match="does not hold"):
        solve_whole(Liar(column, shift, bound), build_model(case.instance), case.program, COST, LOSS)


def test_a_crashing_solver_ends_with_words() -> None:
    class Crash:
        name = "crash"

        def solve(self, model: Any, **options: Any) -> Any:
            raise RuntimeError("out of memory")

    case = ready("no-foresight")
    with pytest.raises(SolverFailure, match="crash failed: RuntimeError: out of memory"):
        solve_whole(Crash(), build_model(case.instance), case.program, COST, LOSS)
