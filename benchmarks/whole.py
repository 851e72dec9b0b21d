"""The extensive form: a program with every shock written out as one ordinary mixed-integer program.

These are the very rows and columns of the Pyomo model, whose shocks are blocks of it, under the solver's layer that
all solves go through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.highs import LinearProgram


@dataclass(frozen=True)
class Whole:
    """All rows and columns, with the two objectives over all columns and their constants."""

    program: LinearProgram
    first: Floats
    second: Floats
    first_constant: float
    second_constant: float

    def values(self, x: Floats) -> tuple[float, float]:
        """Both objectives."""
        return float(self.first @ x) + self.first_constant, float(self.second @ x) + self.second_constant


def extensive(program: CompiledProgram, first: str, second: str) -> Whole:
    """Write the blocks of a program out beside its first stage."""
    blocks, width = program.blocks, program.lower.size
    recourse = sum(block.lower.size for block in blocks)
    left = [program.matrix]
    for block in blocks:
        rows = np.flatnonzero(block.theta_coefficient)
        place = (block.theta_coefficient[rows], (rows, np.full(rows.size, block.theta)))
        left.append(block.linking + sparse.csr_matrix(place, shape=block.linking.shape))
    right = sparse.block_diag([block.recourse for block in blocks], format="csr") if blocks else None
    matrix = sparse.vstack(left, format="csr")
    if right is not None:
        empty = sparse.csr_matrix((program.matrix.shape[0], recourse))
        matrix = sparse.hstack([matrix, sparse.vstack([empty, right])], format="csr")
    objectives = [program.objectives[name] for name in (first, second)]
    wide = [np.concatenate([vector, np.zeros(recourse)]) for vector, _ in objectives]
    plain = LinearProgram(
        matrix=matrix,
        row_lower=np.concatenate([program.row_lower, *(block.row_lower for block in blocks)]),
        row_upper=np.concatenate([program.row_upper, *(block.row_upper for block in blocks)]),
        lower=np.concatenate([program.lower, *(block.lower for block in blocks)]),
        upper=np.concatenate([program.upper, *(block.upper for block in blocks)]),
        cost=wide[0],
        offset=objectives[0][1],
        is_integer=np.concatenate([program.is_integer, np.zeros(recourse, dtype=np.bool_)]),
    )
    assert plain.lower.size == width + recourse
    return Whole(plain, wide[0], wide[1], objectives[0][1], objectives[1][1])
