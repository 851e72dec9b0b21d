"""A thin, checked layer on HiGHS: arrays in, an `Outcome` out that is never taken on trust.

Whatever the solver says, a point counts as found only if its rows, bounds and integrality hold in this module's own
arithmetic, to ``TOLERANCE`` times the size of the terms involved. A call that fails, or whose point does not
verify, is repeated once without presolve; then it is a `SolverFailure`.
"""

from __future__ import annotations

import enum
import math
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer.errors import SolverFailure
from optimizer.solve.compiled import Floats

NAME = "highs"
"""The name of this solver on the command line."""

TOLERANCE = 1e-6
"""Largest violation accepted, relative to 1 plus the largest term of the row (absolute for integrality)."""

HEADROOM = 3.0
"""A solver point may miss a row of huge terms by this multiple of ``TOLERANCE`` before it counts as a lie."""


class Termination(enum.Enum):
    """Why the solver stopped; says nothing about whether there is a point."""

    OPTIMAL = "optimal"
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    STRAYED = "strayed"
    FAILED = "failed"


@dataclass(frozen=True)
class LinearProgram:
    """Minimise ``cost @ x + offset`` over rows and column bounds, some columns integer (none if ``None``)."""

    matrix: sparse.csr_matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    cost: Floats
    offset: float = 0.0
    is_integer: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Limits:
    """When to stop: seconds, and the absolute and relative gap at which a mixed-integer solve is good enough."""

    seconds: float = math.inf
    gap_absolute: float = 1e-6
    gap_relative: float = 0.0
    seed: int = 0
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a solve gave. ``values`` is None unless a verified point exists.

    Attributes:
        termination: why the solver stopped.
        values: the point, or None.
        objective: its objective in own arithmetic (inf without a point).
        bound: proven lower bound (-inf if none; inf if proven infeasible).
        violation: largest scaled violation of the point (nan without one).
        row_duals, reduced_costs: of a linear program, else None. Minimising, a binding lower bound of a row has a
            positive dual, a binding upper bound a negative one.
        word: the solver's own word.
        seconds: wall time.
    """

    termination: Termination
    values: Floats | None
    objective: float
    bound: float
    violation: float
    row_duals: Floats | None
    reduced_costs: Floats | None
    word: str
    seconds: float

    @property
    def gap(self) -> float:
        """Absolute gap; infinite without a point."""
        return self.objective - self.bound if self.values is not None else math.inf

    @property
    def is_optimal(self) -> bool:
        """Whether the solver stopped because it was done and a verified point is there."""
        return self.termination is Termination.OPTIMAL and self.values is not None


def violation(program: LinearProgram, x: Floats, sizes: sparse.csr_matrix | None = None) -> float:
    """Largest scaled violation of rows, bounds and integrality at ``x`` (own arithmetic; inf if not finite).

    Args:
        program: whose rows and bounds count.
        x: the vector.
        sizes: absolute values of the matrix, if the caller has them (else taken here).
    """
    if not np.all(np.isfinite(x)):
        return math.inf
    activity = program.matrix @ x
    size = 1.0 + (abs(program.matrix) if sizes is None else sizes) @ np.abs(x)
    over = np.maximum(program.row_lower - activity, activity - program.row_upper) / size
    outside = np.maximum(program.lower - x, x - program.upper) / (1.0 + np.abs(x))
    worst = max(float(np.max(over, initial=0.0)), float(np.max(outside, initial=0.0)))
    if program.is_integer is not None and program.is_integer.any():
        integers = x[program.is_integer]
        worst = max(worst, float(np.max(np.abs(integers - np.round(integers)))))
    return worst


def set_options(solver: Any, options: Mapping[str, object]) -> None:
    """Set options; an unknown name or a refused value is an error, which HiGHS itself does not raise.

    Raises:
        SolverFailure: if an option is refused.
    """
    for name, setting in options.items():
        if solver.setOptionValue(name, setting) != highspy.HighsStatus.kOk:
            raise SolverFailure(f"the solver refuses option {name} = {setting!r}")


class _Silent(highspy.Highs):  # type: ignore[misc]
    """HiGHS that prints nothing: since 1.16 the first thing its constructor does with the solver prints a banner."""

    def enableCallbacks(self) -> None:  # noqa: N802
        set_options(self, {"output_flag": False})
        super().enableCallbacks()


def new_solver(limits: Limits) -> Any:
    """A silent single-threaded HiGHS with these limits."""
    highspy.Highs.resetGlobalScheduler(True)
    solver = _Silent()
    set_options(solver, {"threads": 1, "random_seed": limits.seed})
    set_options(solver, {"mip_rel_gap": limits.gap_relative, "mip_abs_gap": limits.gap_absolute})
    set_options(solver, {"mip_feasibility_tolerance": TOLERANCE, **limits.options})
    if math.isfinite(limits.seconds):
        set_options(solver, {"time_limit": max(0.0, limits.seconds)})
    return solver


def load(solver: Any, program: LinearProgram) -> None:
    """Pass the whole program in one call.

    Raises:
        SolverFailure: if the solver refuses it.
    """
    matrix = program.matrix.tocsr()
    rows, columns = matrix.shape
    kinds = np.zeros(columns, dtype=np.int32)
    if program.is_integer is not None:
        kinds[program.is_integer] = int(highspy.HighsVarType.kInteger)
    shape = columns, rows, matrix.nnz, int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize)
    costs = program.offset, program.cost, program.lower, program.upper
    entries = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data
    status = solver.passModel(*shape, *costs, program.row_lower, program.row_upper, *entries, kinds)
    if status == highspy.HighsStatus.kError:
        raise SolverFailure("the solver refuses the program")


def run(solver: Any, *, interruptible: bool = True) -> bool:
    """Run; Ctrl-C stops the solver at its next check. Returns whether the user interrupted.

    The solver calls back in this thread, where Python then runs the handler below; no exception can arrive half-way.
    Outside the main thread Ctrl-C is somebody else's business.
    """
    if not interruptible or threading.current_thread() is not threading.main_thread():
        solver.run()
        return False
    interrupted = False

    def stop(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted = True
        solver.cancelSolve()

    if not solver.HandleUserInterrupt:
        solver.HandleUserInterrupt = True  # each time it is set it is called once more per check
    usual = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, stop)
    try:
        solver.run()
    finally:
        signal.signal(signal.SIGINT, usual if usual is not None else signal.SIG_DFL)
    return interrupted


_STATUS = highspy.HighsModelStatus
_TERMINATIONS = {
    _STATUS.kOptimal: Termination.OPTIMAL,
    _STATUS.kModelEmpty: Termination.OPTIMAL,
    _STATUS.kTimeLimit: Termination.TIME_LIMIT,
    _STATUS.kInterrupt: Termination.INTERRUPTED,
    _STATUS.kInfeasible: Termination.INFEASIBLE,
    _STATUS.kUnbounded: Termination.UNBOUNDED,
    _STATUS.kIterationLimit: Termination.STRAYED,
}


def read(
    solver: Any,
    program: LinearProgram,
    seconds: float,
    sizes: sparse.csr_matrix | None = None,
    *,
    has_reduced_costs: bool = True,
) -> Outcome:
    """Read and verify what the last run gave.

    Args:
        solver: that ran.
        program: which it holds.
        seconds: it took.
        sizes: absolute values of the matrix, if known.
        has_reduced_costs: whether to read those of a linear program.
    """
    status = solver.getModelStatus()
    termination = _TERMINATIONS.get(status, Termination.FAILED)
    info = solver.getInfo()
    is_mixed = program.is_integer is not None and bool(program.is_integer.any())
    values: Floats | None = None
    duals: Floats | None = None
    reduced: Floats | None = None
    worst, objective = math.nan, math.inf
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        solution = solver.getSolution()
        values = np.array(solution.col_value, dtype=np.float64)
        worst = violation(program, values, sizes)
        objective = float(program.cost @ values) + program.offset
        if not is_mixed and solution.dual_valid:
            duals = np.array(solution.row_dual)
            reduced = np.array(solution.col_dual) if has_reduced_costs else None
        if worst > HEADROOM * TOLERANCE:
            values, termination = None, Termination.FAILED
    if (termination is Termination.OPTIMAL and values is None) or (
        termination is Termination.INFEASIBLE and values is not None
    ):
        values, objective, termination = None, math.inf, Termination.FAILED  # the status contradicts the point
    bound = _bound(info, termination, objective, is_mixed)
    word = str(solver.modelStatusToString(status))
    return Outcome(termination, values, objective, bound, worst, duals, reduced, word, seconds)


def _bound(info: Any, termination: Termination, objective: float, is_mixed: bool) -> float:
    if termination is Termination.INFEASIBLE:
        return math.inf
    if termination in (Termination.FAILED, Termination.UNBOUNDED, Termination.STRAYED):
        return -math.inf
    if not is_mixed:
        return objective if termination is Termination.OPTIMAL else -math.inf
    bound = float(info.mip_dual_bound)
    return min(bound, objective) if math.isfinite(bound) else -math.inf


def solve(program: LinearProgram, limits: Limits | None = None, start: Floats | None = None) -> Outcome:
    """Solve from scratch, with one repetition without presolve if the call fails or lies.

    Args:
        program: what to solve.
        limits: when to stop.
        start: a point to begin with; ignored by the solver if it does not like it.

    Raises:
        SolverFailure: if the repetition fails too.
    """
    limits = limits or Limits()
    first = _attempt(program, limits, start)
    if first.termination is not Termination.FAILED:
        return first
    options = {**limits.options, "presolve": "off"}
    second = _attempt(program, replace(limits, options=options), None)
    if second.termination is Termination.FAILED:
        raise SolverFailure(f"the solver failed twice: {first.word}, then {second.word}")
    return second


def _attempt(program: LinearProgram, limits: Limits, start: Floats | None) -> Outcome:
    began = time.perf_counter()
    if program.matrix.shape[1] == 0:
        return _empty(program)
    solver = new_solver(limits)
    load(solver, program)
    if start is not None:
        indices = np.arange(start.size, dtype=np.int32)
        solver.setSolution(start.size, indices, start)
    interrupted = run(solver)
    outcome = read(solver, program, time.perf_counter() - began)
    return replace(outcome, termination=Termination.INTERRUPTED) if interrupted else outcome


def _empty(program: LinearProgram) -> Outcome:
    holds = bool(np.all(program.row_lower <= 0.0) and np.all(program.row_upper >= 0.0))
    if holds:
        nothing = np.zeros(0)
        duals = np.zeros(program.matrix.shape[0])
        return Outcome(Termination.OPTIMAL, nothing, program.offset, program.offset, 0.0, duals, nothing, "Empty", 0.0)
    return Outcome(Termination.INFEASIBLE, None, math.inf, math.inf, math.nan, None, None, "Infeasible", 0.0)
