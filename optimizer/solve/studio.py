"""A studio answers tasks: one question each, with slices of the portfolio found, wherever the studio lives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.master import Answer, Attained, Master, Question
from optimizer.solve.recourse import Cut


@dataclass(frozen=True)
class Task:
    """A question with the gap and time it may take, and what to do with its portfolio afterwards."""

    question: Question
    gap: float
    seconds: float
    weights: tuple[float, ...] = ()
    is_end: bool = False


@dataclass
class Studio:
    """Answers tasks: a master, wherever it lives."""

    master: Master

    def study(self, task: Task, start: Attained | None, cuts: Sequence[Cut]) -> Answer:
        """Answer a task and take slices of its portfolio; cuts of others are taken over first."""
        self.master.add_cuts(cuts)
        known = len(self.master.cuts)
        began = time.perf_counter()
        answer = self.master.answer(task.question, task.gap, task.seconds, None if start is None else start.x)
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
