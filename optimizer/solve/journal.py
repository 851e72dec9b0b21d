"""What a trace has been answered so far, so that it can be taken up where it was left.

An entry is one question with its answer: proven bound, attained plans, cuts. All of them hold whatever else is asked,
so a trace that is taken up starts from all of them, and asks again only what was cut short by a limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optimizer.solve.compiled import Floats
from optimizer.solve.highs import Termination
from optimizer.solve.question import Answer, Attained, Question, Relaxed
from optimizer.solve.recourse import Cut

RELAXED, ROUNDED, ASKED, EXACT = "relaxed", "rounded", "asked", "exact"
"""Kinds of entries: the linear phase and plans rounded from it, the search within a tolerance, the exact search."""

_FINAL = (Termination.OPTIMAL, Termination.INFEASIBLE, Termination.UNBOUNDED)


@dataclass(frozen=True)
class Entry:
    """One question answered.

    Attributes:
        kind: ``relaxed``, ``rounded``, ``asked`` or ``exact``.
        gap: absolute gap the answer could stop at (units of the question's objective).
        seconds: time the answer was given.
        answer: what came of it, with the cuts found on the way.
        price: of a relaxation: price of the cap on the second objective.
        x: of a relaxation: the first-stage vector, or None.
    """

    kind: str
    gap: float
    seconds: float
    answer: Answer
    price: float = 0.0
    x: Floats | None = None

    @property
    def is_final(self) -> bool:
        """Whether no limit cut the answer short."""
        return self.answer.termination in _FINAL

    def relaxed(self) -> Relaxed:
        """The entry as the linear phase gave it."""
        attained = self.answer.attained[0] if self.answer.attained else None
        return Relaxed(self.answer.termination, self.answer.bound, self.price, self.x, attained)


def relaxed_entry(question: Question, relaxed: Relaxed, cuts: Sequence[Cut]) -> Entry:
    """An entry of the linear phase."""
    attained = () if relaxed.attained is None else (relaxed.attained,)
    word = relaxed.termination.value
    answer = Answer(question, attained, relaxed.bound, relaxed.termination, word, 0.0, tuple(cuts))
    return Entry(RELAXED, 0.0, math.inf, answer, relaxed.price, relaxed.x)


def rounded_entry(question: Question, plans: Sequence[Attained]) -> Entry:
    """An entry of plans that prove nothing."""
    answer = Answer(question, tuple(plans), -math.inf, Termination.OPTIMAL, ROUNDED, 0.0)
    return Entry(ROUNDED, 0.0, math.inf, answer)


class Journal:
    """Entries of earlier attempts, and where new ones go.

    Args:
        entries: what earlier attempts were answered, oldest first.
        keep: called with every new entry, at once.
    """

    def __init__(self, entries: Sequence[Entry] = (), keep: Callable[[Entry], None] | None = None) -> None:
        self.entries = tuple(entries)
        self._keep = keep
        self.is_repeatable = not entries

    def recall(self, kind: str, question: Question, gap: float, seconds: float) -> Entry | None:
        """An earlier answer at least as good as asking again would give, or None."""
        for entry in self.entries:
            if entry.kind == kind and entry.answer.question == question and entry.gap <= gap:
                if entry.is_final:
                    return entry
                if entry.answer.termination is Termination.TIME_LIMIT and entry.seconds >= 0.99 * seconds:
                    return entry
        return None

    def add(self, entry: Entry) -> None:
        """Keep a new entry; an answer cut short by time makes the trace one that another machine may not repeat."""
        self.is_repeatable = self.is_repeatable and entry.is_final
        if self._keep is not None:
            self._keep(entry)
