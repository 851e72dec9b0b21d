"""A smaller program with the same plans: what equalities of two columns and bounds alone decide is taken out.

A chain's balances are to a quarter ``a x_j + b x_k = c``: one of the two is the other, scaled. A general presolve
cannot be used where bounds, objectives and cuts change from question to question; these reductions look at rows and
bounds only, so they hold for every objective, and a cut on what is left is a cut on the whole. Integer columns and
thetas always stay, so fingerprints of plans do not change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer.solve.compiled import Affine, CompiledProgram, Floats, Integers

PASSES = 10
"""Most passes; what is found in one opens the next. The flagship needs four."""

STEEPEST = 1e3
"""Largest factor (and inverse of the least) between a column and the one that stands for it."""

ROUNDING = 1e-9
"""Bounds that cross by no more than this (relative) are one value, computed twice."""

NOTHING = 1e-12
"""Coefficients below this are what is left of two that cancel."""


@dataclass(frozen=True)
class Reduced:
    """A program without what others decide, and the way back: ``x = back @ z + constant``.

    Attributes:
        program: over the columns z that are left; its rows and columns have no names.
        back: columns of the whole x columns left.
        constant: per column of the whole.
        lower, upper: bounds of the whole, which a vector brought back meets exactly.
    """

    program: CompiledProgram
    back: sparse.csr_matrix
    constant: Floats
    lower: Floats
    upper: Floats

    def whole(self, z: Floats) -> Floats:
        """A vector of the whole program from one of the reduced."""
        whole: Floats = np.clip(self.back @ z + self.constant, self.lower, self.upper)
        return whole


def unreduced(program: CompiledProgram) -> Reduced:
    """The program as it is, with the way back that changes nothing."""
    size = program.lower.size
    return Reduced(
        program, sparse.identity(size, format="csr"), np.zeros(size), np.full(size, -np.inf), np.full(size, np.inf)
    )


@dataclass
class _Rest:
    """What is left of a program's first stage; ``columns`` are those of the whole that are left."""

    columns: Integers
    matrix: sparse.csr_matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    stays: npt.NDArray[np.bool_]
    back: sparse.csr_matrix
    constant: Floats


def reduce(program: CompiledProgram) -> Reduced:
    """Take out continuous columns that an equality ties to another or that are fixed, and rows that bounds imply.

    Args:
        program: compiled program; stays as it is. Where its bounds contradict each other, so do those of the result.
    """
    size = program.lower.size
    stays = program.is_integer.copy()
    stays[[block.theta for block in program.blocks]] = True
    rest = _Rest(
        np.arange(size),
        program.matrix.tocsr(),
        program.row_lower,
        program.row_upper,
        program.lower.copy(),
        program.upper.copy(),
        stays,
        sparse.identity(size, format="csr"),
        np.zeros(size),
    )
    for _ in range(PASSES):
        shape = rest.matrix.shape
        _pass(rest)
        if rest.matrix.shape == shape:
            break
    return Reduced(_program(program, rest), rest.back, rest.constant, program.lower, program.upper)


def _pass(rest: _Rest) -> None:
    lengths = np.diff(rest.matrix.indptr)
    _bounds_of_single_rows(rest, np.flatnonzero(lengths == 1))
    gone = (lengths <= 1) & _holds_if_empty(rest, lengths) | _implied(rest)
    tied = _Tied(rest)
    for row in np.flatnonzero((lengths == 2) & (rest.row_lower == rest.row_upper)):
        gone[row] |= tied.tie(int(row))
    _close(rest)
    _substitute(rest, tied, ~gone)


def _bounds_of_single_rows(rest: _Rest, rows: Integers) -> None:
    """A row of one column is a bound on it."""
    places = rest.matrix.indptr[rows]
    columns, factors = rest.matrix.indices[places], rest.matrix.data[places]
    ends = np.sort(np.vstack([rest.row_lower[rows] / factors, rest.row_upper[rows] / factors]), axis=0)
    np.maximum.at(rest.lower, columns, ends[0])
    np.minimum.at(rest.upper, columns, ends[1])


def _close(rest: _Rest) -> None:
    """Bounds that cross by no more than rounding meet."""
    over = rest.lower - rest.upper
    close = (over > 0.0) & (over <= ROUNDING * (1.0 + np.abs(rest.lower)))
    rest.lower[close] = rest.upper[close] = 0.5 * (rest.lower[close] + rest.upper[close])


def _holds_if_empty(rest: _Rest, lengths: Integers) -> npt.NDArray[np.bool_]:
    """Rows without columns that cannot hold must stay, so that the contradiction does."""
    return (lengths > 0) | ((rest.row_lower <= 0.0) & (rest.row_upper >= 0.0))


def _implied(rest: _Rest) -> npt.NDArray[np.bool_]:
    """Rows that hold for every vector within the bounds."""
    above, below = rest.matrix.maximum(0.0), rest.matrix.minimum(0.0)
    most = _sum(above, rest.upper, np.inf) + _sum(below, rest.lower, np.inf)
    least = _sum(above, rest.lower, -np.inf) + _sum(below, rest.upper, -np.inf)
    return np.asarray((most <= rest.row_upper) & (least >= rest.row_lower), dtype=np.bool_)


