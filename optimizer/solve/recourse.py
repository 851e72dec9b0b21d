r"""What a first-stage plan loses in each shock, and linear cuts that say so everywhere.

Each recourse block is a small linear program kept warm in the solver. Its row duals, and the reduced costs
recomputed from them in own arithmetic, give a lower bound on the loss that is affine in the plan:

.. math:: \theta_s(x) \ge \sum_i \pi_i (b_i - L_i x) + \sum_j \min_{l_j \le y_j \le u_j} d_j y_j,
   \qquad d = c - A^T \pi.

It holds for *any* multipliers, so a cut does not rest on the solver having been right. Two things are subtracted:
``SAFETY`` times the size of the terms against rounding, and, where a reduced cost of a column without a bound on that
side has the wrong sign by rounding, that reduced cost times ten times the column's value (at least 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType

import numpy as np
from scipy import sparse

from optimizer.errors import SolverFailure
from optimizer.solve.compiled import CompiledProgram, Floats, Integers, RecourseBlock
from optimizer.solve.crew import Crew, Hire, Team
from optimizer.solve.fixed_plan import block_program
from optimizer.solve.highs import LinearProgram, Outcome, solve
from optimizer.solve.settled import GoingOn
from optimizer.solve.slim import Slim
from optimizer.solve.warm import WarmProgram

SAFETY = 1e-9
HELD = 1e-7
"""Room left on the loss, relative, when a second cost is minimised with the loss held."""
_TIGHT = {"dual_feasibility_tolerance": 1e-9}


@dataclass(frozen=True)
class Cut:
    """``x[theta] >= constant + values @ x[indices]`` for every first-stage vector x."""

    theta: int
    constant: float
    indices: Integers
    values: Floats

    def at(self, x: Floats) -> float:
        """Value of the right-hand side."""
        return self.constant + float(self.values @ x[self.indices])


@dataclass(frozen=True)
class Evaluation:
    """Losses by block, and one cut per block, tight (within the safety margin) at the point evaluated."""

    losses: Floats
    cuts: tuple[Cut, ...]


@dataclass(frozen=True)
class BlockPlan:
    """Full recourse solution of one block, in the order of its columns."""

    name: str
    loss: float
    values: Floats


class _Shock:
    """One block's linear program: columns y then theta."""

    def __init__(self, block: RecourseBlock, lowest: float) -> None:
        self.block = block
        self.linked = np.flatnonzero(np.diff(block.linking.indptr)).astype(np.int64)
        self.linking = block.linking[self.linked]
        self.scale = _scale(block)
        column = sparse.csr_matrix(block.theta_coefficient.reshape(-1, 1))
        self.whole = LinearProgram(
            matrix=sparse.hstack([block.recourse, column], format="csr"),
            row_lower=block.row_lower,
            row_upper=block.row_upper,
            lower=np.append(block.lower, lowest),
            upper=np.append(block.upper, math.inf),
            cost=np.append(np.zeros(block.lower.size), self.scale),
        )
        self.slim = Slim(self.whole)
        self.sides = self.slim.sides(block.row_lower, block.row_upper)
        self.warm = WarmProgram(self.slim.program(self.sides), _TIGHT, has_reduced_costs=False)
        self.least_cut = least_cut(block, lowest)
        self._known: tuple[Floats, float, Cut] | None = None

    def evaluate(self, x: Floats) -> tuple[float, Cut]:
        shift = self.linking @ x
        if self._known is not None and np.array_equal(self._known[0], shift):
            return self._known[1], self._known[2]
        self.sides = self.slim.sides(*self._placed(shift))
        sides, columns = self.sides, self.slim.columns
        self.warm.change_all_bounds(sides.lower[columns], sides.upper[columns], sides.row_lower, sides.row_upper)
        outcome = self.warm.solve()
        if not outcome.is_optimal or outcome.values is None:
            raise SolverFailure(f"recourse block {self.block.name} has no optimum: {outcome.word}")
        loss = float(outcome.values[-1])
        cut = self.least_cut if loss <= self.least_cut.constant else self._cut(outcome)
        self._known = (shift, loss, cut)
        return loss, cut

    def _placed(self, shift: Floats) -> tuple[Floats, Floats]:
        """Sides of all rows for a plan."""
        lower, upper = self.block.row_lower.copy(), self.block.row_upper.copy()
        lower[self.linked] -= shift
        upper[self.linked] -= shift
        return lower, upper

    def _cut(self, outcome: Outcome) -> Cut:
        if outcome.row_duals is None or outcome.values is None:
            raise SolverFailure(f"recourse block {self.block.name}: no dual values")
        duals, reduced = self.slim.multipliers(outcome.row_duals / self.scale, self.sides, self.whole.cost / self.scale)
        sides = np.where(duals > 0, self.block.row_lower, self.block.row_upper)
        sides[duals == 0] = 0.0
        ends = np.where(reduced > 0, self.whole.lower, self.whole.upper)
        closed = np.isfinite(ends)
        terms = reduced[closed] * ends[closed]
        values = np.zeros(ends.size)
        values[self.slim.columns] = outcome.values
        missing = np.abs(reduced[~closed]) @ np.maximum(1.0, 10.0 * np.abs(values[~closed]))
        rows = duals * sides
        size = 1.0 + float(np.sum(np.abs(rows)) + np.sum(np.abs(terms)))
        constant = float(np.sum(rows) + np.sum(terms) - missing) - SAFETY * size
        slope = -(self.linking.T @ duals[self.linked])
        indices = np.flatnonzero(slope)
        return Cut(self.block.theta, constant, indices, slope[indices])

    def plan(self, x: Floats, secondary: Floats | None) -> BlockPlan:
        """Least loss, then least secondary cost; the loss is held ever less tightly until rounding lets it hold."""
        loss, _ = self.evaluate(x)
        row_lower, row_upper = self._placed(self.linking @ x)
        if secondary is None:
            secondary = np.where(self.block.lower >= 0, 1.0, np.where(self.block.upper <= 0, -1.0, 0.0))
        word = ""
        for looser in (1.0, 10.0, 100.0):
            upper = np.append(self.block.upper, loss + HELD * looser * (1.0 + abs(loss)))
            cost = np.append(secondary, 0.0)
            held = replace(self.whole, row_lower=row_lower, row_upper=row_upper, upper=upper, cost=cost)
            outcome = solve(held)
            if outcome.values is not None:
                values = np.clip(outcome.values[:-1], self.block.lower, self.block.upper)
                return BlockPlan(self.block.name, loss, values)
            word = outcome.word
        raise SolverFailure(f"recourse block {self.block.name}: second phase {word}")


