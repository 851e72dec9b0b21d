"""A plan on the bench: its program, recourse and first stage, with parts of it held, freed or priced anew."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.chain.instance import Instance
from optimizer.solve.compiled import CompiledProgram, Floats, Integers
from optimizer.solve.highs import TOLERANCE, Limits, LinearProgram, Outcome, Termination, solve
from optimizer.solve.master import Master
from optimizer.solve.question import Attained, Question
from optimizer.solve.recourse import Cut, Recourse

ROOM = 1e-6
"""The plan's own loss is the cap of every question about it, with this relative room against rounding."""
WHOLE = 0.5
"""A decision counts as taken above this."""

ROUNDS = 40
"""Most rounds of cuts of one linear program."""

Mask = npt.NDArray[np.bool_]
Edit = Callable[[LinearProgram], LinearProgram]


@dataclass(frozen=True)
class Linear:
    """Outcome of a linear program; ``is_exact`` says that no shock is worse than it assumes (or that none is feasible).

    Otherwise its objective is a lower bound on what the linear program would give.
    """

    outcome: Outcome
    is_exact: bool


@dataclass
class Bench:
    """One plan and what is needed to ask what would change if something about it were different.

    Args:
        instance: the frozen instance.
        program: its compiled program.
        x: the plan's first-stage vector.
        cost, loss: names of the two objectives.
        recourse: evaluator of the program's shocks.
    """

    instance: Instance
    program: CompiledProgram
    x: Floats
    cost: str
    loss: str
    recourse: Recourse
    master: Master = field(init=False)

    def __post_init__(self) -> None:
        self.master = Master(self.program, self.cost, self.loss, self.recourse)
        if self.program.blocks:
            self.master.add_cuts(self.recourse.evaluate(self.x).cuts)
        self.cost_musd, self.loss_months = self.master.values(self.x)

    @property
    def question(self) -> Question:
        """Least cost at the plan's own loss."""
        return Question(max_second=self.loss_months + ROOM * (1.0 + abs(self.loss_months)))

    @cached_property
    def places(self) -> Mapping[str, Mapping[tuple[object, ...], int]]:
        """Component → index → column."""
        found: dict[str, dict[tuple[object, ...], int]] = {}
        for position, (component, index) in enumerate(self.program.column_keys):
            found.setdefault(component, {})[index] = position
        return found

    def columns(self, component: str) -> Mapping[tuple[object, ...], int]:
        """Index → column of a component; empty if the program has none."""
        return self.places.get(component, {})

    def taken(self, component: str) -> list[tuple[object, ...]]:
        """Indices of a binary component that are 1 in the plan."""
        return [index for index, place in self.columns(component).items() if self.x[place] > WHOLE]

    @cached_property
    def discount(self) -> Mapping[int, float]:
        """Discount factor by year."""
        return self.instance.discount_factor

    def held(self, free: Mask | None = None) -> tuple[Floats, Floats]:
        """Column bounds with the integers of the plan held, but for those marked free."""
        lower, upper = self.program.lower.copy(), self.program.upper.copy()
        kept = self.program.is_integer if free is None else self.program.is_integer & ~free
        lower[kept] = upper[kept] = np.round(self.x[kept])
        return lower, upper

    @contextmanager
    def changed(self, lower: Floats, upper: Floats, first: Floats | None = None) -> Iterator[Master]:
        """Lend the first stage with other column bounds (within the program's own) and, if given, other costs.

        Cuts learnt meanwhile stay: they hold whatever the bounds and costs.
        """
        master = self.master
        kept = master.program, master.linear, master.first
        master.program = replace(self.program, lower=lower, upper=upper)
        master.linear = replace(master.linear, lower=lower, upper=upper)
        master.first = master.first if first is None else first
        try:
            yield master
        finally:
            master.program, master.linear, master.first = kept

    def linear(
        self, lower: Floats, upper: Floats, edit: Edit | None = None, rounds: int = ROUNDS, seconds: float = math.inf
    ) -> Linear:
        """Solve the linear program with these column bounds, from scratch, adding cuts where shocks were too mild.

        With most integers held, presolving makes this several times faster than going on from the last basis.

        Args:
            lower: lower column bounds.
            upper: upper column bounds.
            edit: change of rows and costs, applied to the program of the plan's question.
            rounds: most solves.
            seconds: limit on the whole.
        """
        deadline = time.perf_counter() + seconds
        outcome, is_exact = None, False
        for _ in range(rounds):
            with self.changed(lower, upper) as master:
                program = replace(master.posed(self.question), is_integer=None)
            outcome = solve(
                program if edit is None else edit(program), Limits(max(0.1, deadline - time.perf_counter()))
            )
            if outcome.values is None:
                return Linear(outcome, outcome.termination is Termination.INFEASIBLE)
            missing = self._missing(outcome.values)
            is_exact = not missing
            if is_exact or time.perf_counter() > deadline:
                break
            self.master.add_cuts(missing)
        if outcome is None:
            raise ValueError("no round was asked for")
        return Linear(outcome, is_exact)

    def _missing(self, x: Floats) -> list[Cut]:
        """Cuts of shocks that lose more than the vector says."""
        if not self.program.blocks:
            return []
        cuts = self.recourse.evaluate(x).cuts
        return [cut for cut in cuts if cut.at(x) - x[cut.theta] > TOLERANCE * (1.0 + abs(x[cut.theta]))]

    def within(self, point: Attained | None) -> bool:
        """Whether a plan's true loss is no more than the plan's own."""
        return point is not None and point.second <= self.question.max_second + 1e-5 * (1.0 + abs(self.loss_months))


def switched(upper: Floats, columns: Integers | Sequence[int]) -> Floats:
    """Upper bounds with these columns at zero."""
    off = upper.copy()
    off[np.asarray(columns, dtype=np.int64)] = 0.0
    return off
