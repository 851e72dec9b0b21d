"""From a plan and its true losses to the plan with its true resilience measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.highs import HEADROOM, TOLERANCE, LinearProgram, Termination, violation
from optimizer.solve.warm import WarmProgram


@dataclass(frozen=True)
class Completed:
    """A plan with its true measure, and which blocks' losses the measure feels there.

    Attributes:
        x: first-stage vector.
        prices: per block, what a month more of loss would raise the objective by; 0 for losses that are mild enough
            not to count. By duality, a vector whose losses are too low in blocks of price 0 alone has no lower measure
            than this one.
    """

    x: Floats
    prices: Floats


class Measure:
    """Columns that only express the losses (thetas, value at risk, excesses) are recomputed, the plan is kept.

    Those columns are what rows of the first stage connect with the thetas. If that reaches an integer column or one
    the recourse depends on, every continuous column on which no recourse depends is recomputed instead.
    """

    def __init__(self, program: CompiledProgram, first: Floats, second: Floats) -> None:
        self.program, self.first, self.second = program, first, second
        self.thetas = np.array([block.theta for block in program.blocks])
        free = _free_columns(program, self.thetas)
        self.columns = np.flatnonzero(free)
        self.rest = np.flatnonzero(~free)
        by_column = program.matrix.tocsc()
        self.rows = np.unique(by_column[:, self.columns].indices).astype(np.int64)
        touched = program.matrix[self.rows]
        self.outside = touched[:, self.rest]
        self.place = np.searchsorted(self.columns, self.thetas)
        self.has_first = bool(np.any(first[self.columns]))
        self.warm = WarmProgram(
            LinearProgram(
                matrix=touched[:, self.columns],
                row_lower=program.row_lower[self.rows],
                row_upper=program.row_upper[self.rows],
                lower=program.lower[self.columns],
                upper=program.upper[self.columns],
                cost=second[self.columns],
            )
        )

    def complete(self, x: Floats, losses: Floats, of_first: float, weight: float) -> Completed | None:
        """The vector with true losses and the least objective they allow; None if a row cannot hold.

        Args:
            x: first-stage vector; what is not an expression of losses is kept.
            losses: true loss per block.
            of_first: weight of the first objective, where it depends on these columns.
            weight: weight of the second objective, in that case.
        """
        lower, upper = self.program.lower[self.columns].copy(), self.program.upper[self.columns].copy()
        lower[self.place] = np.maximum(lower[self.place], losses)
        if np.any(lower > upper + TOLERANCE):
            return None
        upper = np.maximum(upper, lower)
        shift = self.outside @ x[self.rest]
        self.warm.change_column_bounds(lower, upper)
        bounds = self.program.row_lower[self.rows] - shift, self.program.row_upper[self.rows] - shift
        self.warm.change_row_bounds(np.arange(self.rows.size), *bounds)
        if self.has_first:
            self.warm.change_costs((of_first * self.first + max(weight, 1e-6) * self.second)[self.columns])
        outcome = self.warm.solve()
        if outcome.termination is not Termination.OPTIMAL or outcome.values is None or outcome.reduced_costs is None:
            return None
        true = x.copy()
        true[self.columns] = outcome.values
        return Completed(true, np.maximum(0.0, outcome.reduced_costs[self.place])) if self._holds(true) else None

    def _holds(self, x: Floats) -> bool:
        program = self.program
        nothing = np.zeros(x.size)
        upper = program.upper.copy()
        upper[self.columns] += TOLERANCE
        first_stage = LinearProgram(
            program.matrix, program.row_lower, program.row_upper, program.lower, upper, nothing, 0.0, None
        )
        return violation(first_stage, x) <= HEADROOM * TOLERANCE


def _free_columns(program: CompiledProgram, thetas: Any) -> npt.NDArray[np.bool_]:
    """Mask of the columns that may be recomputed."""
    kept = program.is_integer.copy()
    for block in program.blocks:
        kept[block.linking.indices] = True
    kept[thetas] = False
    reached = np.zeros(kept.size, dtype=np.bool_)
    reached[thetas] = True
    pattern = abs(program.matrix)
    by_row = pattern.T.tocsr()
    while True:
        rows = (pattern @ reached.astype(float)) > 0
        wider = reached | ((by_row @ rows.astype(float)) > 0)
        if np.any(wider & kept):
            return ~kept
        if np.array_equal(wider, reached):
            return reached
        reached = wider
