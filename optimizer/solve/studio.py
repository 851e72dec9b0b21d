"""A studio answers tasks: one question each, with slices of the portfolio found, wherever the studio lives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.dive import dive
from optimizer.solve.highs import Termination
from optimizer.solve.master import Master
from optimizer.solve.question import Answer, Attained, Question, Relaxed
from optimizer.solve.recourse import BlockPlan, Cut


@dataclass(frozen=True)
class Task:
    """A question with the gap and time it may take, and what to do with its portfolio afterwards."""

    question: Question
    gap: float
    seconds: float
    weights: tuple[float, ...] = ()
    is_end: bool = False
    relaxed: Relaxed | None = None


@dataclass(frozen=True)
class Ground:
    """A question's linear relaxation, the plans found by rounding it (best first), and the cuts found on the way."""

    relaxed: Relaxed
    plans: tuple[Attained, ...]
    cuts: tuple[Cut, ...]


@dataclass
class Studio:
    """Answers tasks: a master, wherever it lives."""

    master: Master

    def tread(self, question: Question, seconds: float, slack: float, cuts: Sequence[Cut]) -> Ground:
        """Relax a question; where mixed-integer solves are long, round the relaxation to a plan and take slices.

        Args:
            question: what to minimise under which caps.
            seconds: limit.
            slack: what the relaxation may lack, as of :meth:`optimizer.solve.master.Master.relax`.
            cuts: found by others.
        """
        deadline = time.perf_counter() + seconds
        self.master.add_cuts(cuts)
        known = len(self.master.cuts)
        relaxed = self.master.relax(question, seconds=seconds, slack=slack)
        plans = self._rounded(question, relaxed, deadline, slack)
        return Ground(replace(relaxed, outcome=None), tuple(plans), tuple(self.master.cuts[known:]))

    def _rounded(self, question: Question, relaxed: Relaxed, deadline: float, slack: float) -> list[Attained]:
        is_worth_it = self.master.is_large and self.master.integers.size and question.of_first > 0.0
        if not is_worth_it or relaxed.termination is not Termination.OPTIMAL:
            return []
        plan = dive(self.master, question, slack) or self._softer(relaxed, deadline, slack)
        if plan is None or self.master.is_pure or relaxed.price <= 0.0:
            return [] if plan is None else [plan]
        return [plan, *self.master.slice(plan.x, (relaxed.price,), slack)]

    def _softer(self, relaxed: Relaxed, deadline: float, slack: float) -> Attained | None:
        """Where rounding breaks the cap itself: the same relaxation with the cap's price in its place."""
        left = deadline - time.perf_counter()
        if relaxed.price <= 0.0 or left <= 0.0:
            return None
        priced = Question(relaxed.price)
        is_there = self.master.relax(priced, seconds=left, slack=slack).termination is Termination.OPTIMAL
        return dive(self.master, priced, slack) if is_there else None

    def study(self, task: Task, start: Attained | None, cuts: Sequence[Cut]) -> Answer:
        """Answer a task and take slices of its portfolio; cuts of others are taken over first."""
        self.master.add_cuts(cuts)
        known = len(self.master.cuts)
        began = time.perf_counter()
        begin = None if start is None else start.x
        answer = self.master.answer(task.question, task.gap, task.seconds, begin, relaxed=task.relaxed)
        points = list(answer.attained)
        if points:
            points += self._more(points[0], task)
        return Answer(
            task.question,
            tuple(points),
            answer.bound,
            answer.termination,
            answer.word,
            time.perf_counter() - began,
            tuple(self.master.cuts[known:]),
        )

    def evaluate(self, x: Floats, numbers: Sequence[int]) -> list[tuple[float, Cut]]:
        """Loss and cut of some recourse blocks."""
        return self.master.recourse.here.evaluate(x, numbers)

    def plan(self, x: Floats, numbers: Sequence[int], secondary: Sequence[Floats | None]) -> list[BlockPlan]:
        """Recourse solutions of some blocks."""
        return self.master.recourse.here.plan(x, numbers, secondary)

    def _more(self, best: Attained, task: Task) -> list[Attained]:
        more: list[Attained] = []
        if task.is_end and task.question.weight > 1.0:
            safest = self.master.safest(best.x)
            more += [] if safest is None else [safest]
        if self.master.is_pure:
            return more
        return more + self.master.slice(best.x, task.weights)


def open_studio(program: CompiledProgram, first: str, second: str, seed: int) -> Studio:
    """A studio of its own, for a worker process."""
    return Studio(Master(program, first, second, None, seed))
