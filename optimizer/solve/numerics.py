"""How far apart the numbers of a program lie: what a floating-point solver has to bridge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.highs import HEADROOM, TOLERANCE

WIDEST = {"matrix": 1e9, "objective": 1e8, "right_side": 1e14, "bound": 1e6}
"""Largest ratio of the largest to the smallest number other than zero that shipped cases may have.

Feasibility is checked to ``TOLERANCE`` relative to the terms of each row, so what counts is the range within a row,
which ``row`` reports; the others are told because solvers scale by whole columns and rows.
"""
WIDEST_ROW = 1e6
"""Largest ratio within one row."""


def numerics(program: CompiledProgram) -> dict[str, Any]:
    """Ranges of a program's numbers other than zero, and the tolerances its plans are checked with.

    Args:
        program: compiled program, its recourse blocks included.

    Returns:
        ``matrix``, ``objective`` (all objectives together), ``right_side`` and ``bound``: each with ``smallest`` and
        ``largest`` size, None where there is none; ``row``: the largest ratio within one row of the matrix, 1 for an
        empty one; ``feasibility_tolerance``: relative, as points are accepted.
    """
    blocks = program.blocks
    matrices = [program.matrix, *(part for block in blocks for part in (block.linking, block.recourse))]
    sides = [program.row_lower, program.row_upper, *(s for b in blocks for s in (b.row_lower, b.row_upper))]
    bounds = [program.lower, program.upper, *(s for b in blocks for s in (b.lower, b.upper))]
    thetas = [block.theta_coefficient for block in blocks]
    return {
        "matrix": _range([*(matrix.data for matrix in matrices), *thetas]),
        "objective": _range(vector for vector, _ in program.objectives.values()),
        "right_side": _range(sides),
        "bound": _range(bounds),
        "row": max([1.0, *(_widest_row(matrix) for matrix in matrices)]),
        "feasibility_tolerance": HEADROOM * TOLERANCE,
    }


def too_wide(found: Mapping[str, Any]) -> list[str]:
    """Names of the ranges of a record that are wider than a shipped case may have."""
    wide = [
        name for name, most in WIDEST.items() if found[name] and found[name]["largest"] > most * found[name]["smallest"]
    ]
    return wide + (["row"] if found["row"] > WIDEST_ROW else [])


def _range(parts: Iterable[Floats]) -> dict[str, float] | None:
    sizes = np.abs(np.concatenate([np.zeros(0), *parts]))
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    return {"smallest": float(sizes.min()), "largest": float(sizes.max())} if sizes.size else None


def _widest_row(matrix: Any) -> float:
    """Largest ratio of sizes within a row of a sparse matrix."""
    rows = np.flatnonzero(np.diff(matrix.indptr))
    if not rows.size:
        return 1.0
    sizes, starts = np.abs(matrix.data), matrix.indptr[rows]
    return float(np.max(np.maximum.reduceat(sizes, starts) / np.minimum.reduceat(sizes, starts)))
