"""All cuts on the losses that are known, and those of them that the linear relaxation holds.

Cuts gather with every question, and a relaxation that holds them all gets slower with each: of three thousand that a
thousand shocks leave behind, some hundred bind at any one cap. Where there are many, what had no price for a while is
put aside, between questions and between the rounds of one, and taken up again with the next round once an optimum
violates it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import Floats
from optimizer.solve.highs import TOLERANCE
from optimizer.solve.recourse import Cut

MANY = 500
"""Cuts up to which a relaxation holds all."""

IDLE = 2
"""Linear solves without a price after which a cut of many may be put aside."""

WORTH_IT = 0.9
"""Share of the held cuts that may stay at most for others to be put aside: the solver is loaded anew for that."""


class Pool:
    """Cuts by number, in the order they were found.

    Args:
        width: number of first-stage columns.

    Attributes:
        cuts: all that are known.
        held: numbers of those that the relaxation holds, in the order of its rows.
    """

    def __init__(self, width: int) -> None:
        self.cuts: list[Cut] = []
        self.held: list[int] = []
        self._idle = np.zeros(0, dtype=np.int64)
        self._thetas = np.zeros(0, dtype=np.int64)
        self._matrix = sparse.csr_matrix((0, width))
        self._lower = np.zeros(0)

    def add(self, cuts: Sequence[Cut]) -> list[int]:
        """Take in cuts; returns their numbers. They are not held yet."""
        known = len(self.cuts)
        self.cuts.extend(cuts)
        matrix, lower = cut_rows(cuts, self._matrix.shape[1])
        self._matrix = sparse.vstack([self._matrix, matrix], format="csr")
        self._lower = np.append(self._lower, lower)
        self._thetas = np.append(self._thetas, [cut.theta for cut in cuts])
        self._idle = np.append(self._idle, np.zeros(len(cuts), dtype=np.int64))
        return list(range(known, len(self.cuts)))

    def rows(self, numbers: Sequence[int]) -> tuple[sparse.csr_matrix, Floats]:
        """Rows of some cuts, and their lower sides."""
        chosen = np.array(numbers, dtype=np.int64)
        return self._matrix[chosen], self._lower[chosen]

    def note(self, prices: Floats) -> None:
        """Tell what the held cuts were worth at an optimum (duals of their rows, in order)."""
        held = np.array(self.held, dtype=np.int64)
        self._idle[held] += 1
        self._idle[held[np.abs(prices) > TOLERANCE]] = 0

    def violated(self, x: Floats) -> list[int]:
        """Cuts put aside that a vector breaks, the worst of each loss."""
        if len(self.held) == len(self.cuts):
            return []
        over = self._lower - self._matrix @ x
        over[self.held] = -np.inf
        broken = np.flatnonzero(over > TOLERANCE * (1.0 + np.abs(x[self._thetas])))
        worst_first = broken[np.argsort(-over[broken], kind="stable")]
        _, first = np.unique(self._thetas[worst_first], return_index=True)
        return sorted(int(number) for number in worst_first[first])

    @property
    def holds_many(self) -> bool:
        """Whether the relaxation holds so many that idle ones may be put aside."""
        return len(self.held) > MANY

    def wanted(self, binding: Sequence[int]) -> list[int]:
        """Numbers to hold from now on: of many those that are not idle, and those that bind."""
        if not self.holds_many:
            return sorted({*self.held, *binding})
        return sorted(set(binding) | {number for number in self.held if self._idle[number] <= IDLE})


def cut_rows(cuts: Sequence[Cut], width: int) -> tuple[sparse.csr_matrix, Floats]:
    """Rows of some cuts over so many columns, and their lower sides."""
    if not cuts:
        return sparse.csr_matrix((0, width)), np.zeros(0)
    lengths = np.array([cut.indices.size + 1 for cut in cuts])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate([np.append(cut.indices, cut.theta) for cut in cuts])
    data = np.concatenate([np.append(-cut.values, 1.0) for cut in cuts])
    shape = (len(cuts), width)
    return sparse.csr_matrix((data, indices, starts), shape=shape), np.array([cut.constant for cut in cuts])
