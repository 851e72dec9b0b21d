"""The first stage with its cut pool: linear relaxation, mixed-integer rounds, and the attained point of a portfolio.

A `Question` is one scalarisation of the two objectives. Shocks speak only through cuts on their losses, and cuts hold
whatever the question, so one pool serves all of them. A point counts as *attained* only with the true losses of its
plan, evaluated in the recourse programs; a bound counts even if cuts are missing, because cuts only raise it.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.highs import (
    TOLERANCE,
    Limits,
    LinearProgram,
    Outcome,
    Termination,
    solve,
    violation,
)
from optimizer.solve.losses import Losses
from optimizer.solve.pool import WORTH_IT, Pool, cut_rows
from optimizer.solve.question import Answer, Attained, Question, Relaxed
from optimizer.solve.recourse import Cut, Recourse
from optimizer.solve.rounds import Rounds
from optimizer.solve.starts import Ending, Start, Starts
from optimizer.solve.warm import WarmProgram

WARM_OPTIONS = {"dual_simplex_cost_perturbation_multiplier": 0.0}
"""Costs perturbed by the dual simplex have to be put right by the primal one, which on degenerate first stages walks
for ever: with perturbation the relaxation of the flagship at 1 month took 33 s in one case, without it 6."""

LARGE = 2000
"""Columns above which mixed-integer solves are long: avoided where possible, with a cheaper branching rule."""

CLOSE = 0.01
"""What a capped objective may lack at most, relative to 1 plus itself, whatever its price: early prices are too low."""

ROUNDS = 60
"""Most rounds of the linear phase; it needs 6 to 14 as a rule. A stop here is honest: the bound still holds."""


class Master:
    """First stage of a program for two of its objectives.

    Args:
        program: compiled program.
        first, second: names of the objectives (both minimised).
        recourse: evaluator of its blocks; made here if not given.
        seed: of the solver.
    """

    def __init__(
        self, program: CompiledProgram, first: str, second: str, recourse: Recourse | None = None, seed: int = 0
    ) -> None:
        self.program, self.seed = program, seed
        self.recourse = recourse or Recourse(program)
        self.first, self.first_constant = program.objectives[first]
        self.second, self.second_constant = program.objectives[second]
        self.integers = np.flatnonzero(program.is_integer)
        self.has_blocks = bool(program.blocks)
        self.is_pure = bool(self.integers.size == program.is_integer.size) and not self.has_blocks
        self.options: dict[str, object] = {}
        self.pool = Pool(program.lower.size)
        self.starts = Starts()
        self.losses = Losses(program, self.first, self.second, self.recourse) if self.has_blocks else None
        self.linear = self._base()
        self.warm = WarmProgram(self.linear, WARM_OPTIONS)
        self.second_row, self.first_row = program.matrix.shape[0], program.matrix.shape[0] + 1

    @property
    def is_large(self) -> bool:
        """Whether mixed-integer solves are long enough for everything that avoids them."""
        return self.program.lower.size > LARGE

    def _base(self) -> LinearProgram:
        program = self.program
        rows = sparse.csr_matrix(np.vstack([self.second, self.first]))
        return LinearProgram(
            matrix=sparse.vstack([program.matrix, rows], format="csr"),
            row_lower=np.append(program.row_lower, [-math.inf, -math.inf]),
            row_upper=np.append(program.row_upper, [math.inf, math.inf]),
            lower=program.lower,
            upper=program.upper,
            cost=self.first,
            is_integer=program.is_integer,
        )

    def values(self, x: Floats) -> tuple[float, float]:
        """Both objectives at a first-stage vector."""
        return float(self.first @ x) + self.first_constant, float(self.second @ x) + self.second_constant

    def fingerprint(self, x: Floats) -> str:
        """Hash of the integer decisions."""
        return hashlib.sha256(np.round(x[self.integers]).astype(np.int64).tobytes()).hexdigest()[:16]

    def _attained(self, x: Floats) -> Attained:
        return Attained(x, *self.values(x), self.fingerprint(x))

    def _costs(self, question: Question) -> tuple[Floats, float]:
        offset = question.value(self.first_constant, self.second_constant)
        return question.of_first * self.first + question.weight * self.second, offset

    def _caps(self, question: Question) -> tuple[float, float]:
        return question.max_second - self.second_constant, question.max_first - self.first_constant

    # --- cuts ---------------------------------------------------------------------------------------------------

    @property
    def cuts(self) -> list[Cut]:
        """All cuts known, in the order they were found."""
        return self.pool.cuts

    def add_cuts(self, cuts: Sequence[Cut]) -> None:
        """Add cuts to the pool and to the linear relaxation."""
        if cuts:
            self._hold(self.pool.add(cuts))

    def _hold(self, numbers: Sequence[int]) -> None:
        """Let the linear relaxation hold more of the cuts."""
        matrix, lower = self.pool.rows(numbers)
        self.warm.add_rows(matrix, lower, np.full(lower.size, math.inf))
        self.pool.held.extend(numbers)

    def _hold_only(self, numbers: list[int]) -> None:
        """Let the linear relaxation hold these cuts and no others."""
        if set(numbers) == set(self.pool.held):
            return
        matrix, lower = self.pool.rows(numbers)
        self.warm.replace_rows(self.first_row + 1, matrix, lower, np.full(lower.size, math.inf))
        self.pool.held = numbers

    def _ending(self) -> Ending:
        return Ending(self.warm.basis(), tuple(self.pool.held))

    def set_idle_aside(self) -> None:
        """Where the linear relaxation holds many cuts, let it go on from its last basis without the idle ones."""
        if not self.is_large or not self.pool.holds_many:
            return
        last = self._ending()
        wanted = self.pool.wanted(list(last.binding))
        if len(wanted) <= WORTH_IT * len(self.pool.held):
            self._hold_only(wanted)
            self.warm.begin_at(last.with_cuts(wanted))

    # --- linear phase -------------------------------------------------------------------------------------------

    def relax(
        self,
        question: Question,
        fixed: Floats | None = None,
        seconds: float = math.inf,
        is_near: bool = False,
        slack: float = 0.0,
        step: float = 0.0,
    ) -> Relaxed:
        """Solve the linear relaxation, or with ``fixed`` the program whose integers are those of that vector.

        With all integers fixed little is left for a solve from scratch, less than a walk from a basis far away (0.15 s
        against 1 to 4 on the flagship): only where the last solve was next to it (``is_near``) it begins there.

        Cuts are separated halfway between the optimum and the mean of earlier optima, and at the optimum itself when
        that gives none or a round gains less than ``step``, until the true second objective is the master's, or what it
        lacks is worth no more than ``slack`` of the question's objective.
        """
        self._pose(question, fixed)
        self._begin(question, fixed is not None, is_near)
        relaxed = self._rounds(question, time.perf_counter() + seconds, slack, max(step, slack))
        if fixed is None and self.is_large and relaxed.x is not None and question.of_first > 0.0:
            price = relaxed.price or question.weight
            self.starts.add(Start(self.values(relaxed.x)[1], price, self._ending()))
        return relaxed

    def _rounds(self, question: Question, deadline: float, slack: float, step: float) -> Relaxed:
        """Solve, evaluate and cut until the losses are true, or as good as."""
        centre: Floats | None = None
        attained: Attained | None = None
        stalled, last = 0, -math.inf
        for number in range(ROUNDS):
            if number and question.of_first > 0.0:
                self.set_idle_aside()
            outcome = self._solved(deadline, math.inf if number else step)
            if not outcome.is_optimal or outcome.values is None:
                return Relaxed(outcome.termination, outcome.bound, 0.0, None, None)
            x, bound = outcome.values, outcome.objective
            stalled = stalled + 1 if bound - last <= max(step, 1e-7 * (1.0 + abs(bound))) else 0
            last = bound
            if centre is not None and stalled < (1 if step else 3):
                between = [] if self.losses is None else self.losses.between(0.5 * (x + centre), x)
                if between:
                    self.add_cuts(between)
                    centre = 0.5 * (x + centre)
                    continue
            near = _price(outcome, self.second_row), slack if stalled else 0.0
            attained, missing = self.true_point(x, question, near, time.perf_counter() < deadline)
            if not missing or (attained is not None and self._is_true(attained, x, question, near)):
                return self._relaxed(outcome, attained)
            self.add_cuts(missing)
            centre = x if centre is None else 0.5 * (x + centre)
            if time.perf_counter() > deadline:
                return replace(self._relaxed(outcome, attained), termination=Termination.TIME_LIMIT)
        return self._relaxed(outcome, attained)

    def _solved(self, deadline: float, least: float = math.inf) -> Outcome:
        """Solve, and take up cuts that were put aside and are violated: again as long as they raise the bound.

        The optimum returned may still violate cuts taken up last. Losses there are asked for all the same, so nothing
        rests on them.

        Args:
            deadline: moment to stop.
            least: a gain of the bound worth a solve of its own; by default one solve is all.
        """
        last = -math.inf
        while True:
            outcome = self.warm.solve(deadline - time.perf_counter())
            if not outcome.is_optimal or outcome.values is None:
                return outcome
            if outcome.row_duals is not None:
                self.pool.note(outcome.row_duals[self.first_row + 1 :])
            broken = self.pool.violated(outcome.values)
            if broken:
                self._hold(broken)
            if not broken or outcome.objective - last <= least:
                return outcome
            last = outcome.objective

    def _relaxed(self, outcome: Outcome, attained: Attained | None) -> Relaxed:
        price = _price(outcome, self.second_row)
        return Relaxed(outcome.termination, outcome.objective, price, outcome.values, attained, outcome)

    def _pose(self, question: Question, fixed: Floats | None) -> None:
        self.warm.change_costs(*self._costs(question))
        lower, upper = self.program.lower, self.program.upper
        if fixed is not None:
            lower, upper = lower.copy(), upper.copy()
            lower[self.integers] = upper[self.integers] = np.round(fixed[self.integers])
        self.warm.change_column_bounds(lower, upper)
        caps = np.array(self._caps(question))
        self.warm.change_row_bounds(np.array([self.second_row, self.first_row]), np.full(2, -math.inf), caps)

    def _begin(self, question: Question, is_fixed: bool, is_near: bool) -> None:
        """Choose where a large program's simplex begins; a relaxation where the nearest one ended."""
        if not self.is_large or is_near:
            return
        if is_fixed or question.of_first == 0.0:
            self.warm.begin_at(None)
        elif math.isfinite(question.max_second) or question.weight > 0.0 < question.of_first:
            self._begin_at(self.starts.nearest(question))

    def _begin_at(self, start: Start | None) -> None:
        """Begin where an earlier relaxation ended, without the cuts that have been idle since; None: from scratch."""
        if start is None:
            self.warm.begin_at(None)
            return
        self._hold_only(self.pool.wanted(list(start.ending.binding)))
        self.warm.begin_at(start.ending.with_cuts(self.pool.held))

    def true_point(
        self, x: Floats, question: Question, near: tuple[float, float] = (0.0, 0.0), is_early: bool = False
    ) -> tuple[Attained | None, list[Cut]]:
        """The plan of x with its true losses (None if they break a row), and cuts that x violates.

        Args:
            x: first-stage vector.
            question: what is minimised.
            near: price of the cap on the second objective, and what may be lacking.
            is_early: begin with the blocks that matter most; if they show that x lacks more, the others are not asked,
                and there is no plan.
        """
        if self.losses is None:
            return self._attained(x), []
        plan: Attained | None = None
        missing: list[Cut] = []
        for blocks in self.losses.turns(x, question, is_early and self.is_large):
            plan, missing, is_true = self._heard(self.losses, x, question, near, blocks)
            if missing and not is_true:
                return plan if len(blocks) == len(self.program.blocks) else None, missing
        return plan, missing

    def _heard(
        self, losses: Losses, x: Floats, question: Question, near: tuple[float, float], blocks: Sequence[int]
    ) -> tuple[Attained | None, list[Cut], bool]:
        """The plan that some blocks make of x, cuts that x violates, and whether x is as good as the plan."""
        heard = losses.heard(x, question, blocks)
        plan = None if heard.plan is None else self._attained(heard.plan)
        is_true = plan is not None and self._is_true(plan, x, question, near)
        return plan, heard.felt if heard.felt or is_true else heard.violated, is_true

    def _is_true(
        self, attained: Attained, x: Floats, question: Question, near: tuple[float, float] = (0.0, 0.0)
    ) -> bool:
        """Whether a vector's objectives are those of its plan, or what they lack is worth no more than ``near``."""
        first, second = self.values(x)
        price, slack = near
        value = question.value(first, second)
        dearer = question.value(attained.first, attained.second) - value
        worse = attained.second - second
        is_priced = math.isinf(question.max_second) or 0.0 < worse <= CLOSE * (1.0 + abs(second))
        if slack and is_priced and price * max(0.0, worse) + dearer <= slack:
            return True
        return worse <= TOLERANCE * (1.0 + abs(second)) and dearer <= TOLERANCE * (1.0 + abs(value))

    # --- integers -----------------------------------------------------------------------------------------------

    def polish(self, question: Question, x: Floats, is_near: bool = False, step: float = 0.0) -> Attained | None:
        """Best attained point with the integers of ``x``; None if they cannot meet the caps with true losses.

        Args:
            question: what to minimise under which caps.
            x: vector whose integers count.
            is_near: whether the last linear solve ended at about that vector.
            step: as of :meth:`relax`.
        """
        if self.is_pure:
            rounded = np.round(x)
            base = replace(self.linear, is_integer=None)
            return self._attained(rounded) if violation(base, rounded) <= TOLERANCE else None
        attained = self.relax(question, fixed=x, is_near=is_near, step=step).attained
        room = TOLERANCE * 10
        if attained is None or attained.second > question.max_second + room * (1.0 + abs(question.max_second)):
            return None
        return attained

    def answer(
        self,
        question: Question,
        gap: float,
        seconds: float = math.inf,
        start: Floats | None = None,
        rounds: int = 4,
        relaxed: Relaxed | None = None,
    ) -> Answer:
        """Mixed-integer rounds: solve with the cuts known, evaluate, add cuts, polish; until within ``gap``.

        Args:
            question: what to minimise under which caps.
            gap: absolute gap at which the answer is good enough.
            seconds: limit on the whole.
            start: an attained plan to begin with.
            rounds: most mixed-integer solves.
            relaxed: the question's linear relaxation, if it is known already.
        """
        began = time.perf_counter()
        known = len(self.cuts)
        search = Rounds(self, question, gap, began + seconds, start)
        search.run(rounds, relaxed)
        points = sorted(search.points, key=lambda p: (not question.allows(p), question.value(p.first, p.second)))
        spent = time.perf_counter() - began
        cuts = tuple(self.cuts[known:])
        return Answer(question, tuple(points), search.bound, search.termination, search.word, spent, cuts)

    def mixed(self, question: Question, cuts: Sequence[Cut], limits: Limits, start: Floats | None) -> Outcome:
        """One mixed-integer solve with these cuts."""
        return solve(self.posed(question, cuts), limits, start)

    def posed(self, question: Question, cuts: Sequence[Cut] | None = None) -> LinearProgram:
        """The mixed-integer program of a question: first-stage rows, second, first, then the cuts (default: all)."""
        cuts = self.cuts if cuts is None else cuts
        cost, offset = self._costs(question)
        base = self.linear
        upper = base.row_upper.copy()
        upper[[self.second_row, self.first_row]] = self._caps(question)
        program = replace(base, cost=cost, offset=offset, row_upper=upper)
        if cuts:
            matrix, lower = cut_rows(cuts, self.program.lower.size)
            program = replace(
                program,
                matrix=sparse.vstack([base.matrix, matrix], format="csr"),
                row_lower=np.concatenate([base.row_lower, lower]),
                row_upper=np.concatenate([upper, np.full(len(cuts), math.inf)]),
            )
        return program

    def slice(self, x: Floats, weights: Sequence[float], step: float = 0.0) -> list[Attained]:
        """Attained points of one portfolio at several weights; those that fail are left out."""
        found = [self.polish(Question(weight=weight), x, step=step) for weight in weights]
        return [point for point in found if point is not None]

    def safest(self, x: Floats, seconds: float = math.inf) -> Attained | None:
        """Least second objective with the integers of ``x``, then least first."""
        low = self.relax(Question(of_first=0.0, weight=1.0), fixed=x, seconds=seconds).attained
        if low is None or self.is_pure:
            return low
        room = TOLERANCE * (1.0 + abs(low.second))
        return self.polish(Question(max_second=low.second + room), x) or low


def _price(outcome: Outcome, row: int) -> float:
    """What a unit less of a capped row costs."""
    return 0.0 if outcome.row_duals is None else max(0.0, -float(outcome.row_duals[row]))