def _sum(matrix: sparse.csr_matrix, ends: Floats, endless: float) -> Floats:
    """Rows times bounds; ``endless`` where a bound that counts is infinite."""
    infinite = np.isinf(ends)
    counts = abs(matrix) @ infinite.astype(np.float64) > 0.0
    return np.where(counts, endless, matrix @ np.where(infinite, 0.0, ends))


class _Tied:
    """Columns tied to each other: ``x_j = factor_j x_root + offset_j``, roots with the bounds of all they stand for."""

    def __init__(self, rest: _Rest) -> None:
        self.rest = rest
        size = rest.lower.size
        self.parent = list(range(size))
        self.factor, self.offset = [1.0] * size, [0.0] * size

    def root(self, column: int) -> tuple[int, float, float]:
        """The column that stands for another, with factor and offset."""
        factor, offset = 1.0, 0.0
        while self.parent[column] != column:
            factor, offset = factor * self.factor[column], factor * self.offset[column] + offset
            column = self.parent[column]
        return column, factor, offset

    def tie(self, row: int) -> bool:
        """Let one column of an equality of two stand for the other; whether that was possible."""
        matrix, start = self.rest.matrix, self.rest.matrix.indptr[row]
        first, f_factor, f_offset = self.root(int(matrix.indices[start]))
        second, s_factor, s_offset = self.root(int(matrix.indices[start + 1]))
        a, b = float(matrix.data[start]), float(matrix.data[start + 1])
        side = float(self.rest.row_lower[row]) - a * f_offset - b * s_offset
        a, b = a * f_factor, b * s_factor
        if first == second:
            return False
        if self.rest.stays[first]:
            first, second, a, b = second, first, b, a
        if self.rest.stays[first] or not 1.0 / STEEPEST <= abs(b / a) <= STEEPEST:
            return False
        self._stand(first, second, -b / a, side / a)
        return True

    def _stand(self, column: int, root: int, factor: float, offset: float) -> None:
        self.parent[column], self.factor[column], self.offset[column] = root, factor, offset
        lower, upper = self.rest.lower, self.rest.upper
        ends = sorted(((lower[column] - offset) / factor, (upper[column] - offset) / factor))
        lower[root], upper[root] = max(lower[root], ends[0]), min(upper[root], ends[1])

    def all(self) -> tuple[Integers, Floats, Floats]:
        """Root, factor and offset of every column."""
        found = [self.root(column) for column in range(len(self.parent))]
        roots, factors, offsets = zip(*found, strict=True) if found else ((), (), ())
        return np.array(roots, dtype=np.int64), np.array(factors), np.array(offsets)


def _substitute(rest: _Rest, tied: _Tied, kept: npt.NDArray[np.bool_]) -> None:
    """Write rows and the way back in the columns that are left: roots that are not fixed."""
    roots, factors, offsets = tied.all()
    fixed = (rest.lower == rest.upper) & ~rest.stays
    left = np.flatnonzero((roots == np.arange(roots.size)) & ~fixed)
    place = np.full(roots.size, -1, dtype=np.int64)
    place[left] = np.arange(left.size)
    is_fixed = fixed[roots]
    constant = offsets + np.where(is_fixed, factors * np.where(is_fixed, rest.lower[roots], 0.0), 0.0)
    moving = np.flatnonzero(~is_fixed)
    step = sparse.csr_matrix((factors[moving], (moving, place[roots[moving]])), shape=(roots.size, left.size))
    matrix = rest.matrix[np.flatnonzero(kept)]
    shift = matrix @ constant
    rest.row_lower, rest.row_upper = rest.row_lower[kept] - shift, rest.row_upper[kept] - shift
    rest.matrix = _clean(matrix @ step)
    rest.constant = rest.constant + rest.back @ constant
    rest.back = (rest.back @ step).tocsr()
    rest.columns = rest.columns[left]
    rest.lower, rest.upper, rest.stays = rest.lower[left], rest.upper[left], rest.stays[left]


def _clean(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    matrix = matrix.tocsr()
    matrix.sum_duplicates()
    matrix.data[np.abs(matrix.data) < NOTHING] = 0.0
    matrix.eliminate_zeros()
    return matrix


def _within(form: Affine, rest: _Rest) -> Affine:
    """The same linear forms over the columns that are left."""
    return Affine(_clean(form.matrix @ rest.back), form.constant + form.matrix @ rest.constant)


def _program(program: CompiledProgram, rest: _Rest) -> CompiledProgram:
    """The lean program in the columns that are left."""
    across = rest.back.T.tocsr()
    blocks = tuple(
        replace(
            block,
            theta=int(np.searchsorted(rest.columns, block.theta)),
            linking=_clean(block.linking @ rest.back),
            row_lower=block.row_lower - block.linking @ rest.constant,
            row_upper=block.row_upper - block.linking @ rest.constant,
            continued=None if block.continued is None else _within(block.continued, rest),
        )
        for block in program.lean().blocks
    )
    return replace(
        program.lean(),
        objectives={
            name: (across @ vector, constant + float(vector @ rest.constant))
            for name, (vector, constant) in program.objectives.items()
        },
        matrix=rest.matrix,
        row_lower=rest.row_lower,
        row_upper=rest.row_upper,
        lower=rest.lower,
        upper=rest.upper,
        is_integer=program.is_integer[rest.columns],
        blocks=blocks,
    )
