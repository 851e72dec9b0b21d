"""The last touches on a plan: prices of its limits, and the tie-break among plans of equal cost and loss.

Both come from the linear program left when the plan's integer decisions are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.master import Master, Question
from optimizer.solve.one import Point
from optimizer.solve.recourse import Recourse

SMALLEST = 1e-7
"""Duals nearer to zero are left out (MUSD per unit of the row)."""
SLACK = 1e-6
"""The plan's own loss is the cap, with this relative room, so that rounding does not make it infeasible."""
ROOM = 1e-7
"""Relative room for cost while ties are broken."""

Price = tuple[str, str, float]


class Finisher:
    """Finishes points of one program; the cuts learnt at one point serve the next.

    Args:
        program: compiled program.
        first, second: names of the two objectives.
        tie: name of the objective that decides among equal plans.
        recourse: evaluator of the program's blocks.
    """

    def __init__(self, program: CompiledProgram, first: str, second: str, tie: str, recourse: Recourse) -> None:
        self.program, self.first, self.second, self.tie = program, first, second, tie
        self.recourse = recourse
        self.master = Master(program, first, second, recourse)

    def prices(self, point: Point, seconds: float) -> list[Price]:
        """(constraint, index, price) of every first-stage limit with a price, and of the cap on the second objective.

        The linear program minimises the first objective at the plan's own second objective. Signs are those of a
        minimisation: a binding floor has a positive price, a binding cap a negative one.
        """
        relaxed = self.master.relax(Question(max_second=_room(point.second, SLACK)), fixed=point.x, seconds=seconds)
        if relaxed.outcome is None or relaxed.outcome.row_duals is None:
            return []
        return list(self._named(relaxed.outcome.row_duals))

    def settled(self, point: Point, seconds: float) -> Floats:
        """First-stage vector of the plan with the least tie objective at the point's cost, loss and integers.

        The point's own vector is returned where the program gives nothing that holds.
        """
        vector, constant = self.program.objectives[self.first]
        cost = sparse.csr_matrix(vector)
        tied = replace(
            self.program,
            matrix=sparse.vstack([self.program.matrix, cost], format="csr"),
            row_lower=np.append(self.program.row_lower, -math.inf),
            row_upper=np.append(self.program.row_upper, _room(point.first, ROOM) - constant),
            row_names=(*self.program.row_names, "cost_of_the_plan"),
            row_keys=(*self.program.row_keys, ("cost_of_the_plan", ())),
        )
        master = Master(tied, self.tie, self.second, self.recourse)
        master.add_cuts(self.master.cuts)
        attained = master.relax(
            Question(max_second=_room(point.second, SLACK)), fixed=point.x, seconds=seconds
        ).attained
        if attained is None or attained.second > _room(point.second, 2 * SLACK):
            return point.x
        if float(vector @ attained.x) + constant > _room(point.first, 10 * ROOM):
            return point.x
        return attained.x

    def _named(self, duals: Floats) -> Iterator[Price]:
        for position, (component, index) in enumerate(self.program.row_keys):
            if abs(duals[position]) > SMALLEST:
                yield component, "|".join(str(part) for part in index), float(duals[position])
        price = float(duals[self.master.second_row])
        if abs(price) > SMALLEST:
            yield "loss_cap", "", price


def _room(value: float, share: float) -> float:
    return value + share * (1.0 + abs(value))
