"""Prices of the limits of a plan: duals of the linear program left when its integer decisions are fixed."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.master import Master, Question
from optimizer.solve.recourse import Recourse

SMALLEST = 1e-7
"""Duals nearer to zero are left out (MUSD per unit of the row)."""
SLACK = 1e-6
"""The plan's own loss is the cap, with this much room, so that rounding does not make it infeasible (months)."""


class PriceReader:
    """Reads prices of points of one program; the cuts learnt at one point serve the next."""

    def __init__(self, program: CompiledProgram, first: str, second: str, recourse: Recourse) -> None:
        self.program = program
        self.master = Master(program, first, second, recourse)

    def prices(self, x: Floats, second: float, seconds: float) -> list[tuple[str, str, float]]:
        """(constraint, index, price) of every first-stage limit with a price, and of the cap on the second objective.

        The linear program minimises the first objective at the plan's own second objective with the integers of
        ``x``. Signs are those of a minimisation: a binding floor has a positive price, a binding cap a negative one.
        """
        cap = second + SLACK * (1.0 + abs(second))
        relaxed = self.master.relax(Question(max_second=cap), fixed=x, seconds=seconds)
        if relaxed.outcome is None or relaxed.outcome.row_duals is None:
            return []
        return list(self._named(relaxed.outcome.row_duals))

    def _named(self, duals: Floats) -> Iterator[tuple[str, str, float]]:
        for position, (component, index) in enumerate(self.program.row_keys):
            if abs(duals[position]) > SMALLEST:
                yield component, "|".join(str(part) for part in index), float(duals[position])
        price = float(duals[self.master.second_row])
        if abs(price) > SMALLEST:
            yield "loss_cap", "", price
