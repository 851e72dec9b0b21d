"""Puts questions to studios - those of a team, or one in this process - and keeps every answer.

All studios share one pool of cuts: with each question a studio gets what the others found since it was last asked.
Answers are merged in the order of the questions, so a result does not depend on which member was quicker.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optimizer.solve.crew import Message, Team
from optimizer.solve.highs import Termination
from optimizer.solve.journal import ASKED, RELAXED, ROUNDED, Entry, Journal, relaxed_entry, rounded_entry
from optimizer.solve.master import Master
from optimizer.solve.question import Answer, Attained, Question
from optimizer.solve.recourse import Cut
from optimizer.solve.studio import Ground, Studio, Task

_NOBODY = -1
"""Finder of a cut that an earlier attempt left."""


@dataclass
class Desk:
    """Where questions are put.

    Attributes:
        master: answers everything if there is no crew.
        deadline: moment (performance counter) to stop.
        journal: answers of an earlier attempt, and where new ones are kept.
        crew: members that each hold a studio, or None.
        pool: all cuts with the member that found them.
        sent: per member, how much of the pool it has been sent.
    """

    master: Master
    deadline: float
    journal: Journal = field(default_factory=Journal)
    crew: Team | None = None
    pool: list[tuple[int, Cut]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        earlier = [cut for entry in self.journal.entries for cut in entry.answer.cuts]
        self.master.add_cuts(earlier)
        self.pool = [(_NOBODY, cut) for cut in earlier]
        self.sent = [0] * self.size

    @property
    def size(self) -> int:
        """How many questions are answered side by side."""
        return 1 if self.crew is None else max(1, len(self.crew))

    @property
    def seconds_left(self) -> float:
        """Until the deadline; never negative."""
        return max(0.0, self.deadline - time.perf_counter())

    def relax(self, questions: Sequence[Question], slack: float = 0.0) -> list[Ground]:
        """Relaxations of some questions (at most as many as there are members), with the plans rounded from them.

        Args:
            questions: what to relax.
            slack: what a large program's relaxations may lack, in the questions' objective.
        """
        found = {k: self._known(question) for k, question in enumerate(questions)}
        open_ones = [k for k, ground in found.items() if ground is None]
        calls = [(questions[k], self.seconds_left, slack) for k in open_ones]

        def keep(number: int, ground: Ground) -> None:
            question = questions[open_ones[number]]
            self.journal.add(relaxed_entry(question, ground.relaxed, ground.cuts))
            if ground.plans:
                self.journal.add(rounded_entry(question, ground.plans))

        for k, ground in zip(open_ones, self._ask("tread", calls, keep), strict=True):
            found[k] = ground
        return [ground for ground in found.values() if ground is not None]

    def _known(self, question: Question) -> Ground | None:
        earlier = self.journal.recall(RELAXED, question, 0.0, math.inf)
        if earlier is None:
            return None
        plans = self.journal.recall(ROUNDED, question, 0.0, math.inf)
        return Ground(earlier.relaxed(), () if plans is None else plans.answer.attained, ())

    def is_known(self, task: Task) -> bool:
        """Whether an earlier attempt has an answer as good as asking again would give."""
        return self.journal.recall(ASKED, task.question, task.gap, task.seconds) is not None

    def study(self, tasks: Sequence[Task], starts: Sequence[Attained | None]) -> list[Answer]:
        """Answers to tasks (at most as many as there are members), each begun from a plan if there is one."""
        limited = [replace(task, seconds=min(task.seconds, max(0.1, self.seconds_left))) for task in tasks]

        def keep(number: int, answer: Answer) -> None:
            self.journal.add(Entry(ASKED, limited[number].gap, limited[number].seconds, answer))

        answers: list[Answer] = self._ask("study", list(zip(limited, starts, strict=True)), keep)
        if any(answer.termination is Termination.INTERRUPTED for answer in answers):
            raise KeyboardInterrupt
        return answers

    def _ask(self, method: str, calls: Sequence[tuple[Any, ...]], keep: Callable[[int, Any], None]) -> list[Any]:
        """Call a studio's method once per member, with the cuts that member does not have yet."""
        if self.crew is None:
            answers = []
            for number, call in enumerate(calls):
                answers.append(getattr(Studio(self.master), method)(*call, ()))
                keep(number, answers[-1])
            return answers
        messages: list[Message] = []
        for member, call in enumerate(calls):
            others = [cut for owner, cut in self.pool[self.sent[member] :] if owner != member]
            messages.append((method, (*call, others)))
            self.sent[member] = len(self.pool)
        answers = self.crew.ask(messages, keep)
        for member, answer in enumerate(answers):
            self.pool.extend((member, cut) for cut in answer.cuts)
        return answers
