"""Which limits cannot hold together: a smallest set of row groups that is infeasible on its own.

Rows are grouped by component. The linear relaxation is tried first; if that is feasible, integrality is part of
the conflict and the groups are filtered with short mixed-integer solves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.solve.highs import Limits, LinearProgram, Termination, solve

if TYPE_CHECKING:
    from optimizer.solve.master import Master, Question

SECONDS = 30.0
"""Limit on the whole explanation; what is not settled by then stays in the list."""


def explain_infeasible(master: Master, question: Question, groups: Sequence[str] | None = None) -> list[str]:
    """Names of row groups in conflict (deletion filter): all together infeasible, without any one feasible.

    Args:
        master: the first stage, with the cuts found so far.
        question: the scalarisation that has no solution; its caps are groups of their own.
        groups: group name per first-stage row; default: the component of each row.

    Returns:
        The groups that are needed for the conflict, in row order; empty if the bounds of columns alone conflict or
        nothing could be settled in time.
    """
    program, names = _grouped(master, question, groups)
    relaxed = replace(program, is_integer=None)
    target = relaxed if _is_infeasible(relaxed, 0.3 * SECONDS) else program
    if not _is_infeasible(target, 0.5 * SECONDS):
        return []
    return _filter(target, names)


def _grouped(master: Master, question: Question, groups: Sequence[str] | None) -> tuple[LinearProgram, list[str]]:
    """The program of the question with its cuts and caps, and a group per row."""
    base = master.posed(question)
    if groups is None:
        groups = [name.split("[", 1)[0] for name in master.program.row_names]
    cuts = base.matrix.shape[0] - len(groups) - 2
    return base, [*groups, "limit on the second objective", "limit on the first objective", *["losses"] * cuts]


def _is_infeasible(program: LinearProgram, seconds: float) -> bool:
    feasibility = replace(program, cost=np.zeros(program.cost.size), offset=0.0)
    return solve(feasibility, Limits(seconds)).termination is Termination.INFEASIBLE


def _without(program: LinearProgram, rows: np.ndarray) -> LinearProgram:
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    lower[rows], upper[rows] = -math.inf, math.inf
    return replace(program, row_lower=lower, row_upper=upper)


def _filter(program: LinearProgram, names: Sequence[str]) -> list[str]:
    """Drop group after group; keep it out if what is left is still infeasible."""
    deadline = time.perf_counter() + SECONDS
    labels = np.array(names, dtype=object)
    order = list(dict.fromkeys(names))
    needed: list[str] = []
    for group in order:
        left = deadline - time.perf_counter()
        smaller = _without(program, np.flatnonzero(labels == group))
        if left > 0 and _is_infeasible(smaller, left):
            program = smaller
        else:
            needed.append(group)
    return [group for group in needed if group != "losses"]
