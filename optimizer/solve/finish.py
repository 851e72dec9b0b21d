"""The last touches on a plan: prices of its limits, and the tie-break among plans of equal cost and loss.

Both come from the linear program left when the plan's integer decisions are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.master import Master
from optimizer.solve.one import Point
from optimizer.solve.question import Question
from optimizer.solve.recourse import Recourse

SMALLEST = 1e-7
"""Duals nearer to zero are left out (MUSD per unit of the row)."""
SLACK = 1e-6
"""The plan's own loss is the cap, with this relative room, so that rounding does not make it infeasible."""
ROOM = 1e-8
"""Relative room for the second objective while ties are broken."""

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

    def settled(self, point: Point, free: npt.NDArray[np.bool_], paid: npt.NDArray[np.bool_], seconds: float) -> Floats:
        """First-stage vector of the plan with the least tie objective, at the point's loss.

        Only the columns marked ``free`` may move, and a row marked ``paid``, whose excess has a price, keeps what it
        has where it binds; all others, and with them every cost, stay as they are. The point's own vector is returned
        where the program gives nothing that holds.
        """
        program = self.program
        held = np.clip(point.x, program.lower, program.upper)
        left = np.minimum(program.matrix @ held, program.row_upper)
        binds = paid & (program.row_upper - left <= SLACK)
        tied = replace(
            program,
            lower=np.where(free, program.lower, held),
            upper=np.where(free, program.upper, held),
            row_lower=np.where(binds, left, program.row_lower),
        )
        master = Master(tied, self.tie, self.second, self.recourse)
        master.add_cuts(self.master.cuts)
        attained = master.relax(Question(max_second=_room(point.second, ROOM)), fixed=held, seconds=seconds).attained
        if attained is None or attained.second > _room(point.second, 10 * ROOM):
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
