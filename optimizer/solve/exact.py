"""The complete nondominated set of a bi-objective program without recourse blocks, with its segments.

Each portfolio of integers found contributes its whole trade-off curve (a linear program's, so piecewise linear and
convex). Every piece of the current attained curve is then put to the question "is anything below me?": one
mixed-integer solve, minimising along the piece's own slope inside its own box. Either it proves the piece, or it
finds a portfolio not known yet. Both happen finitely often; when every piece is proven the curve is complete.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from optimizer.solve.curve import Bound, Front, Ledger, proof
from optimizer.solve.highs import Termination
from optimizer.solve.journal import EXACT, Entry, Journal
from optimizer.solve.master import Master
from optimizer.solve.question import Answer, Attained, Question

PRECISION = 1e-6
"""Steps smaller than this share of the range of an objective are not told apart, unless all values are whole."""


@dataclass
class Exact:
    """Search for the complete set."""

    master: Master
    ledger: Ledger
    deadline: float
    solves: int = 0
    is_complete: bool = False
    progress: Callable[[int], None] | None = None
    journal: Journal = field(default_factory=Journal)

    def run(self) -> None:
        """Run to completion or to the deadline."""
        self.master.options = {"mip_feasibility_tolerance": 1e-8, "primal_feasibility_tolerance": 1e-8}
        if not self._ends():
            return
        self.step = self._step()
        self.proven: dict[tuple[float, ...], Bound | None] = {}
        self.floors: list[tuple[float, float, str]] = []
        self.front: tuple[int, Front] | None = None
        while time.perf_counter() < self.deadline:
            piece = self._open_piece()
            if piece is None:
                self.is_complete = None not in self.proven.values()
                break
            if not self._settle(piece):
                break
            if self.progress is not None:
                self.progress(self.solves)
        for found in self.proven.values():
            self.ledger.add_bound(found)

    @property
    def _room(self) -> float:
        """Room on an objective held at its value: nothing where values are exact."""
        return self.ledger.same

    # --- parts --------------------------------------------------------------------------------------------------

    def _ask(self, question: Question, gap: float) -> Answer:
        self.solves += 1
        start = self.ledger.best(question)
        seconds = self.deadline - time.perf_counter()
        earlier = self.journal.recall(EXACT, question, gap, seconds)
        if earlier is not None:
            return earlier.answer
        answer = self.master.answer(question, gap, seconds, None if start is None else start.x)
        self.journal.add(Entry(EXACT, gap, seconds, answer))
        return answer

    def _ends(self) -> bool:
        """The cheapest plan and the safest, each least in the other objective too."""
        cheap = self._lexicographic(Question(), Question(of_first=0.0, weight=1.0))
        if cheap is None:
            return False
        self.ledger.add_bound(Bound("cap", math.inf, 0.0, cheap.first, "Optimal"))
        self.range_first, self.range_second = 1.0, 1.0
        safe = self._lexicographic(Question(of_first=0.0, weight=1.0), Question())
        if safe is None:
            return False
        room = 1e-7 * (1.0 + abs(safe.second))
        self.ledger.add_bound(Bound("infeasible", safe.second - room, 0.0, math.inf, "Optimal"))
        self.range_first = max(safe.first - cheap.first, 1e-9)
        self.range_second = max(cheap.second - safe.second, 1e-9)
        self._curve_of(cheap)
        self._curve_of(safe)
        return True

    def _lexicographic(self, main: Question, other: Question) -> Attained | None:
        answer = self._ask(main, 0.0)
        if not answer.attained or answer.termination is not Termination.OPTIMAL:
            if answer.is_proven_infeasible:
                self.ledger.add_bound(Bound("infeasible", math.inf, 0.0, math.inf, answer.word))
            return None
        best = answer.attained[0]
        room = self._room * (1.0 + abs(best.first if main.of_first else best.second))
        if main.of_first:
            held = Question(0.0 if other.of_first else other.weight, math.inf, best.first + room, other.of_first)
        else:
            held = Question(max_second=best.second + room)
        second = self._ask(held, 0.0)
        return second.attained[0] if second.attained else best

    def _step(self) -> tuple[float, float]:
        """Least difference of two values of each objective that counts."""
        return (
            self._grain(self.master.first) or PRECISION * self.range_first,
            self._grain(self.master.second) or PRECISION * self.range_second,
        )

    def _grain(self, coefficients: np.ndarray) -> float:
        """Half the greatest common divisor of whole coefficients on integer columns; 0 if values are not whole."""
        used = np.flatnonzero(coefficients)
        whole = np.all(self.master.program.is_integer[used]) and np.all(coefficients[used] % 1 == 0)
        if not used.size or not whole:
            return 0.0
        return 0.5 * float(np.gcd.reduce(np.abs(coefficients[used]).astype(np.int64)))

    def _curve_of(self, plan: Attained) -> None:
        """Add the whole trade-off curve of a plan's integers: ends by nearly lexicographic weights, then inside."""
        if self.master.is_pure:
            self.ledger.add_points([plan])
            return
        ratio = self.range_first / self.range_second
        low = self.master.polish(Question(weight=ratio * 1e-3, of_first=1e3), plan.x)
        high = self.master.polish(Question(weight=ratio * 1e3, of_first=1e-3), plan.x)
        if low is None or high is None:
            self.ledger.add_points([plan])
            return
        self.ledger.add_points([low, high])
        self._between(low, high, plan, 0)

    def _between(self, low: Attained, high: Attained, plan: Attained, depth: int) -> None:
        """Vertices between two of one portfolio's curve, by the slope of their chord."""
        width, height = low.second - high.second, high.first - low.first
        if width <= 1e-7 * self.range_second or height <= 1e-7 * self.range_first or depth > 40:
            return
        question = Question(weight=height / width)
        point = self.master.polish(question, plan.x)
        if point is None:
            return
        better = question.value(low.first, low.second) - question.value(point.first, point.second)
        if better <= 1e-8 * (self.range_first + question.weight * self.range_second):
            return
        self.ledger.add_points([point])
        self._between(low, point, plan, depth + 1)
        self._between(point, high, plan, depth + 1)

    # --- pieces -------------------------------------------------------------------------------------------------

    def _open_piece(self) -> tuple[Attained, Attained, bool] | None:
        """A piece of the curve not proven yet: its safer end, its dearer-in-second end, and whether it is a segment."""
        if self.front is None or self.front[0] != len(self.ledger.points):
            self.front = len(self.ledger.points), self.ledger.nondominated()
        front = self.front[1]
        points, lines = front.points, front.lines()
        for number in range(len(points) - 1, 0, -1):
            safer, riskier = points[number], points[number - 1]
            is_segment = (number, number + 1) in lines
            hair = 8.0 * self.ledger.same * (1.0 + abs(riskier.second))
            if riskier.second - safer.second <= hair and not self.master.is_pure:
                continue
            if self._key(safer, riskier, is_segment) not in self.proven:
                return safer, riskier, is_segment
        return None

    def _key(self, safer: Attained, riskier: Attained, is_segment: bool) -> tuple[float, ...]:
        scale_first, scale_second = 1e-7 * (1.0 + self.range_first), 1e-7 * (1.0 + self.range_second)
        values = (safer.first / scale_first, safer.second / scale_second)
        return (
            *map(round, values),
            round(riskier.first / scale_first),
            round(riskier.second / scale_second),
            is_segment,
        )

    def _settle(self, piece: tuple[Attained, Attained, bool]) -> bool:
        """Prove a piece or find what is below it. False if a limit came first."""
        safer, riskier, is_segment = piece
        key = self._key(*piece)
        question = self._question(safer, riskier, is_segment)
        known = self._floor(question, safer, riskier)
        if known is not None:
            self.proven[key] = known
            return True
        gap = 1.8 * self._grain(self.master.first) if self.master.is_pure else 0.5 * self._tolerance(question)
        answer = self._ask(question, gap)
        hair = 8.0 * self.ledger.same * (1.0 + abs(safer.first))
        limit = question.value(safer.first, safer.second) - max(self._tolerance(question), hair)
        if answer.is_proven_infeasible or answer.bound >= limit:
            if answer.is_proven_infeasible:
                # Nothing in the open box below the safer end, whose values are the next ones possible.
                level = safer.first if self._grain(self.master.first) else question.max_first
                below = math.nextafter(riskier.second, -math.inf)
                cap = below if self._grain(self.master.second) else question.max_second
                self.proven[key] = Bound("infeasible", cap, 0.0, math.inf, answer.word, level)
            else:
                self.proven[key] = proof(question, answer.bound, answer.word)
            return True
        if not answer.attained or answer.termination is not Termination.OPTIMAL:
            return False
        if self.master.is_pure:
            self.floors.append((question.max_second, answer.bound, answer.word))
        before = {(p.integers_hash, p.first, p.second) for p in self.ledger.points}
        self._curve_of(answer.attained[0])
        if {(p.integers_hash, p.first, p.second) for p in self.ledger.points} == before:
            self.proven[key] = None
        return True

    def _floor(self, question: Question, safer: Attained, riskier: Attained) -> Bound | None:
        """What the question that found a piece's safer end proved of the piece, so that it need not be asked again.

        With whole values a plan found as the cheapest within less than one step is the cheapest, and nothing that is
        as safe as its question demanded lies below it. (Of plans of mixed programs one point says little: their
        curves go on.)
        """
        grain = self._grain(self.master.first)
        if not self.master.is_pure or not grain:
            return None
        below = math.nextafter(riskier.second, -math.inf)
        cap = below if self._grain(self.master.second) else question.max_second
        for max_second, level, word in self.floors:
            if max_second >= question.max_second and level >= safer.first - 1.9 * grain:
                return Bound("cap", cap, 0.0, safer.first, word)
        return None

    def _question(self, safer: Attained, riskier: Attained, is_segment: bool) -> Question:
        if is_segment:
            weight = (safer.first - riskier.first) / (riskier.second - safer.second)
            return Question(weight, riskier.second, safer.first)
        grain = self._grain(self.master.second)
        inside = riskier.second - (grain or min(self.step[1], 0.25 * (riskier.second - safer.second)))
        # Where every column is integer the box is open: a plan in it is new, and none in it proves the piece.
        return Question(0.0, inside, safer.first - self.step[0] if self.master.is_pure else safer.first)

    def _tolerance(self, question: Question) -> float:
        return min(self.step[0], PRECISION * (self.range_first + question.weight * self.range_second)) * 0.5
