"""Plans rounded from relaxations, and what a trace makes of them where mixed-integer solves are to be avoided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from two_stage import two_stage

from optimizer.solve import dive as dive_module
from optimizer.solve import master, studio, warm
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.crew import Message
from optimizer.solve.desk import Desk
from optimizer.solve.dive import dive
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier
from optimizer.solve.highs import Termination, violation
from optimizer.solve.journal import Entry, Journal
from optimizer.solve.master import Master
from optimizer.solve.one import solve_at
from optimizer.solve.question import Attained, Question, Relaxed
from optimizer.solve.recourse import Cut
from optimizer.solve.studio import Ground, Studio
from optimizer.solve.warm import WarmProgram


def compiled(seed: int, suppliers: int = 8, shocks: int = 6) -> CompiledProgram:
    model, blocks = two_stage(seed, suppliers, shocks)
    return compile_model(model, {"cost": model.cost, "loss": model.loss_measure}, blocks)


@pytest.mark.parametrize("seed", range(6))
def test_a_rounded_plan_is_whole_feasible_and_true(seed: int) -> None:
    program = compiled(seed)
    made = Master(program, "cost", "loss")
    for cap in (12.0, 6.0, 4.0):
        question = Question(max_second=cap)
        bound = made.relax(question).bound
        plan = dive(made, question)
        if plan is None:
            continue
        assert np.allclose(plan.x[made.integers], np.round(plan.x[made.integers]), atol=1e-6)
        assert violation(made.linear, plan.x) <= 1e-5
        losses = made.recourse.evaluate(plan.x).losses
        assert np.all(losses <= plan.x[[block.theta for block in program.blocks]] + 1e-6)
        assert plan.second <= cap + 1e-4
        assert plan.first >= bound - 1e-6
        assert (
            plan.first >= solve_at(program, "cost", "loss", effort=Effort(gap_share=0.0), max_second=cap).first - 1e-5
        )


def test_a_plan_is_found_where_the_first_choice_leaves_nothing() -> None:
    # min x0 + 5 x1 over binaries, 3 x0 + 2 x1 = 2: relaxed x0 = 2/3, rounded up it is too much; x1 alone is whole.
    import pyomo.environ as pyo

    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(2), domain=pyo.Binary)
    m.row = pyo.Constraint(expr=3 * m.x[0] + 2 * m.x[1] == 2)
    m.cost = pyo.Expression(expr=m.x[0] + 5 * m.x[1])
    m.loss = pyo.Expression(expr=-m.x[0])
    made = Master(compile_model(m, {"cost": m.cost, "loss": m.loss}), "cost", "loss")
    made.relax(Question())
    plan = dive(made, Question())
    assert plan is not None
    assert plan.x == pytest.approx([0.0, 1.0])


def test_a_dive_without_steps_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Master(compiled(0), "cost", "loss")
    made.relax(Question(max_second=6.0))
    monkeypatch.setattr(dive_module, "STEPS", 0)
    assert dive(made, Question(max_second=6.0)) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_large_program_is_traced_to_the_same_certificate(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled(seed, suppliers=5)
    monkeypatch.setattr(master, "LARGE", 0)
    found = trace_frontier(program, "cost", "loss", effort=Effort(points=6, tolerance_share=0.002))
    assert found.status == "tolerance"
    assert found.certificate.mean_gap_share <= 0.0021
    for point in found.points:
        truth = solve_at(program, "cost", "loss", effort=Effort(gap_share=0.0), max_second=point.second + 1e-7)
        assert point.bound <= truth.first + 1e-5
        assert point.first >= truth.bound - 1e-5
    # Both ends are on the curve: the cheapest plan, and one about as safe as any.
    cheapest = solve_at(program, "cost", "loss", effort=Effort(gap_share=0.0)).first
    safest = solve_at(program, "loss", "cost", effort=Effort(gap_share=0.0)).first
    assert found.points[0].first == pytest.approx(cheapest, rel=0.0021)
    assert found.points[-1].second <= safest + 0.15 * (found.points[0].second - safest)


def test_a_rounding_that_breaks_its_cap_goes_on_at_the_caps_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "LARGE", 0)
    asked: list[Question] = []

    def only_priced(made: Master, question: Question, step: float) -> Attained | None:
        asked.append(question)
        return None if np.isfinite(question.max_second) else dive(made, question, step)

    monkeypatch.setattr(studio, "dive", only_priced)
    ground = Studio(Master(compiled(0), "cost", "loss")).tread(Question(max_second=4.0), np.inf, 0.0, ())
    assert asked == [Question(max_second=4.0), Question(ground.relaxed.price)]
    assert ground.plans
    made = Master(compiled(0), "cost", "loss")
    for plan in ground.plans:  # nothing better at that price exists, and the plan is a true one
        assert plan.first + ground.relaxed.price * plan.second >= made.answer(asked[1], 1e-9).bound - 1e-6
        assert violation(made.linear, plan.x) <= 1e-5
    late = Studio(made).tread(Question(max_second=4.0), 0.0, 0.0, ())
    assert late.plans == ()


def test_a_program_goes_on_from_an_earlier_basis_after_rows_came() -> None:
    made = Master(compiled(2), "cost", "loss")
    made.relax(Question(max_second=6.0))
    basis, objective = made.warm.basis(), made.warm.solve().objective
    made.relax(Question(max_second=3.0))
    made.warm.change_row_bounds(np.array([made.second_row]), np.array([-np.inf]), np.array([6.0]))
    assert made.warm.program.matrix.shape[0] >= len(basis.rows)
    made.warm.begin_at(basis)
    assert made.warm.solve().objective == pytest.approx(objective, rel=1e-7)
    made.warm.begin_at(None)
    assert made.warm.solve().objective == pytest.approx(objective, rel=1e-7)


def test_a_walk_that_gets_nowhere_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Master(compiled(1, suppliers=30, shocks=10), "cost", "loss")
    patient = made.relax(Question(max_second=5.0)).bound
    again = Master(compiled(1, suppliers=30, shocks=10), "cost", "loss")
    strayed: list[int] = []
    run = WarmProgram._run

    def counted(self: WarmProgram, seconds: float, steps: int | None = None) -> Any:
        outcome = run(self, seconds, steps)
        strayed.append(outcome.termination is Termination.STRAYED)
        return outcome

    monkeypatch.setattr(warm, "PATIENCE", 1)
    monkeypatch.setattr(WarmProgram, "_run", counted)
    assert again.relax(Question(max_second=5.0)).bound == pytest.approx(patient, rel=1e-7)
    assert sum(strayed) > 0


def test_plans_rounded_by_an_earlier_attempt_are_there_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "LARGE", 0)
    program, questions, kept = compiled(0), [Question(max_second=4.0)], list[Entry]()
    (asked,) = Desk(Master(program, "cost", "loss"), np.inf, Journal(keep=kept.append)).relax(questions)
    assert asked.plans
    monkeypatch.setattr(Studio, "tread", None)  # nothing may be asked again
    (known,) = Desk(Master(program, "cost", "loss"), np.inf, Journal(kept)).relax(questions)
    assert [(plan.first, plan.second) for plan in known.plans] == [(plan.first, plan.second) for plan in asked.plans]


class Listening:
    """A team of two that only writes down what it is sent; each answer brings one cut of its own."""

    def __init__(self) -> None:
        self.heard: list[list[list[int]]] = []

    def __len__(self) -> int:
        return 2

    def ask(self, messages: list[Message], arrived: Any = None) -> list[Any]:
        self.heard.append([[cut.theta for cut in arguments[-1]] for _, arguments in messages])
        relaxed = Relaxed(Termination.OPTIMAL, 0.0, 0.0, None, None)
        nothing = np.array([], dtype=np.int64), np.array([])
        found = []
        for member, _ in enumerate(messages):
            found.append(Ground(relaxed, (), (Cut(10 * len(self.heard) + member, 0.0, *nothing),)))
            arrived(member, found[-1])
        return found


def test_a_member_gets_the_cuts_of_others_once_and_never_its_own() -> None:
    team: Any = Listening()
    desk = Desk(Master(compiled(0), "cost", "loss"), np.inf, crew=team)
    for k in range(3):
        desk.relax([Question(max_second=10.0 + k), Question(max_second=20.0 + k)])
    desk.relax([Question(max_second=30.0)])
    assert team.heard == [[[], []], [[11], [10]], [[21], [20]], [[31]]]
