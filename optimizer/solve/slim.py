"""A block's linear program without the rows that only bound a column and the columns that only take up slack.

A row of one column is a bound on it, and a column without cost that stands in one row only widens that row's sides.
Both move with the plan, so no presolve can take them out once and for all; here they are bounds and sides computed
anew for every plan. Of the blocks of 1,000 sampled shocks a quarter to a third of the rows go and a fifth of the
columns, and with them half of the simplex steps after a far move. Multipliers of the rows left out come back from the
reduced costs of their columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import Flags, Floats, Integers
from optimizer.solve.highs import TOLERANCE, LinearProgram

SMALL = 1e-6
"""Coefficients below this are not divided by."""


@dataclass(frozen=True)
class Sides:
    """Bounds of every column and sides of the rows that are left, for one plan.

    Attributes:
        lower, upper: per column of the whole program.
        row_lower, row_upper: per row left.
        gives_low, gives_high: whether each row left out is what its column's lower or upper bound comes to.
    """

    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    gives_low: Flags
    gives_high: Flags


class Slim:
    """What is left of a linear program, and the way back to the multipliers of the whole.

    Args:
        whole: a linear program whose row sides change from solve to solve; its last column always stays.

    Attributes:
        rows, columns: of the whole that are left.
        single, bounded, factor: rows left out, the column each bounds, and its coefficient.
        slack_row, slack, slack_factor: rows left that lost a column (as numbers among them), the column, its
            coefficient.
    """

    def __init__(self, whole: LinearProgram) -> None:
        self.whole = whole
        matrix = whole.matrix.tocsr()
        count = matrix.shape[1]
        single, column, factor = _lone(matrix)
        kept = (column != count - 1) & (np.abs(factor) >= SMALL)
        self.single, self.bounded, self.factor = single[kept], column[kept], factor[kept]
        self.rows = np.setdiff1d(np.arange(matrix.shape[0]), self.single)
        left = matrix[self.rows]
        self.slack_row, self.slack, self.slack_factor = _slacks(left, whole.cost)
        self.columns = np.setdiff1d(np.arange(count), self.slack)
        self.matrix = left[:, self.columns].tocsr()
        self.transposed = matrix.T.tocsr()

    def sides(self, row_lower: Floats, row_upper: Floats) -> Sides:
        """What the sides of the whole program's rows come to."""
        lower, upper = self.whole.lower.copy(), self.whole.upper.copy()
        ends = row_lower[self.single], row_upper[self.single]
        low_ends = np.where(self.factor > 0, *ends) / self.factor
        high_ends = np.where(self.factor > 0, *ends[::-1]) / self.factor
        np.maximum.at(lower, self.bounded, low_ends)
        np.minimum.at(upper, self.bounded, high_ends)
        gives_low = (low_ends == lower[self.bounded]) & np.isfinite(low_ends)
        gives_high = (high_ends == upper[self.bounded]) & np.isfinite(high_ends)
        _uncross(lower, upper, self.whole)
        taken = lower[self.slack] * self.slack_factor, upper[self.slack] * self.slack_factor
        low, high = row_lower[self.rows], row_upper[self.rows]
        low[self.slack_row] -= np.maximum(*taken)
        high[self.slack_row] -= np.minimum(*taken)
        return Sides(lower, upper, low, high, gives_low, gives_high)

    def program(self, sides: Sides) -> LinearProgram:
        """The program that is left."""
        return replace(
            self.whole,
            matrix=self.matrix,
            row_lower=sides.row_lower,
            row_upper=sides.row_upper,
            lower=sides.lower[self.columns],
            upper=sides.upper[self.columns],
            cost=self.whole.cost[self.columns],
        )

    def multipliers(self, duals: Floats, sides: Sides, cost: Floats) -> tuple[Floats, Floats]:
        """Multipliers of all rows of the whole from those of the rows left, and the reduced costs they leave.

        Args:
            duals: per row left.
            sides: of the plan they belong to; a multiplier that points to an infinite side is rounding, and no more.
            cost: of the whole program's columns, in the unit of the duals.
        """
        wrong = (duals > 0) & ~np.isfinite(sides.row_lower) | (duals < 0) & ~np.isfinite(sides.row_upper)
        found = np.zeros(self.whole.row_lower.size)
        found[self.rows] = np.where(wrong, 0.0, duals)
        reduced = cost - self.transposed @ found
        left_over = reduced[self.bounded]
        gives = np.flatnonzero(np.where(left_over > 0, sides.gives_low, sides.gives_high) & (left_over != 0.0))
        columns, first = np.unique(self.bounded[gives], return_index=True)
        found[self.single[gives[first]]] = reduced[columns] / self.factor[gives[first]]
        reduced[columns] = 0.0
        return found, reduced


def _uncross(lower: Floats, upper: Floats, whole: LinearProgram) -> None:
    """Let bounds that miss each other by rounding meet, in place; a plan keeps its rows only within a tolerance."""
    missed = np.flatnonzero(lower > upper)
    low, high = lower[missed], upper[missed]
    near = low - high <= TOLERANCE * (1.0 + np.maximum(np.abs(low), np.abs(high)))
    missed = missed[near]
    middle = np.clip(0.5 * (low + high)[near], whole.lower[missed], whole.upper[missed])
    lower[missed] = upper[missed] = middle


def _lone(matrix: sparse.csr_matrix | sparse.csc_matrix) -> tuple[Integers, Integers, Floats]:
    """Rows (of a csc matrix: columns) with a single entry: their numbers, and where and what it is."""
    lone = np.flatnonzero(np.diff(matrix.indptr) == 1)
    at = matrix.indptr[lone]
    return lone, matrix.indices[at].astype(np.int64), matrix.data[at]


def _slacks(left: sparse.csr_matrix, cost: Floats) -> tuple[Integers, Integers, Floats]:
    """Per row at most one column that stands nowhere else and costs nothing: rows, columns, coefficients."""
    columns, rows, factor = _lone(left.tocsc())
    fit = (cost[columns] == 0.0) & (np.abs(factor) >= SMALL) & (np.diff(left.indptr)[rows] > 1)
    fit &= columns != cost.size - 1
    columns, factor = columns[fit], factor[fit]
    rows, first = np.unique(rows[fit], return_index=True)
    return rows, columns[first], factor[first]