def least_cut(block: RecourseBlock, lowest: float) -> Cut:
    """The cut of a plan that loses nothing: theta is at least at its least."""
    return Cut(block.theta, lowest, np.zeros(0, dtype=np.int64), np.zeros(0))


def _scale(block: RecourseBlock) -> float:
    """Weight of theta in the objective that brings the duals near 1 (tolerances of the solver are absolute)."""
    rows = np.flatnonzero(block.theta_coefficient)
    entries = np.abs(block.recourse[rows].data)
    if not entries.size:
        return 1.0
    ratio = float(np.median(np.abs(block.theta_coefficient[rows])) / np.median(entries))
    return float(np.clip(ratio, 1.0, 1e6))


def _row_duals(block: RecourseBlock, x: Floats) -> Floats:
    outcome = solve(block_program(block, x))
    if outcome.row_duals is None:
        raise SolverFailure(f"recourse block {block.name} has no optimum: {outcome.word}")
    return outcome.row_duals


class Shocks:
    """Blocks by number, evaluated one after another; lives in this process or in a worker.

    A block is loaded into the solver when it is first asked for by a plan that cannot go on as if nothing had happened.
    """

    def __init__(self, blocks: Mapping[int, RecourseBlock], lowest: Mapping[int, float]) -> None:
        self.blocks, self.lowest = blocks, lowest
        self.loaded: dict[int, _Shock] = {}
        self.going_on: dict[int, GoingOn] = {}

    def _shock(self, number: int) -> _Shock:
        if number not in self.loaded:
            self.loaded[number] = _Shock(self.blocks[number], self.lowest[number])
        return self.loaded[number]

    def evaluate(self, x: Floats, numbers: Sequence[int]) -> list[tuple[float, Cut]]:
        """Loss and cut of some blocks at a first-stage vector; where a worse one loses nothing, nor does a milder."""
        found: dict[int, tuple[float, Cut]] = {}
        for number in sorted(numbers, key=lambda number: len(self.blocks[number].worse)):
            found[number] = self._evaluated(x, number, found)
        return [found[number] for number in numbers]

    def _evaluated(self, x: Floats, number: int, known: Mapping[int, tuple[float, Cut]]) -> tuple[float, Cut]:
        block, lowest = self.blocks[number], self.lowest[number]
        if any(other in known and known[other][0] <= self.lowest[other] <= lowest for other in block.worse):
            return lowest, least_cut(block, lowest)
        if number not in self.going_on:
            self.going_on[number] = GoingOn(block, lowest)
        if self.going_on[number].holds(x):
            return lowest, least_cut(block, lowest)
        return self._shock(number).evaluate(x)

    def row_duals(self, x: Floats, numbers: Sequence[int]) -> list[Floats]:
        """Duals of some blocks' rows at a first-stage vector, solved from scratch: whatever was asked before."""
        return [_row_duals(self.blocks[number], x) for number in numbers]

    def plan(self, x: Floats, numbers: Sequence[int], secondary: Sequence[Floats | None]) -> list[BlockPlan]:
        """Recourse solutions of some blocks."""
        return [self._shock(number).plan(x, cost) for number, cost in zip(numbers, secondary, strict=True)]


