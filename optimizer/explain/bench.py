"""A plan on the bench: its program, recourse and first stage, with parts of it held, freed or priced anew."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from optimizer.chain.instance import Instance
from optimizer.solve.compiled import CompiledProgram, Flags, Floats, Integers
from optimizer.solve.highs import TOLERANCE, LinearProgram, Outcome
from optimizer.solve.master import WARM_OPTIONS, Master
from optimizer.solve.pool import cut_rows
from optimizer.solve.question import Attained, Question
from optimizer.solve.recourse import Cut, Recourse
from optimizer.solve.warm import WarmProgram

ROOM = 1e-6
"""The plan's own loss is the cap of every question about it, with this relative room against rounding."""
WHOLE = 0.5
"""A decision counts as taken above this."""

ROUNDS = 40
"""Most rounds of cuts of one linear program."""

Edit = Callable[[LinearProgram], LinearProgram]


@dataclass(frozen=True)
class Rigour:
    """How far a linear program is taken.

    Attributes:
        rounds: most solves; between two of them cuts are added where shocks were too mild.
        seconds: limit on the whole.
        is_sure: whether all shocks are asked before the answer counts. Otherwise, in large programs, only those that
            were too mild once are, and after the first round those of the round before; others seldom come to be.
        worth: objective from which the answer is of no interest, so that no further round is begun.
    """

    rounds: int = ROUNDS
    seconds: float = math.inf
    is_sure: bool = True
    worth: float = math.inf


@dataclass
class Bench:
    """One plan and what is needed to ask what would change if something about it were different.

    Args:
        instance: the frozen instance.
        program: its compiled program.
        x: the plan's first-stage vector.
        cost, loss: names of the two objectives.
        recourse: evaluator of the program's shocks.

    Attributes:
        mild: numbers of the shocks that have been too mild in a linear program so far.
    """

    instance: Instance
    program: CompiledProgram
    x: Floats
    cost: str
    loss: str
    recourse: Recourse
    master: Master = field(init=False)
    mild: set[int] = field(init=False, default_factory=set)

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

    def held(self, free: Flags | None = None) -> tuple[Floats, Floats]:
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

    def linear(self, lower: Floats, upper: Floats, edit: Edit | None = None) -> Held:
        """The linear program of the plan's question with these column bounds.

        Args:
            lower: lower column bounds.
            upper: upper column bounds.
            edit: change of rows and costs, applied to the program.
        """
        with self.changed(lower, upper) as master:
            program = replace(master.posed(self.question), is_integer=None)
        return Held(self, self.master, program if edit is None else edit(program))

    def missing(self, x: Floats, numbers: Sequence[int]) -> dict[int, Cut]:
        """Cuts of those of some shocks that lose more than the vector says, by number."""
        cuts = self.recourse.evaluate(x, numbers).cuts if numbers else ()
        found = {
            number: cut
            for number, cut in zip(numbers, cuts, strict=True)
            if cut.at(x) - x[cut.theta] > TOLERANCE * (1.0 + abs(x[cut.theta]))
        }
        self.mild.update(found)
        return found

    def within(self, point: Attained | None) -> bool:
        """Whether a plan's true loss is no more than the plan's own."""
        return point is not None and point.second <= self.question.max_second + 1e-5 * (1.0 + abs(self.loss_months))


class Held:
    """A linear program of a master kept in the solver: cuts are added and bounds change, the basis stays.

    Its columns begin with those of the bench's plan, at which shocks are asked.
    The first solve is from scratch: with most integers held, presolving makes that several times faster than going on
    from the basis of another question. The next ones are a matter of some steps.
    """

    def __init__(self, bench: Bench, master: Master, program: LinearProgram) -> None:
        self._bench, self._master, self._warm = bench, master, WarmProgram(program, WARM_OPTIONS)
        self._taken = len(master.cuts)

    def change(self, lower: Floats, upper: Floats) -> None:
        """Other column bounds."""
        self._warm.change_column_bounds(lower, upper)

    def solve(self, rigour: Rigour) -> Outcome:
        """Solve with all cuts that the master knows, adding cuts where shocks were too mild.

        The objective is a lower bound of what it would be with all shocks as bad as they are.
        """
        deadline = time.perf_counter() + rigour.seconds
        every = range(len(self._bench.program.blocks))
        first = sorted(self._bench.mild) if self._bench.master.is_large else every
        for left in reversed(range(rigour.rounds)):
            self._take_up()
            outcome = self._warm.solve(max(0.1, deadline - time.perf_counter()))
            is_late = time.perf_counter() > deadline
            if outcome.values is None or not left or is_late or outcome.objective >= rigour.worth:
                break
            x = outcome.values[: self._bench.x.size]
            found = self._bench.missing(x, first or every)
            if not found and first and rigour.is_sure:
                found = self._bench.missing(x, [number for number in every if number not in first])
            if not found:
                break
            self._master.add_cuts(list(found.values()))
            first = sorted(found)
        return outcome

    def _take_up(self) -> None:
        """Cuts that the master has learnt since."""
        cuts = self._master.cuts[self._taken :]
        self._taken += len(cuts)
        if cuts:
            matrix, lower = cut_rows(cuts, self._master.program.lower.size)
            self._warm.add_rows(matrix, lower, np.full(len(cuts), math.inf))


def switched(upper: Floats, columns: Integers | Sequence[int]) -> Floats:
    """Upper bounds with these columns at zero."""
    off = upper.copy()
    off[np.asarray(columns, dtype=np.int64)] = 0.0
    return off
