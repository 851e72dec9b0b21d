"""What becomes of rare answers: a solver that fails, lies or stops early, a conflict in many rows, no proof at all."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from scipy import sparse

from optimizer.errors import Infeasible, SolveLimit, SolverFailure
from optimizer.solve import highs, other_solver
from optimizer.solve.certificate import Lines, bound_at, certificate
from optimizer.solve.compile import compile_model
from optimizer.solve.effort import Effort
from optimizer.solve.highs import LinearProgram, Outcome, Termination
from optimizer.solve.infeasible import LimitName, Relief, _points
from optimizer.solve.master import Master
from optimizer.solve.one import solve_at
from optimizer.solve.other_solver import solve_whole
from optimizer.solve.recourse import Recourse


def test_a_relief_in_many_rows_tells_the_largest() -> None:
    limit = LimitName("open capacity of plants: works", "t/yr", action="raise")
    parts = tuple((str(year), amount) for year, amount in zip(range(2027, 2031), (1.0, 2.5, 4.0, 3.0), strict=True))
    assert str(Relief(limit, parts, "t/yr", 0.1)) == f"raise {limit} by up to 4 t/yr, in 4 rows"
    about = Relief("demand", (("2027", -3.0),), "t/yr", 0.1, is_proven=False)
    assert str(about) == "lower demand by about 3 t/yr (2027)"
    assert str(Relief("qualification", (), "", 1.0)) == "give up: qualification"


def test_a_share_cap_of_nothing_is_passed_by_what_is_bought() -> None:
    # at most 0 % from the first of two: 10 t of it and 30 t of the other are 25 points, told of the whole of 10 t
    program = SimpleNamespace(matrix=sparse.csr_matrix([[1.0, 0.0]]))
    assert _points(program, 0, np.array([10.0, 30.0]), 10.0, 0.0) == pytest.approx(100.0)  # type: ignore[arg-type]


def outcome(termination: Termination, word: str) -> Outcome:
    return Outcome(termination, None, math.inf, -math.inf, math.nan, None, None, word, 0.0)


def plain() -> LinearProgram:
    one = np.ones(1)
    return LinearProgram(sparse.csr_matrix([[1.0]]), one, np.full(1, np.inf), np.zeros(1), 2.0 * one, one)


def test_a_solve_that_fails_is_repeated_once_without_presolve(monkeypatch) -> None:
    asked = []

    def attempt(program, limits, start):
        asked.append((limits.options.get("presolve"), start is None))
        return outcome(Termination.FAILED, "lost") if len(asked) == 1 else outcome(Termination.OPTIMAL, "found")

    monkeypatch.setattr(highs, "_attempt", attempt)
    assert highs.solve(plain(), start=np.ones(1)).word == "found"
    assert asked == [(None, False), ("off", True)]
    monkeypatch.setattr(highs, "_attempt", lambda *_: outcome(Termination.FAILED, "lost"))
    with pytest.raises(SolverFailure, match="failed twice: lost, then lost"):
        highs.solve(plain())


def test_no_point_has_no_certificate_and_no_proof_no_bound() -> None:
    none = np.zeros(0)
    assert bound_at(Lines(none, none, none, none), 1.0) == -math.inf
    with pytest.raises(ValueError, match="at least one point"):
        certificate(pd.DataFrame(columns=["point", "cost_musd", "loss_months"]), pd.DataFrame(), pd.DataFrame())


# --- another solver -------------------------------------------------------------------------------------------------


def small():
    """Least x + 2 y with x + y >= 3 and x <= 2: 2 + 2 = 4; the other objective is y."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var(bounds=(0, 2))
    model.y = pyo.Var(bounds=(0, 5))
    model.row = pyo.Constraint(expr=model.x + model.y >= 3)
    model.cost = pyo.Expression(expr=model.x + 2 * model.y)
    model.loss = pyo.Expression(expr=model.y)
    return model, compile_model(model, {"cost": model.cost, "loss": model.loss})


class Fake:
    """A solver that ends with a word, and sets the variables if it has a plan."""

    name = "fake"

    def __init__(self, word: str, plan: tuple[float, float] | None = None, bound: float = 4.0) -> None:
        self.word, self.plan, self.bound = word, plan, bound

    def solve(self, model, load_solutions):
        if self.plan is not None:
            model.x.value, model.y.value = self.plan
        return SimpleNamespace(
            solver=SimpleNamespace(termination_condition=self.word),
            solution=[] if self.plan is None else [self.plan],
            problem=SimpleNamespace(lower_bound=self.bound),
        )