class Recourse:
    """All blocks of a program: here (``workers=1``) or spread over the members of a team; a context manager.

    Args:
        program: compiled program.
        workers: members of a team of its own; 1: no team, everything here.
        hire: makes that team.
        team: a team to use instead, whose members each hold all blocks; it is not closed with this object.
    """

    def __init__(self, program: CompiledProgram, workers: int = 1, hire: Hire = Crew, team: Team | None = None) -> None:
        self.program = program
        blocks = dict(enumerate(program.blocks))
        lowest = {number: float(program.lower[block.theta]) for number, block in blocks.items()}
        self._size = len(team) if team is not None else max(1, min(workers, len(blocks)))
        self._own: Team | None = None
        self._here: Shocks | None = None
        if team is None and self._size > 1:
            lean = dict(enumerate(program.lean().blocks))
            turns = [[number for number in blocks if number % self._size == w] for w in range(self._size)]
            shares = [({n: lean[n] for n in turn}, {n: lowest[n] for n in turn}) for turn in turns]
            self._own = hire(Shocks, shares)
        elif team is None:
            self._here = Shocks(blocks, lowest)
        self._team = team or self._own

    @property
    def here(self) -> Shocks:
        """The blocks, where they live in this process.

        Raises:
            SolverFailure: if a team holds them.
        """
        if self._here is None:
            raise SolverFailure("the recourse blocks live in worker processes")
        return self._here

    def evaluate(self, x: Floats, only: Sequence[int] | None = None) -> Evaluation:
        """Loss of every block, or only some, at first-stage vector ``x`` clipped to its bounds, with a cut each.

        Raises:
            SolverFailure: if a block is infeasible or unbounded at x.
        """
        x = np.clip(x, self.program.lower, self.program.upper)
        numbers = range(len(self.program.blocks)) if only is None else only
        answers = self._gather("evaluate", numbers, lambda mine: (x, mine))
        return Evaluation(np.array([loss for loss, _ in answers]), tuple(cut for _, cut in answers))

    def row_duals(self, x: Floats, numbers: Sequence[int]) -> list[Floats]:
        """Months of loss per unit of every row of some blocks, at a first-stage vector that may be out of bounds.

        Raises:
            SolverFailure: if a block is infeasible or unbounded at x.
        """
        answers: list[Floats] = self._gather("row_duals", numbers, lambda mine: (x, mine))
        return answers

    def plan(self, x: Floats, secondary: Sequence[Floats | None] | None = None) -> list[BlockPlan]:
        """Recourse solution of every block: least loss, then least ``secondary`` cost with the loss held.

        Args:
            x: first-stage vector.
            secondary: per block a cost vector over its columns; None means the sum of all columns' amounts.
        """
        x = np.clip(x, self.program.lower, self.program.upper)
        costs = list(secondary) if secondary is not None else [None] * len(self.program.blocks)
        numbers = range(len(self.program.blocks))
        answers: list[BlockPlan] = self._gather("plan", numbers, lambda mine: (x, mine, [costs[s] for s in mine]))
        return answers

    def _gather(
        self, method: str, numbers: Sequence[int], arguments: Callable[[list[int]], tuple[object, ...]]
    ) -> list:  # type: ignore[type-arg]
        """Answers for these blocks, in their order; a block is always asked of the same member, whose basis is warm."""
        if self._here is not None:
            return list(getattr(self._here, method)(*arguments(list(numbers))))
        if self._team is None:
            raise SolverFailure("the recourse is closed")
        turns = [[number for number in numbers if number % self._size == w] for w in range(self._size)]
        parts = self._team.ask([(method, arguments(turn)) for turn in turns])
        found = {
            s: answer for turn, part in zip(turns, parts, strict=True) for s, answer in zip(turn, part, strict=True)
        }
        return [found[number] for number in numbers]

    def close(self) -> None:
        """End the worker processes of its own."""
        if self._own is not None:
            self._own.close()
        self._own = self._team = None

    def __enter__(self) -> Recourse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
