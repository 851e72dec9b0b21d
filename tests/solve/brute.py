"""Random small programs and their frontiers by enumeration."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import CompiledProgram


def program(
    costs: np.ndarray, matrix: np.ndarray, upper: np.ndarray, tops: np.ndarray, is_integer: np.ndarray
) -> CompiledProgram:
    """Minimise both rows of ``costs`` over ``matrix @ x <= upper``, 0 <= x <= tops."""
    rows, columns = matrix.shape
    return CompiledProgram(
        objectives={"first": (costs[0].astype(float), 0.0), "second": (costs[1].astype(float), 0.0)},
        signs={"first": 1, "second": 1},
        matrix=sparse.csr_matrix(matrix.astype(float)),
        row_lower=np.full(rows, -np.inf),
        row_upper=upper.astype(float),
        lower=np.zeros(columns),
        upper=tops.astype(float),
        is_integer=is_integer,
        column_names=tuple(f"x[{j}]" for j in range(columns)),
        row_names=tuple(f"row[{i}]" for i in range(rows)),
    )


def random_integer(seed: int) -> CompiledProgram:
    """Five integer columns up to 2, three rows, mixed signs."""
    random = np.random.default_rng(seed)
    costs = random.integers(-9, 10, size=(2, 5))
    matrix = random.integers(-3, 7, size=(3, 5))
    upper = random.integers(1, 12, size=3)
    return program(costs, matrix, upper, np.full(5, 2), np.ones(5, dtype=bool))


def enumerate_front(compiled: CompiledProgram) -> set[tuple[float, float]]:
    """All nondominated values by trying every point."""
    tops = [range(int(top) + 1) for top in compiled.upper]
    grid = np.array(list(itertools.product(*tops)), dtype=float)
    grid = grid[np.all(grid @ compiled.matrix.toarray().T <= compiled.row_upper + 1e-9, axis=1)]
    values = {
        (float(a), float(b))
        for a, b in zip(grid @ compiled.objectives["first"][0], grid @ compiled.objectives["second"][0], strict=True)
    }
    return {v for v in values if not any(w != v and w[0] <= v[0] and w[1] <= v[1] for w in values)}
