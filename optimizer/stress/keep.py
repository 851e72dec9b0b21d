"""A shock's own plan that stays as near to the normal one as the least loss allows.

Many plans lose the same in a shock. Told month by month, the one that is meant is the one in which everything that can
still move moves as before: first as little demand as possible is lost, then as late as possible, then as much as
possible of the planned movements is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer.chain.instance import Period
from optimizer.errors import SolverFailure
from optimizer.shocks.periods import YEAR_MONTHS
from optimizer.solve.compiled import Floats, RecourseBlock
from optimizer.solve.fixed_plan import block_program
from optimizer.solve.highs import LinearProgram, solve
from optimizer.solve.recourse import HELD

KEPT = 1e-2
"""Worth of a tonne moved as planned, against a tonne of demand lost one period later."""


@dataclass(frozen=True)
class KeptPlan:
    """Loss in months, and the values of the block's columns."""

    loss: float
    values: Floats


def kept_plan(
    block: RecourseBlock,
    x: Floats,
    periods: Mapping[int, Period],
    planned: Mapping[tuple[str, int], float],
    secondary: Floats,
) -> KeptPlan:
    """Solve one block for a fixed plan.

    Args:
        block: of the shock.
        x: first-stage vector in the order of the block's program.
        periods: of the shock, by number.
        planned: (lane, year) → tonnes the plan moves in the year.
        secondary: cost per column once the loss is least.

    Raises:
        SolverFailure: if there is no optimum.
    """
    base = block_program(block, x, theta_cost=1e3)
    least = solve(base)
    if least.values is None:
        raise SolverFailure(f"recourse block {block.name} has no optimum: {least.word}")
    loss = max(0.0, float(least.values[-1]))
    for looser in (1.0, 10.0, 100.0):
        found = solve(_near(base, block, periods, planned, secondary, loss + HELD * looser * (1.0 + loss)))
        if found.values is not None:
            return KeptPlan(loss, found.values[: block.lower.size])
    raise SolverFailure(f"recourse block {block.name}: second phase {found.word}")


def _near(
    base: LinearProgram,
    block: RecourseBlock,
    periods: Mapping[int, Period],
    planned: Mapping[tuple[str, int], float],
    secondary: Floats,
    most: float,
) -> LinearProgram:
    """The program with the loss held, and a column per lane and period for what moves as planned."""
    columns: dict[tuple[str, int], list[int]] = {}
    for number, (component, index) in enumerate(block.column_keys):
        if component == "flow":
            columns.setdefault((str(index[0]), int(str(index[-1]))), []).append(number)
    kept = {
        key: planned[key[0], periods[key[1]].year] * periods[key[1]].months / YEAR_MONTHS
        for key in columns
        if planned.get((key[0], periods[key[1]].year), 0.0) > 0
    }
    width, count = base.cost.size, len(kept)
    rows, places = [], []
    for row, key in enumerate(kept):
        rows += [row] * len(columns[key])
        places += columns[key]
    moved = sparse.csr_matrix((-np.ones(len(rows)), (rows, places)), shape=(count, width))
    upper = base.upper.copy()
    upper[-1] = most
    return LinearProgram(
        matrix=sparse.bmat([[base.matrix, None], [moved, sparse.identity(count)]], format="csr")
        if count
        else base.matrix,
        row_lower=np.append(base.row_lower, np.full(count, -np.inf)),
        row_upper=np.append(base.row_upper, np.zeros(count)),
        lower=np.append(base.lower, np.zeros(count)),
        upper=np.append(upper, np.array(list(kept.values()))),
        cost=np.concatenate([secondary, [0.0], np.full(count, -KEPT)]),
    )
