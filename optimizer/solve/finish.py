r"""The last touches on a plan: prices of its limits, and the tie-break among plans of equal cost and loss.

Both come from the linear program left when the plan's integer decisions are fixed. Where more limits meet in its
optimum than it has directions, more than one set of multipliers proves it, and which one a solver ends with is its own
affair. Told is the one that charges least for room:

.. math:: \max_{\pi \in \Pi^*} \sum_i \pi_i \delta_i = \lim_{t \to 0} \frac{v(b + t\delta) - v(b)}{t},
    \qquad \delta_i \text{ a trace of the size of row } i \text{ in the direction that loosens it,}

so that a limit that gives nothing when it is loosened has no price for being where others bind.
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
TRACE = 1e-5
"""Share of its size by which the first row is loosened to see which of several sets of multipliers charges least. Later
rows give way up to twice as much, so that of two limits that would share a price always the same one has it."""
PROVEN = 1e-6
"""What multipliers may leave unproven of the optimum, relative to 1 plus itself."""

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
        minimisation: a binding floor has a positive price, a binding cap a negative one. Of several sets of
        multipliers that prove the optimum, the one that charges least for room.
        """
        relaxed = self.master.relax(Question(max_second=_room(point.second, SLACK)), fixed=point.x, seconds=seconds)
        if relaxed.outcome is None or relaxed.outcome.row_duals is None or relaxed.x is None:
            return []
        least = self._least(relaxed.x, relaxed.outcome.objective, seconds)
        return list(self._named(relaxed.outcome.row_duals if least is None else least))

    def _least(self, x: Floats, optimum: float, seconds: float) -> Floats | None:
        """Multipliers of the optimum just found that charge least for room; None if they do not prove it."""
        warm, last = self.master.warm, self.master.second_row
        held = warm.program
        rows = np.flatnonzero(held.row_lower[: last + 1] < held.row_upper[: last + 1])
        trace = TRACE * (1.0 + abs(held.matrix[rows]) @ np.abs(x)) * (1.0 + rows / rows.size)
        lower, upper = held.row_lower[rows], held.row_upper[rows]
        warm.change_row_bounds(rows, lower - trace, upper + trace)
        eased = warm.solve(seconds)
        warm.change_row_bounds(rows, lower, upper)
        if not eased.is_optimal or eased.row_duals is None:
            return None
        proven = eased.objective + float(np.abs(eased.row_duals[rows]) @ trace)
        return eased.row_duals if proven >= optimum - PROVEN * (1.0 + abs(optimum)) else None

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