@pytest.fixture(autouse=True)
def loads_nothing(monkeypatch):
    monkeypatch.setattr(other_solver, "_load", lambda model, results: None)


@pytest.mark.parametrize(
    ("solver", "error", "told"),
    [
        (Fake("optimal"), SolverFailure, "gave no plan: optimal"),
        (Fake("error"), SolverFailure, "gave no plan: error"),
        (Fake("maxTimeLimit"), SolveLimit, "no plan found before fake ended"),
        (Fake("infeasible"), Infeasible, "would name the conflict"),
        (Fake("optimal", (0.0, 0.0)), SolverFailure, "largest scaled violation"),
        (Fake("optimal", (2.0, 1.0), bound=5.0), SolverFailure, "bound 5 does not hold: its plan costs 4"),
    ],
)
def test_other_solvers_are_not_believed(solver, error, told) -> None:
    model, program = small()
    with pytest.raises(error, match=told):
        solve_whole(solver, model, program, "cost", "loss", effort=Effort(gap_share=0.0))


def test_a_plan_of_another_solver_is_taken_as_it_is_recomputed() -> None:
    model, program = small()
    point = solve_whole(Fake("optimal", (2.0, 1.0)), model, program, "cost", "loss", effort=Effort(gap_share=0.0))
    assert (point.first, point.second) == pytest.approx((4.0, 1.0))


@pytest.mark.parametrize("bound", [None, float("inf"), float("nan")])
def test_another_solver_that_proves_nothing_has_no_bound(bound) -> None:
    model, program = small()
    point = solve_whole(Fake("optimal", (2.0, 1.0), bound), model, program, "cost", "loss", effort=Effort())
    assert (point.first, point.bound, point.gap) == (pytest.approx(4.0), float("-inf"), float("inf"))


@pytest.mark.parametrize("question", [{"max_second": 2.0}, {"max_first": 5.0}])
def test_no_question_is_given_more_time_than_there_is(question, monkeypatch) -> None:
    given = []
    relax, answer = Master.relax, Master.answer
    monkeypatch.setattr(Master, "relax", lambda *a, **k: given.append(k.get("seconds", 0.0)) or relax(*a, **k))
    monkeypatch.setattr(Master, "answer", lambda *a, **k: given.append(a[3]) or answer(*a, **k))
    solve_at(small()[1], "cost", "loss", effort=Effort(time_limit_s=60.0), **question)
    assert len(given) >= 2
    assert max(given) <= 60.0


def test_a_cap_below_what_is_the_same_for_all_plans_cannot_be() -> None:
    model, program = small()
    model.del_component("loss")
    model.loss = pyo.Expression(expr=3.0)
    with pytest.raises(Infeasible, match="loss is 3 for all"):
        solve_whole(Fake("optimal", (2.0, 1.0)), model, program, "cost", "loss", max_second=1.0)


def test_a_budget_below_the_cheapest_plan_cannot_be() -> None:
    model, program = small()
    # the solver says that 3.5 is enough: x = 2 and y = 1 cost 4
    with pytest.raises(Infeasible, match="fake says"):
        solve_whole(Fake("optimal", (2.0, 1.0)), model, program, "cost", "loss", max_first=3.5)


def test_a_loss_that_is_the_same_for_all_is_no_cap() -> None:
    """As in a case without shocks: nobody can lose anything, whatever the largest loss allowed."""
    model, program = small()
    model.del_component("loss")
    model.loss = pyo.Expression(expr=0.0)
    program = replace(program, objectives={**program.objectives, "loss": (np.zeros(2), 0.0)})
    solver = Fake("optimal", (2.0, 1.0))
    point = solve_whole(solver, model, program, "cost", "loss", max_second=1.0, effort=Effort(gap_share=0.0))
    assert (point.first, point.second) == pytest.approx((4.0, 0.0))
    assert model.component("posed_cap") is None


def test_blocks_of_a_team_are_not_here() -> None:
    _, program = small()
    recourse = Recourse(program, team=Two())  # type: ignore[arg-type]
    with pytest.raises(SolverFailure, match="live in worker processes"):
        assert recourse.here
    recourse.close()
    with pytest.raises(SolverFailure, match="is closed"):
        recourse.row_duals(np.zeros(2), [0])


class Two:
    """A team of two that is never asked."""

    def __len__(self) -> int:
        return 2
