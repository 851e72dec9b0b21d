"""Shocks that do nothing to a plan, seen without a linear program.

Where a block knows what its columns are if the plan goes on (``continued``), and that breaks none of its rows with
theta at its least value, theta is there: the rows are the proof. It takes one product of a sparse matrix and a vector
for a block, where a solve takes some fifty simplex steps.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import Floats, RecourseBlock
from optimizer.solve.highs import TOLERANCE


class GoingOn:
    """What has to hold for a block to lose nothing: bounds on linear forms of the first stage.

    Args:
        block: a recourse block.
        lowest: least value of its theta.
    """

    def __init__(self, block: RecourseBlock, lowest: float) -> None:
        self.is_known = block.continued is not None
        if block.continued is None:
            return
        matrix, constant = block.continued.matrix, block.continued.constant
        fixed = block.recourse @ constant + block.theta_coefficient * lowest
        forms = sparse.vstack([block.linking + block.recourse @ matrix, matrix], format="csr")
        lower = np.concatenate([block.row_lower - fixed, block.lower - constant])
        upper = np.concatenate([block.row_upper - fixed, block.upper - constant])
        forms.data[np.abs(forms.data) < 1e-12] = 0.0
        forms.eliminate_zeros()
        said = np.diff(forms.indptr) > 0
        room = TOLERANCE * (1.0 + np.maximum(_size(lower), _size(upper)))
        self.is_known = bool(np.all(said | ((lower <= room) & (upper >= -room))))
        kept = np.flatnonzero(said & ~_holds(forms, lower, upper))
        self.forms = forms[kept]
        self.lower, self.upper = (lower - room)[kept], (upper + room)[kept]

    def holds(self, x: Floats) -> bool:
        """Whether a first-stage vector goes on as if there were no shock."""
        if not self.is_known:
            return False
        found = self.forms @ x
        return bool(np.all(found >= self.lower) and np.all(found <= self.upper))


def _size(ends: Floats) -> Floats:
    return np.where(np.isfinite(ends), np.abs(ends), 0.0)


def _holds(forms: sparse.csr_matrix, lower: Floats, upper: Floats) -> np.ndarray:
    """Forms that hold for every vector that is not negative: a sum of positive terms above a negative side."""
    least = np.zeros(forms.shape[0])
    rows = np.repeat(np.arange(forms.shape[0]), np.diff(forms.indptr))
    np.minimum.at(least, rows, forms.data)
    return (least >= 0.0) & (lower <= 0.0) & np.isinf(upper)
