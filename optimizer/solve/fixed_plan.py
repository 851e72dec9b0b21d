"""One recourse block as a linear program of its own, for a plan that is fixed."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import Floats, RecourseBlock
from optimizer.solve.highs import LinearProgram


def block_program(block: RecourseBlock, x: Floats, theta_cost: float = 1.0) -> LinearProgram:
    """The least loss of a block for a plan: columns of the block, then ``theta``, not below 0.

    Args:
        block: of the shock.
        x: first-stage vector in the order of the block's program.
        theta_cost: what the objective counts a month of loss for; scales the duals.
    """
    shift = block.linking @ x
    theta = sparse.csr_matrix(block.theta_coefficient.reshape(-1, 1))
    return LinearProgram(
        matrix=sparse.hstack([block.recourse, theta], format="csr"),
        row_lower=block.row_lower - shift,
        row_upper=block.row_upper - shift,
        lower=np.append(block.lower, 0.0),
        upper=np.append(block.upper, np.inf),
        cost=np.append(np.zeros(block.lower.size), theta_cost),
    )
