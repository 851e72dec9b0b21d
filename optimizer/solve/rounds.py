"""Mixed-integer rounds of one question: solve with the cuts known, evaluate, cut, polish."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from optimizer.solve.compiled import Floats
from optimizer.solve.highs import TOLERANCE, Limits, Termination
from optimizer.solve.question import Attained, Question, Relaxed

if TYPE_CHECKING:
    from optimizer.solve.master import Master

MIP_OPTIONS = {"mip_pscost_minreliable": 1}

SLACK = 0.05
"""Cuts slacker than this (relative to 1 + loss) at the relaxed optimum are left out of the first MIP round."""


class Rounds:
    """The rounds of one question."""

    def __init__(self, master: Master, question: Question, gap: float, deadline: float, start: Floats | None) -> None:
        self.master, self.question, self.gap, self.deadline, self.start = master, question, gap, deadline, start
        self.points: list[Attained] = []
        self.bound, self.word = -math.inf, ""
        self.termination = Termination.TIME_LIMIT
        self.chosen: set[int] = set()

    def run(self, rounds: int, relaxed: Relaxed | None = None) -> None:
        """Solve and cut, so many times at most, from the question's linear relaxation if it is known already."""
        relaxed = relaxed or self.master.relax(self.question, seconds=self._left())
        self.bound, self.termination = relaxed.bound, relaxed.termination
        self.word = relaxed.termination.value
        if relaxed.termination is not Termination.OPTIMAL:
            return
        if not self.master.integers.size:
            if relaxed.attained is not None:
                self.points.append(relaxed.attained)
            return
        if relaxed.x is not None:
            self._choose(relaxed.x, SLACK)
        if self.start is not None:
            self._choose(self.start, 0.1 * SLACK)
        for number in range(rounds):
            if not self._round(loose=2.5 if number == 0 and self.master.has_blocks else 1.0):
                return

    def _left(self) -> float:
        return self.deadline - time.perf_counter()

    def _choose(self, x: Floats, slack: float) -> None:
        for number, cut in enumerate(self.master.cuts):
            if x[cut.theta] - cut.at(x) <= slack * (1.0 + abs(x[cut.theta])):
                self.chosen.add(number)

    def _round(self, loose: float) -> bool:
        """One solve; returns whether another makes sense."""
        master, question = self.master, self.question
        if self._left() <= 0:
            self.termination = Termination.TIME_LIMIT
            return False
        options = {**(MIP_OPTIONS if master.is_large else {}), **master.options}
        limits = Limits(self._left(), max(self.gap * 0.5 * loose, 1e-9), 0.0, master.seed, options)
        cuts = [master.cuts[number] for number in sorted(self.chosen)]
        outcome = master.mixed(question, cuts, limits, self.start)
        self.bound, self.word = max(self.bound, outcome.bound), outcome.word
        self.termination = outcome.termination
        if outcome.values is None:
            return False
        known = len(master.cuts)
        self._collect(outcome.values)
        self._choose(outcome.values, TOLERANCE)
        new = set(range(known, len(master.cuts)))
        self.chosen |= new
        if self.best() - self.bound <= self.gap or outcome.termination is not Termination.OPTIMAL:
            return False
        return master.has_blocks

    def best(self) -> float:
        """The question's objective at the best plan found that meets its caps; inf if there is none."""
        inside = [self.question.value(p.first, p.second) for p in self.points if self.question.allows(p)]
        return min(inside, default=math.inf)

    def _collect(self, x: Floats) -> None:
        master, question = self.master, self.question
        if master.has_blocks:
            true, missing = master.true_point(x, question)
            master.add_cuts(missing)
            if true is not None:
                self.points.append(true)
        point = master.polish(question, x)
        if point is None and math.isfinite(question.max_second):
            steep = Question(weight=max(question.weight, 1.0) * 100.0, of_first=question.of_first)
            point = master.polish(steep, x)
        if point is not None:
            self.points.append(point)
            if question.allows(point) and question.value(point.first, point.second) <= self.best():
                self.start = point.x
