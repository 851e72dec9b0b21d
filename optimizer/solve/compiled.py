"""The compiled program: a Pyomo model as arrays, partitioned into a first stage and recourse blocks.

Everything after the model is written works on these arrays: a changed bound, right-hand side or cost
costs microseconds, and the model itself is never touched again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Affine:
    """``matrix @ x + constant`` of the first-stage vector x."""

    matrix: sparse.csr_matrix
    constant: Floats


@dataclass(frozen=True)
class RecourseBlock:
    """One shock's subproblem: minimise ``theta`` (a first-stage column) over the block's own columns.

    Rows: ``row_lower <= linking @ x + recourse @ y + theta_coefficient * theta <= row_upper`` with x the whole
    first-stage vector (the theta column of ``linking`` is zero). The block is feasible for every x in the first
    stage's bounds (unmet demand is always possible), and bounded below.

    Attributes:
        continued: what the block's columns are if the plan goes on as if there were no shock; None where that is not
            known. It is a guess: where it breaks no row with theta at its least, theta is there.
        worse: numbers of blocks whose theta is at least as large whatever x is, with all that are worse than those.
    """

    name: str
    theta: int
    linking: sparse.csr_matrix
    recourse: sparse.csr_matrix
    theta_coefficient: Floats
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    column_names: Sequence[str]
    row_names: Sequence[str]
    column_keys: Sequence[tuple[str, tuple[object, ...]]] = ()
    row_keys: Sequence[tuple[str, tuple[object, ...]]] = ()
    continued: Affine | None = None
    worse: tuple[int, ...] = ()


@dataclass(frozen=True)
class CompiledProgram:
    """A mixed-integer linear program with named objectives, columns and rows (all objectives minimised).

    Attributes:
        objectives: objective name → (coefficients over first-stage columns, constant).
        signs: objective name → +1 if the model minimises it, -1 if it maximises it (values are stored minimised).
        matrix: first-stage rows x first-stage columns.
        row_lower, row_upper: row bounds (infinite where open).
        lower, upper: column bounds.
        is_integer: per column.
        column_names, row_names: names of the model's components, ``component[index]``.
        blocks: recourse blocks, empty for an ordinary program.
        column_keys, row_keys: per column and row, (local name of the component, index as a tuple), so that
            results can be read without parsing names. Blocks carry their own.
        groups: per row the group of limits it belongs to, in words, for the message if nothing is feasible (None: the
            row's component).
    """

    objectives: Mapping[str, tuple[Floats, float]]
    signs: Mapping[str, int]
    matrix: sparse.csr_matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    is_integer: npt.NDArray[np.bool_]
    column_names: tuple[str, ...]
    row_names: tuple[str, ...]
    blocks: tuple[RecourseBlock, ...] = ()
    column_keys: tuple[tuple[str, tuple[object, ...]], ...] = ()
    row_keys: tuple[tuple[str, tuple[object, ...]], ...] = ()
    groups: Sequence[str] | None = None

    def lean(self) -> CompiledProgram:
        """The same program without the names and keys of rows and columns: what a worker needs, at half the size."""
        blocks = tuple(
            replace(block, column_names=(), row_names=(), column_keys=(), row_keys=()) for block in self.blocks
        )
        return replace(self, column_names=(), row_names=(), column_keys=(), row_keys=(), blocks=blocks, groups=None)
