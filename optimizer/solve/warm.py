"""A linear program kept in the solver, and where its solves begin."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from optimizer.errors import SolverFailure
from optimizer.solve import highs
from optimizer.solve.compiled import Floats, Integers
from optimizer.solve.highs import Limits, LinearProgram, Outcome, Termination, new_solver, set_options

PATIENCE = 10_000
"""Simplex steps after which a solve from an old basis is given up and left to the interior point method. Such solves
take some hundred steps as a rule, some thousand after a far jump; now and then one walks for ever among degenerate
bases. Where thousand shocks had left 1,900 cuts, going on to walk took 10 to 19 s more and the simplex from scratch 16
to 53 s, the interior point method with its crossover to a basis 4 to 12 s."""

INTERIOR = {"solver": "ipm"}

INTERRUPTIBLE = 5_000
"""Columns from which a linear solve may be interrupted; smaller ones are over before anyone could."""

ENDLESS = 2**31 - 1
"""No limit on simplex steps."""


@dataclass(frozen=True)
class Basis:
    """A solver's basis: the status of every column and of every row."""

    columns: Sequence[Any]
    rows: Sequence[Any]


BASIC = highspy.HighsBasisStatus.kBasic
"""Status of a row whose multiplier is zero."""


class WarmProgram:
    """A linear program kept in the solver: bounds, costs and rows change, the basis stays.

    Its integer columns are relaxed. ``program`` is what the solver holds, so each answer is verified against it.

    Args:
        program: what to hold.
        options: of the solver.
        has_reduced_costs: whether answers have reduced costs; reading them takes a while.
    """

    def __init__(
        self, program: LinearProgram, options: Mapping[str, object] | None = None, *, has_reduced_costs: bool = True
    ) -> None:
        self._has_reduced_costs = has_reduced_costs
        self.program = replace(program, is_integer=None)
        self._sizes = abs(program.matrix)
        self._options = dict(options or {})
        self._solver: Any = None
        self._is_warm = False
        self._restart()

    def _restart(self, extra: Mapping[str, object] | None = None) -> None:
        self._solver = new_solver(Limits(options={**self._options, **(extra or {})}))
        highs.load(self._solver, self.program)
        self._is_warm = False

    def change_costs(self, cost: Floats, offset: float = 0.0) -> None:
        """Replace the whole objective."""
        self.program = replace(self.program, cost=cost, offset=offset)
        self._solver.changeColsCost(cost.size, np.arange(cost.size, dtype=np.int32), cost)
        self._solver.changeObjectiveOffset(offset)

    def change_column_bounds(self, lower: Floats, upper: Floats) -> None:
        """Replace the bounds of columns that differ."""
        changed = np.flatnonzero((lower != self.program.lower) | (upper != self.program.upper)).astype(np.int32)
        self.program = replace(self.program, lower=lower.copy(), upper=upper.copy())
        if changed.size:
            self._solver.changeColsBounds(changed.size, changed, lower[changed], upper[changed])

    def change_row_bounds(self, rows: Integers, lower: Floats, upper: Floats) -> None:
        """Replace the bounds of the rows given."""
        if not rows.size:
            return
        row_lower, row_upper = self.program.row_lower.copy(), self.program.row_upper.copy()
        row_lower[rows], row_upper[rows] = lower, upper
        self.program = replace(self.program, row_lower=row_lower, row_upper=row_upper)
        self._solver.changeRowsBounds(rows.size, rows.astype(np.int32), lower, upper)

    def change_all_bounds(self, lower: Floats, upper: Floats, row_lower: Floats, row_upper: Floats) -> None:
        """Replace the bounds of columns and of rows that differ; the arrays are taken as they are."""
        program, solver = self.program, self._solver
        self.program = replace(program, lower=lower, upper=upper, row_lower=row_lower, row_upper=row_upper)
        changed = np.flatnonzero((lower != program.lower) | (upper != program.upper)).astype(np.int32)
        if changed.size:
            solver.changeColsBounds(changed.size, changed, lower[changed], upper[changed])
        changed = np.flatnonzero((row_lower != program.row_lower) | (row_upper != program.row_upper)).astype(np.int32)
        if changed.size:
            solver.changeRowsBounds(changed.size, changed, row_lower[changed], row_upper[changed])

    def add_rows(self, matrix: sparse.csr_matrix, lower: Floats, upper: Floats) -> None:
        """Append rows."""
        program = self.program
        self.program = replace(
            program,
            matrix=sparse.vstack([program.matrix, matrix], format="csr"),
            row_lower=np.concatenate([program.row_lower, lower]),
            row_upper=np.concatenate([program.row_upper, upper]),
        )
        self._sizes = abs(self.program.matrix)
        starts = matrix.indptr[:-1].astype(np.int32)
        self._solver.addRows(
            matrix.shape[0], lower, upper, matrix.nnz, starts, matrix.indices.astype(np.int32), matrix.data
        )

    def replace_rows(self, first: int, matrix: sparse.csr_matrix, lower: Floats, upper: Floats) -> None:
        """Put other rows in the place of all from row ``first`` on; the basis is lost."""
        program = self.program
        self.program = replace(
            program,
            matrix=sparse.vstack([program.matrix[:first], matrix], format="csr"),
            row_lower=np.concatenate([program.row_lower[:first], lower]),
            row_upper=np.concatenate([program.row_upper[:first], upper]),
        )
        self._sizes = abs(self.program.matrix)
        self._restart()

    def basis(self) -> Basis:
        """Where the last solve ended, to begin from there again when rows were added and bounds changed."""
        known = self._solver.getBasis()
        return Basis(known.col_status, known.row_status)

    def begin_at(self, basis: Basis | None) -> None:
        """Begin the next solve at an earlier basis, in which rows added since are basic; None: from scratch."""
        if basis is None:
            if self._is_warm:
                self._restart()
            return
        begin = highspy.HighsBasis()
        begin.valid = True
        begin.col_status = list(basis.columns)
        added = self.program.matrix.shape[0] - len(basis.rows)
        begin.row_status = [*basis.rows, *[BASIC] * added]
        self._solver.setBasis(begin)

    def solve(self, seconds: float = math.inf) -> Outcome:
        """Solve from the last basis; a walk that gets nowhere ends from within, one that failed is repeated.

        Raises:
            SolverFailure: if the repetitions fail too.
        """
        began = time.perf_counter()
        outcome = self._run(seconds, PATIENCE if self._is_warm else None)
        if outcome.termination is Termination.STRAYED:
            self._restart(INTERIOR)
            outcome = self._run(began + seconds - time.perf_counter())
            self._keep(INTERIOR)
        if outcome.termination is not Termination.FAILED:
            return outcome
        return self._repeated(outcome.word, seconds)

    def _repeated(self, word: str, seconds: float) -> Outcome:
        """The same in a fresh solver: from the basis where it failed, from scratch, and at last without presolve.

        What fails as a rule is a basis reached by many small steps, whose rounding has added up: the fresh solver finds
        it optimal after no step or a few, where from scratch a large master takes half a minute.
        """
        words, basis = [word], self.basis()
        extra: Mapping[str, object]
        for extra, begin in (({}, basis), ({}, None), ({"presolve": "off"}, None)):
            self._restart(extra)
            if begin is not None:
                self.begin_at(begin)
            again = self._run(seconds, None if begin is None else PATIENCE)
            if again.termination not in (Termination.FAILED, Termination.STRAYED):
                self._keep(extra)
                return again
            words.append(again.word)
        self._restart()
        raise SolverFailure(f"the solver failed every time: {', then '.join(words)}")

    def _keep(self, extra: Mapping[str, object]) -> None:
        """Go on without the options of a repetition, from the basis it ended with."""
        if extra:
            basis = self.basis()
            self._restart()
            self.begin_at(basis)

    def _run(self, seconds: float, steps: int | None = None) -> Outcome:
        began = time.perf_counter()
        set_options(self._solver, {"simplex_iteration_limit": ENDLESS if steps is None else steps})
        if math.isfinite(seconds):
            set_options(self._solver, {"time_limit": self._solver.getRunTime() + max(0.0, seconds)})
        else:
            set_options(self._solver, {"time_limit": math.inf})
        interrupted = highs.run(self._solver, interruptible=self.program.cost.size > INTERRUPTIBLE)
        spent = time.perf_counter() - began
        outcome = highs.read(self._solver, self.program, spent, self._sizes, has_reduced_costs=self._has_reduced_costs)
        self._is_warm = self._is_warm or outcome.is_optimal
        return replace(outcome, termination=Termination.INTERRUPTED) if interrupted else outcome
