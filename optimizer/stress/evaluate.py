"""Losses of one plan under many strikes, from one small warm linear program per group.

With the plan fixed, most of a block can carry nothing: a plant without planned deliveries, spot or contracts passes
nothing on. Such columns are taken out by repeating two rules until nothing changes (a row that allows nothing fixes
its columns; so does a balance whose terms have all the same sign), which leaves the plan's own network. Strikes that
set the remaining rows alike have the same loss and are solved once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer.errors import SolverFailure
from optimizer.solve.compiled import Flags, Floats, Integers, RecourseBlock
from optimizer.solve.highs import LinearProgram
from optimizer.solve.recourse import HELD
from optimizer.solve.warm import WarmProgram
from optimizer.stress.templates import MARK, Group, Limits

NOTHING_T = 1e-9
"""A right-hand side below this (t) allows nothing."""
NO_LOSS = 1e-6
"""Losses up to this (months) count as none; no profile is worked out for them."""
DECIMALS = 9
"""Digits to which right-hand sides are compared when strikes are told apart."""
_TIGHT = {"dual_feasibility_tolerance": 1e-9}


@dataclass(frozen=True)
class Responses:
    """How one plan stands up to the strikes of a group.

    Attributes:
        losses: per strike, months of demand lost.
        distinct: per strike, number of the linear program that answered it.
        profiles: program number → values of the columns in ``columns`` (least loss, then least secondary cost); only
            where something is lost.
        columns: positions, within the block, of what the profiles hold.
        solves: linear programs solved.
    """

    losses: Floats
    distinct: Integers
    profiles: dict[int, Floats]
    columns: Integers
    solves: int


def respond(
    block: RecourseBlock, x: Floats, group: Group, limits: Limits, secondary: Floats | None = None
) -> Responses:
    """Losses of the plan ``x`` (in the order of the template's program) under every strike of a group.

    Args:
        block: the group's template.
        x: first-stage vector.
        group: the strikes.
        limits: rows of the block that shares set.
        secondary: cost per column of the block that a strike's plan spares once its loss is least; None: no profiles.

    Raises:
        SolverFailure: if a program has no optimum, which a block never is.
    """
    uppers = _uppers(block, x, group, limits)
    small = _Small.of(block, x, uppers)
    wanted, distinct = _told_apart(uppers[:, small.rows])
    answers = np.array([small.loss(upper) for upper in wanted])
    profiles = {}
    if secondary is not None:
        profiles = {
            int(k): small.profile(wanted[k], float(answers[k]), secondary) for k in np.flatnonzero(answers > NO_LOSS)
        }
    return Responses(answers[distinct], distinct, profiles, small.columns, len(wanted))


def _uppers(block: RecourseBlock, x: Floats, group: Group, limits: Limits) -> Floats:
    """Upper sides of all rows, strike by strike."""
    cells = group.shares.reshape(len(group.positions), -1)
    uppers = np.tile(block.row_upper - block.linking @ x, (len(group.positions), 1))
    uppers[:, limits.plant_rows] *= cells[:, limits.plant_cells] / MARK
    share = cells[:, limits.lane_cells]
    uppers[:, limits.lane_rows] = np.where(share >= 1.0, np.inf, uppers[:, limits.lane_rows] * share / MARK)
    return uppers


def _told_apart(uppers: Floats) -> tuple[Floats, Integers]:
    """Different rows of an array, and for every row the number of its like."""
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    distinct = np.zeros(len(uppers), dtype=np.int64)
    for position, row in enumerate(np.round(uppers, DECIMALS)):
        content = row.tobytes()
        if content not in numbers:
            numbers[content] = len(first)
            first.append(position)
        distinct[position] = numbers[content]
    return uppers[first], distinct


class _Small:
    """What is left of a block for one plan: columns that can carry something, and the rows they stand in."""

    def __init__(self, block: RecourseBlock, rows: Integers, columns: Integers, lower: Floats, cost: Floats) -> None:
        self.block, self.rows, self.columns = block, rows, columns
        self.cost = cost[columns]
        weights = self.cost[self.cost > 0]
        self.scale = 1.0 / float(np.median(weights)) if weights.size else 1.0
        upper = np.full(rows.size, np.inf)
        self.program = LinearProgram(
            matrix=block.recourse[rows][:, columns].tocsr(),
            row_lower=lower[rows],
            row_upper=upper,
            lower=block.lower[columns],
            upper=block.upper[columns],
            cost=self.cost * self.scale,
        )
        self._equal = np.isfinite(lower[rows]) & (block.row_lower[rows] == block.row_upper[rows])
        self._least: WarmProgram | None = None
        self._late: WarmProgram | None = None

    @classmethod
    def of(cls, block: RecourseBlock, x: Floats, uppers: Floats) -> _Small:
        """Reduce a block at a plan to what matters under some strike; ``uppers`` are strike x row."""
        cost = _loss_per_tonne(block)
        lower = block.row_lower - block.linking @ x
        inside = block.theta_coefficient == 0.0
        active = _can_carry(block.recourse, lower, uppers.max(axis=0), inside, block.lower >= 0.0)
        columns = np.flatnonzero(active)
        touched = np.diff(block.recourse[:, columns].tocsr().indptr) > 0
        limits = np.isfinite(lower) | np.isfinite(uppers.min(axis=0))
        rows = np.flatnonzero(touched & inside & limits)
        return cls(block, rows.astype(np.int64), columns.astype(np.int64), lower, cost)

    def loss(self, upper: Floats) -> float:
        """Least months of demand lost with these upper sides."""
        if not self.columns.size:
            return 0.0
        if self._least is None:
            self._least = WarmProgram(self.program, _TIGHT)
        self._place(self._least, upper)
        outcome = self._least.solve()
        if not outcome.is_optimal or outcome.values is None:
            raise SolverFailure(f"recourse block {self.block.name} has no optimum: {outcome.word}")
        return max(0.0, float(self.cost @ outcome.values))

    def profile(self, upper: Floats, loss: float, secondary: Floats) -> Floats:
        """Column values with this loss and the least secondary cost."""
        if self._late is None:
            self._late = self._with_loss_row(secondary)
        self._place(self._late, upper)
        last = np.array([self.rows.size])
        for looser in (1.0, 10.0, 100.0):
            room = (loss + HELD * looser * (1.0 + loss)) * self.scale
            self._late.change_row_bounds(last, np.array([-np.inf]), np.array([room]))
            outcome = self._late.solve()
            if outcome.values is not None:
                return outcome.values
        raise SolverFailure(f"recourse block {self.block.name}: second phase {outcome.word}")

    def _with_loss_row(self, secondary: Floats) -> WarmProgram:
        program = self.program
        held = LinearProgram(
            matrix=sparse.vstack([program.matrix, sparse.csr_matrix(program.cost)], format="csr"),
            row_lower=np.append(program.row_lower, -np.inf),
            row_upper=np.append(program.row_upper, np.inf),
            lower=program.lower,
            upper=program.upper,
            cost=secondary[self.columns],
        )
        return WarmProgram(held)

    def _place(self, warm: WarmProgram, upper: Floats) -> None:
        exact = np.where(self._equal, self.program.row_lower, upper)
        warm.change_row_bounds(np.arange(self.rows.size), self.program.row_lower, exact)


def _loss_per_tonne(block: RecourseBlock) -> Floats:
    """Months lost per unit of every column, from the row that defines the loss.

    Raises:
        SolverFailure: if the block does not have exactly one such row, ``theta >= cost @ y``.
    """
    (rows,) = np.nonzero(block.theta_coefficient)
    if rows.size == 0:
        return np.zeros(block.lower.size)
    if rows.size > 1 or block.row_lower[rows[0]] != 0.0 or block.linking[rows[0]].nnz:
        raise SolverFailure(f"recourse block {block.name} does not define its loss by one row")
    row = block.recourse[rows[0]].toarray().ravel()
    return np.asarray(-row / block.theta_coefficient[rows[0]], dtype=np.float64)


def _can_carry(matrix: sparse.csr_matrix, lower: Floats, upper: Floats, rows: Flags, is_signed: Flags) -> Flags:
    """Columns that can be above zero: not fixed by a row that allows nothing, nor by a one-sided balance."""
    positive, negative = matrix.maximum(0).tocsr(), (-matrix).maximum(0).tocsr()
    at_most, at_least = rows & (upper <= NOTHING_T), rows & (lower >= -NOTHING_T)
    active = np.ones(matrix.shape[1], dtype=np.bool_)
    transposed = (positive.T.tocsr(), negative.T.tocsr())
    while True:
        carry = active.astype(np.float64)
        has_positive, has_negative = positive @ carry > 0, negative @ carry > 0
        shut = (at_most & ~has_negative & has_positive, at_least & ~has_positive & has_negative)
        fixed = (transposed[0] @ shut[0].astype(np.float64) > 0) | (transposed[1] @ shut[1].astype(np.float64) > 0)
        fixed &= active & is_signed
        if not fixed.any():
            return active
        active &= ~fixed
