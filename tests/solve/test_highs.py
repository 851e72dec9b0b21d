from __future__ import annotations

import _thread
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from brute import program
from scipy import sparse

from optimizer.errors import SolverFailure
from optimizer.solve.highs import Limits, LinearProgram, Termination, new_solver, run, solve, violation
from optimizer.solve.warm import WarmProgram


def plain() -> LinearProgram:
    # min x + 3y, demand x + y >= 2, cap x <= 1.5: x = 1.5, y = 0.5, cost 3.
    return LinearProgram(
        matrix=sparse.csr_matrix([[1.0, 1.0], [1.0, 0.0]]),
        row_lower=np.array([2.0, -np.inf]),
        row_upper=np.array([np.inf, 1.5]),
        lower=np.zeros(2),
        upper=np.full(2, np.inf),
        cost=np.array([1.0, 3.0]),
    )


def test_dual_signs() -> None:
    # One more tonne of demand costs 3; one more tonne of the cheap source saves 2.
    outcome = solve(plain())
    assert outcome.is_optimal
    assert outcome.objective == pytest.approx(3.0)
    assert outcome.row_duals is not None
    assert outcome.row_duals == pytest.approx([3.0, -2.0])


def test_terminations() -> None:
    assert solve(replace(plain(), upper=np.array([0.5, 0.5]))).termination is Termination.INFEASIBLE
    assert solve(replace(plain(), upper=np.array([0.5, 0.5]))).bound == np.inf
    assert solve(replace(plain(), cost=np.array([1.0, -1.0]))).termination is Termination.UNBOUNDED
    whole = replace(plain(), is_integer=np.array([True, True]))
    assert solve(whole).objective == pytest.approx(1.0 + 3.0)


def hard(n: int = 60) -> LinearProgram:
    """Market split: tiny, and far beyond any limit used here."""
    random = np.random.default_rng(1)
    matrix = random.integers(0, 100, size=(6, n)).astype(float)
    target = np.floor(matrix.sum(axis=1) / 2)
    return LinearProgram(
        matrix=sparse.csr_matrix(np.hstack([matrix, np.eye(6), -np.eye(6)])),
        row_lower=target,
        row_upper=target,
        lower=np.zeros(n + 12),
        upper=np.append(np.ones(n), np.full(12, np.inf)),
        cost=np.append(np.zeros(n), np.ones(12)),
        is_integer=np.append(np.ones(n, dtype=bool), np.zeros(12, dtype=bool)),
    )


def test_time_limit_is_not_infeasible() -> None:
    outcome = solve(hard(), Limits(seconds=0.5))
    assert outcome.termination is Termination.TIME_LIMIT
    assert outcome.bound <= outcome.objective
    assert outcome.seconds < 5.0


def test_ctrl_c_stops_the_solver() -> None:
    began = time.perf_counter()
    threading.Timer(0.7, _thread.interrupt_main).start()
    outcome = solve(hard(), Limits(seconds=20.0))
    assert outcome.termination is Termination.INTERRUPTED
    assert time.perf_counter() - began < 6.0


def test_a_solver_that_is_kept_looks_for_ctrl_c_once_per_check() -> None:
    solver = new_solver(Limits())
    for _ in range(3):
        run(solver)
    assert len(solver.cbSimplexInterrupt.callbacks) == len(solver.cbMipInterrupt.callbacks) == 1


def test_unknown_option_is_an_error() -> None:
    with pytest.raises(SolverFailure, match="no_such_option"):
        new_solver(Limits(options={"no_such_option": 1}))


def test_warm_program_follows_changes() -> None:
    warm = WarmProgram(plain())
    assert warm.solve().objective == pytest.approx(3.0)
    warm.change_row_bounds(np.array([0]), np.array([4.0]), np.array([np.inf]))
    assert warm.solve(1.0).objective == pytest.approx(1.5 + 7.5)
    warm.change_costs(np.array([5.0, 1.0]), 2.0)
    assert warm.solve(1.0).objective == pytest.approx(6.0)
    warm.add_rows(sparse.csr_matrix([[0.0, 1.0]]), np.array([-np.inf]), np.array([3.0]))
    assert warm.solve(1.0).objective == pytest.approx(2.0 + 3.0 + 5.0)
    warm.change_column_bounds(np.zeros(2), np.array([0.5, np.inf]))
    assert warm.solve().termination is Termination.INFEASIBLE


def test_violation_is_scaled() -> None:
    assert violation(plain(), np.array([1.5, 0.5])) == 0.0
    assert violation(plain(), np.array([1.0, 0.5])) == pytest.approx(0.5 / 2.5)
    assert violation(plain(), np.array([np.nan, 0.5])) == np.inf
    assert violation(replace(plain(), is_integer=np.array([False, True])), np.array([1.5, 0.5])) == 0.5


def test_empty_program() -> None:
    compiled = program(np.zeros((2, 0)), np.zeros((1, 0)), np.array([1.0]), np.zeros(0), np.zeros(0, dtype=bool))
    empty = LinearProgram(
        compiled.matrix, compiled.row_lower, compiled.row_upper, compiled.lower, compiled.upper, np.zeros(0)
    )
    assert solve(empty).is_optimal
    assert solve(replace(empty, row_upper=np.array([-1.0]))).termination is Termination.INFEASIBLE


def test_the_solver_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever it prints would stand in the midst of a table or of JSON; releases differ in when they do."""
    new_solver(Limits()).run()
    assert solve(plain()).is_optimal
    assert capfd.readouterr() == ("", "")
