"""A solver that fails, stops early, returns a wrong status or a false point: caught, mended once, or told."""

from __future__ import annotations

import math
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pytest
from two_stage import two_stage

sys.path.append(str(Path(__file__).parents[1] / "toys"))
from toy import ready

import optimizer.solve.highs as highs
import optimizer.solve.recourse as recourse_module
from optimizer.errors import SolveLimit, SolverFailure
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.crew import Crew
from optimizer.solve.effort import Effort
from optimizer.solve.master import Master
from optimizer.solve.one import solve_at
from optimizer.solve.question import Question
from optimizer.solve.recourse import Recourse

STATUS = highspy.HighsModelStatus
HONEST_READ, HONEST_RUN = highs.read, highs.run


class Changed:
    """A solver some of whose answers are changed on the way."""

    def __init__(self, solver: Any, **answers: Any) -> None:
        self._solver, self._answers = solver, answers

    def __getattr__(self, name: str) -> Any:
        if name in self._answers:
            return lambda *given: self._answers[name](getattr(self._solver, name)(*given))
        return getattr(self._solver, name)


class Shifted:
    """A solution moved away from where it is possible."""

    def __init__(self, honest: Any, shift: float) -> None:
        self.col_value = [value + shift for value in honest.col_value]
        self.row_dual, self.col_dual, self.dual_valid = honest.row_dual, honest.col_dual, honest.dual_valid


class Pointless:
    """Information that there is no point, whatever the status says."""

    def __init__(self, honest: Any) -> None:
        self.primal_solution_status = highspy.SolutionStatus.kSolutionStatusNone
        self.mip_dual_bound = honest.mip_dual_bound


LIES: dict[str, dict[str, Callable[[Any], Any]]] = {
    "false point": {"getSolution": lambda honest: Shifted(honest, -7.0)},
    "point of no number": {"getSolution": lambda honest: Shifted(honest, math.nan)},
    "optimal without a point": {"getInfo": Pointless},
    "infeasible with a point": {"getModelStatus": lambda honest: STATUS.kInfeasible},
    "solve error": {"getModelStatus": lambda honest: STATUS.kSolveError},
    "unknown": {"getModelStatus": lambda honest: STATUS.kUnknown},
    "never ran": {"getModelStatus": lambda honest: STATUS.kNotset},
}


def lie(monkeypatch: pytest.MonkeyPatch, name: str, calls: int | None = None, first: int = 0) -> list[int]:
    """Make the solver lie in ``calls`` calls from call ``first`` on (always: None); returns the count so far."""
    count = [0]

    def read(solver: Any, program: highs.LinearProgram, *more: Any, **named: Any) -> highs.Outcome:
        count[0] += 1
        lies = first < count[0] and (calls is None or count[0] <= first + calls)
        return HONEST_READ(Changed(solver, **LIES[name]) if lies else solver, program, *more, **named)

    monkeypatch.setattr(highs, "read", read)
    return count


def program(seed: int = 3) -> CompiledProgram:
    model, blocks = two_stage(seed)
    return compile_model(model, {"cost": model.cost, "loss": model.loss_measure}, blocks)


@pytest.mark.parametrize("name", LIES)
def test_a_solver_that_always_lies_is_never_believed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lie(monkeypatch, name)
    with pytest.raises(SolverFailure, match=r"failed (twice|every time)"):
        solve_at(program(), "cost", "loss", effort=Effort(gap_share=0.0))


@pytest.mark.parametrize("first", [0, 1, 3, 8, 20])
@pytest.mark.parametrize("name", LIES)
def test_one_lie_is_mended_by_repeating_the_call(name: str, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = program()
    honest = solve_at(compiled, "cost", "loss", effort=Effort(gap_share=0.0), max_second=6.0)
    count = lie(monkeypatch, name, calls=1, first=first)
    again = solve_at(compiled, "cost", "loss", effort=Effort(gap_share=0.0), max_second=6.0)
    assert count[0] > first + 1
    assert again.first == pytest.approx(honest.first, abs=1e-5)
    assert again.second <= 6.0 + 1e-4
    assert again.bound <= honest.first + 1e-5


def test_a_call_that_raises_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(solver: Any, *, interruptible: bool = True) -> bool:
        raise SolverFailure("the library is gone")

    monkeypatch.setattr(highs, "run", run)
    with pytest.raises(SolverFailure, match="gone"):
        solve_at(program(), "cost", "loss")


def test_no_time_at_all_gives_no_plan_and_no_proof() -> None:
    compiled = program()
    answer = Master(compiled, "cost", "loss").answer(Question(), 0.0, seconds=0.0)
    assert not answer.is_proven_infeasible
    assert answer.bound < solve_at(compiled, "cost", "loss", effort=Effort(gap_share=0.0)).first + 1e-6
    with pytest.raises(SolveLimit):
        solve_at(compiled, "cost", "loss", effort=Effort(time_limit_s=0.0))


def test_cuts_hold_whatever_multipliers_the_solver_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, dice = program(), np.random.default_rng(0)
    points = [dice.uniform(compiled.lower, np.minimum(compiled.upper, 10.0)) for _ in range(20)]
    with Recourse(compiled) as honest:
        losses = [honest.evaluate(x).losses for x in points]
    real = recourse_module._Shock._cut

    def noisy(shock: Any, outcome: highs.Outcome) -> recourse_module.Cut:
        noise = dice.normal(size=outcome.row_duals.size) if outcome.row_duals is not None else 0.0
        return real(shock, highs.replace(outcome, row_duals=outcome.row_duals + noise))

    monkeypatch.setattr(recourse_module._Shock, "_cut", noisy)
    with Recourse(compiled) as lying:
        cuts = [cut for x in points[:5] for cut in lying.evaluate(x).cuts]
    thetas = {block.theta: k for k, block in enumerate(compiled.blocks)}
    for cut in cuts:
        for x, loss in zip(points, losses, strict=True):
            assert cut.at(x) <= loss[thetas[cut.theta]] + 1e-6


def test_a_failing_recourse_ends_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = program()
    with Recourse(compiled) as recourse:
        lie(monkeypatch, "false point")
        with pytest.raises(SolverFailure, match=r"failed (twice|every time)"):
            recourse.evaluate(np.clip(np.ones(compiled.lower.size), compiled.lower, compiled.upper))


def test_a_worker_that_dies_is_told() -> None:
    killed = Crew(signal.raise_signal, [(signal.SIGKILL,), (signal.SIGKILL,)])
    with killed as crew, pytest.raises(SolverFailure, match="ended unexpectedly"):
        crew.ask([("anything", ()), ("anything", ())])


def test_an_error_in_a_worker_is_raised_here() -> None:
    with Crew(int, [("7",)]) as crew:
        assert crew.ask([("bit_length", ())]) == [3]
        with pytest.raises(AttributeError):
            crew.ask([("no_such_method", ())])
        assert crew.ask([("bit_length", ())]) == [3]


def test_nothing_is_written_when_the_solver_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = ready("no-foresight").case
    lie(monkeypatch, "false point")
    with pytest.raises(SolverFailure):
        solve_plan(case, tmp_path / "run", Options())
    assert list(tmp_path.iterdir()) == []
